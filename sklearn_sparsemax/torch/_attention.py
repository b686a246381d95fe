"""Attention over a padded batch, with weights that may be exactly zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._entmax import entmax
from ._functions import check_mask, sparsemax

ATTENTIONS = ("none", "logistic", "softmax", "entmax", "sparsemax")


class Attention(nn.Module):
    r"""Additive attention over a padded batch of states, as in section 4.3 of [1]_.

    A query :math:`q` looks for what concerns it among states :math:`h_1, \dots, h_T`. Each
    state has a score, the scores become weights, and the context is the weighted sum:

    .. math::

        z_t = v^\top \tanh(W^{(m)} h_t + W^{(h)} q + b), \qquad p = \rho(z), \qquad
        c = \sum_t p_t h_t.

    Parameters
    ----------
    state_size : int
        Size of a state.
    query_size : int, default=None
        Size of the query. None means `state_size`.
    hidden_size : int, default=None
        Size of :math:`v`. None means `state_size`.
    attention : {"none", "logistic", "softmax", "entmax", "sparsemax"}, default="sparsemax"
        What the weights are.

        - "none": 1 for the last state that is not masked, whatever the query; no parameters;
        - "logistic": :math:`1 / (1 + e^{-z_t})`, each for itself; they need not sum to 1;
        - "softmax": positive, with sum 1;
        - "entmax": the entmax of alpha = 1.5, with sum 1, and exactly zero for states that are
          out of the question;
        - "sparsemax": with sum 1, and exactly zero for states that do not matter.

    Raises
    ------
    ValueError
        If `attention` is unknown.

    References
    ----------
    .. [1] Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
       and Multi-Label Classification", ICML. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import Attention
    >>> states, query = torch.randn(2, 5, 8), torch.randn(2, 8)
    >>> mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    >>> context, weights = Attention(8)(states, query, mask)
    >>> context.shape, weights.shape
    (torch.Size([2, 8]), torch.Size([2, 5]))
    >>> weights[1, 3:].tolist()
    [0.0, 0.0]
    """

    def __init__(
        self,
        state_size: int,
        query_size: int | None = None,
        hidden_size: int | None = None,
        *,
        attention: str = "sparsemax",
    ) -> None:
        super().__init__()
        if attention not in ATTENTIONS:
            raise ValueError(f"attention is {attention!r}; one of {ATTENTIONS} is needed.")
        self.attention = attention
        if attention != "none":
            hidden_size = state_size if hidden_size is None else hidden_size
            query_size = state_size if query_size is None else query_size
            self.of_states = nn.Linear(state_size, hidden_size)
            self.of_query = nn.Linear(query_size, hidden_size, bias=False)
            self.score = nn.Linear(hidden_size, 1, bias=False)

    def forward(
        self, states: Tensor, query: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend to some of the states.

        Parameters
        ----------
        states : Tensor of shape (n, T, state_size)
            States of n sequences, each of T positions with its padding.
        query : Tensor of shape (n, query_size)
            A query for each sequence.
        mask : Tensor of bool, shape (n, T), default=None
            True for states, False for padding. None means that there is no padding.

        Returns
        -------
        context : Tensor of shape (n, state_size)
            Weighted sums of states.
        weights : Tensor of shape (n, T)
            The weights: 0 where masked, and all 0 in a sequence that is masked as a whole.

        Raises
        ------
        TypeError
            If `mask` is not of bool.
        ValueError
            If `mask` does not broadcast to (n, T).
        """
        if mask is None:
            mask = states.new_ones(states.shape[:2], dtype=torch.bool)
        check_mask(mask, states.shape[:2], "states without their size")
        mask = mask.expand(states.shape[:2])
        if self.attention == "none":
            weights = _last(mask).to(states.dtype)
        else:
            hidden = torch.tanh(self.of_states(states) + self.of_query(query)[:, None])
            weights = self._weights(self.score(hidden).squeeze(-1), mask)
        return torch.einsum("nt,nts->ns", weights, states), weights

    def _weights(self, scores: Tensor, mask: Tensor) -> Tensor:
        if self.attention == "sparsemax":
            return sparsemax(scores, mask=mask)
        if self.attention == "entmax":
            return entmax(scores, mask=mask)
        if self.attention == "logistic":
            return scores.sigmoid() * mask
        # the least finite score rather than -inf, since rows of -inf have no softmax
        return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1) * mask

    def extra_repr(self) -> str:
        """Options for the printed form, which PyTorch asks for.

        Returns
        -------
        text : str
            The options.
        """
        return f"attention={self.attention!r}"


def _last(mask: Tensor) -> Tensor:
    """Where the last True of each row is."""
    n_from_here = mask.flip(-1).cumsum(-1).flip(-1)
    return mask & (n_from_here == 1)

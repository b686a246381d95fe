"""The functions as modules, to stand in a model."""

from __future__ import annotations

from torch import Tensor, nn

from ._functions import sparsemax
from ._loss import REDUCTIONS, sparsemax_loss


class Sparsemax(nn.Module):
    """Sparsemax along a dimension, in the place of ``torch.nn.Softmax``.

    Parameters
    ----------
    dim : int, default=-1
        Dimension along which the probabilities sum to 1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import Sparsemax
    >>> Sparsemax(dim=0)(torch.tensor([0.5, 0.0, -1.0]))
    tensor([0.7500, 0.2500, 0.0000])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Probabilities, as :func:`sparsemax` returns them."""
        return sparsemax(scores, self.dim, mask=mask)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class SparsemaxLoss(nn.Module):
    """Sparsemax loss of scores, in the place of ``torch.nn.CrossEntropyLoss``.

    Parameters
    ----------
    dim : int, default=-1
        Dimension of the outputs.
    weight : Tensor of shape (K,), default=None
        Weights of the outputs, kept as a buffer.
    ignore_index : int, default=-100
        The class of slices that have no loss.
    label_smoothing : float, default=0.0
        Share of the target distribution that is spread over all outputs, from 0 to 1.
    reduction : {"mean", "sum", "none"}, default="mean"
        What to make of the losses of all slices. :func:`sparsemax_loss` describes it.

    Raises
    ------
    ValueError
        If `reduction` is unknown.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import SparsemaxLoss
    >>> SparsemaxLoss()(torch.tensor([[0.5, 0.0, -1.0]]), torch.tensor([1]))
    tensor(0.5625)
    """

    weight: Tensor | None

    def __init__(
        self,
        dim: int = -1,
        *,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction is {reduction!r}; one of {REDUCTIONS} is needed.")
        self.dim = dim
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.reduction = reduction

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        """Losses, as :func:`sparsemax_loss` returns them."""
        return sparsemax_loss(
            scores,
            target,
            self.dim,
            weight=self.weight,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        return f"dim={self.dim}, reduction={self.reduction!r}"

"""The network of section 4.3 of Martins & Astudillo (2016), and one that compares."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._attention import Attention
from ._vocabulary import PADDING

COMBINATIONS = ("comparison", "sum")


class NLINetwork(nn.Module):
    """A recurrent encoder, attention from the hypothesis to the premise, and an output.

    Word vectors are projected to the size of the hidden states. A gated recurrent unit (GRU)
    reads the premise, h_1 ... h_L, and goes on with the hypothesis. Its last state there, h_N, is
    the query of the attention over h_1 ... h_L, whose context is c. The two are combined to

        u = tanh(W_c c + W_h h_N + b)                                      ("sum", the paper's) or
        u = tanh(W_c c + W_h h_N + W_p (c * h_N) + W_d |c - h_N| + b)      ("comparison"),

    and the scores of the classes are V u + a.

    Parameters
    ----------
    vectors : ndarray of shape (n_given, size)
        Word vectors that are not learnt.
    n_learnt : int
        Number of those that are, which have the first indices.
    n_classes, hidden_size : int
        Sizes of the output and of the states.
    dropout : float
        Share of the entries of word vectors and of u that are zeroed in training.
    attention : str
        The weights, as in `Attention`.
    combination : str
        One of `COMBINATIONS`.
    """

    given: Tensor

    def __init__(
        self,
        vectors: Any,
        n_learnt: int,
        n_classes: int,
        hidden_size: int,
        dropout: float,
        attention: str,
        combination: str,
    ) -> None:
        super().__init__()
        given = torch.tensor(vectors)
        size = given.shape[1]
        self.learnt = nn.Embedding(n_learnt, size, padding_idx=PADDING)
        if len(given):
            with torch.no_grad():
                self.learnt.weight.mul_(given.std())
        # row 0 stands for all words that have a learnt vector
        self.register_buffer("given", torch.cat([given.new_zeros(1, size), given]))
        self.projection = nn.Linear(size, hidden_size)
        self.encoder = nn.GRU(hidden_size, hidden_size, batch_first=True)
        _initialise(self.encoder)
        self.attention = Attention(hidden_size, attention=attention)
        self.compares = combination == "comparison"
        self.combine = nn.Linear((4 if self.compares else 2) * hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, n_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, premise: Tensor, hypothesis: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (n, n_classes) and attention weights (n, T) of padded word indices."""
        states, end = self._read(premise, None)
        _, query = self._read(hypothesis, end[None])
        context, weights = self.attention(states, query, premise != PADDING)
        parts = [context, query]
        if self.compares:
            parts += [context * query, (context - query).abs()]
        hidden = torch.tanh(self.combine(torch.cat(parts, dim=-1)))
        return self.output(self.dropout(hidden)), weights

    def _read(self, indices: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """States at all words, and that at the last word, before the padding."""
        states, _ = self.encoder(self._embed(indices), start)
        last = (indices != PADDING).sum(dim=1) - 1
        return states, states[torch.arange(len(states), device=states.device), last]

    def _embed(self, indices: Tensor) -> Tensor:
        n_learnt = self.learnt.num_embeddings
        learnt = self.learnt(indices.masked_fill(indices >= n_learnt, PADDING))
        given = self.given[(indices - n_learnt + 1).clamp(min=0)]
        return self.projection(self.dropout(learnt + given))


def _initialise(encoder: nn.GRU) -> None:
    """Orthogonal matrices from state to state, which neither swell nor shrink on the way."""
    for name, parameter in encoder.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.data.chunk(3):
                nn.init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.zeros_(parameter)

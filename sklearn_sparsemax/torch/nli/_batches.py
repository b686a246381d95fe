"""Pairs of sentences in padded batches of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler

from ._vocabulary import PADDING

BATCHES_PER_POOL = 50


class Pairs(Dataset[Any]):
    """Word indices of premises and hypotheses, and their classes."""

    def __init__(
        self,
        premises: Sequence[np.ndarray],
        hypotheses: Sequence[np.ndarray],
        codes: np.ndarray | None = None,
    ) -> None:
        self.premises = premises
        self.hypotheses = hypotheses
        self.codes = np.zeros(len(premises), dtype=np.int64) if codes is None else codes
        self.lengths = np.array([*map(len, premises)]) + np.array([*map(len, hypotheses)])

    def __len__(self) -> int:
        return len(self.premises)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, int]:
        premise, hypothesis = self.premises[i], self.hypotheses[i]
        return torch.from_numpy(premise), torch.from_numpy(hypothesis), int(self.codes[i])

    def subset(self, rows: np.ndarray) -> Pairs:
        """These rows, in their order."""
        premises = [self.premises[i] for i in rows]
        hypotheses = [self.hypotheses[i] for i in rows]
        return Pairs(premises, hypotheses, self.codes[rows])


def collate(rows: Sequence[tuple[Tensor, Tensor, int]]) -> tuple[dict[str, Tensor], Tensor]:
    """A batch, its sentences padded at their end."""
    premises, hypotheses, codes = zip(*rows, strict=True)
    padded = {
        name: pad_sequence(list(sentences), batch_first=True, padding_value=PADDING)
        for name, sentences in (("premise", premises), ("hypothesis", hypotheses))
    }
    return padded, torch.tensor(codes)


class SimilarLengths(Sampler[int]):
    """All rows in random order, but pairs of similar length side by side: less is padding.

    Pools of `BATCHES_PER_POOL` batches are drawn at random, sorted by length and cut into
    batches, whose order is random again.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int) -> None:
        self.lengths = torch.from_numpy(lengths)
        self.batch_size = batch_size

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        for pool in torch.randperm(len(self)).split(BATCHES_PER_POOL * self.batch_size):
            batches = pool[self.lengths[pool].argsort(stable=True)].split(self.batch_size)
            whole = len(pool) // self.batch_size
            for i in torch.randperm(whole).tolist():
                yield from batches[i].tolist()
            # the rest, which is shorter than a batch, comes last: batches are cut one by one
            for batch in batches[whole:]:
                yield from batch.tolist()

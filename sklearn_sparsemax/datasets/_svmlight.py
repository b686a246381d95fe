"""Multilabel svmlight: what scikit-learn's reader leaves to check, and names of its columns."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import chain
from typing import IO, Any, overload

import numpy as np

# No data set has more labels. A greater number is a mistake.
MOST_LABELS = 10_000_000
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
LINE = re.compile(
    rf"\s*(?:{NUMBER}(?:,{NUMBER})*)?(?:\s+qid:\d+)?(?:\s+\d+:{NUMBER})*\s*(?:#.*)?".encode(),
    re.DOTALL,
)


class NumberedNames(Sequence[str]):
    """The names ``prefix0``, ``prefix1``, ... of many columns, made when they are asked for.

    Parameters
    ----------
    prefix : str
        What stands before the number.
    n_names : int
        How many there are.
    """

    def __init__(self, prefix: str, n_names: int) -> None:
        self._prefix = prefix
        self._numbers = range(n_names)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [f"{self._prefix}{number}" for number in self._numbers[place]]
        return f"{self._prefix}{self._numbers[place]}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NumberedNames):
            return (self._prefix, self._numbers) == (other._prefix, other._numbers)
        if isinstance(other, list | tuple):
            same = (one == another for one, another in zip(self, other, strict=False))
            return len(self) == len(other) and all(same)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"NumberedNames({self._prefix!r}, {len(self)})"


def read_svmlight(
    file: IO[bytes],
    names: list[str] | None,
    n_features: int | None,
    zero_based: bool | str,
    source: str,
) -> tuple[Any, Any]:
    """Features and indicator matrix, both CSR; `source` is the file for messages."""
    from sklearn.datasets import load_svmlight_file

    content = file.read()
    try:
        X, label_sets = load_svmlight_file(
            io.BytesIO(content), n_features=n_features, multilabel=True, zero_based=zero_based
        )
    except (ValueError, OverflowError, MemoryError) as error:
        raise ValueError(
            f"{_wrong_line(content)}{source} could not be read as multilabel svmlight: {error}"
        ) from error

    counts = np.fromiter(map(len, label_sets), np.int64, len(label_sets))
    flat = np.fromiter(chain.from_iterable(label_sets), np.float64, counts.sum())
    beyond = len(names) if names else MOST_LABELS
    bad = np.flatnonzero(~((flat >= 0) & (flat < beyond) & (flat == np.floor(flat))))
    if bad.size:
        row = int(np.searchsorted(np.cumsum(counts), bad[0], side="right"))
        allowed = f"0 to {beyond - 1}, one for each name" if names else f"0, 1, 2, ... {beyond - 1}"
        raise ValueError(
            f"row {row} (line {_line_of_row(content, row)}) of {source} has the label "
            f"{flat[bad[0]]:g}: labels must be {allowed}."
        )
    n_labels = len(names) if names else int(flat.max(initial=-1)) + 1
    # Of the container that scikit-learn chose for X.
    Y = type(X)(
        (np.ones(flat.size, np.int64), flat.astype(np.int64), np.append(0, np.cumsum(counts))),
        shape=(len(label_sets), n_labels),
    )
    Y.sum_duplicates()
    Y.data[:] = 1  # a label that a row lists twice is in its set once
    return X, Y


def _wrong_line(content: bytes) -> str:
    """Which line is not of the form, if one is."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if LINE.fullmatch(line) is None:
            return f"line {number} of "
    return ""


def _line_of_row(content: bytes, row: int) -> int:
    """The line of a row, counted from 1. Blank lines and comments are no rows."""
    n_rows = -1
    for number, line in enumerate(content.split(b"\n"), start=1):
        n_rows += bool(line.partition(b"#")[0].strip())
        if n_rows == row:
            return number
    return row + 1

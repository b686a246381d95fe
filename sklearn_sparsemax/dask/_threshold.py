"""The cut that predicts as many labels as the training rows have, over partitions.

It is the smallest probability p, of all rows and labels, such that the weight of all larger ones is
at most the weight of all labels. Histograms of the probabilities find it. Their bins divide a range
of the floating point numbers evenly. Each histogram is of the bin that holds the cut, until few
values are left.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._problem.objective import NUMBERS_PER_BLOCK
from .._typing import Array
from ._partition import Partition
from .partitions import Partitions

N_BINS = 4096
# Different values of a bin that a partition sends.
FEW_VALUES = 4096
# rounding of sums of weights
ROUNDING = 1e-12


class Histogram(NamedTuple):
    """Weights of probabilities within a range, and those of larger ones.

    Attributes
    ----------
    masses : ndarray of shape (N_BINS,)
        Weight in each bin.
    above : float
        Weight above the range.
    next_larger : ndarray of shape (N_BINS + 1,)
        Smallest value in each bin, and above the range.
    values, masses_of_values : ndarray or None
        The different values in the range, and their weights, if they are few.
    """

    masses: Array
    above: float
    smallest: Array
    values: Array | None
    masses_of_values: Array | None


def cut(problem: Partitions, model: Any) -> float:
    """The cut of a model with coefficients."""
    coef = model.coef_.T
    low, high = 0, _order(np.ones(1)).item() + 1
    limit = problem.label_mass * (1 + ROUNDING)
    while True:
        common = (coef, model.intercept_, low, high)
        found: Histogram = problem.tasks.reduce(
            "threshold", _histogram, problem.handles, common=common, add=_add
        )
        if found.values is not None:
            return _cut_of_values(found, limit)
        # weight of all values above each bin
        above = found.above + np.cumsum(found.masses[::-1])[::-1] - found.masses
        inside = np.flatnonzero((above <= limit) & (found.masses > 0))
        if not inside.size:
            return 0.0
        edges = _edges(low, high)
        bin_of_cut = int(inside[0])
        low, high = int(edges[bin_of_cut]), int(edges[bin_of_cut + 1])


def _cut_of_values(found: Histogram, limit: float) -> float:
    """The cut, between the first value too many and the next larger one."""
    assert found.values is not None
    assert found.masses_of_values is not None
    values, masses = found.values, found.masses_of_values
    above = found.above + np.cumsum(masses[::-1])[::-1] - masses
    kept = np.flatnonzero(above <= limit)
    first = int(kept[0]) if kept.size else values.size
    total = found.above + masses.sum()
    if first == 0 and total <= limit:
        return 0.0
    value = values[first]
    larger = values[first + 1] if first + 1 < values.size else found.smallest[-1]
    return float((larger + value) / 2 if np.isfinite(larger) else value)


def _order(values: Array) -> Array:
    """Integers in the order of numbers that are 0 or more."""
    return np.asarray(values, np.float64).view(np.int64)


def _edges(low: int, high: int) -> Array:
    """Bounds of the bins in [low, high)."""
    return low + (np.arange(N_BINS + 1, dtype=object) * (high - low) // N_BINS).astype(np.int64)


def _histogram(
    partition: Partition, coef: Array, intercept: Array, low: int, high: int
) -> Histogram | None:
    objective = partition.objective
    if objective is None:
        return None
    edges = _edges(low, high)
    masses, above, smallest = np.zeros(N_BINS), 0.0, np.full(N_BINS + 1, np.inf)
    values, weights_of_values = np.zeros(0), np.zeros(0)
    few = True
    X = objective.X
    block_rows = max(1, NUMBERS_PER_BLOCK // coef.shape[1])
    for start in range(0, X.shape[0], block_rows):
        rows = slice(start, start + block_rows)
        scores = np.asarray(X[rows] @ coef.astype(X.dtype, copy=False))
        scores += intercept.astype(X.dtype, copy=False)
        p = partition.encoder.probabilities(np.ascontiguousarray(scores)).astype(np.float64)
        weights = objective.weights[rows] * partition.mass
        row, label = np.nonzero(p)
        p, weights = p[row, label], weights[row]
        order = _order(p)
        larger, inside = order >= high, (order >= low) & (order < high)
        above += float(weights[larger].sum())
        smallest[-1] = min(smallest[-1], p[larger].min(initial=np.inf))
        bins = np.searchsorted(edges, order[inside], side="right") - 1
        masses += np.bincount(bins, weights=weights[inside], minlength=N_BINS)
        np.minimum.at(smallest, bins, p[inside])
        if few:
            values = np.concatenate([values, p[inside]])
            weights_of_values = np.concatenate([weights_of_values, weights[inside]])
            values, weights_of_values = _merged(values, weights_of_values)
            few = values.size <= FEW_VALUES
    if not few:
        return Histogram(masses, above, smallest, None, None)
    return Histogram(masses, above, smallest, values, weights_of_values)


def _merged(values: Array, weights: Array) -> tuple[Array, Array]:
    """Different values, sorted, with the sums of their weights."""
    different, place = np.unique(values, return_inverse=True)
    return different, np.bincount(place, weights=weights, minlength=different.size)


def _add(terms: list[Histogram | None]) -> Histogram | None:
    known = [term for term in terms if term is not None]
    if not known:
        return None
    values = masses_of_values = None
    if all(term.values is not None for term in known):
        values, masses_of_values = _merged(
            np.concatenate([term.values for term in known if term.values is not None]),
            np.concatenate(
                [term.masses_of_values for term in known if term.masses_of_values is not None]
            ),
        )
    return Histogram(
        np.sum([term.masses for term in known], axis=0),
        sum(term.above for term in known),
        np.min([term.smallest for term in known], axis=0),
        values,
        masses_of_values,
    )

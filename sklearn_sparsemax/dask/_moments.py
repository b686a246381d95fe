"""Mean and variance of the features over partitions, without the outliers.

The rule for outliers is that of `_problem.moments`. Only the median distance is less exact: it
comes from a histogram, within a fifth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._problem.moments import (
    FAR,
    LARGEST_SHARE,
    MOST_ROUNDS,
    Sums,
    may_have_outliers,
    squared_distances,
    sums_of_rows,
)
from .._solvers._dual_rows import squares_of_rows
from .._typing import Array
from ._engine import Tasks

# Bins of the histogram: four for each factor of 2, from 2**-300 to 2**300.
PER_FACTOR = 4
HALF_RANGE = 300
# No more rows than this can each have more than `LARGEST_SHARE` of the total.
MOST_OUTLIERS = int(1 / LARGEST_SHARE)


class Distances(NamedTuple):
    """Distances of rows from the mean.

    Attributes
    ----------
    share : float
        Sum of weight times squared distance.
    histogram : ndarray
        Number of rows by the logarithm of the squared distance.
    farthest : list of tuple
        The rows with the largest shares: share, squared distance, partition, and row.
    """

    share: float
    histogram: Array
    farthest: list[tuple[float, float, int, int]]

    def median(self) -> float:
        """Median of the squared distances, within a fifth."""
        counts = np.cumsum(self.histogram)
        place = int(np.searchsorted(counts, counts[-1] / 2))
        return float(2.0 ** ((place + 0.5) / PER_FACTOR - HALF_RANGE))

    def outliers(self) -> dict[int, list[int]]:
        """Rows of each partition with a large share of the total, and far beyond the median."""
        far = FAR * self.median()
        found: dict[int, list[int]] = {}
        for share, distance, partition, row in self.farthest:
            if share > LARGEST_SHARE * self.share and distance > far:
                found.setdefault(partition, []).append(row)
        return found


def feature_moments(
    tasks: Tasks, handles: Sequence[Any], mass: float, *, with_outliers: bool
) -> tuple[Array, Array]:
    """Weighted mean and variance of each feature (d,), in double precision."""
    outliers: dict[int, list[int]] = {}
    sums, largest_weight, _ = tasks.reduce(
        "feature-moments", _sums, handles, common=(mass, outliers), add=_add_sums
    )
    mean, variance, farthest = sums.moments()
    if with_outliers or not may_have_outliers(largest_weight, variance, farthest):
        return mean, variance
    of_all = variance
    for _ in range(MOST_ROUNDS):
        distances = tasks.reduce(
            "distances-from-mean",
            _distances,
            handles,
            common=(mass, mean, variance, outliers),
            add=_add_distances,
        )
        found = distances.outliers()
        if not found:
            break
        outliers = {
            index: outliers.get(index, []) + found.get(index, [])
            for index in outliers.keys() | found.keys()
        }
        sums, _, weight = tasks.reduce(
            "feature-moments", _sums, handles, common=(mass, outliers), add=_add_sums
        )
        sums = sums._replace(mean=sums.mean / weight, square=sums.square / weight)
        mean, variance, _ = sums.moments()
    # a feature that varies in outliers alone is scaled by them
    return mean, np.where(variance > 0, variance, of_all)


def mean_and_spread(tasks: Tasks, handles: Sequence[Any], mass: float) -> tuple[Array, float]:
    """Weighted mean of the rows (d,), and their mean squared distance from it.

    Rows whose own length makes them outliers do not count.
    """
    common: tuple[Any, ...] = (mass, {})
    weight, square, total, lengths = tasks.reduce(
        "lengths-of-rows", _lengths, handles, common=common, add=_add_lengths
    )
    outliers = lengths.outliers()
    if outliers:
        weight, square, total, _ = tasks.reduce(
            "lengths-of-rows", _lengths, handles, common=(mass, outliers), add=_add_lengths
        )
    mean = total / weight
    return mean, max(square / weight - float(mean @ mean), 0.0)


def _lengths(
    partition: Any, mass: float, outliers: dict[int, list[int]]
) -> tuple[float, float, Array, Distances] | None:
    objective = partition.objective
    if objective is None:
        return None
    weights = _weights(partition, mass, outliers)
    squares = squares_of_rows(objective.X)
    return (
        float(weights.sum()),
        float(weights @ squares),
        objective.sum_of_rows(weights),
        _summary(partition, weights, squares),
    )


def _add_lengths(terms: list[Any]) -> Any:
    known = [term for term in terms if term is not None]
    if not known:
        return None
    sums = (sum(term[i] for term in known) for i in range(3))
    return (*sums, _add_distances([term[3] for term in known]))


def _weights(partition: Any, mass: float, outliers: dict[int, list[int]]) -> Array:
    weights = partition.objective.weights * (partition.mass / mass)
    weights[outliers.get(partition.index, [])] = 0
    return weights


def _sums(
    partition: Any, mass: float, outliers: dict[int, list[int]]
) -> tuple[Sums, float, float] | None:
    if partition.objective is None:
        return None
    weights = _weights(partition, mass, outliers)
    sums = sums_of_rows(partition.objective, weights)
    return sums, float(weights.max()), float(weights.sum())


def _add_sums(terms: list[Any]) -> tuple[Sums, float, float] | None:
    terms = [term for term in terms if term is not None]
    if not terms:
        return None
    sums = [term[0] for term in terms]
    total = Sums(
        np.sum([part.mean for part in sums], axis=0),
        np.sum([part.square for part in sums], axis=0),
        np.min([part.low for part in sums], axis=0),
        np.max([part.high for part in sums], axis=0),
    )
    return total, max(term[1] for term in terms), sum(term[2] for term in terms)


def _distances(
    partition: Any, mass: float, mean: Array, variance: Array, outliers: dict[int, list[int]]
) -> Distances | None:
    if partition.objective is None:
        return None
    weights = _weights(partition, mass, outliers)
    distances = squared_distances(partition.objective, mean, variance)
    return _summary(partition, weights, distances)


def _summary(partition: Any, weights: Array, distances: Array) -> Distances:
    """The summary of squared distances (n,)."""
    shares = weights * distances
    farthest = np.argsort(-shares)[:MOST_OUTLIERS]
    with np.errstate(divide="ignore"):
        bins = np.floor(PER_FACTOR * (np.log2(distances[weights > 0]) + HALF_RANGE))
    bins = np.clip(bins, 0, 2 * HALF_RANGE * PER_FACTOR - 1).astype(np.int64)
    return Distances(
        float(shares.sum()),
        np.bincount(bins, minlength=2 * HALF_RANGE * PER_FACTOR),
        [(float(shares[i]), float(distances[i]), partition.index, int(i)) for i in farthest],
    )


def _add_distances(terms: list[Distances | None]) -> Distances | None:
    known = [term for term in terms if term is not None]
    if not known:
        return None
    farthest = sorted((row for term in known for row in term.farthest), reverse=True)
    return Distances(
        sum(term.share for term in known),
        np.sum([term.histogram for term in known], axis=0),
        farthest[:MOST_OUTLIERS],
    )

r"""Mean and variance of the features, over the rows that are not outliers.

Solvers use them to centre and scale the features. A change of variables never changes the minimum,
so any center and any scale are correct. But a single row, a million times as large as the others,
would determine both. The other rows would then look constant, and no solver could distinguish them.

With m_j and v_j the weighted mean and variance of feature j, a row holds the share

    omega_i sum_j (x_ij - m_j)^2 / v_j

of a total of one for each feature. A row is an outlier if its share is more than
`LARGEST_SHARE` of the total and its distance from the mean is far above the median distance. The
moments are then computed again without it, until no row is an outlier.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import sparse

from .. import _arrays
from .._typing import Array, Matrix
from .._validation import check_squares

LARGEST_SHARE = 0.1
# Squared distance from the mean, as a multiple of the median of these.
FAR = 1000.0
MOST_ROUNDS = 5


class Rows(Protocol):
    """Blocks of rows with features `X` (m, d) and weights (m,), of `n_features` features."""

    n_features: int
    weights: Array
    blocks: list[Any]
    X: Matrix


def feature_moments(rows: Rows, *, with_outliers: bool = False) -> tuple[Array, Array]:
    """Weighted mean and variance of each feature (d,), in double precision."""
    mean, variance, farthest = sums_of_rows(rows, rows.weights).moments()
    largest_weight = _arrays.namespace(rows.weights).max(rows.weights)
    if with_outliers or not may_have_outliers(largest_weight, variance, farthest):
        return mean, variance
    xp = _arrays.namespace(variance)
    of_all = variance
    weights = rows.weights
    for _ in range(MOST_ROUNDS):
        outlying = is_outlier(squared_distances(rows, mean, variance), weights)
        if not xp.any(outlying):
            break
        weights = xp.where(outlying, xp.zeros_like(weights), weights)
        mean, variance, _ = sums_of_rows(rows, weights / xp.sum(weights)).moments()
    # a feature that varies in outliers alone is scaled by them
    return mean, xp.where(variance > 0, variance, of_all)


def is_outlier(squared_distances: Array, weights: Array) -> Array:
    """Rows (n,) with a large share of the total, and a distance far above the median."""
    share = weights * squared_distances
    median = _arrays.median(squared_distances[weights > 0])
    total = _arrays.namespace(share).sum(share)
    return (share > LARGEST_SHARE * total) & (squared_distances > FAR * median)


class Sums(NamedTuple):
    """Sums over rows for the moments of the features, each (d,).

    Attributes
    ----------
    mean, square : ndarray
        Weighted sums of the features and of their squares.
    low, high : ndarray
        Smallest and largest values.
    """

    mean: Array
    square: Array
    low: Array
    high: Array

    def moments(self) -> tuple[Array, Array, Array]:
        """Mean, variance, and largest squared distance from the mean of each feature."""
        xp = _arrays.namespace(self.mean)
        variance = xp.maximum(self.square - self.mean**2, xp.zeros_like(self.mean))
        farthest = xp.maximum((self.high - self.mean) ** 2, (self.low - self.mean) ** 2)
        return self.mean, variance, farthest


def sums_of_rows(rows: Rows, weights: Array) -> Sums:
    """The sums of rows with these weights (n,)."""
    xp = _arrays.namespace(weights)
    mean, square = _arrays.zeros(rows.n_features, weights), _arrays.zeros(rows.n_features, weights)
    low = _arrays.filled(rows.n_features, np.inf, weights)
    high = -low
    for block in rows.blocks:
        X = _arrays.in_double(block.X)
        of_block = weights[block.rows]
        mean += of_block @ X
        low, high = xp.minimum(low, _extreme(X, "min")), xp.maximum(high, _extreme(X, "max"))
        with np.errstate(over="ignore"):
            squares = X.power(2) if sparse.issparse(X) else _arrays.squared(X)
        square += of_block @ squares
    check_squares(square, rows.X)
    return Sums(mean, square, low, high)


def _extreme(X: Matrix, name: str) -> Array:
    if sparse.issparse(X):
        return getattr(X, name)(axis=0).toarray().ravel()
    return getattr(_arrays.namespace(X), name)(X, axis=0)


def may_have_outliers(largest_weight: Any, variance: Array, farthest: Array) -> bool:
    """Whether a row may have a large share, from the extremes of each feature alone."""
    with np.errstate(divide="ignore", invalid="ignore"):
        xp = _arrays.namespace(variance)
        zero, one = xp.zeros_like(variance), xp.ones_like(variance)
        shares = xp.where(variance > 0, largest_weight * farthest / variance, zero)
    varying = xp.sum(xp.where(variance != 0, one, zero))
    return bool(xp.sum(xp.minimum(shares, one)) > LARGEST_SHARE * varying)


def squared_distances(rows: Rows, mean: Array, variance: Array) -> Array:
    """Squared distances of the rows from the mean (n,), each feature in units of its variance."""
    xp = _arrays.namespace(mean)
    with np.errstate(divide="ignore"):
        precision = xp.where(variance > 0, 1 / variance, xp.zeros_like(variance))
    center = float(mean**2 @ precision)
    distances = []
    for block in rows.blocks:
        if sparse.issparse(block.X):
            X = block.X.astype(np.float64)
            of_rows = X.power(2) @ precision - 2 * (X @ (precision * mean)) + center
        else:
            of_rows = _arrays.squared(block.X - mean) @ precision
        distances.append(xp.maximum(of_rows, xp.zeros_like(of_rows)))
    return _arrays.concatenated(distances)

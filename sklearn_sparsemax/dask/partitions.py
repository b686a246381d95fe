"""The objective over partitions of the rows.

Each partition is an `Objective` of its own rows, without a penalty, on the worker that holds them.
With m_p the total weight of partition p,

    F(W, b) = sum_p m_p / (sum_p m_p) F_p(W, b) + alpha/2 ||W||^2,

so that values, gradients, products with the Hessian and all parts of the certificate are sums over
the partitions. `Partitions` sends coefficients to the partitions, and receives sums. Nothing of the
size of the rows reaches the client.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from .._typing import Array
from .._validation import check_squares
from . import _moments
from ._engine import Tasks
from ._partition import Encoding, Partition, Totals, share
from ._sums import CurvatureOverPartitions, Curved, ScoresOverPartitions

# Values of one feature that the advice on badly scaled features looks at.
MOST_VALUES = 10_000


class Partitions:
    """F(W, b) and its derivatives, for rows in partitions.

    Parameters
    ----------
    tasks : Tasks
        Computes functions of the partitions.
    handles : list
        Handles or recipes of each `Partition`.
    encoding : Encoding
        How the partitions were encoded.
    totals : Totals
        Sums over the rows of all partitions.
    n_features : int
        Number of features.
    is_sparse : bool
        Whether a partition has sparse features.
    alpha : float
        Strength of the penalty.
    keeps_rows : bool
        Whether the partitions stay in memory.

    Attributes
    ----------
    shape : tuple of int
        Shape of the coefficients.
    mass : float
        Total weight of the rows.
    """

    def __init__(
        self,
        tasks: Tasks,
        handles: list[Any],
        encoding: Encoding,
        totals: Totals,
        *,
        n_features: int,
        is_sparse: bool,
        alpha: float,
        keeps_rows: bool = True,
    ) -> None:
        self.tasks = tasks
        self.handles = handles
        self.loss = encoding.loss
        self.alpha = alpha
        self.fit_intercept = encoding.fit_intercept
        self.n_rows = totals.n_rows
        self.n_entries = totals.n_entries
        self.mass = totals.mass
        self.label_mass = totals.label_mass
        self.is_sparse = is_sparse
        self.keeps_rows = keeps_rows
        self.dtype = np.dtype(encoding.dtype)
        self.n_features = n_features
        self.n_outputs = encoding.n_outputs
        self.shape = (
            n_features + encoding.fit_intercept,
            encoding.n_outputs - encoding.reference_output,
        )
        self.free_outputs = slice(int(encoding.reference_output), None)
        self.shift_invariant = not (encoding.reference_output or self.loss.independent_outputs)
        self.target_mean = np.minimum(totals.target_mass / totals.mass, 1)
        self._value_at_zero = totals.value_at_zero / totals.mass

    def value_at_zero(self) -> float:
        """F(0, 0)."""
        return self._value_at_zero

    def value_and_gradient(
        self, coef: Array, dtype: DTypeLike | None = None
    ) -> tuple[float, Array]:
        """F and its gradient, of the shape of the coefficients, in one pass over the rows."""
        common = (self.mass, coef, np.dtype(dtype or self.dtype))
        value, gradient = self.tasks.reduce(
            "value-and-gradient", _value_and_gradient, self.handles, common=common
        )
        W = coef[: self.n_features]
        # a new array: what a worker of the same process holds stays as it is
        gradient = np.array(gradient)
        gradient[: self.n_features] += self.alpha * W
        return float(value) + 0.5 * self.alpha * float(np.vdot(W, W)), gradient

    def coefficient_gap(self, gradient: Array) -> float:
        """alpha/2 ||W - W(P)||^2 for P = p(z): the gap without the error of the intercept."""
        if self.alpha == 0:
            return np.inf
        slopes = gradient[: self.n_features]
        return float(np.vdot(slopes, slopes) / (2 * self.alpha))

    def hessian(self, coef: Array, center: Array | None = None) -> Array:
        """Second derivatives of F, shape (size, size) for the raveled coefficients."""
        common = (self.mass, coef, center)
        (hessian,) = self.tasks.reduce("hessian", _hessian, self.handles, common=common)
        hessian = np.array(hessian)
        penalised = np.arange(self.n_features * self.shape[1])
        hessian[penalised, penalised] += self.alpha
        return hessian

    def curvature(self, coef: Array, scale: Array, mean: Array | None) -> CurvatureOverPartitions:
        """Second derivatives of the mean loss by variables of features scale * (x - mean)."""
        curved = partial(Curved, mass=self.mass, coef=coef, scale=scale, mean=mean)
        if self.keeps_rows:
            rows = self.tasks.map("curved-rows", curved, self.handles)
        else:
            rows = [recipe.then(curved) for recipe in self.handles]
        return CurvatureOverPartitions(self.tasks, rows)

    def scores(self, coef: Array, dual: Any = None) -> ScoresOverPartitions:
        """Scores for the W of these coefficients and any intercept."""
        return ScoresOverPartitions(self, coef)

    def feature_moments(self, *, with_outliers: bool = False) -> tuple[Array, Array]:
        """Weighted mean and variance of each feature, shape (d,), in double precision."""
        return _moments.feature_moments(
            self.tasks, self.handles, self.mass, with_outliers=with_outliers
        )

    def column(self, feature: int) -> Array:
        """Values of a feature, of the first rows of each partition."""
        each = max(1, MOST_VALUES // len(self.handles))
        return self.tasks.reduce(
            "column", _column, self.handles, common=(feature, each), add=np.concatenate
        )

    def refuse_large_features(self) -> None:
        """Raise a ValueError that names a feature whose squares are beyond double precision."""
        largest = self.tasks.reduce("largest-features", _largest, self.handles, add=_maximum)
        check_squares(np.inf, largest[None])


def _column(partition: Partition, feature: int, n_rows: int) -> Array:
    return (
        np.zeros(0) if partition.objective is None else partition.objective.column(feature)[:n_rows]
    )


def _largest(partition: Partition) -> Array:
    """Largest size of each feature (d,)."""
    X = partition._given[1]
    if partition.objective is None:
        return np.zeros(X.shape[1])
    largest = np.abs(X).max(axis=0)
    return largest.toarray().ravel() if sparse.issparse(largest) else np.asarray(largest)


def _maximum(arrays: list[Array]) -> Array:
    return np.max(arrays, axis=0)


def _value_and_gradient(
    partition: Partition, mass: float, coef: Array, dtype: np.dtype
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    return share(partition, mass, partition.objective.value_and_gradient(coef, dtype))


def _hessian(
    partition: Partition, mass: float, coef: Array, center: Array | None
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    return share(partition, mass, [partition.objective.hessian(coef, center)])

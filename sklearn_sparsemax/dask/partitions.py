"""The objective over partitions of the rows.

Each partition is an `Objective` of its own rows, without a penalty, on the worker that holds them.
With m_p the total weight of partition p,

    F(W, b) = sum_p m_p / (sum_p m_p) F_p(W, b) + alpha/2 ||W||^2,

so that values, gradients, products with the Hessian and all parts of the certificate are sums over
the partitions. `Partitions` sends coefficients to the partitions, and receives sums. Nothing of the
size of the rows reaches the client.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from .._problem.curvature import CurvedRows
from .._problem.objective import NUMBERS_PER_BLOCK, Objective
from .._problem.protocol import Repair
from .._problem.scores import ScoresOfIntercepts
from .._typing import Array, Matrix
from .._validation import check_squares
from ..linear_model._classes import Encoded
from ..losses import FenchelYoungLoss
from . import _moments
from ._engine import Tasks
from .rows import Rows

# Values of one feature that the advice on badly scaled features looks at.
MOST_VALUES = 10_000


class Encoding(NamedTuple):
    """How the rows of every partition become target distributions.

    Attributes
    ----------
    encoder : object
        Has the method `encode(y, sample_weight, class_weight)`.
    class_weight : dict or None
        Weights of the classes.
    loss : FenchelYoungLoss
        The loss.
    dtype : str
        Type of X.
    n_outputs : int
        Number of outputs.
    fit_intercept, reference_output : bool
        Options of `Objective`.
    """

    encoder: Any
    class_weight: dict[Any, float] | None
    loss: FenchelYoungLoss
    dtype: str
    n_outputs: int
    fit_intercept: bool
    reference_output: bool


class Partition:
    """The rows of a partition that have a positive weight.

    Parameters
    ----------
    index : int
        Number of the partition.
    X : {ndarray, csr_array} of shape (n, d)
        Features.
    targets : {ndarray, csr_array} of shape (n, K)
        Target distributions.
    weights : ndarray of shape (n,)
        Weights, as given.
    label_mass : float
        Weighted number of labels.
    encoding : Encoding
        How they came to be.

    Attributes
    ----------
    objective : Objective or None
        The objective of these rows without a penalty, None without rows.
    mass : float
        Total weight.
    """

    def __init__(
        self,
        index: int,
        X: Matrix,
        targets: Matrix,
        weights: Array,
        label_mass: float,
        encoding: Encoding,
    ) -> None:
        self._given = (index, X, targets, weights, label_mass, encoding)
        self.index = index
        self.label_mass = label_mass
        self.mass = float(weights.sum())
        self.encoder = encoding.encoder
        self.objective: Objective | None = None
        if weights.size:
            self.objective = Objective(
                X,
                targets,
                encoding.loss,
                alpha=0.0,
                sample_weight=weights,
                fit_intercept=encoding.fit_intercept,
                reference_output=encoding.reference_output,
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # the blocks of the objective are views, which a pickle would hold once more
        return Partition, self._given

    def __sizeof__(self) -> int:
        _, X, targets, weights, *_ = self._given
        # products with sparse features keep a copy by columns
        return (2 if sparse.issparse(X) else 1) * _n_bytes(X) + _n_bytes(targets) + weights.nbytes


def encode(rows: Rows, encoding: Encoding) -> Partition:
    """The partition of some rows."""
    X, targets, weights, label_mass = rows.X, None, np.zeros(0), 0.0
    if X.shape[0]:
        try:
            with warnings.catch_warnings():
                # scikit-learn warns of y with few rows for a class, as a partition may have
                warnings.simplefilter("ignore", UserWarning)
                encoded: Encoded = encoding.encoder.encode(
                    rows.y, rows.weights, encoding.class_weight
                )
        except (TypeError, ValueError) as error:
            raise type(error)(f"Partition {rows.number}: {error}") from error
        targets, weights = encoded.targets, encoded.weights
        label_mass = float(weights @ encoded.n_labels)
        counted = weights > 0
        if not counted.all():
            X, targets, weights = X[counted], targets[counted], weights[counted]
    if not weights.size:
        X, targets = X[:0], sparse.csr_array((0, encoding.n_outputs))
    X = X.astype(encoding.dtype, copy=False)
    return Partition(rows.number, X, targets, weights, label_mass, encoding)


class Totals(NamedTuple):
    """Sums over the rows of partitions."""

    n_rows: int
    n_entries: int
    mass: float
    target_mass: Array
    value_at_zero: float
    label_mass: float


def totals(partition: Partition) -> Totals | None:
    """The sums over the rows of a partition, None without rows."""
    objective = partition.objective
    if objective is None:
        return None
    return Totals(
        objective.n_rows,
        objective.n_entries,
        partition.mass,
        partition.mass * objective.target_mean,
        partition.mass * objective.value_at_zero(),
        partition.label_mass,
    )


def share(partition: Partition, mass: float, results: Sequence[Any]) -> tuple[Any, ...]:
    """Results of a partition, as terms of sums over all of them."""
    return tuple(result * (partition.mass / mass) for result in results)


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


class _Curved:
    """The rows of a partition with curvature, and what they weigh."""

    def __init__(
        self, partition: Partition, mass: float, coef: Array, scale: Array, mean: Array | None
    ) -> None:
        self.rows: CurvedRows | None = None
        self.share = partition.mass / mass
        if partition.objective is not None:
            self.rows = partition.objective.curvature(coef, scale, mean)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + (0 if self.rows is None else self.rows.n_bytes)


def _diagonal(curved: _Curved) -> tuple[Any, ...] | None:
    return None if curved.rows is None else (curved.share * curved.rows.diagonal,)


def _product(curved: _Curved, variables: Array) -> tuple[Any, ...] | None:
    return None if curved.rows is None else (curved.share * curved.rows.product(variables),)


class CurvatureOverPartitions:
    """Second derivatives of the mean loss by standardised variables."""

    def __init__(self, tasks: Tasks, curved: list[Any]) -> None:
        self._tasks = tasks
        self._curved = curved
        (self.diagonal,) = tasks.reduce("hessian-diagonal", _diagonal, curved)

    def product(self, variables: Array) -> Array:
        """The product with variables, both of the shape of the coefficients."""
        (product,) = self._tasks.reduce(
            "hessian-product", _product, self._curved, common=(variables,)
        )
        return product


class _Kept(ScoresOfIntercepts):
    """Scores of a partition that were computed before."""

    def __init__(self, objective: Objective, kept: list[Array]) -> None:
        self._objective = objective
        self._kept = kept


def _keep_scores(partition: Partition, coef: Array) -> list[Array] | None:
    if partition.objective is None:
        return None
    coef = coef.copy()
    if partition.objective.fit_intercept:
        coef[-1] = 0
    scored = partition.objective.scored_blocks(coef, np.dtype(np.float64))
    return [scores for _, scores in scored]


def scores_of(objective: Objective, given: Any) -> ScoresOfIntercepts:
    """The scores of a partition, from those that are kept or from coefficients."""
    of_coef = _Kept if isinstance(given, list) else ScoresOfIntercepts
    return of_coef(objective, given)


def _derivatives(
    partition: Partition, given: Any, mass: float, intercept: Array
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    scores = scores_of(partition.objective, given)
    return share(partition, mass, scores.derivatives(intercept))


def _mean(
    partition: Partition, given: Any, mass: float, intercept: Array | None
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    return share(partition, mass, [scores_of(partition.objective, given).mean(intercept)])


def _losses(
    partition: Partition, given: Any, mass: float, intercept: Array | None, repair: Repair | None
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    scores = scores_of(partition.objective, given)
    return share(partition, mass, scores.losses(intercept, repair))


class ScoresOverPartitions:
    """Scores X W + b for one W and any b.

    If they are small, or no larger than X, each partition keeps the product X W while this object
    lives. Otherwise each pass computes it again.
    """

    def __init__(self, problem: Partitions, coef: Array) -> None:
        self._problem = problem
        n_numbers = problem.n_rows * problem.n_outputs
        if n_numbers <= max(NUMBERS_PER_BLOCK, problem.n_entries * problem.keeps_rows):
            kept = problem.tasks.map("scores", _keep_scores, problem.handles, common=(coef,))
            self._kept: tuple[list[Any], ...] = (kept,)
            self._coef: tuple[Array, ...] = ()
        else:
            self._kept = ()
            self._coef = (coef,)

    def derivatives(self, intercept: Array) -> tuple[float, Array, Array]:
        """Mean loss, its gradient (m,) and its Hessian (m, m) by the intercept."""
        return self._reduce("intercept-derivatives", _derivatives, intercept)

    def mean(self, intercept: Array | None, dual: Any = None) -> Array:
        """Weighted mean (K,) of the rows of P: of p(z), or of those of the dual."""
        if dual is not None:
            return dual.mean()
        (mean,) = self._reduce("mean-probabilities", _mean, intercept)
        return mean

    def losses(
        self, intercept: Array | None, repair: Repair | None, dual: Any = None
    ) -> tuple[float, float, Array]:
        """Mean losses L(z; q) and L(z; p'), and sum_i omega_i (x_i, 1) (p'_i - q_i)^T."""
        if dual is not None:
            *losses, n_lost = self._reduce(
                "certificate", dual.losses, intercept, repair, columns=dual.columns
            )
            dual.check(n_lost)
            return tuple(losses)
        return self._reduce("certificate", _losses, intercept, repair)

    def _reduce(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: Any,
        columns: tuple[Sequence[Any], ...] = (),
    ) -> Any:
        """The sum of function(partition, *column, scores or coefficients, mass, *arguments)."""
        problem = self._problem
        return problem.tasks.reduce(
            name,
            function,
            *(problem.handles, *columns, *self._kept),
            common=(*self._coef, problem.mass, *arguments),
        )


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
        curved = partial(_Curved, mass=self.mass, coef=coef, scale=scale, mean=mean)
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


def _n_bytes(matrix: Matrix) -> int:
    if sparse.issparse(matrix):
        return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)
    return int(matrix.nbytes)

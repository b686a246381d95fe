"""One partition: an objective of its rows, on the worker that holds them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._problem.objective import Objective
from .._typing import Array, Matrix
from ..linear_model._classes import Encoded
from ..losses import FenchelYoungLoss
from .rows import Rows


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


def _n_bytes(matrix: Matrix) -> int:
    if sparse.issparse(matrix):
        return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)
    return int(matrix.nbytes)

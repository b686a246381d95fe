"""Encoder of label sets: from an indicator matrix to target distributions, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .. import _arrays
from .._typing import Array, Matrix
from .._validation import check_weights
from ..losses import FenchelYoungLoss
from ..losses.array_targets import (
    DenseTargets,
    UniformTargets,
    balanced_weights,
    checked_indicator,
    column_totals,
)
from ..losses.targets import check_indicator, with_null_output, with_uniform_rows
from ._classes import Encoded

NOTHING_LEFT = (
    "No row of y has a label, so that empty='drop' leaves no row to fit; use empty='null' or "
    "'uniform'."
)


class LabelSetEncoder:
    """A set of labels for each row.

    A loss on the simplex takes the uniform distribution over the labels of a row as its target,
    a loss of independent outputs the labels themselves.

    Parameters
    ----------
    n_labels : int
        Number of labels, the columns of y.
    loss : FenchelYoungLoss
        The loss of the model.
    container : callable
        Makes what `predict` returns of an array (n, n_labels).
    empty : {"null", "drop", "uniform"}, default=None
        What rows with no label mean to a loss on the simplex.
    of_stream : bool, default=False
        Whether rows arrive in pieces, so that a row with no label may still come.
    """

    reference_output = False

    def __init__(
        self,
        n_labels: int,
        loss: FenchelYoungLoss,
        container: Any,
        *,
        empty: str | None = None,
        of_stream: bool = False,
    ) -> None:
        self.n_labels = n_labels
        self.loss = loss
        self.container = container
        self.empty = empty
        self.of_stream = of_stream

    @property
    def attributes(self) -> dict[str, Any]:
        """Fitted attributes of the model."""
        # an array, whose shape scikit-learn reads, that it also takes for multilabel output
        return {"n_labels_": self.n_labels, "classes_": np.tile([0, 1], (self.n_labels, 1))}

    def is_compatible(self, other: Any) -> bool:
        """Whether coefficients of a model with this encoder serve one with the other."""
        return isinstance(other, LabelSetEncoder) and self.n_labels == other.n_labels

    def check_stream(self, Y: Matrix, classes: ArrayLike | None) -> None:
        """Check that a call of `partial_fit` means the same labels."""
        if classes is not None and not np.isin(classes, (0, 1)).all():
            raise ValueError(
                f"classes is {classes!r}; for label sets, whose labels are the columns of y, it is "
                "None or holds 0 and 1."
            )
        if Y.shape[1] != self.n_labels:
            raise ValueError(f"y has {Y.shape[1]} labels, but the first rows had {self.n_labels}.")

    def encode(
        self,
        Y: Matrix,
        sample_weight: ArrayLike | None,
        class_weight: dict[int, float] | str | None,
        X: Any = None,
    ) -> Encoded:
        """Targets and weights of rows with the label sets Y (n, n_labels), beside X."""
        if not _arrays.is_numpy(X):
            return self._encode_beside(X, Y, sample_weight, class_weight)
        indicator = check_indicator(Y, name="y")
        weights = check_weights(sample_weight, indicator.shape[0])
        weights = weights * row_class_weights(class_weight, indicator, weights)
        n_labels = np.diff(indicator.indptr)
        if self.loss.independent_outputs:
            return Encoded(indicator, weights, n_labels)
        if self.empty == "uniform":
            return Encoded(with_uniform_rows(indicator), weights, n_labels)
        if self.empty == "drop":
            if not (n_labels.any() or self.of_stream):
                raise ValueError(NOTHING_LEFT)
            weights = weights * (n_labels > 0)
        # a row of no weight is no row: it needs no output
        null = (n_labels == 0) & (weights > 0)
        always = self.of_stream and self.empty == "null"
        return Encoded(with_null_output(indicator, null, always=always), weights, n_labels)

    def decision(self, scores: Array) -> Array:
        """Scores of the labels (n, n_labels), from those of the outputs."""
        return _arrays.contiguous(scores[:, : self.n_labels])

    def probabilities(self, scores: Array) -> Array:
        """Probabilities of the labels (n, n_labels); overwrites the scores."""
        p = self.loss.like(scores).probabilities(scores)
        return _arrays.contiguous(p[:, : self.n_labels])

    def predict(self, scores: Array, threshold: float) -> Matrix:
        """Labels whose probability exceeds the threshold, in the container of y."""
        chosen = self.probabilities(scores) > threshold
        if not _arrays.is_numpy(chosen):
            return _arrays.cast(chosen, _arrays.namespace(chosen).int64)
        return self.container(chosen.astype(np.int64))

    def _encode_beside(
        self,
        X: Any,
        Y: Any,
        sample_weight: Any,
        class_weight: dict[int, float] | str | None,
    ) -> Encoded:
        """What `encode` returns, over arrays of another library than NumPy."""
        Y = checked_indicator(_arrays.moved_beside(Y, X), "y")
        xp = _arrays.namespace(Y)
        weights = check_weights(sample_weight, X.shape[0], X)
        n_labels = xp.sum(Y, axis=1, dtype=weights.dtype)
        if class_weight is not None:
            if isinstance(class_weight, str):
                # "balanced", the only string that passes validation
                factors = balanced_weights(column_totals(weights, DenseTargets(Y)))
            else:
                factors = _arrays.beside(label_weights(class_weight, self.n_labels, None), X)
            shares = DenseTargets(Y).product(factors)
            counts = xp.maximum(n_labels, xp.ones_like(n_labels))
            weights = weights * xp.where(n_labels > 0, shares / counts, xp.ones_like(n_labels))
        if self.loss.independent_outputs:
            return Encoded(DenseTargets(Y), weights, n_labels)
        if self.empty == "drop":
            if not _arrays.any_true(n_labels > 0):
                raise ValueError(NOTHING_LEFT)
            weights = weights * _arrays.cast(n_labels > 0, weights.dtype)
        null = self.empty == "null" and _arrays.any_true((n_labels == 0) & (weights > 0))
        return Encoded(UniformTargets(Y, null_output=null), weights, n_labels)


def holds_label_sets(y: Matrix) -> bool:
    """Whether y holds label sets, rather than a column of classes: of one label, 0 or 1."""
    if y.ndim == 1:
        return False
    if y.shape[1] > 1 or sparse.issparse(y):
        return True
    return (_arrays.is_integer(y) or _arrays.is_real(y)) and _arrays.all_true((y == 0) | (y == 1))


def row_class_weights(
    class_weight: dict[int, float] | str | None, indicator: Matrix, sample_weight: Array
) -> Array:
    """Mean weight of the labels of each row (n,); 1 for a row with no label."""
    if class_weight is None:
        return np.ones(indicator.shape[0])
    totals = sample_weight @ indicator if class_weight == "balanced" else None
    weights = label_weights(class_weight, indicator.shape[1], totals)
    count = np.diff(indicator.indptr)
    return np.where(count > 0, indicator @ weights / np.maximum(count, 1), 1.0)


def label_weights(
    class_weight: dict[int, float] | str, n_labels: int, totals: Array | None
) -> Array:
    """Weight of each label (n_labels,); `totals` are the weights of their rows, for "balanced"."""
    weights = np.ones(n_labels)
    if totals is not None:
        np.divide(totals.sum(), n_labels * totals, out=weights, where=totals > 0)
    elif not isinstance(class_weight, str):
        for label, weight in class_weight.items():
            if not (isinstance(label, int | np.integer) and 0 <= label < n_labels):
                raise ValueError(
                    f"class_weight names the label {label!r}; the labels are the columns of y, "
                    f"0 ... {n_labels - 1}."
                )
            if not (isinstance(weight, int | float | np.number) and 0 <= weight < np.inf):
                raise ValueError(
                    f"class_weight gives the label {label!r} the weight {weight!r}; it must be a "
                    "finite number, 0 or more."
                )
            weights[label] = weight
    return weights

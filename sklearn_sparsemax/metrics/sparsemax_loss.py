"""The sparsemax loss as a score of decision values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.metrics import make_scorer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from .._arrays import library_of
from ..losses import sparsemax_loss
from . import _over_arrays
from ._checks import (
    MatrixLike,
    check_indicator,
    check_matrix,
    check_proportions,
    check_same_shape,
    nonzero_entries,
)


def mean_sparsemax_loss(
    y_true: MatrixLike,
    pred_decision: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """Mean sparsemax loss of decision values, given labels in any of scikit-learn's forms.

    The loss of :func:`sklearn_sparsemax.sparsemax_loss`, with the target distributions
    that the estimators train on: a class label is a one-hot row, a label set the uniform
    distribution over its labels, and a row of proportions is itself.

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
        Class labels, or one row per sample: a 0/1 indicator of its labels, or proportions.
    pred_decision : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Decision values, as `decision_function` returns them. For two classes, a vector m stands
        for the scores (0, m).
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the mean; None weighs them equally.
    labels : array-like of shape (n_outputs,), default=None
        The classes in increasing order, as in `classes_`: needed when `y_true` holds class labels
        and not all of them occur. None takes those that occur.

    Returns
    -------
    loss : float
        Weighted mean over the rows, at least 0.

    Raises
    ------
    ValueError
        If `y_true` holds a class missing from `labels`, a row without labels or a row that is
        neither an indicator nor proportions; if its classes or columns do not match those of
        `pred_decision`; or if `labels` is not sorted.

    References
    ----------
    Martins, A. F. T. & Astudillo, R. F. (2016). From softmax to sparsemax: A sparse model of
    attention and multi-label classification. ICML. arXiv:1602.02068.

    Examples
    --------
    >>> from sklearn_sparsemax.metrics import mean_sparsemax_loss
    >>> mean_sparsemax_loss(["ham", "spam", "spam"], [-1.0, 0.0, 2.0])
    0.0833...
    >>> mean_sparsemax_loss([[1, 1, 0], [0, 0, 1]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    0.0
    """
    if library_of(pred_decision) is not None:
        return _over_arrays.mean_sparsemax_loss(y_true, pred_decision, sample_weight, labels)
    Z = check_array(
        pred_decision, ensure_2d=False, dtype=[np.float64, np.float32], input_name="pred_decision"
    )
    if Z.ndim == 1:
        Z = np.column_stack([np.zeros_like(Z), Z])
    if sparse.issparse(y_true) or np.ndim(y_true) == 2:
        targets = _label_sets_or_proportions(y_true, Z)
    else:
        targets = _class_codes(y_true, labels, Z)
    return float(sparsemax_loss(Z, targets, sample_weight=sample_weight, reduction="mean"))


def _class_codes(y_true: Any, labels: Any, Z: np.ndarray) -> np.ndarray:
    """Give each row the column of Z that belongs to its class."""
    n_samples, n_outputs = Z.shape
    y = column_or_1d(y_true)
    check_classification_targets(y)
    if len(y) != n_samples:
        raise ValueError(f"y_true has {len(y)} rows but pred_decision has {n_samples}.")
    occurring = np.unique(y)
    if labels is None:
        classes = occurring
    else:
        classes = column_or_1d(labels)
        if not np.array_equal(classes, np.unique(classes)):
            raise ValueError(f"labels must be sorted and without duplicates, got {labels!r}.")
        unknown = np.setdiff1d(occurring, classes)
        if len(unknown):
            raise ValueError(f"y_true holds classes that labels does not: {unknown.tolist()}.")
    if len(classes) != n_outputs:
        source = "y_true" if labels is None else "labels"
        raise ValueError(
            f"{source} holds {len(classes)} classes but pred_decision has scores for {n_outputs}. "
            "Give all classes in labels, in the order of the scores."
        )
    return np.searchsorted(classes, y)


def _label_sets_or_proportions(y_true: Any, Z: np.ndarray) -> Any:
    """Tell label sets, returned as booleans, from proportions, returned as float64."""
    Y = check_matrix(y_true, "y_true")
    check_same_shape(Y, "y_true", Z, "pred_decision")
    rows, _, values = nonzero_entries(Y)
    # One-hot proportions are also label sets, with the same distribution.
    if np.issubdtype(Y.dtype, np.floating) and np.any(values != 1):
        return check_proportions(Y, "y_true")
    check_indicator(Y, "y_true")
    n_labels = np.bincount(rows, minlength=Y.shape[0])
    if not n_labels.all():
        raise ValueError(
            f"Row {np.argmin(n_labels)} of y_true has no label, so it has no target distribution. "
            "Leave such rows out."
        )
    return Y.astype(bool)


neg_sparsemax_loss_scorer = make_scorer(
    mean_sparsemax_loss, greater_is_better=False, response_method="decision_function"
)

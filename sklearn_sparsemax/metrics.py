"""Scores for label proportions, label sets and decision values, each with its scorer.

The functions follow :mod:`sklearn.metrics`: truth first, prediction second, `sample_weight`
everywhere. The scorers can be given to `scoring=` of any scikit-learn tool, alone or beside
scikit-learn's own names::

    scoring = {"micro": "f1_micro", "macro": f1_of_mean_precision_recall_scorer}

A loss is negated in its scorer, so that greater is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import rel_entr
from sklearn.metrics import make_scorer, precision_recall_fscore_support
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from .losses import sparsemax_loss

__all__ = [
    "f1_of_mean_precision_recall",
    "f1_of_mean_precision_recall_scorer",
    "jensen_shannon_divergence",
    "mean_sparsemax_loss",
    "neg_jensen_shannon_scorer",
    "neg_proportions_mean_squared_error_scorer",
    "neg_sparsemax_loss_scorer",
    "precision_at_k",
    "precision_at_k_scorer",
    "proportions_mean_squared_error",
]

MatrixLike: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix


def jensen_shannon_divergence(
    P_true: MatrixLike, P_pred: MatrixLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean Jensen-Shannon divergence between true and predicted proportions.

    The divergence of two distributions p and q with midpoint m = (p + q) / 2 is
    ``(KL(p, m) + KL(q, m)) / 2``, here in nats: 0 when they are equal and log 2, the maximum, when
    their supports are disjoint. Zeros on either side are exact, so unlike the Kullback-Leibler
    divergence it is finite for sparse predictions. Divide by ``log(2)`` for bits; the
    Jensen-Shannon *distance* of :func:`scipy.spatial.distance.jensenshannon` is the square root of
    the divergence of one pair.

    Parameters
    ----------
    P_true : {array-like, sparse matrix} of shape (n_samples, n_outputs)
        True proportions: rows of non-negative numbers that sum to 1. Neither argument is
        rescaled, and sparse matrices stay sparse.
    P_pred : {array-like, sparse matrix} of shape (n_samples, n_outputs)
        Predicted proportions.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the mean; None weighs them equally.

    Returns
    -------
    divergence : float
        Weighted mean over the rows, between 0 and log 2 = 0.693...

    Raises
    ------
    ValueError
        If a row holds a negative number or its sum differs from 1 by more than 1e-6 (or by more
        than `n_outputs` units of rounding of its dtype, where that is larger), or if the shapes
        differ.

    References
    ----------
    Lin, J. (1991). Divergence measures based on the Shannon entropy. IEEE Transactions on
    Information Theory, 37(1), 145-151.

    Examples
    --------
    >>> from sklearn_sparsemax.metrics import jensen_shannon_divergence
    >>> P_true = [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]
    >>> P_pred = [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]
    >>> round(jensen_shannon_divergence(P_true, P_pred), 4)
    0.3466
    """
    P, Q = _check_proportions_pair(P_true, P_pred)
    divergences = (_divergence_from_midpoint(P, Q) + _divergence_from_midpoint(Q, P)) / 2
    # Non-negative in exact arithmetic; rounding can leave -1e-17 between nearly equal rows.
    return _mean_of_rows(np.maximum(divergences, 0.0), sample_weight)


def proportions_mean_squared_error(
    P_true: MatrixLike, P_pred: MatrixLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean squared error between true and predicted proportions.

    The mean is taken over rows *and* outputs, as in :func:`sklearn.metrics.mean_squared_error`,
    whose value this is; what it adds are the check that both arguments are proportions, and sparse
    matrices. `n_outputs` times this value is the mean squared Euclidean distance between the rows,
    which is the multiclass Brier score when `P_true` is one-hot.

    Parameters
    ----------
    P_true : {array-like, sparse matrix} of shape (n_samples, n_outputs)
        True proportions: rows of non-negative numbers that sum to 1.
    P_pred : {array-like, sparse matrix} of shape (n_samples, n_outputs)
        Predicted proportions.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the mean; None weighs them equally.

    Returns
    -------
    error : float
        Weighted mean over the rows, between 0 and ``2 / n_outputs``.

    Raises
    ------
    ValueError
        As for :func:`jensen_shannon_divergence`.

    Examples
    --------
    >>> from sklearn_sparsemax.metrics import proportions_mean_squared_error
    >>> round(proportions_mean_squared_error([[0.5, 0.5, 0.0]], [[0.8, 0.2, 0.0]]), 4)
    0.06
    """
    P, Q = _check_proportions_pair(P_true, P_pred)
    difference = P - Q
    if sparse.issparse(difference):
        squares = np.asarray(difference.multiply(difference).sum(axis=1)).ravel()
    else:
        squares = np.square(np.asarray(difference)).sum(axis=1)
    return _mean_of_rows(squares, sample_weight) / P.shape[1]


def f1_of_mean_precision_recall(
    Y_true: MatrixLike,
    Y_pred: MatrixLike,
    *,
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> float:
    """Macro-F1 as the F1 of the mean precision and the mean recall of the labels.

    Two scores are called macro-F1. This one, reported by Martins & Astudillo, is the harmonic mean
    of the macro-averaged precision and the macro-averaged recall ("F1 of averages"); that of
    ``sklearn.metrics.f1_score(..., average="macro")`` is the mean of the F1 of the labels
    ("averaged F1"), which is never larger.

    Parameters
    ----------
    Y_true : {array-like, sparse matrix} of shape (n_samples, n_outputs), or (n_samples,)
        True label sets as a 0/1 indicator, or class labels. Sparse matrices stay sparse.
    Y_pred : {array-like, sparse matrix} of shape (n_samples, n_outputs), or (n_samples,)
        Predicted label sets, or class labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; None weighs them equally.
    zero_division : {"warn", 0.0, 1.0, np.nan}, default="warn"
        The precision of a label that is never predicted and the recall of one that never occurs.
        "warn" is 0 with an :class:`~sklearn.exceptions.UndefinedMetricWarning`; nan leaves such
        labels out of the mean.

    Returns
    -------
    score : float
        Between 0 and 1; 0 when mean precision and mean recall are both 0.

    Raises
    ------
    ValueError
        If the arguments differ in shape or kind, as
        :func:`sklearn.metrics.precision_recall_fscore_support` reports it.

    References
    ----------
    Martins, A. F. T. & Astudillo, R. F. (2016). From softmax to sparsemax: A sparse model of
    attention and multi-label classification. ICML. arXiv:1602.02068.

    Opitz, J. & Burst, S. (2019). Macro F1 and Macro F1. arXiv:1911.03347.

    Examples
    --------
    >>> from sklearn.metrics import f1_score
    >>> from sklearn_sparsemax.metrics import f1_of_mean_precision_recall
    >>> Y_true = [[1, 0], [1, 0], [0, 1]]
    >>> Y_pred = [[1, 1], [0, 1], [0, 1]]
    >>> round(f1_of_mean_precision_recall(Y_true, Y_pred), 4)
    0.7059
    >>> round(f1_score(Y_true, Y_pred, average="macro"), 4)
    0.5833
    """
    precision, recall, _, _ = precision_recall_fscore_support(
        Y_true,
        Y_pred,
        average="macro",
        sample_weight=sample_weight,
        zero_division=zero_division,
        warn_for=("precision", "recall"),
    )
    if precision + recall == 0:
        return 0.0
    return float(2 * precision * recall / (precision + recall))


def precision_at_k(
    Y_true: MatrixLike,
    scores: ArrayLike,
    k: int,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean precision among the k labels with the highest scores, in expectation over ties.

    When labels tie for the last of the k places, as the exact zeros of sparsemax often do, the
    precision depends on the order in which they are taken. This is its expected value when ties
    are broken uniformly at random: every label tied for the remaining places takes an equal share
    of them. It does not depend on the order of the labels.

    Parameters
    ----------
    Y_true : {array-like, sparse matrix} of shape (n_samples, n_outputs)
        True label sets as a 0/1 indicator. A sparse matrix stays sparse.
    scores : array-like of shape (n_samples, n_outputs)
        Probabilities or decision values; infinite values are ranked like any other.
    k : int
        Number of labels taken from each row, from 1 to `n_outputs`. The precision of a row is the
        number of true labels among them divided by k, even when the row has fewer than k labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the mean; None weighs them equally.

    Returns
    -------
    score : float
        Weighted mean over the rows, between 0 and 1.

    Raises
    ------
    ValueError
        If `k` is out of range, `Y_true` holds values other than 0 and 1, `scores` holds NaN, or
        the shapes differ.
    TypeError
        If `scores` is sparse or `k` is not an integer.

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures
    efficiently in the presence of tied scores. ECIR.

    Examples
    --------
    The second row has two labels tied for the second place, one of them true.

    >>> from sklearn_sparsemax.metrics import precision_at_k
    >>> Y_true = [[1, 1, 0], [1, 1, 0]]
    >>> scores = [[0.7, 0.3, 0.0], [1.0, 0.0, 0.0]]
    >>> precision_at_k(Y_true, scores, k=2)
    0.875
    """
    Y = _check_matrix(Y_true, "Y_true")
    _check_indicator(Y, "Y_true")
    values = check_array(
        scores, dtype="numeric", ensure_all_finite=False, ensure_2d=False, input_name="scores"
    )
    if np.isnan(values).any():
        raise ValueError("scores holds NaN, which cannot be ranked.")
    _check_same_shape(Y, "Y_true", values, "scores")
    n_samples, n_outputs = values.shape
    if not np.issubdtype(type(k), np.integer):
        raise TypeError(f"k must be an integer, got {k!r}.")
    if not 1 <= k <= n_outputs:
        raise ValueError(f"k must be from 1 to the number of outputs, {n_outputs}, got {k}.")

    kth_highest = np.partition(values, n_outputs - k, axis=1)[:, n_outputs - k]
    n_above = np.count_nonzero(values > kth_highest[:, np.newaxis], axis=1)
    n_tied = np.count_nonzero(values == kth_highest[:, np.newaxis], axis=1)
    tied_chance = (k - n_above) / n_tied

    # A label above the k-th highest score is taken for certain, a tied one by chance.
    rows, columns, _ = _nonzero_entries(Y)
    v = values[rows, columns]
    chance = np.where(v == kth_highest[rows], tied_chance[rows], v > kth_highest[rows])
    return _mean_of_rows(np.bincount(rows, chance, minlength=n_samples) / k, sample_weight)


def mean_sparsemax_loss(
    y_true: MatrixLike,
    pred_decision: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """Mean sparsemax loss of decision values, given labels in any of scikit-learn's forms.

    The loss of :func:`sklearn_sparsemax.losses.sparsemax_loss`, with the target distributions
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


def precision_at_k_scorer(
    k: int, *, response_method: str | Sequence[str] = ("decision_function", "predict_proba")
) -> Any:
    """Make a scorer of :func:`precision_at_k` for multilabel classifiers.

    Parameters
    ----------
    k : int
        Number of labels taken from each row.
    response_method : str or sequence of str, default=("decision_function", "predict_proba")
        The method of the estimator that ranks the labels, or several of which the first that
        exists is used. Decision values rank the labels to which sparsemax gives probability zero;
        with "predict_proba" those tie.

    Returns
    -------
    scorer : callable
        A scorer made by :func:`sklearn.metrics.make_scorer`.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from sklearn_sparsemax.metrics import precision_at_k_scorer
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> classifier = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
    >>> 0 < precision_at_k_scorer(1)(classifier, X, Y) <= 1
    True
    """
    return make_scorer(precision_at_k, response_method=response_method, k=k)


neg_jensen_shannon_scorer = make_scorer(jensen_shannon_divergence, greater_is_better=False)
neg_proportions_mean_squared_error_scorer = make_scorer(
    proportions_mean_squared_error, greater_is_better=False
)
# In a search, labels absent from a fold or never predicted are routine: 0, without a warning each.
f1_of_mean_precision_recall_scorer = make_scorer(f1_of_mean_precision_recall, zero_division=0.0)
neg_sparsemax_loss_scorer = make_scorer(
    mean_sparsemax_loss, greater_is_better=False, response_method="decision_function"
)


def _divergence_from_midpoint(P: Any, Q: Any) -> np.ndarray:
    """KL(p, (p + q) / 2) of every row; only the support of p matters."""
    if sparse.issparse(P):
        rows, columns, p = _nonzero_entries(P)
        q = np.asarray(Q[rows, columns]).ravel()
        return np.bincount(rows, rel_entr(p, (p + q) / 2), minlength=P.shape[0])
    return rel_entr(P, np.asarray(P + Q) / 2).sum(axis=1)


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
    Y = _check_matrix(y_true, "y_true")
    _check_same_shape(Y, "y_true", Z, "pred_decision")
    rows, _, values = _nonzero_entries(Y)
    # One-hot proportions are also label sets, with the same distribution.
    if np.issubdtype(Y.dtype, np.floating) and np.any(values != 1):
        return _check_proportions(Y, "y_true")
    _check_indicator(Y, "y_true")
    n_labels = np.bincount(rows, minlength=Y.shape[0])
    if not n_labels.all():
        raise ValueError(
            f"Row {np.argmin(n_labels)} of y_true has no label, so it has no target distribution. "
            "Leave such rows out."
        )
    return Y.astype(bool)


def _check_matrix(A: Any, name: str) -> Any:
    """Validate a finite numeric matrix; CSR comes back without duplicates and explicit zeros."""
    A = check_array(A, accept_sparse="csr", dtype="numeric", input_name=name)
    if sparse.issparse(A):
        A = A.copy()
        A.sum_duplicates()
        A.eliminate_zeros()
    return A


def _nonzero_entries(A: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the entries that are not zero, row by row."""
    if sparse.issparse(A):
        A = A.tocoo()
        return A.row, A.col, A.data
    rows, columns = A.nonzero()
    return rows, columns, A[rows, columns]


def _check_same_shape(A: Any, name_a: str, B: Any, name_b: str) -> None:
    if A.shape != B.shape:
        raise ValueError(
            f"{name_a} and {name_b} must have the same shape, got {A.shape} and {B.shape}."
        )


def _check_indicator(Y: Any, name: str) -> None:
    rows, columns, values = _nonzero_entries(Y)
    wrong = np.flatnonzero(values != 1)
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"{name} must hold only 0 and 1, got {values[first]} in row {rows[first]}, "
            f"column {columns[first]}."
        )


def _check_proportions(P: Any, name: str) -> Any:
    """Validate rows on the simplex and return them in float64."""
    # The sum of K float32 numbers may be K roundings away from 1.
    rounding = np.finfo(P.dtype).eps * P.shape[1] if P.dtype.kind == "f" else 0.0
    tolerance = max(1e-6, rounding)
    P = P.astype(np.float64)
    rows, columns = (P < 0).nonzero()
    if len(rows):
        raise ValueError(
            f"The proportions of {name} must be non-negative, got {P[rows[0], columns[0]]} "
            f"in row {rows[0]}."
        )
    totals = np.asarray(P.sum(axis=1)).ravel()
    wrong = np.flatnonzero(np.abs(totals - 1) > tolerance)
    if len(wrong):
        raise ValueError(
            f"The proportions of every row of {name} must sum to 1 (within {tolerance:.2g}), "
            f"got {totals[wrong[0]]} in row {wrong[0]}."
        )
    return P


def _check_proportions_pair(P_true: Any, P_pred: Any) -> tuple[Any, Any]:
    P = _check_matrix(P_true, "P_true")
    Q = _check_matrix(P_pred, "P_pred")
    _check_same_shape(P, "P_true", Q, "P_pred")
    return _check_proportions(P, "P_true"), _check_proportions(Q, "P_pred")


def _mean_of_rows(values: np.ndarray, sample_weight: ArrayLike | None) -> float:
    if sample_weight is None:
        return float(values.mean())
    weights = column_or_1d(
        check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    )
    if len(weights) != len(values):
        raise ValueError(f"sample_weight has {len(weights)} values for {len(values)} rows.")
    if np.any(weights < 0) or not np.any(weights):
        raise ValueError(
            "sample_weight must be non-negative with at least one positive value, "
            f"got values from {weights.min()} to {weights.max()}."
        )
    return float(np.average(values, weights=weights))

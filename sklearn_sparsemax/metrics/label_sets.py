"""Scores of predicted and of ranked label sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import make_scorer, precision_recall_fscore_support
from sklearn.utils.validation import check_array

from .._arrays import library_of
from . import _over_arrays
from ._checks import (
    MatrixLike,
    check_indicator,
    check_matrix,
    check_same_shape,
    mean_of_rows,
    nonzero_entries,
)


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
    if library_of(scores) is not None:
        return _over_arrays.precision_at_k(Y_true, scores, k, sample_weight)
    Y = check_matrix(Y_true, "Y_true")
    check_indicator(Y, "Y_true")
    values = check_array(
        scores, dtype="numeric", ensure_all_finite=False, ensure_2d=False, input_name="scores"
    )
    if np.isnan(values).any():
        raise ValueError("scores holds NaN, which cannot be ranked.")
    check_same_shape(Y, "Y_true", values, "scores")
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
    rows, columns, _ = nonzero_entries(Y)
    v = values[rows, columns]
    chance = np.where(v == kth_highest[rows], tied_chance[rows], v > kth_highest[rows])
    return mean_of_rows(np.bincount(rows, chance, minlength=n_samples) / k, sample_weight)


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


# In a search, labels absent from a fold or never predicted are routine: 0, without a warning each.
f1_of_mean_precision_recall_scorer = make_scorer(f1_of_mean_precision_recall, zero_division=0.0)

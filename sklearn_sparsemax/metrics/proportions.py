"""Scores of predicted proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import rel_entr
from sklearn.metrics import make_scorer

from .._arrays import library_of
from . import _over_arrays
from ._checks import MatrixLike, check_proportions_pair, mean_of_rows, nonzero_entries


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
    if library_of(P_pred) is not None:
        return _over_arrays.jensen_shannon_divergence(P_true, P_pred, sample_weight)
    P, Q = check_proportions_pair(P_true, P_pred)
    divergences = (_divergence_from_midpoint(P, Q) + _divergence_from_midpoint(Q, P)) / 2
    # Non-negative in exact arithmetic; rounding can leave -1e-17 between nearly equal rows.
    return mean_of_rows(np.maximum(divergences, 0.0), sample_weight)


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
    if library_of(P_pred) is not None:
        return _over_arrays.mean_squared_error(P_true, P_pred, sample_weight)
    P, Q = check_proportions_pair(P_true, P_pred)
    difference = P - Q
    if sparse.issparse(difference):
        squares = np.asarray(difference.multiply(difference).sum(axis=1)).ravel()
    else:
        squares = np.square(np.asarray(difference)).sum(axis=1)
    return mean_of_rows(squares, sample_weight) / P.shape[1]


def _divergence_from_midpoint(P: Any, Q: Any) -> np.ndarray:
    """KL(p, (p + q) / 2) of every row; only the support of p matters."""
    if sparse.issparse(P):
        rows, columns, p = nonzero_entries(P)
        q = np.asarray(Q[rows, columns]).ravel()
        return np.bincount(rows, rel_entr(p, (p + q) / 2), minlength=P.shape[0])
    return rel_entr(P, np.asarray(P + Q) / 2).sum(axis=1)


neg_jensen_shannon_scorer = make_scorer(jensen_shannon_divergence, greater_is_better=False)
neg_proportions_mean_squared_error_scorer = make_scorer(
    proportions_mean_squared_error, greater_is_better=False
)

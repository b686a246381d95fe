"""The metrics over arrays of other libraries than NumPy, under dispatch. All return one number."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import column_or_1d

from .. import _arrays
from .._validation import check_weights
from ..losses import sparsemax_loss
from ..losses.array_targets import checked_indicator, distributions_of_array


def jensen_shannon_divergence(true: Any, predicted: Any, sample_weight: Any) -> float:
    """Mean of the divergences between the rows."""
    p, q = _proportions(true, predicted)
    xp = _arrays.namespace(p)
    divergences = (_from_midpoint(xp, p, q) + _from_midpoint(xp, q, p)) / 2
    return mean(xp.maximum(divergences, xp.zeros_like(divergences)), sample_weight)


def mean_squared_error(true: Any, predicted: Any, sample_weight: Any) -> float:
    """Mean squared error over rows and outputs."""
    p, q = _proportions(true, predicted)
    return mean(_arrays.row_sums((p - q) ** 2), sample_weight) / p.shape[1]


def precision_at_k(true: Any, scores: Any, k: int, sample_weight: Any) -> float:
    """Mean precision among the k labels with the highest scores, in expectation over ties."""
    xp = _arrays.namespace(scores)
    Y = checked_indicator(_arrays.moved_beside(true, scores), "Y_true")
    if _arrays.is_real(scores) and _arrays.any_true(xp.isnan(scores)):
        raise ValueError("scores holds NaN, which cannot be ranked.")
    _check_same_shape(Y, "Y_true", scores, "scores")
    if not isinstance(k, int):
        raise TypeError(f"k must be an integer, got {k!r}.")
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k must be from 1 to the number of outputs, {scores.shape[1]}, got {k}.")
    ordered = xp.sort(scores, axis=1)
    kth_highest = ordered[:, scores.shape[1] - k][:, None]
    double = _arrays.double(scores)
    above = _arrays.cast(scores > kth_highest, double)
    tied = _arrays.cast(scores == kth_highest, double)
    places = k - xp.sum(above, axis=1, keepdims=True)
    chances = above + tied * (places / xp.sum(tied, axis=1, keepdims=True))
    return mean(xp.sum(_arrays.cast(Y, double) * chances, axis=1) / k, sample_weight)


def mean_sparsemax_loss(true: Any, scores: Any, sample_weight: Any, labels: Any) -> float:
    """Mean sparsemax loss of classes, label sets or proportions."""
    xp = _arrays.namespace(scores)
    if scores.ndim == 1:
        scores = xp.stack([xp.zeros_like(scores), scores], axis=1)
    if len(getattr(true, "shape", (0,))) == 1:
        # names of classes are on the host, and codes follow the scores
        y = column_or_1d(true)
        classes = _arrays.unique(y) if labels is None else _arrays.moved_beside(labels, y)
        classes = _arrays.namespace(y).asarray(classes)
        if classes.shape[0] != scores.shape[1]:
            source = "y_true" if labels is None else "labels"
            raise ValueError(
                f"{source} holds {classes.shape[0]} classes but pred_decision has scores for "
                f"{scores.shape[1]}. Give all classes in labels, in the order of the scores."
            )
        codes = _arrays.namespace(y).searchsorted(classes, y)
        clipped = _arrays.namespace(y).minimum(codes, codes * 0 + classes.shape[0] - 1)
        if not _arrays.all_true(_arrays.taken(classes, clipped) == y):
            raise ValueError("y_true holds classes that labels does not.")
        true = _arrays.moved_beside(codes, scores)
    else:
        true = _arrays.moved_beside(true, scores)
        if _arrays.is_real(true) and _arrays.all_true((true == 0) | (true == 1)):
            # one-hot proportions are label sets too
            true = _arrays.cast(true, xp.int8)
    return float(sparsemax_loss(scores, true, sample_weight=sample_weight, reduction="mean"))


def mean(values: Any, sample_weight: Any) -> float:
    """Weighted mean of values (n,)."""
    weights = check_weights(sample_weight, values.shape[0], values)
    total = float(_arrays.namespace(weights).sum(weights))
    if not total > 0:
        raise ValueError("sample_weight must have at least one positive value.")
    return float(weights @ values) / total


def _from_midpoint(xp: Any, p: Any, q: Any) -> Any:
    """KL(p, (p + q) / 2) of every row; only the support of p matters."""
    one = xp.ones_like(p)
    inside = p > 0
    ratio = xp.where(inside, p, one) / xp.where(inside, (p + q) / 2, one)
    return xp.sum(xp.where(inside, p * xp.log(ratio), xp.zeros_like(p)), axis=1)


def _proportions(true: Any, predicted: Any) -> tuple[Any, Any]:
    """Both, checked, in double precision, beside the predicted ones."""
    true = _arrays.moved_beside(true, predicted)
    _check_same_shape(true, "P_true", predicted, "P_pred")
    pair = []
    for values, name in ((true, "P_true"), (predicted, "P_pred")):
        rows = distributions_of_array(values, name)
        pair.append(rows.block(slice(0, rows.shape[0]), _arrays.double(values)))
    return pair[0], pair[1]


def _check_same_shape(A: Any, name_a: str, B: Any, name_b: str) -> None:
    if tuple(A.shape) != tuple(B.shape):
        raise ValueError(
            f"{name_a} and {name_b} must have the same shape, got {tuple(A.shape)} and "
            f"{tuple(B.shape)}."
        )

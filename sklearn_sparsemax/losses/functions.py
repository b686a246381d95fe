"""The losses as functions of arrays of scores, with checks of their input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._arrays import library_of, moved_beside, namespace
from .._typing import Array, Matrix
from .._validation import check_entmax_alpha, check_unmasked, check_weights
from ._base import FenchelYoungLoss
from .array_targets import checked_scores, targets_of_array
from .binary_sparsemax import BinarySparsemaxLoss
from .entmax import loss_of_entmax
from .logistic import LogisticLoss
from .softmax import SoftmaxLoss
from .sparsemax import SparsemaxLoss
from .targets import check_distributions, check_intervals, one_hot, uniform_over_labels


def sparsemax_loss(
    scores: ArrayLike,
    targets: Matrix,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Sparsemax loss of scores.

    L(z; q) = 1/2 sum_{j in S} (z_j^2 - tau^2) + 1/2 ||q||^2 - <q, z>, with S the support
    and tau the threshold of sparsemax(z). The loss is convex and differentiable. Its gradient
    is sparsemax(z) - q. It is 0 if and only if sparsemax(z) = q. For a single label, this
    means that its score is larger than all others by at least 1.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        One-dimensional integers are the columns of the true classes. A matrix of integers
        or booleans holds label sets. The distribution q of a label set is uniform over its
        labels. A matrix of floats holds distributions q: rows on the simplex.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    reduction : {"mean", "sum", "none"}, default="mean"
        "mean" divides the weighted sum by the sum of the weights. "none" returns the
        weighted loss of each row.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for reduction="none"
        The loss, never negative.

    Raises
    ------
    TypeError
        If `scores` is a sparse matrix or is not of a real number type.
    ValueError
        If a value, a shape or `reduction` is not as described above.

    See Also
    --------
    softmax_loss : The loss of the softmax, a Kullback-Leibler divergence.

    References
    ----------
    Martins & Astudillo (2016), section 3. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> from sklearn_sparsemax import sparsemax_loss
    >>> sparsemax_loss([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [0, 1], reduction="none")
    array([0.        , 0.33333333])
    >>> sparsemax_loss([[0.2, 0.2, -3.0]], [[1, 1, 0]])
    0.0
    """
    return _reduced_loss(SparsemaxLoss(), scores, targets, sample_weight, reduction)


def softmax_loss(
    scores: ArrayLike,
    targets: Matrix,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Softmax loss of scores: the Kullback-Leibler divergence of softmax(z) from q.

    L(z; q) = log sum_j exp(z_j) + sum_j q_j log q_j - <q, z>. For a single label, it is the
    multinomial logistic loss (cross-entropy).

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        Classes, label sets or distributions, as in :func:`sparsemax_loss`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    reduction : {"mean", "sum", "none"}, default="mean"
        As in :func:`sparsemax_loss`.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for reduction="none"
        The loss in nats, never negative.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax_loss`.

    Examples
    --------
    >>> from sklearn_sparsemax import softmax_loss
    >>> round(softmax_loss([[0.0, 0.0]], [1]), 6)
    0.693147
    """
    return _reduced_loss(SoftmaxLoss(), scores, targets, sample_weight, reduction)


def entmax_loss(
    scores: ArrayLike,
    targets: Matrix,
    alpha: float = 1.5,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Entmax loss of scores, between the softmax loss and the sparsemax loss.

    L(z; q) = Omega*(z) + Omega(q) - <q, z>, with Omega(p) = (sum_j p_j^alpha - 1) /
    (alpha (alpha - 1)) on the simplex and its convex conjugate Omega*. The loss is convex and
    differentiable. Its gradient is entmax(z) - q. For a single label, it is 0 if and only if the
    score of the label is larger than all others by at least 1 / (alpha - 1).

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        Classes, label sets or distributions, as in :func:`sparsemax_loss`.
    alpha : float, default=1.5
        From 1 to 50. 1 gives :func:`softmax_loss`, 2 gives :func:`sparsemax_loss`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    reduction : {"mean", "sum", "none"}, default="mean"
        As in :func:`sparsemax_loss`.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for reduction="none"
        The loss, never negative.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax_loss`; also if `alpha` is not a real number from 1 to 50.

    References
    ----------
    Peters, Niculae & Martins (2019), "Sparse Sequence-to-Sequence Models", ACL.
    https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> from sklearn_sparsemax import entmax_loss
    >>> entmax_loss([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]], [0, 1], reduction="none").round(4)
    array([0.    , 0.5635])
    """
    loss = loss_of_entmax(check_entmax_alpha(alpha))
    return _reduced_loss(loss, scores, targets, sample_weight, reduction)


def logistic_loss(
    scores: ArrayLike,
    targets: Matrix,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Logistic loss of scores, summed over independent labels.

    L(z; q) = sum_k log(1 + exp(z_k)) - q_k z_k, if the labels q_k are 0 or 1. If they are
    probabilities between 0 and 1, the entropy of q is subtracted. The smallest value is then 0.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        One-dimensional integers are the column of the only label of each row. A matrix holds
        the labels, 0 or 1, or their probabilities, between 0 and 1.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    reduction : {"mean", "sum", "none"}, default="mean"
        As in :func:`sparsemax_loss`.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for reduction="none"
        The loss in nats, never negative.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax_loss`.

    Examples
    --------
    >>> from sklearn_sparsemax import logistic_loss
    >>> round(logistic_loss([[0.0, 0.0]], [[1, 0]]), 6)
    1.386294
    """
    return _reduced_loss(LogisticLoss(), scores, targets, sample_weight, reduction)


def binary_sparsemax_loss(
    scores: ArrayLike,
    targets: Matrix,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Sparsemax loss of two classes, summed over independent labels.

    L(z; q) = sum_k (p_k - q_k)^2 + q_k max(-1 - z_k, 0) + (1 - q_k) max(z_k - 1, 0), with
    p_k = clip((z_k + 1) / 2, 0, 1). For labels of 0 or 1, the loss is 0 if and only if each label
    that is present has a score of at least 1, and each other label a score of at most -1.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        As in :func:`logistic_loss`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    reduction : {"mean", "sum", "none"}, default="mean"
        As in :func:`sparsemax_loss`.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for reduction="none"
        The loss, never negative.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax_loss`.

    See Also
    --------
    sparsemax_loss : The loss of one distribution over all outputs.
    logistic_loss : A loss whose probabilities are never 0 or 1.

    Examples
    --------
    >>> from sklearn_sparsemax import binary_sparsemax_loss
    >>> binary_sparsemax_loss([[1.5, -1.0], [0.0, 0.0]], [[1, 0], [1, 0]], reduction="none")
    array([0. , 0.5])
    """
    return _reduced_loss(BinarySparsemaxLoss(), scores, targets, sample_weight, reduction)


def _reduced_loss(
    loss: FenchelYoungLoss,
    scores: ArrayLike,
    targets: Matrix,
    sample_weight: ArrayLike | None,
    reduction: str,
) -> float | Array:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction={reduction!r}; it must be 'mean', 'sum' or 'none'.")
    if library_of(scores) is not None:
        return _reduced_loss_of_arrays(loss, scores, targets, sample_weight, reduction)
    z = _check_scores(scores)
    q = _check_targets(loss, targets, z.shape)
    losses: Array = loss.value_and_residual(z, q)
    weights = check_weights(sample_weight, z.shape[0])
    return _reduced(losses, weights, reduction)


def _reduced_loss_of_arrays(
    loss: FenchelYoungLoss, scores: Any, targets: Any, sample_weight: Any, reduction: str
) -> Any:
    """The same, over arrays of another library than NumPy; a loss of each row is one of these."""
    z = checked_scores(scores)
    targets = moved_beside(targets, z)
    if not hasattr(targets, "__dlpack__"):
        targets = namespace(z).asarray(targets, device=z.device)
    q = targets_of_array(targets, tuple(z.shape), independent_outputs=loss.independent_outputs)
    losses = loss.like(z).value(z, q.block(slice(0, z.shape[0]), z.dtype))
    return _reduced(losses, check_weights(sample_weight, z.shape[0], z), reduction)


def _reduced(losses: Any, weights: Any, reduction: str) -> Any:
    """The losses (n,) with their weights (n,), by the reduction."""
    if reduction == "none":
        return losses * weights
    total = weights @ losses
    if reduction == "sum":
        return float(total)
    of_weights = namespace(weights).sum(weights)
    if not of_weights > 0:
        raise ValueError(
            "The weights of the rows sum to 0, so their mean is not defined; give at least one "
            "row a positive weight, or use reduction='sum'."
        )
    return float(total / of_weights)


def _check_scores(scores: ArrayLike) -> Array:
    if sparse.issparse(scores):
        raise TypeError(
            f"scores is a {type(scores).__name__}; a dense array is needed, since a score of 0 is "
            "not a probability of 0."
        )
    check_unmasked(scores, "scores", "value")
    z = np.asarray(scores)
    if z.dtype.kind not in "biuf":
        raise TypeError(f"scores has the type {z.dtype}; real numbers are needed.")
    z = np.array(z, dtype=np.float32 if z.dtype == np.float32 else np.float64, order="C")
    if z.ndim != 2 or z.shape[1] == 0:
        raise ValueError(
            f"scores has the shape {z.shape}; it must be (n_samples, n_outputs) with at least one "
            "output."
        )
    if not np.isfinite(z).all():
        row = int((~np.isfinite(z)).any(axis=1).argmax())
        raise ValueError(f"Row {row} of scores holds NaN or an infinity; scores must be finite.")
    return z


def _check_targets(loss: FenchelYoungLoss, targets: Matrix, shape: tuple[int, int]) -> Matrix:
    check_unmasked(targets, "targets", "0")
    if not sparse.issparse(targets):
        targets = np.asarray(targets)
    kind = targets.dtype.kind
    if targets.shape == shape[:1] and kind in "iu":
        if targets.size and (targets.min() < 0 or targets.max() >= shape[1]):
            wrong = targets[(targets < 0) | (targets >= shape[1])][0]
            raise ValueError(
                f"targets holds the class {wrong}; scores has the classes 0 ... {shape[1] - 1}."
            )
        return one_hot(targets, shape[1])
    if targets.shape != shape or kind not in "biuf":
        raise ValueError(
            f"targets has the shape {targets.shape} and the type {targets.dtype}; it must hold "
            f"integers of shape {shape[:1]}, or a matrix of real numbers of the shape of scores, "
            f"{shape}."
        )
    if loss.independent_outputs:
        return check_intervals(targets)
    if kind == "f":
        return check_distributions(targets)
    return uniform_over_labels(targets)

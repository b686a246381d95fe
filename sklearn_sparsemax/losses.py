"""Fenchel-Young losses: value, gradient, probabilities and the term of the dual.

A convex regulariser Omega on a set of probability vectors p defines all of it
(Blondel, Martins & Niculae 2020): with Omega* its convex conjugate,

    L(z; q) = Omega*(z) + Omega(q) - <q, z> >= 0,      dL/dz = p(z) - q,
    p(z) = argmax_p <p, z> - Omega(p),                 L = 0 if and only if q = p(z),

for scores z and a target distribution q.

| loss     | Omega(p)                                  | p(z)      |
|----------|-------------------------------------------|-----------|
| sparsemax| 1/2 ||p||^2 on the simplex                | sparsemax |
| softmax  | sum_k p_k log p_k on the simplex          | softmax   |
| logistic | sum_k p_k log p_k + (1-p_k) log(1-p_k)    | sigmoid   |

A further loss is a further subclass: Omega, p(z) and the derivative of p are enough,
and a value formed without cancellation is welcome.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse, special

from . import _kernels, _simplex, _targets
from ._typing import Array, Matrix
from ._validation import check_weights

__all__ = [
    "FenchelYoungLoss",
    "LogisticLoss",
    "SoftmaxLoss",
    "SparsemaxLoss",
    "logistic_loss",
    "softmax_loss",
    "sparsemax_loss",
]


class FenchelYoungLoss(ABC):
    """The loss that a regulariser Omega generates.

    Scores are C-contiguous arrays (n, K) of float32 or float64 without NaN, targets
    dense arrays or CSR matrices (n, K) of distributions. All values are per row, in
    double precision, and never negative. What is said to overwrite the scores does so
    to keep one n x K array in memory instead of several.

    Attributes
    ----------
    name : str
        What messages call the loss.
    independent_outputs : bool
        False if p lies on the simplex, True if each output has a probability of its own
        in [0, 1].
    """

    name: ClassVar[str]
    independent_outputs: ClassVar[bool] = False

    @abstractmethod
    def regularizer(self, p: Matrix) -> Array:
        """Omega of each row of p (n, K), shape (n,)."""

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """Overwrite the scores (n, K) by the probabilities p(z), and return them."""

    @abstractmethod
    def curvature(self, p: Array) -> tuple[Array, Array]:
        """Arrays c and u (n, K) with which the derivative of p by z is diag(c) - u u^T."""

    def mean_jacobian(self, p: Array, weights: Array) -> Array:
        """Sum over the rows of their weights times the derivative of p by z, shape (K, K)."""
        c, u = self.curvature(p)
        return np.diag(weights @ c) - (u * weights[:, None]).T @ u

    def value(self, scores: Array, targets: Matrix) -> Array:
        """L(z; q) of each row, shape (n,)."""
        return self.value_and_residual(scores.copy(), targets)

    def gradient(self, scores: Array, targets: Matrix) -> Array:
        """Gradient p(z) - q by the scores, shape (n, K)."""
        residual = scores.copy()
        self.value_and_residual(residual, targets)
        return residual

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        """Return L(z; q) (n,), and overwrite the scores (n, K) by the gradient p(z) - q.

        The value is formed as Omega(q) - Omega(p) + <p - q, z>, with z relative to the
        largest score of the row on the simplex.
        """
        z = scores.astype(np.float64)
        if not self.independent_outputs:
            z -= z.max(axis=1, keepdims=True)
        p = self.probabilities(scores)
        conjugate = _row_dot(p, z) - self.regularizer(p)
        losses = conjugate + self.regularizer(targets) - _row_dot(targets, z)
        subtract_targets(scores, targets)
        return np.maximum(losses, 0)


class SparsemaxLoss(FenchelYoungLoss):
    """Omega(p) = 1/2 ||p||^2 on the simplex; p(z) = sparsemax(z)."""

    name = "sparsemax"

    def regularizer(self, p: Matrix) -> Array:
        return 0.5 * _row_dot(p, p)

    def probabilities(self, scores: Array) -> Array:
        _simplex.project_rows(scores, scores)
        return scores

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        return _simplex.loss_and_residual(scores, targets)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        support = (p > 0).astype(np.float64)
        # a product, since NumPy is slow along short rows
        sizes = support @ np.ones(p.shape[1])
        return support, support / np.sqrt(sizes)[:, None]

    def mean_jacobian(self, p: Array, weights: Array) -> Array:
        if p.size < _simplex.LEAST_COMPILED:
            return super().mean_jacobian(p, weights)
        total = np.zeros((p.shape[1], p.shape[1]))
        _kernels.curvature.add_jacobians(p, weights, total)
        return total


class SoftmaxLoss(FenchelYoungLoss):
    """Omega(p) = sum_k p_k log p_k on the simplex; p(z) = softmax(z).

    L(z; q) is the Kullback-Leibler divergence of softmax(z) from q.
    """

    name = "softmax"

    def regularizer(self, p: Matrix) -> Array:
        return _row_sum(p, lambda values: special.xlogy(values, values))

    def probabilities(self, scores: Array) -> Array:
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        rows = np.arange(scores.shape[0])
        winners = scores.argmax(axis=1)
        scores -= scores[rows, winners][:, None]
        cross = _row_dot(targets, scores)
        np.exp(scores, out=scores)
        # log sum exp = log(1 + the others): a loss of 1e-20 keeps all its digits
        scores[rows, winners] = 0
        others = scores.sum(axis=1, dtype=np.float64)
        scores[rows, winners] = 1
        scores /= (1 + others)[:, None].astype(scores.dtype)
        subtract_targets(scores, targets)
        return np.maximum(np.log1p(others) - cross + self.regularizer(targets), 0)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        return p, p


class LogisticLoss(FenchelYoungLoss):
    """Omega(p) = sum_k p_k log p_k + (1 - p_k) log(1 - p_k); p(z) = sigmoid(z).

    The sum over labels of the logistic loss of each, for labels q_k in [0, 1].
    """

    name = "logistic"
    independent_outputs = True

    def regularizer(self, p: Matrix) -> Array:
        return _row_sum(p, lambda v: special.xlogy(v, v) + special.xlog1py(1 - v, -v))

    def probabilities(self, scores: Array) -> Array:
        return special.expit(scores, out=scores)

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        # log(1 + e^z) - q z = log(1 + e^-|z|) + max(z, 0) - q z, where the last two
        # cancel exactly for q = 1 and z > 0
        linear = np.maximum(scores, 0)
        _subtract_product(linear, targets, scores)
        losses = linear.sum(axis=1, dtype=np.float64)
        np.negative(np.abs(scores, out=linear), out=linear)
        losses += np.log1p(np.exp(linear, out=linear), out=linear).sum(axis=1, dtype=np.float64)
        self.probabilities(scores)
        subtract_targets(scores, targets)
        return np.maximum(losses + self.regularizer(targets), 0)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        return p * (1 - p), np.zeros_like(p)


def sparsemax_loss(
    scores: ArrayLike,
    targets: Matrix,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Sparsemax loss of scores.

    L(z; q) = 1/2 sum_{j in S} (z_j^2 - tau^2) + 1/2 ||q||^2 - <q, z>, with S the support
    and tau the threshold of sparsemax(z). It is convex and differentiable, with gradient
    sparsemax(z) - q, and is 0 exactly where sparsemax(z) = q: for a single label, where
    its score exceeds all others by a margin of 1.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        One-dimensional integers are the column of the right class. A matrix of integers
        or booleans holds label sets, each of which stands for the uniform distribution
        over its labels. A matrix of floats holds distributions q, its rows on the simplex.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    reduction : {"mean", "sum", "none"}, default="mean"
        "mean" divides the weighted sum by the sum of the weights, "none" returns the
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
        If a value, a shape or `reduction` is not as stated above.

    See Also
    --------
    softmax_loss : The Kullback-Leibler divergence instead.

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

    L(z; q) = log sum_j exp(z_j) + sum_j q_j log q_j - <q, z>, the multinomial logistic
    loss for a single label.

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


def logistic_loss(
    scores: ArrayLike,
    targets: Matrix,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> float | Array:
    """Sum over independent labels of the logistic loss of scores.

    L(z; q) = sum_k log(1 + exp(z_k)) - q_k z_k for labels q_k of 0 or 1; for
    probabilities between them, less the entropy of q, so that the least value is 0.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_outputs)
        Finite scores z.
    targets : array-like of shape (n_samples,) or {array-like, sparse matrix} of shape \
            (n_samples, n_outputs)
        One-dimensional integers are the column of the only label. A matrix holds the
        labels, 0 or 1, or their probabilities, between 0 and 1.
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


def _reduced_loss(
    loss: FenchelYoungLoss,
    scores: ArrayLike,
    targets: Matrix,
    sample_weight: ArrayLike | None,
    reduction: str,
) -> float | Array:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction={reduction!r}; it must be 'mean', 'sum' or 'none'.")
    z = _check_scores(scores)
    q = _check_targets(loss, targets, z.shape)
    losses: Array = loss.value_and_residual(z, q)
    weights = check_weights(sample_weight, z.shape[0])
    if reduction == "none":
        return losses * weights
    total = weights @ losses
    if reduction == "sum":
        return float(total)
    if not weights.sum() > 0:
        raise ValueError(
            "The weights of the rows sum to 0, so their mean is not defined; give at least one "
            "row a positive weight, or use reduction='sum'."
        )
    return float(total / weights.sum())


def _check_scores(scores: ArrayLike) -> Array:
    if sparse.issparse(scores):
        raise TypeError(
            f"scores is a {type(scores).__name__}; a dense array is needed, since a score of 0 is "
            "not a probability of 0."
        )
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
    if not sparse.issparse(targets):
        targets = np.asarray(targets)
    kind = targets.dtype.kind
    if targets.shape == shape[:1] and kind in "iu":
        if targets.size and (targets.min() < 0 or targets.max() >= shape[1]):
            wrong = targets[(targets < 0) | (targets >= shape[1])][0]
            raise ValueError(
                f"targets holds the class {wrong}; scores has the classes 0 ... {shape[1] - 1}."
            )
        return _targets.one_hot(targets, shape[1])
    if targets.shape != shape or kind not in "biuf":
        raise ValueError(
            f"targets has the shape {targets.shape} and the type {targets.dtype}; it must hold "
            f"integers of shape {shape[:1]}, or a matrix of real numbers of the shape of scores, "
            f"{shape}."
        )
    if loss.independent_outputs:
        return _targets.check_intervals(targets)
    if kind == "f":
        return _targets.check_distributions(targets)
    return _targets.uniform_over_labels(targets)


def _row_sum(p: Matrix, function: Callable[[Array], Array]) -> Array:
    """Sum over each row of function(p), for a function that is 0 at 0."""
    if sparse.issparse(p):
        entries = (function(p.data), p.indices, p.indptr)
        return np.asarray(sparse.csr_array(entries, shape=p.shape).sum(axis=1)).ravel()
    return function(p).sum(axis=1, dtype=np.float64)


def _row_dot(p: Matrix, z: Matrix) -> Array:
    """Inner product of each row of p, dense or CSR, with the row of dense or equal z."""
    if sparse.issparse(p):
        if p is z:
            return _row_sum(p, np.square)
        rows = np.repeat(np.arange(p.shape[0]), np.diff(p.indptr))
        return np.bincount(rows, weights=p.data * z[rows, p.indices], minlength=p.shape[0])
    return np.einsum("ij,ij->i", p, z, dtype=np.float64)


def subtract_targets(scores: Array, targets: Matrix) -> None:
    """Subtract targets, dense or CSR in canonical format, from dense scores in place."""
    if sparse.issparse(targets):
        rows = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
        scores[rows, targets.indices] -= targets.data.astype(scores.dtype, copy=False)
    else:
        scores -= targets


def _subtract_product(result: Array, targets: Matrix, scores: Array) -> None:
    """Subtract targets * scores, elementwise, from dense result in place."""
    if sparse.issparse(targets):
        rows = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
        entries = targets.data.astype(scores.dtype, copy=False) * scores[rows, targets.indices]
        result[rows, targets.indices] -= entries
    else:
        result -= targets * scores

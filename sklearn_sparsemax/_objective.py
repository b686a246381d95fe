r"""The objective that every solver minimises, and the proof of how far it is from its minimum.

Rows i have features x_i (d), weights omega_i summing to 1 and target distributions q_i on
K outputs. With scores z_i = W^T x_i + b and a Fenchel-Young loss L of regulariser Omega,

    F(W, b) = sum_i omega_i L(z_i; q_i) + alpha/2 ||W||^2,

    grad_W F = sum_i omega_i x_i (p_i - q_i)^T + alpha W,   grad_b F = sum_i omega_i (p_i - q_i).

**Certificate.** For any distributions p'_i with sum_i omega_i p'_i = sum_i omega_i q_i (no
such condition without an intercept), weak duality bounds the minimum from below by

    D(P') = sum_i omega_i (Omega(q_i) - Omega(p'_i)) - alpha/2 ||W(P')||^2,
    W(P') = 1/alpha sum_i omega_i x_i (q_i - p'_i)^T,

and inserting Omega*(z_i) = L(z_i; p'_i) + <p'_i, z_i> - Omega(p'_i) turns the gap into

    F(W, b) - D(P') = alpha/2 ||W - W(P')||^2 + sum_i omega_i L(z_i; p'_i),

a sum of two terms that are never negative. It is computed in this form: the difference of F
and D would drown in rounding long before the gap does.

**A feasible P'.** The probabilities p(z_i) satisfy the condition where grad_b F = 0. So the
intercept is first moved to its minimum for the given W (`balance_intercept`), a smooth convex
problem in K variables that Newton's method solves to rounding, which also lowers F. What is
left is repaired exactly: with the weighted means pbar, qbar and the smallest theta in [0, 1]
for which r = (qbar - (1 - theta) pbar) / theta is a distribution, take
P' = (1 - theta) P + theta r. Outputs of zero mass in qbar are emptied first. Without the
Newton step theta, and with it the gap, is of first order in the error of b, while the first
term above is of second order in the error of W.

All passes run over blocks of rows, so that no array of scores, and no copy of dense features,
holds more than `NUMBERS_PER_BLOCK` numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from scipy import linalg, sparse

from ._typing import Array, Matrix
from .losses import FenchelYoungLoss, subtract_targets

NUMBERS_PER_BLOCK = 2**23
MAX_NEWTON_STEPS = 50
MAX_BACKTRACKS = 30


class Certificate(NamedTuple):
    """The objective at a point and a bound on its distance from the minimum."""

    objective: float
    dual_gap: float


class Block(NamedTuple):
    """A range of rows: features (m, d), targets (m, K) and weights (m,)."""

    X: Matrix
    targets: Matrix
    weights: Array


class Objective:
    """F(W, b), its gradient and its certificate, for given data.

    Coefficients are one float64 array (d, m), or (d + 1, m) with the intercept as its last
    row, whatever the type of X.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n, d)
        Features, float32 or float64. Products with X run in its type.
    targets : {ndarray, csr_array} of shape (n, K)
        Target distributions.
    loss : FenchelYoungLoss
        The loss L.
    alpha : float
        Strength of the penalty, 0 or more.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows, positive, of any sum.
    fit_intercept : bool, default=True
        Whether b is free, or 0.
    reference_output : bool, default=False
        Whether the scores of the first output are fixed at 0, so that m = K - 1
        coefficients are left for each feature. The binary problem is stored so.

    Attributes
    ----------
    shape : tuple of int
        Shape of the coefficients.
    target_mean : ndarray of shape (K,)
        qbar, the weighted mean of the targets.
    """

    def __init__(
        self,
        X: Matrix,
        targets: Matrix,
        loss: FenchelYoungLoss,
        *,
        alpha: float,
        sample_weight: Array | None = None,
        fit_intercept: bool = True,
        reference_output: bool = False,
    ) -> None:
        n_rows, self.n_features = X.shape
        self.n_outputs = targets.shape[1]
        self.X = X
        self.targets = targets
        self.loss = loss
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.shape = (self.n_features + fit_intercept, self.n_outputs - reference_output)
        self._free = slice(int(reference_output), None)
        self._shift_invariant = not (reference_output or loss.independent_outputs)
        weights = np.ones(n_rows) if sample_weight is None else sample_weight
        self.weights = weights / weights.sum()
        # the weights sum to 1 up to rounding only
        self.target_mean = np.minimum(np.asarray(self.weights @ targets).ravel(), 1)
        widest = self.n_outputs if sparse.issparse(X) else max(X.shape[1], self.n_outputs)
        block_rows = max(1, min(n_rows, NUMBERS_PER_BLOCK // widest))
        self._blocks = [
            Block(_row_range(X, i, j), _row_range(targets, i, j), self.weights[i:j])
            for i, j in ((i, min(i + block_rows, n_rows)) for i in range(0, n_rows, block_rows))
        ]

    def value_and_gradient(
        self, coef: Array, dtype: DTypeLike | None = None
    ) -> tuple[float, Array]:
        """F and its gradient, of the shape of the coefficients, in one pass over X.

        The products with X run in `dtype`, by default that of X.
        """
        loss_sum: Any = 0.0
        gradient = np.zeros(self.shape)
        for block, scores in self._scored_blocks(coef, np.dtype(dtype or self.X.dtype)):
            loss_sum += block.weights @ self.loss.value_and_residual(scores, block.targets)
            self._add_data_gradient(gradient, block, scores)
        W = coef[: self.n_features]
        gradient[: self.n_features] += self.alpha * W
        return loss_sum + 0.5 * self.alpha * np.vdot(W, W), gradient

    def hessian(self, coef: Array, center: Array | None = None) -> Array:
        """Second derivatives of F, shape (size, size) for the raveled coefficients.

        With diag(c_i) - u_i u_i^T the derivative of p_i by its scores, and x_i including the
        constant 1 of the intercept,

            H = sum_i omega_i (x_i x_i^T) kron (diag(c_i) - u_i u_i^T) + alpha I,

        without alpha for the intercept: one product for each output's c, and one for the rows
        x_i kron u_i. Rows where the derivative vanishes, which are most of them once a sparse
        loss is nearly fitted, are left out. With a center (d,), the derivatives are by the
        variables (W, b + W^T center), which see x_i - center. Features are made dense a chunk
        of at most `NUMBERS_PER_BLOCK` numbers at a time.
        """
        n_coef, n_free = self.shape
        hessian = np.zeros((n_coef, n_free, n_coef, n_free))
        for block, scores in self._scored_blocks(coef, np.dtype(np.float64)):
            c, u = self.loss.curvature(self.loss.probabilities(scores))
            c, u = c[:, self._free], u[:, self._free]
            rows = np.flatnonzero((c > u**2).any(axis=1))
            per_chunk = max(1, NUMBERS_PER_BLOCK // (n_coef * n_free))
            for chunk in np.split(rows, range(per_chunk, rows.size, per_chunk)):
                X = block.X[chunk]
                X = X.toarray() if sparse.issparse(X) else X
                if center is not None:
                    X = X - center
                if self.fit_intercept:
                    X = np.hstack([X, np.ones((chunk.size, 1))])
                X = X * np.sqrt(block.weights[chunk])[:, None]
                for k in range(n_free):
                    hessian[:, k, :, k] += X.T @ (X * c[chunk, k, None])
                V = (X[:, :, None] * u[chunk, None, :]).reshape(chunk.size, n_coef * n_free)
                hessian -= (V.T @ V).reshape(hessian.shape)
        hessian = hessian.reshape(n_coef * n_free, n_coef * n_free)
        penalised = np.arange(self.n_features * n_free)
        hessian[penalised, penalised] += self.alpha
        return hessian

    def curved_rows(self, coef: Array) -> Iterator[tuple[Matrix, Array, Array]]:
        """Rows on which the loss curves: features (r, d), and c and u (r, m).

        The second derivative of F by the scores of such a row is diag(c_i) - u_i u_i^T, its
        weight included; that of all other rows is 0. They come in several parts.
        """
        for block, scores in self._scored_blocks(coef, self.X.dtype):
            c, u = self.loss.curvature(self.loss.probabilities(scores))
            c, u = c[:, self._free], u[:, self._free]
            rows = np.flatnonzero((c > u**2).any(axis=1))
            weights = block.weights[rows, None]
            yield block.X[rows], weights * c[rows], np.sqrt(weights) * u[rows]

    def coefficient_gap(self, gradient: Array) -> float:
        """alpha/2 ||W - W(P)||^2 for P = p(z): the gap but for the error of the intercept."""
        if self.alpha == 0:
            return np.inf
        return float(np.sum(gradient[: self.n_features] ** 2) / (2 * self.alpha))

    def certificate(self, coef: Array) -> Certificate:
        """F and the duality gap of the coefficients, in double precision.

        One pass over X, and with a free intercept one more for the scores alone. There is
        no dual with alpha = 0, where the gap is infinite.
        """
        if self.fit_intercept:
            emptied, theta, shift = self._repair(coef)
        loss_sum: Any = 0.0
        loss_to_feasible: Any = 0.0
        data_gradient = np.zeros(self.shape)
        for block, scores in self._scored_blocks(coef, np.dtype(np.float64)):
            loss_sum += block.weights @ self.loss.value(scores, block.targets)
            feasible = self.loss.probabilities(scores.copy())
            if self.fit_intercept:
                self._empty(feasible, emptied)
                feasible *= 1 - theta
                feasible += shift
                loss_to_feasible += block.weights @ self.loss.value_and_residual(scores, feasible)
            subtract_targets(feasible, block.targets)
            self._add_data_gradient(data_gradient, block, feasible)
        W = coef[: self.n_features]
        objective = float(loss_sum + 0.5 * self.alpha * np.vdot(W, W))
        coefficient_gap = self.coefficient_gap(self.alpha * W + data_gradient[: self.n_features])
        return Certificate(objective, coefficient_gap + float(loss_to_feasible))

    def balance_intercept(self, coef: Array) -> Array:
        """Move the intercept to its minimum for the given W, where pbar = qbar.

        Newton's method with backtracking, in double precision, until rounding ends it.
        Each step costs one pass over X for the scores. Of the intercepts that differ by a
        common shift of all scores, which changes nothing, the one of mean 0 is returned.
        """
        if not self.fit_intercept:
            return coef
        coef = coef.copy()
        radius = 1000.0
        value, gradient, hessian = self._intercept_derivatives(coef)
        for _ in range(MAX_NEWTON_STEPS):
            if np.abs(gradient).max() <= np.finfo(np.float64).eps:
                break
            # H is singular along shifts common to all scores, and vanishes where all
            # probabilities are near 0 or 1: a ridge and a radius bound the step there
            ridge = 1e-10 * hessian.diagonal().max() + 1e-14
            ridged = hessian + ridge * np.eye(gradient.size)
            step = -linalg.solve(ridged, gradient, assume_a="pos", check_finite=False)
            start, slope = coef[-1].copy(), float(gradient @ step)
            longest = min(1.0, radius / np.abs(step).max())
            for length in longest * 0.5 ** np.arange(MAX_BACKTRACKS):
                coef[-1] = start + length * step
                trial = self._intercept_derivatives(coef)
                falls = trial[0] <= value + 1e-4 * length * slope
                # near the minimum the value is rounding, and the gradient still tells
                if falls or np.abs(trial[1]).max() <= 0.5 * np.abs(gradient).max():
                    value, gradient, hessian = trial
                    break
            else:
                coef[-1] = start
                break
            radius = 4 * np.abs(length * step).max()
        if self._shift_invariant:
            coef[-1] -= coef[-1].mean()
        return coef

    def feature_moments(self) -> tuple[Array, Array]:
        """Weighted mean and variance of each feature, shape (d,), in double precision."""
        mean = np.zeros(self.n_features)
        square = np.zeros(self.n_features)
        for block in self._blocks:
            X = block.X.astype(np.float64)
            mean += block.weights @ X
            square += block.weights @ (X.power(2) if sparse.issparse(X) else np.square(X, out=X))
        return mean, np.maximum(square - mean**2, 0)

    def _scored_blocks(self, coef: Array, dtype: np.dtype) -> Iterator[tuple[Block, Array]]:
        """Each block with its scores (m, K), which the caller may overwrite."""
        W = coef[: self.n_features].astype(dtype, copy=False)
        intercept = coef[-1].astype(dtype, copy=False) if self.fit_intercept else 0
        for block in self._blocks:
            X = block.X.astype(dtype, copy=False)
            if self.shape[1] == self.n_outputs:
                scores = X @ W
                scores += intercept
            else:
                scores = np.zeros((X.shape[0], self.n_outputs), dtype=dtype)
                scores[:, self._free] = X @ W + intercept
            yield Block(X, block.targets, block.weights), scores

    def _add_data_gradient(self, gradient: Array, block: Block, residual: Array) -> None:
        """Add sum_i omega_i (x_i, 1) residual_i^T to the gradient; overwrites the residual."""
        residual *= block.weights[:, None]
        free = residual[:, self._free]
        gradient[: self.n_features] += block.X.T @ free
        if self.fit_intercept:
            gradient[-1] += free.sum(axis=0, dtype=np.float64)

    def _repair(self, coef: Array) -> tuple[Array, Array, Array]:
        """What makes P feasible: outputs to empty, then theta and shift = theta r."""
        emptied = self.target_mean == 0
        mean = np.zeros(self.n_outputs)
        for block, scores in self._scored_blocks(coef, np.dtype(np.float64)):
            probabilities = self.loss.probabilities(scores)
            self._empty(probabilities, emptied)
            mean += block.weights @ probabilities
        theta = _least_mixing(self.target_mean, mean)
        if self.loss.independent_outputs:
            # each output by itself is a distribution over its label and the label's absence
            theta = np.maximum(theta, _least_mixing(1 - self.target_mean, 1 - mean))
        else:
            theta = theta.max()
        # the maximum only removes rounding: theta makes the difference 0 or more
        return emptied, theta, np.maximum(self.target_mean - (1 - theta) * mean, 0)

    def _empty(self, probabilities: Array, emptied: Array) -> None:
        """Take the mass away from the outputs that no target uses, in place."""
        if not emptied.any():
            return
        probabilities[:, emptied] = 0
        if not self.loss.independent_outputs:
            totals = probabilities.sum(axis=1)
            probabilities[totals == 0] = self.target_mean
            probabilities /= np.where(totals == 0, 1, totals)[:, None]

    def _intercept_derivatives(self, coef: Array) -> tuple[float, Array, Array]:
        """Mean loss, and its gradient (m,) and Hessian (m, m) by the intercept."""
        value: Any = 0.0
        mean = np.zeros(self.n_outputs)
        hessian = np.zeros((self.n_outputs, self.n_outputs))
        for block, scores in self._scored_blocks(coef, np.dtype(np.float64)):
            value += block.weights @ self.loss.value(scores, block.targets)
            probabilities = self.loss.probabilities(scores)
            mean += block.weights @ probabilities
            c, u = self.loss.curvature(probabilities)
            hessian += np.diag(block.weights @ c) - (u * block.weights[:, None]).T @ u
        gradient = mean - self.target_mean
        return float(value), gradient[self._free], hessian[self._free, self._free]


def _row_range(matrix: Matrix, start: int, stop: int) -> Matrix:
    """Rows start ... stop - 1 without a copy, which SciPy's slices of CSR would make."""
    if not sparse.issparse(matrix):
        return matrix[start:stop]
    first, last = matrix.indptr[start], matrix.indptr[stop]
    entries = (
        matrix.data[first:last],
        matrix.indices[first:last],
        matrix.indptr[start : stop + 1] - first,
    )
    return sparse.csr_array(entries, shape=(stop - start, matrix.shape[1]))


def _least_mixing(target: Array, mean: Array) -> Array:
    """Smallest theta >= 0 with target - (1 - theta) mean >= 0, for each entry."""
    return np.maximum(0, 1 - np.divide(target, mean, out=np.ones_like(mean), where=mean > 0))

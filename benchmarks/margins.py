"""Minima of the objectives of peers that this package does not minimise, with proofs.

The hinge losses by dual coordinate ascent, with a duality gap. Least squares by linear equations,
with a bound from the gradient: the objective curves by at least alpha in every direction.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from .competitors.ours import with_constant
from .objectives import HINGES, distributions, objective

LOSSES = (*HINGES, "squares")
FIRST_EPOCHS = 20


def minima(
    loss: str, X: Any, y: Any, alpha: float, deadline: float
) -> Iterator[tuple[float, float]]:
    """Objectives and lower bounds, ever nearer to each other, until the deadline."""
    if loss == "squares":
        yield _least_squares(X, y, alpha)
        return
    rows = sparse.csr_array(with_constant(X))
    targets = (y if sparse.issparse(y) else distributions(y)).toarray()
    ascent = _Ascent(loss, rows, targets, alpha)
    epochs = FIRST_EPOCHS
    while True:
        begun = time.perf_counter()
        ascent.run(epochs)
        W = ascent.W.T
        yield objective(loss, X, y, alpha, W[:, :-1], W[:, -1]), ascent.bound()
        seconds = time.perf_counter() - begun
        affordable = epochs * (deadline - time.perf_counter()) / seconds
        if affordable < FIRST_EPOCHS:
            return
        epochs = int(min(2 * epochs, affordable))


class _Ascent:
    """Dual variables P (n, K) and the coefficients (d + 1, K) that belong to them.

    One label against the rest: the loss is max(0, 1 - s z) = max of p (1 - s z) over 0 <= p <= 1,
    and its square the maximum of p (1 - s z) - p^2 / 4 over p >= 0. The coefficients are
    sum_i s_i p_i x_i / (alpha n). Crammer and Singer: the loss is the maximum of <p, z + 1 - q>
    over the simplex, less <q, z>, and the coefficients are sum_i x_i (q_i - p_i) / (alpha n).
    """

    def __init__(self, loss: str, X: sparse.csr_array, targets: np.ndarray, alpha: float) -> None:
        self.loss, self.X, self.targets, self.alpha = loss, X, targets, alpha
        self.P = np.zeros(targets.shape) if loss != "Crammer-Singer" else targets.copy()
        self.W = np.zeros((X.shape[1], targets.shape[1]))
        self.rng = np.random.default_rng(0)

    def run(self, epochs: int) -> None:
        X, n = self.X, self.X.shape[0]
        squares = np.asarray(X.multiply(X).sum(axis=1)).ravel()
        for _ in range(epochs):
            order = self.rng.permutation(n)
            entries = (order, X.indptr, X.indices, X.data, squares / (self.alpha * n))
            rest = (self.targets, 1 / (self.alpha * n), self.P, self.W)
            if self.loss == "Crammer-Singer":
                _visit_jointly(*entries, *rest)
            else:
                is_squared = self.loss == "squared hinge"
                _visit(*entries, *rest, 0.5 if is_squared else 0.0, np.inf if is_squared else 1.0)

    def bound(self) -> float:
        """The dual objective, with coefficients computed anew from P."""
        n = self.X.shape[0]
        if self.loss == "Crammer-Singer":
            signed, value = self.targets - self.P, np.sum(self.P * (1 - self.targets))
        else:
            signed, value = (2 * self.targets - 1) * self.P, self.P.sum()
            if self.loss == "squared hinge":
                value -= np.sum(self.P**2) / 4
        self.W = np.ascontiguousarray(self.X.T @ signed) / (self.alpha * n)
        return float(value / n - self.alpha / 2 * np.sum(self.W**2))


@njit(cache=True)
def _visit(order, indptr, indices, data, sigma, targets, scale, P, W, curvature, most):
    """An epoch, all labels of a row at once."""
    n_outputs = W.shape[1]
    z = np.empty(n_outputs)
    for i in order:
        z[:] = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            for k in range(n_outputs):
                z[k] += data[entry] * W[indices[entry], k]
        if sigma[i] + curvature <= 0.0:
            continue
        for k in range(n_outputs):
            sign = 2.0 * targets[i, k] - 1.0
            slope = 1.0 - sign * z[k] - curvature * P[i, k]
            p = min(max(P[i, k] + slope / (sigma[i] + curvature), 0.0), most)
            z[k] = sign * (p - P[i, k]) * scale
            P[i, k] = p
        for entry in range(indptr[i], indptr[i + 1]):
            for k in range(n_outputs):
                W[indices[entry], k] += data[entry] * z[k]


@njit(cache=True)
def _visit_jointly(order, indptr, indices, data, sigma, targets, scale, P, W):
    """An epoch; the distribution of a row is projected onto the simplex."""
    n_outputs = W.shape[1]
    v = np.empty(n_outputs)
    for i in order:
        if sigma[i] <= 0.0:
            continue
        v[:] = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            for k in range(n_outputs):
                v[k] += data[entry] * W[indices[entry], k]
        for k in range(n_outputs):
            v[k] = P[i, k] + (v[k] + 1.0 - targets[i, k]) / sigma[i]
        total, tau = -1.0, -np.inf
        ordered = np.sort(v)
        for size in range(1, n_outputs + 1):
            total += ordered[n_outputs - size]
            tau = max(tau, total / size)
        for k in range(n_outputs):
            p = max(v[k] - tau, 0.0)
            v[k] = (P[i, k] - p) * scale
            P[i, k] = p
        for entry in range(indptr[i], indptr[i + 1]):
            for k in range(n_outputs):
                if v[k] != 0.0:
                    W[indices[entry], k] += data[entry] * v[k]


def _least_squares(X: Any, y: Any, alpha: float) -> tuple[float, float]:
    n, d = X.shape
    targets = 2.0 * (y if sparse.issparse(y) else distributions(y)).toarray() - 1
    mean, mean_target = np.asarray(X.mean(axis=0)).ravel(), targets.mean(axis=0)
    # X^T (T - mean T) is that of centred features, since the centred targets sum to 0
    sides = X.T @ (targets - mean_target) / n

    def curved(v: np.ndarray) -> np.ndarray:
        v = v.ravel()
        return X.T @ (X @ v) / n - mean * (mean @ v) + alpha * v

    if sparse.issparse(X):
        operator = LinearOperator((d, d), curved, dtype=np.float64)
        W = np.array([cg(operator, side, rtol=1e-12, maxiter=10_000)[0] for side in sides.T])
    else:
        hessian = X.T @ X / n - np.outer(mean, mean) + alpha * np.eye(d)
        W = np.linalg.solve(hessian, sides).T
    # the intercept is best for these coefficients, so that no gradient is left in its direction
    value = objective("squares", X, y, alpha, W, mean_target - W @ mean)
    gradient = np.array([curved(w) for w in W]).T - sides
    return value, value - float(np.sum(gradient**2)) / (2 * alpha)

"""NumPy and SciPy: what is written today for want of a library.

A sparsemax by sorting all rows at once, the loss and gradient of the paper, and SciPy's L-BFGS-B
with its default memory. Products run in the type of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from benchmarks.objectives import simplex_threshold

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    n, d = X.shape
    targets = _target_rows(y)
    K = targets.shape[1]
    target_norm = 0.5 * np.sum(targets**2)

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = flat[: d * K].reshape(d, K), flat[d * K :]
        Z = X @ W.astype(X.dtype) + b.astype(X.dtype)
        Z -= Z.max(axis=1, keepdims=True)
        tau = simplex_threshold(Z)
        P = np.maximum(Z - tau, 0)
        losses = 0.5 * np.sum((Z**2 - tau**2) * (P > 0)) + target_norm - np.sum(targets * Z)
        residual = (P - targets) / n
        gradient = X.T @ residual.astype(X.dtype) + alpha * W
        value = losses / n + alpha / 2 * np.sum(W**2)
        return value, np.concatenate([gradient.ravel(), residual.sum(axis=0)])

    result = minimize(
        value_and_gradient,
        np.zeros((d + 1) * K),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "maxfun": 100 * max_iter, "ftol": tol, "gtol": tol},
    )
    return Fit(result.x[: d * K].reshape(d, K).T, result.x[d * K :], result.nit)


def _target_rows(y: Any) -> np.ndarray:
    if sparse.issparse(y):
        labels = y.toarray()
        return labels / labels.sum(axis=1, keepdims=True)
    return np.eye(y.max() + 1)[y]


COMPETITORS = [Competitor("NumPy+SciPy", "sparsemax", fit, takes_label_sets=True)]

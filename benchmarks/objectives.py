"""F(W, b) of each loss, in plain NumPy and double precision: the judge of all competitors.

    F = mean_i L(W x_i + b; q_i) + alpha/2 ||W||_F^2

| loss      | minimised by               | L(z; q)                                              |
|-----------|----------------------------|------------------------------------------------------|
| sparsemax | this package               | 1/2 sum_{p > 0} (z^2 - tau^2) + 1/2 ||q||^2 - <q, z> |
| softmax   | and LogisticRegression     | logsumexp(z) + sum q log q - <q, z>                  |
| entmax15  | this package               | <p - q, z> + 4/3 sum(q^1.5 - p^1.5)                  |
| logistic  | and, one label against the | sum_k log(1 + e^{z_k}) - q_k z_k                     |
|           | rest, by LIBLINEAR and     |                                                      |
|           | SGDClassifier and glum     |                                                      |
| squared   | LinearSVC, one label       | sum_k max(0, 1 - s_k z_k)^2, s_k = 2 q_k - 1         |
| hinge     | against the rest           |                                                      |
| hinge     | LinearSVC and Snap ML      | sum_k max(0, 1 - s_k z_k)                            |
| Crammer-  | LinearSVC                  | max_k (z_k + 1 - q_k) - <q, z>                       |
| Singer    |                            |                                                      |
| squares   | RidgeClassifier            | 1/2 sum_k (z_k - s_k)^2                              |

The penalty of "logistic, intercept penalised" and of the three hinge losses is
alpha/2 (||W||_F^2 + ||b||^2), as LIBLINEAR's is. Targets q of the losses of single labels are the
label sets themselves, and of the others the uniform distribution over them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse, special

NUMBERS_PER_BLOCK = 2**23


def simplex_threshold(Z: np.ndarray) -> np.ndarray:
    """The tau (n, 1) for which the rows max(z - tau, 0) sum to 1, by sorting."""
    descending = -np.sort(-Z, axis=1)
    surplus = np.cumsum(descending, axis=1) - 1
    ranks = np.arange(1, Z.shape[1] + 1)
    support_size = np.count_nonzero(descending * ranks > surplus, axis=1)
    return surplus[np.arange(len(Z)), support_size - 1][:, None] / support_size[:, None]


def sparsemax(Z: np.ndarray) -> np.ndarray:
    """The Euclidean projection of each row onto the simplex."""
    return np.maximum(Z - simplex_threshold(Z), 0)


def entmax15(Z: np.ndarray) -> np.ndarray:
    """(Z / 2 - tau)_+^2 with rows that sum to 1, by sorting."""
    Z = (Z - Z.max(axis=1, keepdims=True)) / 2
    descending = -np.sort(-Z, axis=1)
    ranks = np.arange(1, Z.shape[1] + 1)
    means = np.cumsum(descending, axis=1) / ranks
    # of k numbers, k times their variance
    spreads = np.cumsum(descending**2, axis=1) - ranks * means**2
    thresholds = means - np.sqrt(np.maximum(1 - spreads, 0) / ranks)
    support_size = np.count_nonzero(thresholds <= descending, axis=1)
    tau = thresholds[np.arange(len(Z)), support_size - 1][:, None]
    return np.maximum(Z - tau, 0) ** 2


def distributions(y: Any) -> sparse.csr_array:
    """One-hot rows of class codes (n,), or rows spread over the label sets of an indicator."""
    if sparse.issparse(y):
        sizes = np.diff(y.indptr)
        entries = (np.repeat(1.0 / sizes, sizes), y.indices, y.indptr)
        return sparse.csr_array(entries, shape=y.shape)
    return sparse.csr_array((np.ones(len(y)), y, np.arange(len(y) + 1)))


def objective(
    loss: str, X: Any, y: Any, alpha: float, coef: np.ndarray, intercept: np.ndarray
) -> float:
    """F for coefficients (K, d) and intercepts (K,)."""
    coef, intercept = np.asarray(coef, np.float64), np.asarray(intercept, np.float64)
    targets = y if loss in OF_SINGLE_LABELS and sparse.issparse(y) else distributions(y)
    widest = len(coef) if sparse.issparse(X) else max(coef.shape)
    block = max(1, NUMBERS_PER_BLOCK // widest)
    total = 0.0
    for first in range(0, X.shape[0], block):
        rows = slice(first, first + block)
        scores = X[rows].astype(np.float64) @ coef.T + intercept
        total += LOSSES[loss](scores, targets[rows])
    penalised = np.sum(coef**2) + (np.sum(intercept**2) if loss in PENALISE_INTERCEPT else 0)
    return float(total / X.shape[0] + alpha / 2 * penalised)


def _sparsemax_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    Z = Z - Z.max(axis=1, keepdims=True)
    tau = simplex_threshold(Z)
    conjugate = 0.5 * np.sum((Z**2 - tau**2) * (tau < Z))
    return conjugate + 0.5 * np.sum(Q.data**2) - _inner(Q, Z)


def _softmax_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    return special.logsumexp(Z, axis=1).sum() + special.xlogy(Q.data, Q.data).sum() - _inner(Q, Z)


def _logistic_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    return np.logaddexp(0, Z).sum() - _inner(Q, Z)


def _inner(Q: sparse.csr_array, Z: np.ndarray) -> float:
    return Q.data @ Z[np.repeat(np.arange(Q.shape[0]), np.diff(Q.indptr)), Q.indices]


def _entmax15_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    """<p - q, z> - Omega(p) + Omega(q) with Omega(p) = 4/3 (sum p^1.5 - 1)."""
    Z = Z - Z.max(axis=1, keepdims=True)
    p = entmax15(Z)
    conjugate = np.sum(p * Z) - 4 / 3 * np.sum(p**1.5)
    return conjugate + 4 / 3 * np.sum(Q.data**1.5) - _inner(Q, Z)


def _margins(Z: np.ndarray, Q: sparse.csr_array) -> np.ndarray:
    """max(0, 1 - s_k z_k): by how much each label is on the wrong side of its margin."""
    return np.maximum(0, 1 - (2 * Q.toarray() - 1) * Z)


def _hinge_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    return _margins(Z, Q).sum()


def _squared_hinge_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    return np.sum(_margins(Z, Q) ** 2)


def _crammer_singer_loss(Z: np.ndarray, Q: sparse.csr_array) -> float:
    return np.max(Z + 1 - Q.toarray(), axis=1).sum() - _inner(Q, Z)


def _squares(Z: np.ndarray, Q: sparse.csr_array) -> float:
    return 0.5 * np.sum((Z - 2 * Q.toarray() + 1) ** 2)


LOSSES = {
    "sparsemax": _sparsemax_loss,
    "softmax": _softmax_loss,
    "entmax15": _entmax15_loss,
    "logistic": _logistic_loss,
    "logistic, intercept penalised": _logistic_loss,
    "squared hinge": _squared_hinge_loss,
    "hinge": _hinge_loss,
    "Crammer-Singer": _crammer_singer_loss,
    "squares": _squares,
}
HINGES = ("squared hinge", "hinge", "Crammer-Singer")
PENALISE_INTERCEPT = ("logistic, intercept penalised", *HINGES)
OF_SINGLE_LABELS = (
    "logistic",
    "logistic, intercept penalised",
    "squared hinge",
    "hinge",
    "squares",
)

"""The kernels of `simplex` in NumPy, for small arrays, where loading Numba would take longer.

They sort all rows. With S_k the sum of the k largest scores, tau = max_k (S_k - 1) / k.
"""

import numpy as np


def project_rows(scores, projections):
    """Do what `simplex_compiled.project_rows` does."""
    below, largest, tau = _thresholds(scores)
    np.maximum(below - tau, 0, out=projections, casting="same_kind")
    return _first_infinite(largest)


def threshold_rows(scores, thresholds):
    """Do what `simplex_compiled.threshold_rows` does."""
    _, largest, tau = _thresholds(scores)
    thresholds[:] = (largest + tau)[:, 0]
    return _first_infinite(largest)


def loss_rows(scores, indptr, indices, data, losses):
    """Do what `simplex_compiled.loss_rows` does."""
    below, _, tau = _thresholds(scores)
    rows = np.repeat(np.arange(len(scores)), np.diff(indptr))
    indices, data = indices[indptr[0] : indptr[-1]], data[indptr[0] : indptr[-1]]
    linear = data * np.maximum(tau[rows, 0] - below[rows, indices], 0)
    residual = np.maximum(below - tau, 0)
    residual[rows, indices] -= data
    losses[:] = np.bincount(rows, linear, minlength=len(scores)) + _half_squares(residual)
    scores[:] = residual


def loss_rows_dense(scores, targets, losses):
    """Do what `simplex_compiled.loss_rows_dense` does."""
    below, _, tau = _thresholds(scores)
    residual = np.maximum(below - tau, 0) - targets
    linear = np.where(targets > 0, targets * np.maximum(tau - below, 0), 0).sum(axis=1)
    losses[:] = linear + _half_squares(residual)
    scores[:] = residual


def multiply_jacobian_rows(p, v, products):
    """Do what `simplex_compiled.multiply_jacobian_rows` does."""
    # 1 on the support, 0 outside, NaN where p is NaN
    s = np.sign(p.astype(np.float64))
    # where, not a product: NaN or infinities of v outside the support have no influence
    inside = np.where(s == 0, 0, v)
    mean = inside.sum(axis=1, keepdims=True) / s.sum(axis=1, keepdims=True)
    products[:] = np.where(s == 0, 0, s * (inside - mean))


def _thresholds(scores):
    """Scores minus the largest of their row, the largest (n, 1), and tau minus it (n, 1)."""
    z = scores.astype(np.float64)
    # row k holds the k-th largest scores of all rows, since NumPy is slow along short rows
    ordered = np.ascontiguousarray(np.sort(z, axis=1).T[::-1])
    largest = ordered[0].copy()
    # a difference beyond the range of floats is -inf, and one of infinities is NaN
    with np.errstate(over="ignore", invalid="ignore"):
        ordered -= largest
        sums = np.cumsum(ordered, axis=0, out=ordered)
        sums -= 1
        sums /= np.arange(1, z.shape[1] + 1)[:, None]
        z -= largest[:, None]
        return z, largest[:, None], sums.max(axis=0)[:, None]


def _half_squares(residual):
    return 0.5 * np.einsum("ij,ij->i", residual, residual)


def _first_infinite(largest):
    infinite = np.flatnonzero(np.isinf(largest))
    return int(infinite[0]) if infinite.size else -1

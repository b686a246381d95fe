"""Rows of scores projected onto the simplex, and the loss that comes with it.

The projection of z is max(z - tau, 0), where tau is the root of the convex, decreasing,
piecewise linear function f(tau) = sum_j max(z_j - tau, 0) - 1. All entries of the
support lie within 1 of the largest, since f(max(z) - 1) >= 0. So the few entries above
max(z) - 1 are gathered, and Newton's method, started from the left of the root, drops
those below its iterate: tau = (sum of those left - 1) / (their number), until none is
dropped. Each step is exact on the pieces that remain, no row is ever sorted, and the
result is that of the exact algorithm.

Scores are taken relative to the row's largest before anything else, which is exact
where it matters (for entries near the largest), whatever their size. Sums run in double
precision, also over rows of float32.
"""

import numpy as np

from ._jit import njit


@njit
def _largest(row):
    """Largest entry; NaN if there is a NaN, as for `numpy.max`."""
    largest = row[0]
    for score in row:
        if score > largest or score != score:
            largest = score
        if largest != largest:
            break
    return largest


@njit
def _threshold_below(row, largest, candidates):
    """The threshold tau of a row, relative to its largest entry; NaN if that is not finite."""
    n_candidates = 0
    total = np.float64(0.0)
    for score in row:
        below = score - largest
        if below > -1.0:
            candidates[n_candidates] = below
            total += below
            n_candidates += 1
    if n_candidates == 0:
        return np.nan
    while True:
        tau = (total - 1.0) / n_candidates
        n_kept = 0
        total = np.float64(0.0)
        for j in range(n_candidates):
            below = candidates[j]
            if below > tau:
                candidates[n_kept] = below
                total += below
                n_kept += 1
        if n_kept == n_candidates:
            return tau
        n_candidates = n_kept


@njit
def threshold_rows(scores, thresholds):
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    A row that holds NaN gets NaN. Returns the first row whose largest entry is
    infinite, for which no projection exists, or -1.
    """
    n_rows, n_outputs = scores.shape
    candidates = np.empty(n_outputs, dtype=scores.dtype)
    for i in range(n_rows):
        largest = _largest(scores[i])
        if largest == np.inf or largest == -np.inf:
            return i
        if largest == largest:
            thresholds[i] = largest + _threshold_below(scores[i], largest, candidates)
        else:
            thresholds[i] = largest
    return -1


@njit
def project_rows(scores):
    """Overwrite each row of scores (n, K) by its projection onto the simplex.

    A row that holds NaN becomes NaN. Returns the first row whose largest entry is
    infinite, for which no projection exists, or -1.
    """
    n_rows, n_outputs = scores.shape
    candidates = np.empty(n_outputs, dtype=scores.dtype)
    for i in range(n_rows):
        row = scores[i]
        largest = _largest(row)
        if largest == np.inf or largest == -np.inf:
            return i
        if largest == largest:
            tau = _threshold_below(row, largest, candidates)
            for j in range(n_outputs):
                row[j] = max((row[j] - largest) - tau, 0.0)
        else:
            for j in range(n_outputs):
                row[j] = largest
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    """Fuse loss and gradient over rows of scores (n, K) and CSR targets q.

    With p the projection of the scores z and v = max(tau - z, 0),

        L(z; q) = 1/2 ||p - q||^2 + <q, v>,

    which equals Omega*(z) + Omega(q) - <q, z> for p, q on the simplex, but adds up
    terms that are never negative, so nothing cancels. Overwrites scores by the
    gradient p - q and writes the losses (n,).
    """
    n_rows, n_outputs = scores.shape
    candidates = np.empty(n_outputs, dtype=scores.dtype)
    for i in range(n_rows):
        row = scores[i]
        largest = _largest(row)
        tau = _threshold_below(row, largest, candidates)
        loss = np.float64(0.0)
        for entry in range(indptr[i], indptr[i + 1]):
            below = tau - (row[indices[entry]] - largest)
            if below > 0.0:
                loss += data[entry] * below
        for j in range(n_outputs):
            row[j] = max((row[j] - largest) - tau, 0.0)
        for entry in range(indptr[i], indptr[i + 1]):
            row[indices[entry]] -= data[entry]
        squares = np.float64(0.0)
        for j in range(n_outputs):
            squares += np.float64(row[j]) * np.float64(row[j])
        losses[i] = loss + 0.5 * squares


@njit
def loss_rows_dense(scores, targets, losses):
    """Do the same as `loss_rows` for dense targets q (n, K)."""
    n_rows, n_outputs = scores.shape
    candidates = np.empty(n_outputs, dtype=scores.dtype)
    for i in range(n_rows):
        row = scores[i]
        target = targets[i]
        largest = _largest(row)
        tau = _threshold_below(row, largest, candidates)
        loss = np.float64(0.0)
        for j in range(n_outputs):
            above = (row[j] - largest) - tau
            if above > 0.0:
                row[j] = above - target[j]
            else:
                if target[j] > 0.0:
                    loss -= target[j] * above
                row[j] = -target[j]
            loss += 0.5 * np.float64(row[j]) * np.float64(row[j])
        losses[i] = loss

"""The kernels of `simplex` in NumPy: for small arrays, and where no kernel is compiled yet.

Loading Numba takes longer than a small array takes here (`row_blocks`), and compiling takes
seconds (`stand_in`). Up to `simplex_compiled.MOST_OUTPUTS_SORTED` outputs, results are those of the
compiled kernels to the last bit: each sum has the same terms in the same order. So nobody sees
which of the two computed. The mathematics is that of `simplex_compiled`.

With S_k the sum of the k largest scores, tau = max_k (S_k - 1) / k. Of long rows, the eight largest
scores are enough, or they give a bound from below for Newton's method.
"""

import numpy as np

# As in the compiled kernels, so that sums have the same order.
MOST_ALL_SORTED = 12
N_LARGEST = 8
# Intermediate results of so many numbers stay in the cache.
NUMBERS_AT_A_TIME = 2**16


def project_rows(scores, projections):
    """Do what `simplex_compiled.project_rows` does."""
    for rows in _chunks(scores):
        below, largest, tau = _thresholds(scores[rows])
        if (bad_row := _first_infinite(largest)) >= 0:
            return rows.start + bad_row
        np.maximum(below - tau[:, None], 0, out=projections[rows], casting="same_kind")
    return -1


def threshold_rows(scores, thresholds):
    """Do what `simplex_compiled.threshold_rows` does."""
    for rows in _chunks(scores):
        _, largest, tau = _thresholds(scores[rows])
        if (bad_row := _first_infinite(largest)) >= 0:
            return rows.start + bad_row
        thresholds[rows] = largest + tau
    return -1


def loss_rows(scores, indptr, indices, data, losses):
    """Do what `simplex_compiled.loss_rows` does."""
    for rows in _chunks(scores):
        first, last = indptr[rows.start], indptr[rows.stop]
        sizes = np.diff(indptr[rows.start : rows.stop + 1])
        shape = sizes.size, scores.shape[1]
        places = np.repeat(np.arange(shape[0]) * shape[1], sizes) + indices[first:last]
        # entries at the same place are added
        targets = np.bincount(places, data[first:last], shape[0] * shape[1]).reshape(shape)
        _evaluate(scores[rows], targets, losses[rows])


def loss_rows_dense(scores, targets, losses):
    """Do what `simplex_compiled.loss_rows_dense` does."""
    for rows in _chunks(scores):
        _evaluate(scores[rows], targets[rows], losses[rows])


def multiply_jacobian_rows(p, v, products):
    """Do what `simplex_compiled.multiply_jacobian_rows` does."""
    # 1 on the support, 0 outside, NaN where p is NaN
    s = np.sign(p.astype(np.float64))
    # where, not a product: NaN or infinities of v outside the support have no influence
    inside = np.where(s == 0, 0, v)
    mean = inside.sum(axis=1, keepdims=True) / s.sum(axis=1, keepdims=True)
    products[:] = np.where(s == 0, 0, s * (inside - mean))


def _chunks(scores):
    """Slices of rows."""
    n_rows = max(1, NUMBERS_AT_A_TIME // scores.shape[1])
    for start in range(0, len(scores), n_rows):
        yield slice(start, min(start + n_rows, len(scores)))


def _evaluate(scores, targets, losses):
    """Write the losses, and overwrite the scores by p - q."""
    below, _, tau = _thresholds(scores)
    above = below - tau[:, None]
    residual = np.maximum(above, 0) - targets
    # a score may be -inf if its target is 0
    counts, linear = (above < 0) & (targets > 0), np.zeros_like(above)
    np.multiply(targets, above, out=linear, where=counts)
    losses[:] = _sum_in_order((0.5 * residual * residual - linear).T)
    scores[:] = residual


def _thresholds(scores):
    """Scores minus the largest of their row, the largest (n,), and tau minus it (n,).

    A threshold is NaN for a row with NaN, or if its largest score is infinite.
    """
    n_outputs = scores.shape[1]
    n_sorted = n_outputs if n_outputs <= MOST_ALL_SORTED else N_LARGEST
    # row k holds the k-th largest scores of all rows, since NumPy is slow along short rows
    ordered = np.sort(scores, axis=1)[:, n_outputs - n_sorted :]
    ordered = np.ascontiguousarray(ordered.T[::-1], dtype=np.float64)
    largest = ordered[0].copy()
    # a difference beyond the range of floats is -inf, and one of infinities is NaN
    with np.errstate(over="ignore", invalid="ignore"):
        ordered -= largest
        ordered[0] -= 1
        means = np.add.accumulate(ordered, axis=0)
        means *= (1 / np.arange(1.0, n_sorted + 1))[:, None]
        tau = means.max(axis=0)
        below = scores.astype(np.float64)
        below -= largest[:, None]
        if n_sorted < n_outputs:
            wide = np.flatnonzero(ordered[-1] > tau)
            tau[wide] = _newton(np.ascontiguousarray(below[wide].T), tau[wide])
    return below, largest, tau


def _newton(below, tau):
    """Thresholds of rows, as the columns of `below`, from lower bounds."""
    n_outputs = below.shape[0]
    # the compiled kernel adds four sums at the same time, and the rest to the first one
    in_fours = n_outputs // 4 * 4
    parts = [np.arange(first, in_fours, 4) for first in range(4)]
    parts[0] = np.r_[parts[0], in_fours:n_outputs]
    tau, active = tau.copy(), np.arange(tau.size)
    while active.size:
        inside = below > tau[active]
        terms = np.where(inside, below, 0)
        a, b, c, d = (_sum_in_order(terms[part]) for part in parts)
        steps = (((a + b) + (c + d)) - 1) / np.count_nonzero(inside, axis=0)
        rises = steps > tau[active]
        active, below = active[rises], below[:, rises]
        tau[active] = steps[rises]
    return tau


def _sum_in_order(terms):
    """Sums over the first axis. NumPy may add the terms of a sum in another order."""
    return np.add.accumulate(terms, axis=0)[-1] if len(terms) else np.zeros(terms.shape[1:])


def _first_infinite(largest):
    infinite = np.flatnonzero(np.isinf(largest))
    return int(infinite[0]) if infinite.size else -1

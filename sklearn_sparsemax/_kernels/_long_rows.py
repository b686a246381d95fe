"""The kernels of `simplex` for long rows. Only the few largest entries of such a row matter.

The candidates for the support are the entries at most 1 below the largest entry. All other entries
are read once, in the search for the candidates, and written once.

Indices of fast loops are unsigned. For a signed index, Numba checks whether it is negative, and
this check prevents vector instructions.
"""

import numpy as np

from ._jit import inside, njit

CHUNK = 64


@njit
def project_rows(scores, projections):
    n_rows, n_outputs = scores.shape
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    reach = scores.dtype.type(-1)
    for i in range(n_rows):
        size, largest = gather(scores[i], values, places, reach)
        size, tau = _find_threshold(values, places, size, largest)
        if np.isnan(tau):
            if not np.isnan(scores[i]).any():
                return i
            projections[i] = np.nan
        else:
            _scatter(values, places, size, tau, projections[i])
    return -1


@njit
def threshold_rows(scores, thresholds):
    n_rows, n_outputs = scores.shape
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    reach = scores.dtype.type(-1)
    for i in range(n_rows):
        size, largest = gather(scores[i], values, places, reach)
        _, tau = _find_threshold(values, places, size, largest)
        if np.isnan(tau) and not np.isnan(scores[i]).any():
            return i
        thresholds[i] = largest + tau
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    reach = scores.dtype.type(-1)
    for i in range(n_rows):
        row = scores[i]
        size, largest = gather(row, values, places, reach)
        size, tau = _find_threshold(values, places, size, largest)
        linear = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            below = tau - (row[indices[entry]] - np.float64(largest))
            linear += data[entry] * below if below > 0.0 else 0.0
        _scatter(values, places, size, tau, row)
        squares = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            p, q = row[indices[entry]], data[entry]
            row[indices[entry]] = p - q
            # entries in the support are added below
            squares += q * q if p == 0.0 else 0.0
        for c in range(size):
            residual = np.float64(row[places[c]])
            squares += residual * residual
        losses[i] = linear + 0.5 * squares


@njit
def loss_rows_dense(scores, targets, losses):
    n_rows, n_outputs = scores.shape
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    reach = scores.dtype.type(-1)
    for i in range(n_rows):
        row, target = scores[i], targets[i]
        size, largest = gather(row, values, places, reach)
        size, tau = _find_threshold(values, places, size, largest)
        loss = 0.0
        for j in range(n_outputs):
            above = (row[j] - np.float64(largest)) - tau
            q = np.float64(target[j])
            residual = above - q if above > 0.0 else -q
            loss += 0.5 * residual * residual
            loss -= q * above if (above < 0.0) & (q > 0.0) else 0.0
            row[j] = residual
        losses[i] = loss


@inside
def gather(row, values, places, reach):
    """Copy the candidates and their places; return their number and the largest entry.

    Candidates are the entries whose difference from the largest is at least `reach`, a negative
    number of the type of the row. NaN is a candidate. One pass is enough. The comparison is with
    the largest entry so far. So it may accept too many candidates, but never too few. Most chunks
    have no candidate, and a vectorised comparison skips them.
    """
    largest = row[0]
    n_candidates = 0
    for start in range(0, row.size, CHUNK):
        stop = min(start + CHUNK, row.size)
        if _any_candidate(row, start, stop, largest, reach):
            for j in range(np.uint64(start), np.uint64(stop)):
                score = row[j]
                # an entry that is not a candidate is overwritten; this is faster than a branch
                values[np.uint64(n_candidates)] = score
                places[np.uint64(n_candidates)] = j
                n_candidates += not (score - largest < reach)
                largest = score if score > largest else largest
    return n_candidates, largest


@njit
def _any_candidate(row, start, stop, largest, reach):
    found = False
    for j in range(np.uint64(start), np.uint64(stop)):
        # in the type of the row: if a rounded difference is below -1, so is the exact one
        found |= not (row[j] - largest < reach)
    return found


@njit
def _find_threshold(values, places, n_candidates, largest):
    """Size of the support, and the threshold tau relative to the largest entry.

    The values become relative to the largest entry. The support moves to the front of `places` and
    `values`. tau is NaN if the row has NaN, or if its largest entry is infinite, because the
    difference of infinities is NaN.
    """
    for c in range(n_candidates):
        values[c] -= largest
    tau = -1.0
    while True:
        total, size = -1.0, 0
        for c in range(n_candidates):
            score = values[c]
            values[np.uint64(size)] = score
            places[np.uint64(size)] = places[c]
            # false for NaN: it stays, and the sum becomes NaN
            dropped = score <= tau
            total += 0.0 if dropped else score
            size += not dropped
        step = total / size
        if step <= tau or np.isnan(step):
            return size, max(step, tau)
        n_candidates, tau = size, step


@njit
def _scatter(values, places, size, tau, row):
    """Write the projection: zeros, and score - tau on the support."""
    for j in range(row.size):
        row[j] = 0.0
    for c in range(size):
        row[np.uint64(places[c])] = values[c] - tau

"""The kernels of `simplex` for short rows. They process many rows at the same time (`_tiles`).

Newton's method would need a different number of steps for each row. Sorting does not: the same
exchanges sort all rows. For any m entries of a row, the threshold is at least (their sum - 1) / m.
For the entries of the support, it is equal to this. So the threshold is the maximum over m of this
number, for the m largest entries.

The shortest rows are sorted as a whole. Of other rows, the eight largest entries are sorted. They
are enough if the support is no larger. If it is, they give a bound from below, where Newton's
method starts; few steps are left.
"""

import numpy as np

from ._jit import njit
from ._largest import N_LARGEST, largest_of_rows, work_space
from ._tiles import (
    ALL_LANES,
    FIRST,
    LANES,
    copy_rows,
    first_infinite,
    load,
    store,
    whole_tile,
)

# Up to so many entries, sorting them all is as fast as finding the largest.
MOST_ALL_SORTED = 12
EIGHTH = np.uint64(N_LARGEST - 1)
# From so many outputs on, an inner loop over the outputs of a row is faster.
LEAST_OUTPUTS_IN_TURN = 8


@njit
def project_rows(scores, projections):
    n_rows, n_outputs = scores.shape
    space = work_space(scores)
    largest, tau, total = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        rows = whole_tile(scores, start, spare)
        if _find_thresholds(rows, space, total, largest, tau) > 0:
            # before the scores are overwritten, since both arrays may be the same
            infinite = first_infinite(rows)
            if infinite >= 0:
                return start + infinite
        if n_lanes == LANES:
            _project(rows, largest, tau, projections[start : start + LANES])
        else:
            _project(rows, largest, tau, spare)
            copy_rows(spare, projections[start:])
    return -1


@njit
def threshold_rows(scores, thresholds):
    n_rows, n_outputs = scores.shape
    space = work_space(scores)
    largest, tau, total = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        rows = whole_tile(scores, start, spare)
        if _find_thresholds(rows, space, total, largest, tau) > 0:
            infinite = first_infinite(rows)
            if infinite >= 0:
                return start + infinite
        for lane in range(min(LANES, n_rows - start)):
            thresholds[start + lane] = largest[lane] + tau[lane]
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    space = work_space(scores)
    largest, tau, loss = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    tile, target = np.empty((n_outputs, LANES)), np.zeros((n_outputs, LANES))
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        for lane in range(n_lanes):
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                target[indices[entry], lane] += data[entry]
        rows = whole_tile(scores, start, spare)
        _find_thresholds(rows, space, loss, largest, tau)
        load(rows, tile, n_outputs)
        _evaluate(tile, target, largest, tau, loss)
        store(tile, rows)
        for lane in range(n_lanes):
            losses[start + lane] = loss[lane]
        if n_lanes < LANES:
            copy_rows(rows, scores[start:])
        for lane in range(n_lanes):
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                target[indices[entry], lane] = 0.0


@njit
def loss_rows_dense(scores, targets, losses):
    n_rows, n_outputs = scores.shape
    space = work_space(scores)
    largest, tau, loss = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    spare_targets = np.empty((LANES, n_outputs), targets.dtype)
    tile, target = np.empty((n_outputs, LANES)), np.empty((n_outputs, LANES))
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        rows = whole_tile(scores, start, spare)
        _find_thresholds(rows, space, loss, largest, tau)
        load(rows, tile, n_outputs)
        load(whole_tile(targets, start, spare_targets), target, n_outputs)
        _evaluate(tile, target, largest, tau, loss)
        store(tile, rows)
        for lane in range(n_lanes):
            losses[start + lane] = loss[lane]
        if n_lanes < LANES:
            copy_rows(rows, scores[start:])


@njit
def _find_thresholds(rows, space, total, largest, tau):
    """Write the largest entry of each row, and its threshold tau relative to that.

    tau is NaN if the row has NaN, or if its largest entry is infinite, because the difference of
    infinities is NaN. Returns the number of such rows. `total` (LANES,) is memory for sums.
    """
    work, tile, sums = space
    n_outputs = rows.shape[1]
    n_sorted = n_outputs
    if n_outputs <= MOST_ALL_SORTED:
        load(rows, tile, n_outputs)
        _sort(tile, n_outputs)
    else:
        largest_of_rows(rows, work, tile, sums)
        n_sorted = np.int64(N_LARGEST)
    n_without = _thresholds_of_sorted(tile, n_sorted, total, largest, tau)
    if n_sorted < n_outputs:
        n_without = 0
        for lane in range(LANES):
            if np.isnan(sums[lane]) and _has_nan(rows[lane]):
                tau[lane] = np.nan
            elif tile[EIGHTH, lane] - largest[lane] > tau[lane]:
                tau[lane] = _threshold_of_row(rows[lane], largest[lane], tau[lane])
            n_without += np.isnan(tau[lane])
    return n_without


@njit
def _has_nan(row):
    found = False
    for j in range(row.shape[0]):
        found |= np.isnan(row[j])
    return found


@njit
def _threshold_of_row(row, largest, tau):
    """The threshold of a row without NaN, relative to its largest entry, from a lower bound."""
    while True:
        total, size = _sum_above(row, largest, tau)
        step = (total - 1.0) / size
        if not step > tau:
            return tau
        tau = step


@njit
def _sum_above(row, largest, tau):
    """Sum and number of the entries above tau, relative to the largest.

    Four sums at a time: an addition need not wait for the one before.
    """
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    size_a, size_b, size_c, size_d = 0.0, 0.0, 0.0, 0.0
    in_fours = np.uint64(row.shape[0] // 4 * 4)
    for j in range(np.uint64(0), in_fours, np.uint64(4)):
        p, q = row[j] - largest, row[j + np.uint64(1)] - largest
        r, s = row[j + np.uint64(2)] - largest, row[j + np.uint64(3)] - largest
        a, b = a + (p if p > tau else 0.0), b + (q if q > tau else 0.0)
        c, d = c + (r if r > tau else 0.0), d + (s if s > tau else 0.0)
        size_a, size_b = size_a + (p > tau), size_b + (q > tau)
        size_c, size_d = size_c + (r > tau), size_d + (s > tau)
    for j in range(in_fours, np.uint64(row.shape[0])):
        p = row[j] - largest
        a, size_a = a + (p if p > tau else 0.0), size_a + (p > tau)
    return (a + b) + (c + d), (size_a + size_b) + (size_c + size_d)


@njit
def _sort(tile, n_outputs):
    """Sort the first n_outputs entries of each row in decreasing order, by Batcher's exchanges.

    Knuth, The Art of Computer Programming, volume 3, Algorithm 5.2.2M.
    """
    half = 1
    while 2 * half < n_outputs:
        half *= 2
    p = half
    while p > 0:
        q, r, distance = half, 0, p
        while distance > 0:
            for j in range(n_outputs - distance):
                if j & p == r:
                    _exchange(tile, np.uint64(j), np.uint64(j + distance))
            distance, q, r = q - p, q // 2, p
        p //= 2


@njit
def _exchange(tile, first, second):
    # Because of the added 0, each number is computed and written. Without it, LLVM writes only the
    # numbers that change places, by masked stores. These take ten times as long on AMD processors.
    zero = tile.dtype.type(0)
    for lane in range(ALL_LANES):
        a, b = tile[first, lane], tile[second, lane]
        tile[first, lane] = (a if a > b else b) + zero
        tile[second, lane] = (b if a > b else a) + zero


@njit
def _thresholds_of_sorted(tile, n_candidates, total, largest, tau):
    """Do the same as `_find_thresholds` for rows whose first entries are sorted."""
    for lane in range(ALL_LANES):
        top = np.float64(tile[FIRST, lane])
        largest[lane] = top
        total[lane] = (top - top) - 1.0
        tau[lane] = total[lane]
    for j in range(np.uint64(1), np.uint64(n_candidates)):
        one_by_size = 1.0 / (np.float64(j) + 1.0)
        for lane in range(ALL_LANES):
            total[lane] += tile[j, lane] - largest[lane]
            mean = total[lane] * one_by_size
            # 0 is added for the reason given in _exchange
            tau[lane] = (mean if mean > tau[lane] else tau[lane]) + 0.0
    n_without = 0
    for lane in range(ALL_LANES):
        tau[lane] = (total[lane] if np.isnan(total[lane]) else tau[lane]) + 0.0
        n_without += np.isnan(total[lane])
    return n_without


@njit
def _project(rows, largest, tau, projections):
    """Write max(z - tau, 0). With few outputs, the inner loop runs over the rows."""
    n_outputs = np.uint64(rows.shape[1])
    if n_outputs < LEAST_OUTPUTS_IN_TURN:
        for j in range(n_outputs):
            for lane in range(ALL_LANES):
                above = (rows[lane, j] - largest[lane]) - tau[lane]
                projections[lane, j] = (0.0 if above <= 0.0 else above) + 0.0
    else:
        for lane in range(ALL_LANES):
            top, threshold = largest[lane], tau[lane]
            for j in range(n_outputs):
                above = (rows[lane, j] - top) - threshold
                projections[lane, j] = (0.0 if above <= 0.0 else above) + 0.0


@njit
def _evaluate(tile, target, largest, tau, loss):
    """Overwrite scores by p - q and write L(z; q) = 1/2 ||p - q||^2 + <q, max(tau - z, 0)>."""
    for lane in range(ALL_LANES):
        loss[lane] = 0.0
    for j in range(np.uint64(tile.shape[0])):
        for lane in range(ALL_LANES):
            above, q = (tile[j, lane] - largest[lane]) - tau[lane], target[j, lane]
            residual = (0.0 if above <= 0.0 else above) - q
            # z may be -inf if q is 0
            below = q * above if (above < 0.0) & (q > 0.0) else 0.0
            loss[lane] += 0.5 * residual * residual - below
            tile[j, lane] = residual

"""The kernels of `simplex` for short rows. They process many rows at the same time (`_tiles`).

Newton's method would need a different number of steps for each row. Sorting does not: the same
exchanges sort all rows. For any m entries of a row, the threshold is at least (their sum - 1) / m.
For the entries of the support, it is equal to this. So the threshold is the maximum over m of this
number, for the m largest entries.

Only candidates are sorted, except in the shortest rows. The candidates are the entries not below a
bound, and the threshold is not below this bound either.
"""

import numpy as np

from ._jit import njit
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

# Up to so many bytes in a row, the search for candidates takes longer than it saves.
MOST_BYTES_ALL_SORTED = 320
# From so many outputs on, an inner loop over the outputs of a row is faster.
LEAST_OUTPUTS_IN_TURN = 8


@njit
def project_rows(scores, projections):
    n_rows, n_outputs = scores.shape
    gathered, ordered = _work_space(scores)
    largest, tau, total = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        rows = whole_tile(scores, start, spare)
        size = _load_candidates(rows, gathered, ordered)
        _sort(ordered, size)
        if _find_thresholds(ordered, size, total, largest, tau) > 0:
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
    gathered, ordered = _work_space(scores)
    largest, tau, total = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        rows = whole_tile(scores, start, spare)
        size = _load_candidates(rows, gathered, ordered)
        _sort(ordered, size)
        if _find_thresholds(ordered, size, total, largest, tau) > 0:
            infinite = first_infinite(rows)
            if infinite >= 0:
                return start + infinite
        for lane in range(min(LANES, n_rows - start)):
            thresholds[start + lane] = largest[lane] + tau[lane]
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    gathered, ordered = _work_space(scores)
    largest, tau, loss = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    tile, target = np.empty((n_outputs, LANES)), np.zeros((n_outputs, LANES))
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        for lane in range(n_lanes):
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                target[indices[entry], lane] += data[entry]
        rows = whole_tile(scores, start, spare)
        size = _load_candidates(rows, gathered, ordered)
        _sort(ordered, size)
        _find_thresholds(ordered, size, loss, largest, tau)
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
    gathered, ordered = _work_space(scores)
    largest, tau, loss = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    spare_targets = np.empty((LANES, n_outputs), targets.dtype)
    tile, target = np.empty((n_outputs, LANES)), np.empty((n_outputs, LANES))
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        rows = whole_tile(scores, start, spare)
        size = _load_candidates(rows, gathered, ordered)
        _sort(ordered, size)
        _find_thresholds(ordered, size, loss, largest, tau)
        load(rows, tile, n_outputs)
        load(whole_tile(targets, start, spare_targets), target, n_outputs)
        _evaluate(tile, target, largest, tau, loss)
        store(tile, rows)
        for lane in range(n_lanes):
            losses[start + lane] = loss[lane]
        if n_lanes < LANES:
            copy_rows(rows, scores[start:])


@njit
def _work_space(scores):
    """Memory for the candidates of LANES rows, as rows and as a tile."""
    n_outputs = scores.shape[1]
    return np.empty((LANES, n_outputs), scores.dtype), np.empty((n_outputs, LANES), scores.dtype)


@njit
def _load_candidates(rows, gathered, tile):
    """Fill the tile with the candidates of each row, and return the largest number of candidates.

    Rows with fewer candidates are filled with -inf.
    """
    n_outputs = rows.shape[1]
    if n_outputs * rows.itemsize <= MOST_BYTES_ALL_SORTED:
        load(rows, tile, n_outputs)
        return n_outputs
    sizes, most = np.empty(LANES, np.int64), 0
    for lane in range(LANES):
        sizes[lane] = _gather(rows, lane, gathered)
        most = max(most, sizes[lane])
    for lane in range(LANES):
        for j in range(sizes[lane], most):
            gathered[lane, j] = -np.inf
    load(gathered, tile, most)
    return most


@njit
def _gather(rows, lane, gathered):
    """Write the candidates of a row into the front of gathered[lane], and return their number."""
    bound = _bound(rows, lane)
    size = np.uint64(0)
    for j in range(np.uint64(rows.shape[1])):
        # an entry that is not a candidate is overwritten; this is faster than a branch
        gathered[lane, size] = rows[lane, j]
        size += np.uint64(not (rows[lane, j] < bound))
    return np.int64(size)


@njit
def _bound(rows, lane):
    """A bound on the threshold from below: no smaller entry of the row is in the support.

    There are two such bounds, by the formula above: one from the largest entries of four parts of
    the row, and one from the largest entry alone. The result is the larger one. Rounding to the
    type of the row keeps the order. NaN is not below the bound.
    """
    n_outputs = rows.shape[1]
    a, b, c, d = rows[lane, 0], rows[lane, 1], rows[lane, 2], rows[lane, 3]
    # four at a time: a comparison need not wait for the one before
    stop = n_outputs - n_outputs % 4
    for j in range(4, stop, 4):
        p, q, r, s = np.uint64(j), np.uint64(j + 1), np.uint64(j + 2), np.uint64(j + 3)
        a = rows[lane, p] if rows[lane, p] > a else a
        b = rows[lane, q] if rows[lane, q] > b else b
        c = rows[lane, r] if rows[lane, r] > c else c
        d = rows[lane, s] if rows[lane, s] > d else d
    for j in range(stop, n_outputs):
        a = rows[lane, j] if rows[lane, j] > a else a
    largest = np.float64(max(max(a, b), max(c, d)))
    tau = ((a - largest) + (b - largest) + (c - largest) + (d - largest) - 1.0) / 4.0
    return rows.dtype.type(largest + (tau if tau > -1.0 else -1.0))


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
def _find_thresholds(tile, n_candidates, total, largest, tau):
    """Write the largest entry of each sorted row, and its threshold tau relative to that.

    tau is NaN if the row has NaN, or if its largest entry is infinite, because the difference of
    infinities is NaN. Returns the number of such rows. `total` (LANES,) is memory for the sums.
    """
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

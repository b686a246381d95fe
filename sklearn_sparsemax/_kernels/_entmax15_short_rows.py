"""The kernels of `entmax_compiled` for alpha = 1.5 and short rows, many at a time (`_tiles`).

With a_k = (max(z) - z_k) / 2, the probabilities are (r - a_k)_+^2. Newton's method for r starts at
1 in all rows of a tile. A step takes the same operations in each row. The steps end when they are
short in all rows of the tile. A row that has come to its root stays there, up to rounding.
"""

import numpy as np

from ._entmax_constants import LAST_STEP, MOST_STEPS
from ._jit import njit, njit_dividing
from ._tiles import ALL_LANES, FIRST, LANES, copy_rows, first_infinite, load, store, whole_tile


@njit
def map_rows(scores, probabilities):
    n_rows, n_outputs = scores.shape
    tile, largest, r, total, slope = _work_space(n_outputs)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        rows = whole_tile(scores, start, spare)
        load(rows, tile, n_outputs)
        if _find_roots(tile, largest, r, total, slope) > 0:
            # before the scores are overwritten, since both arrays may be the same
            infinite = first_infinite(rows)
            if infinite >= 0:
                return start + infinite
        _square(tile, r)
        if n_rows - start >= LANES:
            store(tile, probabilities[start : start + LANES])
        else:
            store(tile, spare)
            copy_rows(spare, probabilities[start:])
    return -1


@njit
def threshold_rows(scores, thresholds):
    n_rows, n_outputs = scores.shape
    tile, largest, r, total, slope = _work_space(n_outputs)
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        rows = whole_tile(scores, start, spare)
        load(rows, tile, n_outputs)
        if _find_roots(tile, largest, r, total, slope) > 0:
            infinite = first_infinite(rows)
            if infinite >= 0:
                return start + infinite
        for lane in range(min(LANES, n_rows - start)):
            thresholds[start + lane] = 0.5 * largest[lane] - r[lane]
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    tile, largest, r, loss, slope = _work_space(n_outputs)
    target = np.zeros((n_outputs, LANES))
    spare = np.empty((LANES, n_outputs), scores.dtype)
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        for lane in range(n_lanes):
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                target[indices[entry], lane] += data[entry]
        rows = whole_tile(scores, start, spare)
        load(rows, tile, n_outputs)
        _find_roots(tile, largest, r, loss, slope)
        _evaluate(tile, target, r, loss)
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
    tile, largest, r, loss, slope = _work_space(n_outputs)
    target = np.empty((n_outputs, LANES))
    spare = np.empty((LANES, n_outputs), scores.dtype)
    spare_targets = np.empty((LANES, n_outputs), targets.dtype)
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        rows = whole_tile(scores, start, spare)
        load(rows, tile, n_outputs)
        load(whole_tile(targets, start, spare_targets), target, n_outputs)
        _find_roots(tile, largest, r, loss, slope)
        _evaluate(tile, target, r, loss)
        store(tile, rows)
        for lane in range(n_lanes):
            losses[start + lane] = loss[lane]
        if n_lanes < LANES:
            copy_rows(rows, scores[start:])


@njit
def _work_space(n_outputs):
    return (
        np.empty((n_outputs, LANES)),
        np.empty(LANES),
        np.empty(LANES),
        np.empty(LANES),
        np.empty(LANES),
    )


@njit
def _find_roots(tile, largest, r, total, slope):
    """Overwrite the scores of a tile by the a_k, and write the root r of each row.

    r is NaN if the row has NaN, or if its largest entry is infinite. Returns the number of such
    rows. `total` and `slope` are memory.
    """
    _subtract_from_largest(tile, largest, r, total, slope)
    for _ in range(MOST_STEPS):
        if _step(r, total, slope) == 0:
            break
        _sum(tile, r, total, slope)
    n_without = 0
    for lane in range(ALL_LANES):
        n_without += np.isnan(r[lane])
    return n_without


@njit
def _subtract_from_largest(tile, largest, r, total, slope):
    """Write the largest score of each row, the a_k, r = 1, and the sums at this r."""
    for lane in range(ALL_LANES):
        largest[lane] = tile[FIRST, lane]
        r[lane], total[lane], slope[lane] = 1.0, 0.0, 0.0
    for j in range(np.uint64(1), np.uint64(tile.shape[0])):
        for lane in range(ALL_LANES):
            a, b = largest[lane], tile[j, lane]
            largest[lane] = (b if b > a else a) + 0.0
    for j in range(np.uint64(tile.shape[0])):
        for lane in range(ALL_LANES):
            a = 0.5 * (largest[lane] - tile[j, lane])
            tile[j, lane] = a
            above = _above(1.0 - a)
            total[lane] += above * above
            slope[lane] += above


@njit_dividing
def _step(r, total, slope):
    """Move each r; the number of rows whose step was not short."""
    n_moving = 0
    for lane in range(ALL_LANES):
        norm = np.sqrt(total[lane])
        change = (norm - 1.0) * norm / slope[lane]
        r[lane] -= change
        n_moving += change > LAST_STEP * r[lane]
    return n_moving


@njit
def _sum(tile, r, total, slope):
    """The sum of (r - a_k)_+^2 of each row, and that of (r - a_k)_+, half its derivative.

    Four entries of each row at a time: the sums are then read and written a quarter as often.
    """
    n_outputs = tile.shape[0]
    stop = n_outputs - n_outputs % 4
    for lane in range(ALL_LANES):
        total[lane] = 0.0
        slope[lane] = 0.0
    for j in range(0, stop, 4):
        i, k, m, n = np.uint64(j), np.uint64(j + 1), np.uint64(j + 2), np.uint64(j + 3)
        for lane in range(ALL_LANES):
            a = _above(r[lane] - tile[i, lane])
            b = _above(r[lane] - tile[k, lane])
            c = _above(r[lane] - tile[m, lane])
            d = _above(r[lane] - tile[n, lane])
            total[lane] += (a * a + b * b) + (c * c + d * d)
            slope[lane] += (a + b) + (c + d)
    for j in range(np.uint64(stop), np.uint64(n_outputs)):
        for lane in range(ALL_LANES):
            a = _above(r[lane] - tile[j, lane])
            total[lane] += a * a
            slope[lane] += a


@njit
def _above(difference):
    """The positive part. NaN stays NaN. Compared in this way, it is a single instruction."""
    return 0.0 if difference < 0.0 else difference


@njit
def _square(tile, r):
    """Overwrite the a_k by the probabilities."""
    for j in range(np.uint64(tile.shape[0])):
        for lane in range(ALL_LANES):
            above = _above(r[lane] - tile[j, lane])
            tile[j, lane] = above * above


@njit_dividing
def _evaluate(tile, target, r, loss):
    """Overwrite the a_k by p - q, and write L(z; q).

    The loss is the sum of 2/3 (u - v)^2 (2 u + v) + 2 q (a - r)_+, with u^2 = q and v^2 = p.
    """
    for lane in range(ALL_LANES):
        loss[lane] = 0.0
    for j in range(np.uint64(tile.shape[0])):
        for lane in range(ALL_LANES):
            above, q = r[lane] - tile[j, lane], target[j, lane]
            v, u = _above(above), np.sqrt(q)
            difference, sum_of_roots = v * v - q, u + v
            # u - v without cancellation
            ratio = difference / (sum_of_roots if sum_of_roots > 0.0 else 1.0)
            # z may be -inf if q is 0
            below = q * above if (above < 0.0) & (q > 0.0) else 0.0
            loss[lane] += (2.0 / 3.0) * ratio * ratio * (sum_of_roots + u) - 2.0 * below
            tile[j, lane] = difference

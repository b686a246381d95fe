"""The kernels of `simplex` for short rows, LANES of them side by side.

A tile (K, LANES) holds LANES rows as its columns, so that one vector instruction advances
several rows, while each sum runs over the entries of one row, as it would for the row alone.
What becomes of a row depends on no other of its tile. So many rows cannot follow Newton's
method each at its own pace, but they can be sorted by the same exchanges; the threshold is
then that of Algorithm 1 of Martins & Astudillo (2016).
"""

import numpy as np

from ._jit import njit

LANES = 32


@njit
def project_rows(scores, projections):
    n_rows, n_outputs = scores.shape
    ordered = np.empty((n_outputs, LANES), scores.dtype)
    largest, tau = np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _load(scores, start, ordered)
        _find_thresholds(ordered, largest, tau)
        infinite = _first_infinite(scores, start, tau)
        if infinite >= 0:
            return infinite
        for lane in range(min(LANES, n_rows - start)):
            for j in range(n_outputs):
                above = (scores[start + lane, j] - largest[lane]) - tau[lane]
                projections[start + lane, j] = 0.0 if above <= 0.0 else above
    return -1


@njit
def threshold_rows(scores, thresholds):
    n_rows, n_outputs = scores.shape
    ordered = np.empty((n_outputs, LANES), scores.dtype)
    largest, tau = np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _load(scores, start, ordered)
        _find_thresholds(ordered, largest, tau)
        infinite = _first_infinite(scores, start, tau)
        if infinite >= 0:
            return infinite
        for lane in range(min(LANES, n_rows - start)):
            thresholds[start + lane] = largest[lane] + tau[lane]
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    tile, ordered = np.empty((n_outputs, LANES)), np.empty((n_outputs, LANES), scores.dtype)
    largest, tau, half_squares = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        _load(scores, start, tile)
        ordered[:] = tile
        _find_thresholds(ordered, largest, tau)
        _subtract(tile, largest, tau)
        for lane in range(n_lanes):
            linear = 0.0
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                above = tile[indices[entry], lane]
                linear -= data[entry] * above if above < 0.0 else 0.0
            losses[start + lane] = linear
        _clip(tile)
        for lane in range(n_lanes):
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                tile[indices[entry], lane] -= data[entry]
        _sum_half_squares(tile, half_squares)
        for lane in range(n_lanes):
            losses[start + lane] += half_squares[lane]
        _store(tile, scores, start)


@njit
def loss_rows_dense(scores, targets, losses):
    n_rows, n_outputs = scores.shape
    tile, ordered = np.empty((n_outputs, LANES)), np.empty((n_outputs, LANES), scores.dtype)
    largest, tau, half_squares = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    target, linear = np.empty_like(tile), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _load(scores, start, tile)
        _load(targets, start, target)
        ordered[:] = tile
        _find_thresholds(ordered, largest, tau)
        _subtract(tile, largest, tau)
        _sum_below(tile, target, linear)
        _clip(tile)
        for j in range(n_outputs):
            for lane in range(LANES):
                tile[j, lane] -= target[j, lane]
        _sum_half_squares(tile, half_squares)
        for lane in range(min(LANES, n_rows - start)):
            losses[start + lane] = linear[lane] + half_squares[lane]
        _store(tile, scores, start)


@njit
def _load(matrix, start, tile):
    """Fill the tile with rows start, start + 1, ...; beyond the last row, with that row."""
    n_rows, n_outputs = matrix.shape
    for lane in range(LANES):
        i = min(start + lane, n_rows - 1)
        for j in range(n_outputs):
            tile[j, lane] = matrix[i, j]


@njit
def _store(tile, matrix, start):
    """Write the tile into rows start, start + 1, ..., as far as there are any."""
    n_rows, n_outputs = matrix.shape
    for lane in range(min(LANES, n_rows - start)):
        for j in range(n_outputs):
            matrix[start + lane, j] = tile[j, lane]


@njit
def _sort(tile):
    """Put each row in decreasing order, by Batcher's merge exchange.

    Knuth, The Art of Computer Programming, volume 3, Algorithm 5.2.2M.
    """
    n_outputs = tile.shape[0]
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
    # Adding 0 has each number computed and written. Without it LLVM writes only where two
    # change places, by masked stores, which take ten times as long on AMD's processors.
    zero = tile.dtype.type(0)
    for lane in range(LANES):
        a, b = tile[first, lane], tile[second, lane]
        tile[first, lane] = (a if a > b else b) + zero
        tile[second, lane] = (b if a > b else a) + zero


@njit
def _find_thresholds(tile, largest, tau):
    """Sort; write the largest score of each row, and its threshold tau relative to that.

    NaN makes a row's tau NaN, and so does an infinite largest entry, since the difference of
    infinities is NaN.
    """
    _sort(tile)
    total, size = np.empty(LANES), np.empty(LANES)
    for lane in range(LANES):
        largest[lane] = tile[0, lane]
        total[lane] = tau[lane] = -1.0
        size[lane] = 0.0
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            score = tile[j, lane] - largest[lane]
            total[lane] += score
            inside = (j + 1.0) * score > total[lane]
            tau[lane] += score if inside else 0.0
            size[lane] += 1.0 if inside else 0.0
    for lane in range(LANES):
        tau[lane] = np.nan if np.isnan(total[lane]) else tau[lane] / size[lane]


@njit
def _first_infinite(scores, start, tau):
    """First row of the tile that has no threshold and holds no NaN, or -1."""
    for lane in range(min(LANES, scores.shape[0] - start)):
        if np.isnan(tau[lane]) and not np.isnan(scores[start + lane]).any():
            return start + lane
    return -1


@njit
def _subtract(tile, largest, tau):
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            tile[j, lane] = (tile[j, lane] - largest[lane]) - tau[lane]


@njit
def _clip(tile):
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            above = tile[j, lane]
            tile[j, lane] = 0.0 if above <= 0.0 else above + 0.0


@njit
def _sum_below(tile, target, linear):
    """Write the sum over each row of q max(tau - z, 0), for a tile of z - tau."""
    for lane in range(LANES):
        linear[lane] = 0.0
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            above, q = tile[j, lane], target[j, lane]
            linear[lane] -= q * above if (above < 0.0) & (q > 0.0) else 0.0


@njit
def _sum_half_squares(tile, half_squares):
    for lane in range(LANES):
        half_squares[lane] = 0.0
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            half_squares[lane] += 0.5 * tile[j, lane] * tile[j, lane]

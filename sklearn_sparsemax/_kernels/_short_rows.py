"""The kernels of `simplex` for short rows, LANES of them side by side.

A tile (K, LANES) holds LANES rows as its columns, so that one vector instruction advances
several rows, while each sum runs over the entries of one row, as it would for the row alone.
What becomes of a row depends on no other of its tile. So many rows cannot follow Newton's
method each at its own pace, but they can be sorted by the same exchanges. Any m entries of a
row put its threshold at no less than (their sum - 1) / m, and the support attains this; so
the threshold is the maximum over m for the m largest entries.

Of all but the shortest rows only candidates are sorted: entries above a bound that the
threshold cannot be below.

Indices in the longest loops are unsigned, as in `_long_rows`.
"""

import numpy as np

from ._jit import njit

LANES = 32

# Where the search for candidates takes about as long as it saves.
MOST_OUTPUTS_ALL_SORTED = 48


@njit
def project_rows(scores, projections):
    n_rows, n_outputs = scores.shape
    rows, ordered = _work_space(scores)
    largest, tau = np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _find_thresholds(scores, start, rows, ordered, largest, tau)
        infinite = _first_infinite(scores, start, tau)
        if infinite >= 0:
            return infinite
        for lane in range(min(LANES, n_rows - start)):
            for j in range(np.uint64(n_outputs)):
                above = (scores[start + lane, j] - largest[lane]) - tau[lane]
                projections[start + lane, j] = (0.0 if above <= 0.0 else above) + 0.0
    return -1


@njit
def threshold_rows(scores, thresholds):
    n_rows = scores.shape[0]
    rows, ordered = _work_space(scores)
    largest, tau = np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _find_thresholds(scores, start, rows, ordered, largest, tau)
        infinite = _first_infinite(scores, start, tau)
        if infinite >= 0:
            return infinite
        for lane in range(min(LANES, n_rows - start)):
            thresholds[start + lane] = largest[lane] + tau[lane]
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    tile = np.empty((n_outputs, LANES))
    rows, ordered = _work_space(scores)
    largest, tau, half_squares = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        _load(scores, start, tile)
        _find_thresholds(scores, start, rows, ordered, largest, tau)
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
    tile = np.empty((n_outputs, LANES))
    rows, ordered = _work_space(scores)
    largest, tau, half_squares = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    target, linear = np.empty_like(tile), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _load(scores, start, tile)
        _load(targets, start, target)
        _find_thresholds(scores, start, rows, ordered, largest, tau)
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
def _work_space(scores):
    """Room for the candidates of LANES rows, as rows and as a tile."""
    n_outputs = scores.shape[1]
    return np.empty((LANES, n_outputs), scores.dtype), np.empty((n_outputs, LANES), scores.dtype)


@njit
def _load_candidates(scores, start, rows, tile):
    """Fill the tile with the candidates of each row, and return their largest number.

    Rows with fewer are filled up with -inf, and beyond the last row stands that row.
    """
    n_rows, n_outputs = scores.shape
    if n_outputs <= MOST_OUTPUTS_ALL_SORTED:
        _load(scores, start, tile)
        return n_outputs
    sizes, most = np.empty(LANES, np.int64), 0
    for lane in range(LANES):
        sizes[lane] = _gather(scores, min(start + lane, n_rows - 1), rows, lane)
        most = max(most, sizes[lane])
    for lane in range(LANES):
        for j in range(sizes[lane], most):
            rows[lane, j] = -np.inf
        for j in range(most):
            tile[j, lane] = rows[lane, j]
    return most


@njit
def _gather(scores, i, rows, lane):
    """Write the candidates of row i into the front of rows[lane], and return their number."""
    bound = _bound(scores, i)
    size = np.uint64(0)
    for j in range(np.uint64(scores.shape[1])):
        # where it is none, the next one takes its place: cheaper than a branch
        rows[lane, size] = scores[i, j]
        size += np.uint64(not (scores[i, j] < bound))
    return np.int64(size)


@njit
def _bound(scores, i):
    """A number below which no entry of row i is in the support.

    The largest entry of each quarter give one, as above, and so does the largest alone. Rounding
    to the type of the row keeps the order. Where there is NaN, it is not below the bound.
    """
    n_outputs = scores.shape[1]
    a, b, c, d = scores[i, 0], scores[i, 1], scores[i, 2], scores[i, 3]
    # four at a time, since the next comparison need not wait for the last
    stop = n_outputs - n_outputs % 4
    for j in range(4, stop, 4):
        p, q, r, s = np.uint64(j), np.uint64(j + 1), np.uint64(j + 2), np.uint64(j + 3)
        a = scores[i, p] if scores[i, p] > a else a
        b = scores[i, q] if scores[i, q] > b else b
        c = scores[i, r] if scores[i, r] > c else c
        d = scores[i, s] if scores[i, s] > d else d
    for j in range(stop, n_outputs):
        a = scores[i, j] if scores[i, j] > a else a
    largest = np.float64(max(max(a, b), max(c, d)))
    tau = ((a - largest) + (b - largest) + (c - largest) + (d - largest) - 1.0) / 4.0
    return scores.dtype.type(largest + (tau if tau > -1.0 else -1.0))


@njit
def _sort(tile, n_outputs):
    """Put the first n_outputs entries of each row in decreasing order, by Batcher's exchanges.

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
    # Adding 0 has each number computed and written. Without it LLVM writes only where two
    # change places, by masked stores, which take ten times as long on AMD's processors.
    zero = tile.dtype.type(0)
    for lane in range(LANES):
        a, b = tile[first, lane], tile[second, lane]
        tile[first, lane] = (a if a > b else b) + zero
        tile[second, lane] = (b if a > b else a) + zero


@njit
def _find_thresholds(scores, start, rows, tile, largest, tau):
    """Write the largest score of each row from start on, and its threshold relative to that.

    NaN makes a row's tau NaN, and so does an infinite largest entry, since the difference of
    infinities is NaN.
    """
    n_candidates = _load_candidates(scores, start, rows, tile)
    _sort(tile, n_candidates)
    total = np.empty(LANES)
    for lane in range(LANES):
        largest[lane] = tile[0, lane]
        total[lane] = -1.0
        tau[lane] = -np.inf
    for j in range(n_candidates):
        one_by_size = 1.0 / (j + 1.0)
        for lane in range(LANES):
            total[lane] += tile[j, lane] - largest[lane]
            mean = total[lane] * one_by_size
            # the 0 as in _exchange
            tau[lane] = (mean if mean > tau[lane] else tau[lane]) + 0.0
    for lane in range(LANES):
        tau[lane] = np.nan if np.isnan(total[lane]) else tau[lane]


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

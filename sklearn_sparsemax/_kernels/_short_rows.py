"""The kernels of `simplex` for short rows, LANES of them side by side.

A tile (K, LANES) holds LANES rows as its columns, in double precision, so that one vector
instruction advances several rows, while each sum runs over the entries of a row in their
order, as it would for the row alone. What becomes of a row depends on no other of its tile.
"""

import numpy as np

from ._jit import njit

LANES = 32


@njit
def project_rows(scores, projections):
    n_rows, n_outputs = scores.shape
    tile, largest, tau = np.empty((n_outputs, LANES)), np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _load(scores, start, tile)
        _find_thresholds(tile, largest, tau)
        infinite = _first_infinite(scores, start, tau)
        if infinite >= 0:
            return infinite
        _clip(tile, tau)
        _store(tile, projections, start)
    return -1


@njit
def threshold_rows(scores, thresholds):
    n_rows, n_outputs = scores.shape
    tile, largest, tau = np.empty((n_outputs, LANES)), np.empty(LANES), np.empty(LANES)
    for start in range(0, n_rows, LANES):
        _load(scores, start, tile)
        _find_thresholds(tile, largest, tau)
        infinite = _first_infinite(scores, start, tau)
        if infinite >= 0:
            return infinite
        for lane in range(min(LANES, n_rows - start)):
            thresholds[start + lane] = largest[lane] + tau[lane]
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses):
    n_rows, n_outputs = scores.shape
    tile, largest, tau = np.empty((n_outputs, LANES)), np.empty(LANES), np.empty(LANES)
    half_squares = largest
    for start in range(0, n_rows, LANES):
        n_lanes = min(LANES, n_rows - start)
        _load(scores, start, tile)
        _find_thresholds(tile, largest, tau)
        for lane in range(n_lanes):
            loss = 0.0
            for entry in range(indptr[start + lane], indptr[start + lane + 1]):
                below = tau[lane] - tile[indices[entry], lane]
                loss += data[entry] * below if below > 0.0 else 0.0
            losses[start + lane] = loss
        _clip(tile, tau)
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
    tile, largest, tau = np.empty((n_outputs, LANES)), np.empty(LANES), np.empty(LANES)
    target_tile, linear, half_squares = np.empty_like(tile), np.empty(LANES), largest
    for start in range(0, n_rows, LANES):
        _load(scores, start, tile)
        _load(targets, start, target_tile)
        _find_thresholds(tile, largest, tau)
        _sum_below(tile, tau, target_tile, linear)
        _clip(tile, tau)
        _subtract(tile, target_tile)
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
def _find_thresholds(tile, largest, tau):
    """Write the largest score of each row, and its threshold tau relative to that.

    The tile becomes relative to the largest too. NaN makes a row's tau NaN, and so does an
    infinite largest entry, since the difference of infinities is NaN.
    """
    n_outputs = tile.shape[0]
    for lane in range(LANES):
        largest[lane] = tile[0, lane]
    for j in range(1, n_outputs):
        for lane in range(LANES):
            score = tile[j, lane]
            largest[lane] = score if score > largest[lane] else largest[lane]
    for j in range(n_outputs):
        for lane in range(LANES):
            tile[j, lane] -= largest[lane]

    total, size = np.empty(LANES), np.empty(LANES)
    for lane in range(LANES):
        tau[lane] = -1.0
    n_risen = 1
    while n_risen > 0:
        for lane in range(LANES):
            total[lane] = -1.0
            size[lane] = 0.0
        for j in range(n_outputs):
            for lane in range(LANES):
                score = tile[j, lane]
                # false for NaN, which stays and makes the sum NaN
                dropped = score <= tau[lane]
                total[lane] += 0.0 if dropped else score
                size[lane] += 0.0 if dropped else 1.0
        n_risen = 0
        for lane in range(LANES):
            step = total[lane] / size[lane]
            n_risen += step > tau[lane]
            tau[lane] = tau[lane] if step <= tau[lane] else step


@njit
def _first_infinite(scores, start, tau):
    """First row of the tile that has no threshold and holds no NaN, or -1."""
    for lane in range(min(LANES, scores.shape[0] - start)):
        if np.isnan(tau[lane]) and not np.isnan(scores[start + lane]).any():
            return start + lane
    return -1


@njit
def _clip(tile, tau):
    """Overwrite relative scores by max(score - tau, 0), or NaN."""
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            above = tile[j, lane] - tau[lane]
            tile[j, lane] = 0.0 if above <= 0.0 else above


@njit
def _sum_below(tile, tau, target, linear):
    """Write the sum over each row of q max(tau - score, 0)."""
    for lane in range(LANES):
        linear[lane] = 0.0
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            below = tau[lane] - tile[j, lane]
            q = target[j, lane]
            linear[lane] += q * below if (below > 0.0) & (q > 0.0) else 0.0


@njit
def _subtract(tile, target):
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            tile[j, lane] -= target[j, lane]


@njit
def _sum_half_squares(tile, half_squares):
    for lane in range(LANES):
        half_squares[lane] = 0.0
    for j in range(tile.shape[0]):
        for lane in range(LANES):
            half_squares[lane] += 0.5 * tile[j, lane] * tile[j, lane]

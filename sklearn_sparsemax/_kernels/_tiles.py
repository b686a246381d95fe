"""Tiles: many short rows side by side, so that one vector instruction works on several rows.

A tile (K, LANES) holds LANES rows as its columns. Each sum runs over the entries of one row, in the
same order as for the row alone. The result for a row does not depend on the other rows of its tile.

Indices of the longest loops are unsigned, as in `_long_rows`. Their functions always get LANES
rows. If fewer are left, they get a copy in which the last row is repeated.
"""

import numpy as np

from ._jit import inside

LANES = 128
ALL_LANES = np.uint64(LANES)
FIRST = np.uint64(0)
# Number of rows that are turned into columns together. If the length of a row is a power of 2, more
# rows would displace each other in the cache.
LANES_TURNED = np.uint64(16)


@inside
def whole_tile(matrix, start, spare):
    """LANES rows from `start` on. If there are fewer, a copy in which the last one is repeated."""
    n_rows = matrix.shape[0]
    if start + LANES <= n_rows:
        return matrix[start : start + LANES]
    for lane in range(LANES):
        for j in range(matrix.shape[1]):
            spare[lane, j] = matrix[min(start + lane, n_rows - 1), j]
    return spare[:]


@inside
def copy_rows(source, target):
    """Copy rows, as many as the target has."""
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            target[i, j] = source[i, j]


@inside
def load(rows, tile, n_outputs):
    for first in range(FIRST, ALL_LANES, LANES_TURNED):
        for j in range(np.uint64(n_outputs)):
            for lane in range(first, first + LANES_TURNED):
                tile[j, lane] = rows[lane, j]


@inside
def store(tile, rows):
    for first in range(FIRST, ALL_LANES, LANES_TURNED):
        for j in range(np.uint64(rows.shape[1])):
            for lane in range(first, first + LANES_TURNED):
                rows[lane, j] = tile[j, lane]


@inside
def first_infinite(rows):
    """The first row without NaN whose largest entry is infinite, or -1."""
    for i in range(rows.shape[0]):
        largest, has_nan = rows[i, 0], False
        for j in range(rows.shape[1]):
            largest = max(largest, rows[i, j])
            has_nan |= np.isnan(rows[i, j])
        if np.isinf(largest) and not has_nan:
            return i
    return -1

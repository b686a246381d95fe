"""The eight largest entries of each row of a tile, in decreasing order.

Sixteen columns at a time become columns of a small tile that stays in the first-level cache. Each
eight of them are sorted by a network, and merged into the eight largest so far. Everything between
a load and a store is in registers: so this is much faster than sorting whole rows.
"""

import numpy as np

from ._jit import inside, njit
from ._tiles import ALL_LANES, FIRST, LANES, LANES_TURNED

N_LARGEST = 8
# Columns that are read together: as many numbers of a row as a cache line has, in single precision.
COLUMNS_TURNED = 16
EIGHT, COLUMNS = np.uint64(N_LARGEST), np.uint64(COLUMNS_TURNED)
# Starts of the rows of the tile. The first eight are the result, the others are read from `rows`.
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN = (np.uint64(k * LANES) for k in range(1, 8))


@inside
def work_space(scores):
    """Memory of `largest_of_rows`, as a row of numbers and as a tile; and for its sums."""
    work = np.empty((N_LARGEST + COLUMNS_TURNED) * LANES, scores.dtype)
    tile = work.reshape((N_LARGEST + COLUMNS_TURNED, LANES))
    return work, tile, np.empty(LANES, scores.dtype)


@inside
def largest_of_rows(rows, work, tile, sums):
    """Write the largest entries of LANES rows to the first eight rows of the tile.

    Smaller numbers of entries are filled up with -inf. `sums` (LANES,) are NaN for a row with NaN;
    such a row has any entries.
    """
    n_outputs = np.uint64(rows.shape[1])
    for lane in range(ALL_LANES):
        sums[lane] = 0.0
    for place in range(np.uint64(N_LARGEST * LANES)):
        work[place] = -np.inf
    for start in range(FIRST, n_outputs, COLUMNS):
        stop = min(start + COLUMNS, n_outputs)
        for first in range(FIRST, ALL_LANES, LANES_TURNED):
            for j in range(start, stop):
                for lane in range(first, first + LANES_TURNED):
                    tile[EIGHT + j - start, lane] = rows[lane, j]
        for place in range((EIGHT + stop - start) * ALL_LANES, np.uint64(work.size)):
            work[place] = -np.inf
        _merge(work, EIGHT * ALL_LANES, sums)
        if start + EIGHT < stop:
            _merge(work, COLUMNS * ALL_LANES, sums)


@njit
def _merge(work, start, sums):
    """Merge eight columns, from `start` on, into the first eight."""
    for lane in range(ALL_LANES):
        place = start + lane
        a, b, c, d = work[place], work[place + ONE], work[place + TWO], work[place + THREE]
        place += FOUR
        e, f, g, h = work[place], work[place + ONE], work[place + TWO], work[place + THREE]
        sums[lane] += ((a + b) + (c + d)) + ((e + f) + (g + h))
        # Knuth, The Art of Computer Programming, volume 3, 5.3.4: nineteen exchanges
        t = max(a, b)
        b = min(a, b)
        a = t
        t = max(c, d)
        d = min(c, d)
        c = t
        t = max(e, f)
        f = min(e, f)
        e = t
        t = max(g, h)
        h = min(g, h)
        g = t
        t = max(a, c)
        c = min(a, c)
        a = t
        t = max(b, d)
        d = min(b, d)
        b = t
        t = max(e, g)
        g = min(e, g)
        e = t
        t = max(f, h)
        h = min(f, h)
        f = t
        t = max(b, c)
        c = min(b, c)
        b = t
        t = max(f, g)
        g = min(f, g)
        f = t
        t = max(a, e)
        e = min(a, e)
        a = t
        t = max(b, f)
        f = min(b, f)
        b = t
        t = max(c, g)
        g = min(c, g)
        c = t
        t = max(d, h)
        h = min(d, h)
        d = t
        t = max(c, e)
        e = min(c, e)
        c = t
        t = max(d, f)
        f = min(d, f)
        d = t
        t = max(b, c)
        c = min(b, c)
        b = t
        t = max(d, e)
        e = min(d, e)
        d = t
        t = max(f, g)
        g = min(f, g)
        f = t
        # the eight largest of both: each meets its opposite, and the larger ones rise, then fall
        h = max(h, work[lane])
        g = max(g, work[lane + ONE])
        f = max(f, work[lane + TWO])
        e = max(e, work[lane + THREE])
        d = max(d, work[lane + FOUR])
        c = max(c, work[lane + FIVE])
        b = max(b, work[lane + SIX])
        a = max(a, work[lane + SEVEN])
        t = max(a, e)
        e = min(a, e)
        a = t
        t = max(b, f)
        f = min(b, f)
        b = t
        t = max(c, g)
        g = min(c, g)
        c = t
        t = max(d, h)
        h = min(d, h)
        d = t
        t = max(a, c)
        c = min(a, c)
        a = t
        t = max(b, d)
        d = min(b, d)
        b = t
        t = max(e, g)
        g = min(e, g)
        e = t
        t = max(f, h)
        h = min(f, h)
        f = t
        work[lane], work[lane + ONE] = max(a, b), min(a, b)
        work[lane + TWO], work[lane + THREE] = max(c, d), min(c, d)
        work[lane + FOUR], work[lane + FIVE] = max(e, f), min(e, f)
        work[lane + SIX], work[lane + SEVEN] = max(g, h), min(g, h)

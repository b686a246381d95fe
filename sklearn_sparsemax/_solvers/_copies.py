r"""Visits of dual coordinate ascent on several threads.

Each of T threads visits rows of its own, with a copy of the coefficients of its own. A thread does
not see the changes of the others. So it takes its own changes T times, as if all threads had made
the same ones. The mean of the copies then belongs to the new P, and the dual has grown at least by
the mean of what the threads have gained (CoCoA+ with sigma' = T, Ma et al. 2015). After each part
of an epoch, all copies become their mean.

Steps that count T times are shorter. This costs epochs unless the steps of different rows hardly
depend on each other. The mean of sigma_i says how much they do: it is how far a step of a row moves
its own scores. Copies are used where it is small.

The result depends on the number of threads, but is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._problem.objective import Objective
from .._typing import Array

if TYPE_CHECKING:  # the kernels load Numba
    from .._kernels.dual import DualRows

Coefficients = tuple[Array, ...]

# With more copies times the mean of sigma_i, they save no time: the gap falls fast at first, and
# slowly from about 1e-3 of F(0, 0).
MOST_COUPLING = 0.5
# Multiplications in an epoch for which more threads are started.
LEAST_WORK = 2**24
# The visits between two merges read so many times the numbers that a merge reads and writes. With
# 20, an epoch of 50,000 rows and 30,000 features had one merge, and certified 1e-4 of F(0, 0) after
# 12 epochs, rather than 6.
VISITS_PER_MERGE = 2
MOST_MERGES = 32
# So many rows that follow each other belong to one thread. Two threads that write numbers of
# neighbouring rows would wait for each other: numbers of one line of the cache.
NEIGHBOURS = 64


def copies_worth_their_time(objective: Objective, coupling: float) -> int:
    """Number of copies for the threads there are, given the mean of sigma_i."""
    work = objective.n_entries * objective.n_outputs
    if work < LEAST_WORK:
        return 1
    n_copies = n_threads(work)
    if n_copies * coupling <= MOST_COUPLING:
        return n_copies
    return max(1, int(MOST_COUPLING / coupling))


class Copies:
    """Copies of the coefficients A (d, K), g (K,) and h (K,), one for each thread.

    Parameters
    ----------
    coefficients : tuple of three ndarrays
        The first copy, which is the mean of all after each call.
    n_copies : int
        Number of copies.
    """

    def __init__(self, coefficients: Coefficients, n_copies: int) -> None:
        others = [tuple(array.copy() for array in coefficients) for _ in range(n_copies - 1)]
        self._copies = [coefficients, *others]
        self._rows: DualRows | None = None
        self._pools: list[DualRows] = []

    def __len__(self) -> int:
        return len(self._copies)

    def parts(self, order: Array, objective: Objective) -> list[Array]:
        """Rows in the given order, cut where the copies are merged."""
        if len(self) == 1:
            return [order]
        n_entries = order.size * objective.n_entries // objective.n_rows
        n_parts = n_entries // (VISITS_PER_MERGE * len(self) * objective.n_features)
        return np.array_split(order, min(max(n_parts, 1), MOST_MERGES))

    def visit(
        self,
        visit_rows: Callable[[Array, Coefficients, DualRows], int],
        order: Array,
        rows: DualRows,
    ) -> Array:
        """Visit rows on all threads, and merge the copies.

        Returns the rows that found no place in the pool, which have not been visited.
        """
        if len(self) == 1:
            return order[visit_rows(order, self._copies[0], rows) :]
        thread_of = order // NEIGHBOURS % len(self)
        if rows is not self._rows:
            self._rows, self._pools = rows, _pools(rows, len(self))
        pools = self._pools

        def run(start: int, stop: int) -> list[Array]:
            left = []
            for copy in range(start, stop):
                own = order[thread_of == copy]
                left.append(own[visit_rows(own, self._copies[copy], pools[copy]) :])
            return left

        left = run_blocks(run, range(len(self) + 1))
        self._merge()
        return np.concatenate([own for block in left for own in block])

    def _merge(self) -> None:
        for arrays in zip(*self._copies, strict=True):

            def run(start: int, stop: int, arrays: tuple[Array, ...] = arrays) -> None:
                first, *others = (array[start:stop] for array in arrays)
                for other in others:
                    first += other
                first /= len(self)
                for other in others:
                    other[:] = first

            run_blocks(run, even_bounds(len(arrays[0]), n_threads(arrays[0].size * len(self))))


def _pools(rows: DualRows, n_pools: int) -> list[DualRows]:
    """The rows, with a part of the free place for each thread, which it keeps."""
    end, capacity = int(rows.end[0]), rows.outputs.size
    bounds = [end + (capacity - end) * i // n_pools for i in range(n_pools + 1)]
    return [
        rows._replace(
            outputs=rows.outputs[: bounds[i + 1]],
            values=rows.values[: bounds[i + 1]],
            end=np.array([bounds[i]]),
        )
        for i in range(n_pools)
    ]

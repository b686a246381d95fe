"""Blocks of rows or columns, computed in parallel on a pool of threads.

The kernels release Python's global interpreter lock, so that several blocks run at the same time.
(Numba's own threads cannot be used: they abort a process that calls them from several threads, or
after a fork.) A block is computed in the same way on any thread. Therefore results do not depend on
the number of threads, to the last bit.

**Number of threads.** It is the same as in scikit-learn's own compiled code, and is determined at
each call. It is the smallest of `OMP_NUM_THREADS`, the limits of threadpoolctl, the limit that
joblib sets for a worker, and the cores that this process may use. Small work gets one thread, since
a second one costs more than it saves. A caller that is already parallel gets one thread too: any
thread except the main one (joblib's threading backend, a user's own pool), and daemonic processes
(joblib's multiprocessing backend).

The first call that needs the pool starts it, and the pool remains. Threads do not survive a fork,
so a child process starts its own pool.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import TypeVar

from .._compat import openmp_effective_n_threads

# Numbers for each thread. To read so many once takes about a tenth of a millisecond. To wake a
# thread of the pool takes a third of that.
WORK_PER_THREAD = 2**16

Result = TypeVar("Result")

_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def n_threads(work: int) -> int:
    """Number of threads for an amount of work, in numbers that are read or written."""
    return min(_limit(), work // WORK_PER_THREAD) if work >= 2 * WORK_PER_THREAD else 1


def even_bounds(n_items: int, n_blocks: int) -> list[int]:
    """Bounds 0 ... n_items of at most n_blocks blocks, equal in length up to one."""
    n_blocks = max(1, min(n_blocks, n_items))
    return [n_items * block // n_blocks for block in range(n_blocks + 1)]


def run_blocks(function: Callable[[int, int], Result], bounds: Sequence[int]) -> list[Result]:
    """Results of function(start, stop) for each pair of neighbouring bounds, in order.

    The calling thread runs the last block. If a block raises an exception, the others end first.
    So no thread writes into arrays that the caller has given up.
    """
    *others, (start, stop) = pairwise(bounds)
    if not others:
        return [function(start, stop)]
    pool = _pool_of(len(others))
    futures = [pool.submit(function, *block) for block in others]
    try:
        last = function(start, stop)
    finally:
        wait(futures)
    return [*(future.result() for future in futures), last]


def _limit() -> int:
    thread = threading.current_thread()
    # the main thread is not alive once the interpreter shuts down, and with it every pool
    alone = thread is threading.main_thread() and thread.is_alive()
    if not alone or multiprocessing.current_process().daemon:
        return 1
    return openmp_effective_n_threads()


def _pool_of(size: int) -> ThreadPoolExecutor:
    """The pool, with at least `size` threads."""
    global _pool, _pool_size
    if _pool is None or _pool_size < size:
        if _pool is not None:
            _pool.shutdown(wait=False)
        _pool = ThreadPoolExecutor(size, thread_name_prefix="sklearn_sparsemax")
        _pool_size = size
    return _pool


def _forget_pool() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_forget_pool)

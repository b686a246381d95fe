"""Blocks of rows or columns, computed in parallel on a pool of threads.

The kernels release Python's global lock, so that several blocks run at the same time. (Numba's own
threads are no choice: they abort a process that calls them from several threads, or after a fork.)
A block is computed in the same way on any thread. Results are therefore the same, to the last bit,
for any number of threads.

**Number of threads.** It is that of scikit-learn's own compiled code, asked at each call: the
smallest of `OMP_NUM_THREADS`, the limits of threadpoolctl, the limit that joblib sets for a
worker, and the cores that this process may use. Small work gets one thread, since a second costs
more than it saves. A caller that is parallel already gets one thread too. This means any thread
but the main one (joblib's threading backend, a user's own pool) and daemonic processes (joblib's
multiprocessing backend).

The pool starts with the first call that needs it, and stays. Threads do not survive a fork, so that
a child process starts a pool of its own.
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

# Numbers touched once per thread, about a tenth of a millisecond's work; waking a thread
# of the pool takes a third of that.
WORK_PER_THREAD = 2**16

Result = TypeVar("Result")

_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def n_threads(work: int) -> int:
    """Number of threads for work that touches so many numbers."""
    return min(_limit(), work // WORK_PER_THREAD) if work >= 2 * WORK_PER_THREAD else 1


def even_bounds(n_items: int, n_blocks: int) -> list[int]:
    """Bounds 0 ... n_items of at most n_blocks blocks, equal in length up to one."""
    n_blocks = max(1, min(n_blocks, n_items))
    return [n_items * block // n_blocks for block in range(n_blocks + 1)]


def run_blocks(function: Callable[[int, int], Result], bounds: Sequence[int]) -> list[Result]:
    """Results of function(start, stop) for each two neighbouring bounds, in their order.

    The calling thread runs the last block itself. An exception is raised when no block runs
    any more, so that nobody writes into arrays whose owner has moved on.
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
    # the main thread counts as ended once the interpreter, and with it every pool, shuts down
    alone = thread is threading.main_thread() and thread.is_alive()
    if not alone or multiprocessing.current_process().daemon:
        return 1
    return openmp_effective_n_threads()


def _pool_of(size: int) -> ThreadPoolExecutor:
    """The pool, grown to a size if it is smaller."""
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

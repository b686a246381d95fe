"""Limits on the threads of BLAS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

# With fewer multiplications in an iteration, a second thread costs more than it saves, and much
# more if other processes use the cores.
WORTH_THREADS = 1e7

# The limits hold for the whole process, and fits in several threads end in any order. If each fit
# restored the limits that it found, the last could restore those of another fit. So one thread at a
# time sets them, and the others run under its limits.
_limits_are_set = RLock()


@contextmanager
def blas_threads_for(multiplications: float) -> Iterator[None]:
    """Limit the threads of BLAS during a solve, or during an evaluation on threads of our own.

    `multiplications` is the number of multiplications that BLAS computes in an iteration. It is 0
    if our own threads share the rows. With few multiplications, BLAS gets one thread. With many,
    NumPy's BLAS keeps its threads, and only SciPy's BLAS is limited to one thread. The reason: the
    wheels of NumPy and SciPy each contain an OpenBLAS with its own threads. SciPy solves a small
    system for the intercept. After that, its idle threads would wait actively on the cores that
    NumPy's products need. If NumPy and SciPy share one library, it keeps its threads.
    """
    everything, of_scipy_alone = _libraries()
    libraries = of_scipy_alone if multiplications >= WORTH_THREADS else everything
    if not _limits_are_set.acquire(blocking=False):
        yield
        return
    try:
        with libraries.limit(limits=1):
            yield
    finally:
        _limits_are_set.release()


@cache
def _libraries() -> tuple[Any, Any]:
    """Controllers of every BLAS, and of the BLAS that SciPy uses and NumPy does not.

    The search for the libraries takes longer than a small fit, so it is done once.
    """
    import numpy as np
    import scipy
    from threadpoolctl import ThreadpoolController

    def loaded_by(package: Any) -> list[str]:
        folder = Path(package.__path__[0])
        homes = (folder, folder.with_name(f"{folder.name}.libs"))
        return [path for path in paths if any(home in Path(path).parents for home in homes)]

    everything = ThreadpoolController().select(user_api="blas")
    paths = [library.filepath for library in everything.lib_controllers]
    own = [path for path in loaded_by(scipy) if path not in loaded_by(np)]
    return everything, everything.select(filepath=own)

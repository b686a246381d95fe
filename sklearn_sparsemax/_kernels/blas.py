"""Give BLAS as many threads as its work is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

# Below this number of multiplications in an iteration, waking the second thread costs more
# than it saves, and a great deal more where other processes want the cores.
WORTH_THREADS = 1e7

# The limits belong to the process, and solves in several threads end in any order: were each
# to restore what it found, the last could restore the limits of another. So only one thread at
# a time sets them, in turn for what it calls, and the others run under them.
_limits_are_set = RLock()


@contextmanager
def blas_threads_for(multiplications: float) -> Iterator[None]:
    """Limit the threads of BLAS during a solve, or during an evaluation on threads of our own.

    So many multiplications an iteration leaves to BLAS; evaluations of dense features, which
    share their rows among threads, leave it none. Few run on one thread. Many keep the threads
    of NumPy's BLAS, while the one that SciPy alone uses is still limited to one: the wheels of
    NumPy and of SciPy each bring an OpenBLAS with a pool of its own, and after each tiny system
    that SciPy solves for the intercept, its idle threads would go on spinning on the cores that
    NumPy's matrix products need. Where both share one library it is left alone.
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
    """Controllers of every BLAS, and of that which SciPy uses and NumPy does not.

    Both are loaded with the package. Looking for them takes longer than a small solve.
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

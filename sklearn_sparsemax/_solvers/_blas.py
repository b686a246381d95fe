"""Keep the two BLAS libraries of NumPy and SciPy from fighting over the cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def single_threaded_scipy_blas() -> Iterator[None]:
    """Limit the BLAS that SciPy alone uses to one thread.

    The wheels of NumPy and of SciPy each bring an OpenBLAS with a thread pool of its own.
    SciPy's L-BFGS-B makes many tiny calls, after each of which its idle threads keep
    spinning on the cores that NumPy's matrix products need. Where both share one library
    it is left alone.
    """
    import numpy as np
    import scipy
    from threadpoolctl import ThreadpoolController

    def loaded_by(package: ModuleType) -> list[str]:
        folder = Path(package.__path__[0])
        homes = (folder, folder.with_name(f"{folder.name}.libs"))
        paths = [library.filepath for library in libraries.lib_controllers]
        return [path for path in paths if any(home in Path(path).parents for home in homes)]

    libraries = ThreadpoolController().select(user_api="blas")
    own = [path for path in loaded_by(scipy) if path not in loaded_by(np)]
    with libraries.select(filepath=own).limit(limits=1):
        yield

"""Where compiled kernels are kept.

Numba looks for a folder that can be written: that of `NUMBA_CACHE_DIR`, the `__pycache__` beside
the source, the cache folder of the user. If there is none, an error would end the import of the
kernels. Then they are kept in a temporary folder instead. If there is none of these either, they
are compiled in each process.
"""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numba

# a function, or Numba's dispatcher, which has no types
Kernel = Any

config: Any = numba.config

NO_FOLDER = "cannot cache function"

_fallback: Path | None = None
_without_folder = False


def compiled(function: Kernel, **options: Any) -> Kernel:
    """A kernel with the options of `numba.njit`, kept in a folder that can be written."""
    global _fallback, _without_folder
    if _fallback is None and not _without_folder:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:
            if NO_FOLDER not in str(error):
                raise
        _fallback = _temporary_folder()
        _without_folder = _fallback is None
        _warn(_fallback)
    if _fallback is None:
        return numba.njit(**options)(function)
    # the kernel keeps its folder; other code of the process keeps its setting
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_fallback)
    try:
        return numba.njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before


def _temporary_folder() -> Path | None:
    """A temporary folder that nobody else can write, since code is loaded from it."""
    try:
        user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
        folder = Path(tempfile.gettempdir()) / f"sklearn_sparsemax{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_private(folder):
            return folder
        return Path(tempfile.mkdtemp(prefix="sklearn_sparsemax-"))
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    """Whether a folder is the user's own, and no link."""
    if not hasattr(os, "getuid"):  # Windows, where temporary folders are the user's own
        return True
    status = folder.lstat()
    mine = status.st_uid == os.getuid() and stat.S_ISDIR(status.st_mode)
    return mine and stat.S_IMODE(status.st_mode) & 0o077 == 0


def _warn(folder: Path | None) -> None:
    place = f"They are kept in {folder} for now." if folder else "Each process compiles them again."
    warnings.warn(
        "No folder for the compiled kernels of sklearn_sparsemax can be written: neither beside "
        f"the package, nor in the home folder. {place} Set the environment variable "
        "NUMBA_CACHE_DIR to a folder that can be written and that remains.",
        RuntimeWarning,
        stacklevel=2,
    )

"""NumPy in place of kernels that have not been compiled yet.

Compiling a kernel takes seconds, in its first call after an installation. Many processes call it a
few times only. So NumPy computes instead, where its results are the same to the last bit. In one
process it computes `MOST_NUMBERS` numbers in all, which takes no longer than loading Numba. A call
beyond that compiles the kernel, which is then kept for all processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

MOST_NUMBERS = 2**23

_n_numbers = 0


def stands_in(kernel: Any, n_numbers: int) -> bool:
    """Whether NumPy computes so many numbers instead of the kernel. They are counted."""
    global _n_numbers
    if _n_numbers + n_numbers > MOST_NUMBERS or _is_compiled(kernel):
        return False
    _n_numbers += n_numbers
    return True


@contextmanager
def nothing_stands_in() -> Iterator[None]:
    """Compile each kernel in its first call."""
    global _n_numbers
    before, _n_numbers = _n_numbers, MOST_NUMBERS
    try:
        yield
    finally:
        _n_numbers = before


def _is_compiled(kernel: Any) -> bool:
    """Whether a kernel was compiled in this process, is kept, or is never compiled."""
    return not hasattr(kernel, "signatures") or bool(kernel.signatures) or _is_kept(kernel)


@cache
def _is_kept(kernel: Any) -> bool:
    """Whether the folder of the kernel has a file for it."""
    folder, function = kernel.stats.cache_path, kernel.py_func
    module = function.__module__.rpartition(".")[2]
    return bool(folder) and any(Path(folder).glob(f"{module}.{function.__qualname__}-*.nbi"))

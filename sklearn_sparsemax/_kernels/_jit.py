"""How every kernel of the package is compiled.

A compilation takes time in proportion to the number of functions, and to the number of types that
each of them is compiled for. So a kernel gets no more than it needs:

- Functions that only compiled code calls have no interface for Python. This is so for names with an
  underscore, and for functions with the decorator `inside`.
- What decides between two kernels, by the shape or by the container, is Python code outside.
"""

from __future__ import annotations

from typing import Any

from . import _notice  # noqa: F401 -- from now on it hears of compilations
from ._cache import Kernel, compiled

# Without the GIL: several threads run at the same time. With a cache (`_cache`): only the first
# process after an installation compiles. Without a list of signatures: the first call with a dtype
# compiles, so that importing compiles nothing. No kernel is called from C.
OPTIONS = {"nogil": True, "no_cfunc_wrapper": True}

# Those of functions that only compiled code calls.
OVERLOADS: Any = {**OPTIONS, "no_cpython_wrapper": True}


def njit(function: Kernel) -> Kernel:
    """Compile a kernel."""
    return _compiled(function)


def sums_in_any_order(function: Kernel) -> Kernel:
    """Do the same, but sums may be added in any order, for the sake of vector instructions.

    The order then depends on the processor. It does not change from call to call. A division by 0
    gives an infinity or NaN, as in NumPy: the test for an error would prevent vector instructions.
    """
    return _compiled(function, fastmath={"reassoc"}, error_model="numpy")


def njit_dividing(function: Kernel) -> Kernel:
    """Compile a kernel with divisions as in NumPy, without sums in any order."""
    return _compiled(function, error_model="numpy")


def inside(function: Kernel) -> Kernel:
    """Compile a function that only compiled code calls."""
    return _compiled(function, is_inside=True)


def _compiled(function: Kernel, *, is_inside: bool = False, **options: Any) -> Kernel:
    if not (is_inside or function.__name__.startswith("_")):
        return compiled(function, **OPTIONS, **options)
    dispatcher = compiled(function, **OVERLOADS, **options)
    if dispatcher is not function:  # as it is where Numba is told not to compile
        dispatcher.__class__ = _inside_class(type(dispatcher))
    return dispatcher


def _inside_class(of_numba: type) -> type:
    """A dispatcher whose call from Python raises an error. Numba's would end the process."""

    def refuse(self: Any, *arguments: Any, **named: Any) -> None:
        raise TypeError(f"{self.py_func.__name__}() can be called by compiled functions only.")

    return type("Inside", (of_numba,), {"__call__": refuse})

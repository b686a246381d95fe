"""Compiled loops, one module per idea, each loaded at its first use.

The first use of ``_kernels.dual.visit_rows`` imports the module ``dual``, and Numba with it.
Importing Numba takes about half a second, and ``import sklearn_sparsemax`` must not take so long.
A kernel is compiled at its first call.
"""

from importlib import import_module


def __getattr__(name):
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None

"""A line in the log before a compilation that takes seconds.

The logger is "sklearn_sparsemax", and the level INFO. Numba announces each compilation before it
starts; a kernel that is loaded from the cache is not compiled. The time is estimated from the
number of instructions in the bytecode of the kernel and of all functions that it calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import CodeType
from typing import Any

from numba.core import event

logger = logging.getLogger("sklearn_sparsemax")

# Announced are compilations that take longer than this.
LONG_SECONDS = 2.0
INSTRUCTIONS_PER_SECOND = 900

_kernels: dict[Any, Callable[[], str]] = {}
_said = False


class _Listener(event.Listener):
    """Hears of every compilation of the process."""

    def on_start(self, event: event.Event) -> None:
        say_once(event.data["dispatcher"])

    def on_end(self, event: event.Event) -> None:
        pass


def say_once(dispatcher: Any) -> None:
    """Write the line if this kernel is ours, takes long, and no other has been announced."""
    global _said
    function = dispatcher.py_func
    if _said or not function.__module__.startswith(__package__):
        return
    seconds = n_instructions(dispatcher) / INSTRUCTIONS_PER_SECOND
    if seconds < LONG_SECONDS:
        return
    _said = True
    logger.info(
        "Compiling kernels (%s and others), which takes some seconds. This happens once: the next "
        "process loads them from %s. To compile all of them now, run "
        "'python -m sklearn_sparsemax compile'.",
        function.__name__,
        dispatcher.stats.cache_path or "nowhere, since no cache can be written",
    )


def n_instructions(dispatcher: Any) -> int:
    """Number of instructions of a kernel, and of the kernels that it names."""
    met: dict[Any, int] = {}
    waiting = [dispatcher.py_func]
    while waiting:
        function = waiting.pop()
        if function not in met:
            code: CodeType = function.__code__
            met[function] = len(code.co_code) // 2
            named = (function.__globals__.get(name) for name in code.co_names)
            waiting.extend(other.py_func for other in named if hasattr(other, "py_func"))
    return sum(met.values())


event.register("numba:compile", _Listener())

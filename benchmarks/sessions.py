"""A process of its own for each measurement, with its share of threads and a time limit."""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self

from .machine import THREAD_VARIABLES, pin_to_cores

START_LIMIT = 600.0


class OverBudgetError(Exception):
    """The call took longer than its limit, and the process was killed."""


class FailedError(Exception):
    """The call raised, or the process died."""


class Session:
    """An object that lives in a process of its own; its methods are called by name.

    Parameters
    ----------
    factory : callable
        Makes the object, in the process.
    arguments : tuple
        Of the factory.
    threads : int
        Threads of every library in the process, and cores that it may run on.
    """

    def __init__(self, factory: Callable[..., Any], *arguments: Any, threads: int) -> None:
        # spawned, not forked: libraries read the thread variables when they are loaded
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        # no daemon: libraries that respect joblib's workers would take one thread in it
        self._process = context.Process(target=_serve, args=(theirs, threads, factory, arguments))
        with _environment(dict.fromkeys(THREAD_VARIABLES, str(threads))):
            self._process.start()
        atexit.register(self.close)
        theirs.close()
        try:
            self._receive(START_LIMIT)
        except FailedError:
            self.close()
            raise

    def call(self, method: str, limit: float | None = None, **arguments: Any) -> Any:
        """Call a method; after `limit` seconds kill the process and raise `OverBudgetError`."""
        try:
            self._connection.send((method, arguments))
        except OSError as error:
            raise FailedError(f"the process has ended: {error}") from error
        return self._receive(limit)

    def close(self) -> None:
        atexit.unregister(self.close)
        self._process.kill()
        self._process.join()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _receive(self, limit: float | None) -> Any:
        if not self._connection.poll(limit):
            self.close()
            raise OverBudgetError(f"more than {limit:g} s")
        try:
            failed, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            code = self._process.exitcode
            raise FailedError(f"the process ended with exit code {code}") from error
        if failed:
            raise FailedError(answer)
        return answer


def _serve(
    connection: Connection, threads: int, factory: Callable[..., Any], arguments: tuple
) -> None:
    pin_to_cores(threads)
    # solvers that are told when to stop warn that they were stopped
    warnings.simplefilter("ignore")
    answer = _attempt(factory, *arguments)
    served = answer[1]
    connection.send(answer if answer[0] else (False, None))
    while True:
        try:
            method, keywords = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(getattr(served, method), **keywords))


def _attempt(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> tuple[bool, Any]:
    try:
        return False, function(*arguments, **keywords)
    except Exception as error:
        return True, f"{type(error).__name__}: {error}".splitlines()[0]


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

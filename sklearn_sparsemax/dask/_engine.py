"""Tasks over partitions: on the workers of a cluster, or on threads of this process.

An engine knows three things: it keeps a value for each partition where the partition is (`keep`),
computes such values from others (`map`), and adds up small results (`reduce`). Every task is a pure
function of its arguments, and the scheduler knows how to compute each of them again. So a worker
that dies costs the time to compute what it held, and nothing else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakSet

import dask
import dask.threaded
from dask._task_spec import TaskRef
from dask.base import compute, get_scheduler
from dask.delayed import Delayed, delayed
from dask.local import get_sync
from dask.system import CPU_COUNT

from .._kernels.blas import blas_threads_for

# Terms that are added in one task.
TERMS_PER_SUM = 8
# A larger array travels once for each worker that needs it, rather than once for each task.
LARGE_ARGUMENT = 2**15
# Seconds between looks at the cluster, and seconds without a worker after which a fit ends.
SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_WITHOUT_WORKERS = 30.0


class Recipe:
    """A value that is computed anew wherever it is needed.

    Parameters
    ----------
    graph : dict
        Tasks, none of which needs anything else.
    key : hashable
        The task whose result the steps begin with.
    steps : tuple of callable
        Functions to apply in turn.
    """

    def __init__(self, graph: Any, key: Any, steps: tuple[Callable[[Any], Any], ...] = ()) -> None:
        self.graph = graph
        self.key = key
        self.steps = steps

    def then(self, step: Callable[[Any], Any]) -> Recipe:
        """The recipe with one more step."""
        return Recipe(self.graph, self.key, (*self.steps, step))

    def cook(self) -> Any:
        """Compute the value, in this thread."""
        value = get_sync(self.graph, self.key)
        for step in self.steps:
            value = step(value)
        return value


class Engine(Protocol):
    """Where tasks run."""

    def keep(self, values: Sequence[Delayed]) -> list[Any]:
        """Handles of delayed values, which stay where they are computed."""

    def run(self, graph: dict[Any, Any], keys: list[Any], task: str) -> list[Any]:
        """Results of some keys of a graph. Handles of `keep` may be arguments of its tasks."""

    def hold(self, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
        """Handles of the results of some keys, which stay where they are computed."""

    def order(self, handles: Sequence[Any]) -> list[int]:
        """Positions of the handles, those in the same place next to each other."""

    def chains(self, handles: Sequence[Any]) -> list[list[int]]:
        """Positions of the handles: one list for each thread that can work at the same time."""

    def release(self) -> None:
        """Release every value that is still kept."""


class Tasks:
    """Functions over partitions, as tasks of an engine.

    Parameters
    ----------
    engine : Engine
        Where they run.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._order: list[int] = []

    def keep(self, name: str, function: Callable[..., Any], values: Sequence[Delayed]) -> list[Any]:
        """Handles of function(value, index=i) for delayed values.

        They stay where they are computed.
        """
        token = uuid4().hex
        return self.engine.keep(
            [
                delayed(_with_one_blas_thread(function), pure=False)(
                    value, index=i, dask_key_name=f"{name}-{token}-{i}"
                )
                for i, value in enumerate(values)
            ]
        )

    def map(
        self, name: str, function: Callable[..., Any], *columns: Sequence[Any], common: tuple = ()
    ) -> list[Any]:
        """Handles of function(*row, *common) for the rows of the columns."""
        graph, keys = self._graph(name, function, columns, common)
        return self.engine.hold(graph, keys)

    def reduce(
        self,
        name: str,
        function: Callable[..., Any],
        *columns: Sequence[Any],
        common: tuple = (),
        add: Callable[..., Any] | None = None,
    ) -> Any:
        """The sum of function(*row, *common) over the rows of the columns.

        Sums are formed where the terms are, and travel from there. Terms are tuples of numbers and
        arrays, or None; `add` adds any number of other ones.
        """
        graph, keys = self._graph(name, function, columns, common)
        order = self._order
        if len(order) != len(keys):
            order = self._order = self.engine.order(columns[0])
        return self._sum(name, graph, [keys[position] for position in order], add)

    def reduce_chains(
        self,
        name: str,
        function: Callable[..., Any],
        chains: list[list[tuple[int, int]]],
        *columns: Sequence[Any],
        common: tuple,
        last: Callable[..., Any],
        last_common: tuple,
    ) -> Any:
        """The sum over chains of last(end, *last_common).

        A chain lists visits: the position of a row of the columns, and a number. A task gets
        function(*row, previous, number, *common) with the result of the visit before, or None at
        the start. The end of the chain is the result of its last visit.
        """
        token = uuid4().hex
        graph: dict[Any, Any] = {}
        arguments = self._arguments(graph, token, common)
        last_arguments = self._arguments(graph, token, last_common)
        limited = _with_one_blas_thread(function)
        terms = []
        for chain in chains:
            previous: Any = None
            for position, number in chain:
                row = [as_argument(column[position]) for column in columns]
                key = (f"{name}-{token}", position, number)
                graph[key] = (limited, *row, previous, number, *arguments)
                previous = key
            key = (f"changes-{token}", *chain[0])
            graph[key] = (_with_one_blas_thread(last), previous, *last_arguments)
            terms.append(key)
        return self._sum(name, graph, terms, None)

    def _sum(
        self,
        name: str,
        graph: dict[Any, Any],
        terms: list[Any],
        add: Callable[..., Any] | None,
    ) -> Any:
        """The sum of some keys of a graph, as a tree."""
        adds = _with_one_blas_thread(add or add_terms)
        while len(terms) > 1:
            per_sum = math.ceil(len(terms) / math.ceil(len(terms) / TERMS_PER_SUM))
            sums = []
            for start in range(0, len(terms), per_sum):
                key = (f"sum-{name}-{uuid4().hex}", start)
                graph[key] = (adds, terms[start : start + per_sum])
                sums.append(key)
            terms = sums
        return self.engine.run(graph, terms, name)[0]

    def _arguments(self, graph: dict[Any, Any], token: str, common: tuple) -> list[Any]:
        """Arguments of every task; large ones become tasks of the graph."""
        arguments: list[Any] = []
        for argument in common:
            if getattr(argument, "nbytes", 0) > LARGE_ARGUMENT:
                # one that has several uses travels once
                key = (f"argument-{token}", id(argument))
                graph[key] = _Value(argument)
                arguments.append(key)
            else:
                arguments.append(_Value(argument))
        return arguments

    def release(self) -> None:
        """Release every value that is still kept."""
        self.engine.release()

    def forget_places(self) -> None:
        """Look again where the values are, before the next sum."""
        self._order = []

    def _graph(
        self,
        name: str,
        function: Callable[..., Any],
        columns: tuple[Sequence[Any], ...],
        common: tuple,
    ) -> tuple[dict[Any, Any], list[Any]]:
        """The task of each row, without those that add."""
        token = uuid4().hex
        graph: dict[Any, Any] = {}
        arguments = self._arguments(graph, token, common)
        keys = [(f"{name}-{token}", i) for i in range(len(columns[0]))]
        limited = _with_one_blas_thread(function)
        for key, row in zip(keys, zip(*columns, strict=True), strict=True):
            graph[key] = (limited, *(as_argument(value) for value in row), *arguments)
        return graph, keys


class _Value:
    """An argument that is no key and no task, whatever it is equal to."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def nbytes(self) -> int:
        """Size of the value."""
        return int(getattr(self.value, "nbytes", 0))

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes


def as_argument(value: Any) -> Any:
    """A handle as it stands in a graph, or the task that cooks a recipe."""
    if isinstance(value, Recipe):
        return Recipe.cook, value
    # the key of a future: a copy of the future itself would live as long as the scheduler likes
    return TaskRef(value.key) if hasattr(value, "key") else value


def _with_one_blas_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    return partial(_run_limited, function)


def _run_limited(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Run a task. The threads of the worker share its cores already, so BLAS gets one."""
    values = [value.value if isinstance(value, _Value) else value for value in arguments]
    with blas_threads_for(0):
        return function(*values, **options)


def add_terms(terms: list[Any]) -> Any:
    """Add tuples of numbers and arrays entry by entry. None counts as nothing."""
    terms = [term for term in terms if term is not None]
    if not terms:
        return None
    total = list(terms[0])
    for term in terms[1:]:
        total = [entry + other for entry, other in zip(total, term, strict=True)]
    return tuple(total)


class Threads:
    """Tasks on threads of this process, by dask's local scheduler."""

    def keep(self, values: Sequence[Delayed]) -> list[Any]:
        return [_Value(value) for value in compute(*values, scheduler=self._get())]

    def run(self, graph: dict[Any, Any], keys: list[Any], task: str) -> list[Any]:
        return list(self._get()(graph, keys))

    def hold(self, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
        return [_Value(value) for value in self.run(graph, keys, "")]

    def order(self, handles: Sequence[Any]) -> list[int]:
        return list(range(len(handles)))

    def _get(self) -> Any:
        get = get_scheduler() or dask.threaded.get
        # values that are kept live in this process
        in_process = get.__module__ in ("dask.threaded", "dask.local")
        return get if in_process else dask.threaded.get

    def chains(self, handles: Sequence[Any]) -> list[list[int]]:
        n_threads = max(1, min(len(handles), CPU_COUNT))
        return [list(range(i, len(handles), n_threads)) for i in range(n_threads)]

    def release(self) -> None:
        pass


class Cluster:
    """Tasks on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        The connection to the scheduler.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self._kept: WeakSet[Any] = WeakSet()
        self._check_open()
        if client.asynchronous:
            raise ValueError(
                "client is asynchronous; fit needs a client that waits for its results, such as "
                "Client(address)."
            )

    def keep(self, values: Sequence[Delayed]) -> list[Any]:
        self._check_open()
        return self._keeping(self.client.compute(list(values)))

    def run(self, graph: dict[Any, Any], keys: list[Any], task: str) -> list[Any]:
        futures = self._submit(graph, keys)
        try:
            return [self._result(future, task) for future in futures]
        finally:
            for future in futures:
                future.release()

    def hold(self, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
        return self._keeping(self._submit(graph, keys))

    def release(self) -> None:
        for future in list(self._kept):
            future.release()

    def _keeping(self, futures: list[Any]) -> list[Any]:
        # a traceback of an interrupted fit may hold futures as long as the session lasts
        self._kept.update(futures)
        return futures

    def order(self, handles: Sequence[Any]) -> list[int]:
        places = self._places(handles)
        return sorted(range(len(handles)), key=lambda position: (places[position], position))

    def chains(self, handles: Sequence[Any]) -> list[list[int]]:
        places = self._places(handles)
        n_threads = self.client.nthreads()
        chains = []
        for place in sorted(set(places)):
            here = [position for position, other in enumerate(places) if other == place]
            n_chains = max(1, min(len(here), n_threads.get(place, 1)))
            chains += [here[i::n_chains] for i in range(n_chains)]
        return chains

    def _places(self, handles: Sequence[Any]) -> list[str]:
        """The worker that holds each handle, "" if none does."""
        futures = [handle for handle in handles if hasattr(handle, "key")]
        if not futures:
            return [""] * len(handles)
        who_has = self.client.who_has(futures)
        return [min(who_has.get(getattr(handle, "key", None)) or [""]) for handle in handles]

    def _submit(self, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
        self._check_open()
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "10 GB"}):
            return self.client.get(graph, keys, sync=False)

    def _result(self, future: Any, task: str) -> Any:
        """The result of a future, or an error once nothing can compute it any more."""
        from concurrent.futures import CancelledError

        without_workers_since = None
        while True:
            try:
                return future.result(timeout=SECONDS_BETWEEN_LOOKS)
            except TimeoutError:
                self._check_open()
                if self.client.nthreads():
                    without_workers_since = None
                    continue
                now = time.monotonic()
                without_workers_since = without_workers_since or now
                if now - without_workers_since >= SECONDS_WITHOUT_WORKERS:
                    raise RuntimeError(
                        f"The cluster has had no worker for {SECONDS_WITHOUT_WORKERS:.0f} seconds "
                        f"during the task {task!r}; the fit ends, and the estimator is as before."
                    ) from None
            except CancelledError as error:
                self._check_open()
                raise RuntimeError(
                    f"The cluster has given up the task {task!r} ({error}); the fit ends, and the "
                    "estimator is as before."
                ) from error

    def _check_open(self) -> None:
        if self.client.status != "running":
            raise RuntimeError(
                f"client is {self.client.status}; fit needs a client with a connection to a "
                "cluster. The estimator is as before."
            )

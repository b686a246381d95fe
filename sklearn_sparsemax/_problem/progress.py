"""Progress reporting: verbose output and scikit-learn's callbacks.

A solver calls `begin` before each iteration, `line` to describe it, and `end` after it, which says
whether to stop. `begin` and `end` take a function that certifies the solution so far. It is called
only if a callback asks for the fitted estimator, since a certificate costs a pass over the data.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Protocol, TypeAlias

from numpy.typing import ArrayLike

from .._compat import callback_context
from .._typing import Matrix

# a `Solution`, or another named tuple with `n_iter` of an estimator that has no objective
SolutionSoFar: TypeAlias = Callable[[], Any]

STOPPED = "A callback stopped the fit."


class Listener(Protocol):
    """Object that receives the events of a fit, by the methods of `Progress`."""

    def begin(self, task: str, solution: SolutionSoFar) -> None: ...

    def end(self, solution: SolutionSoFar) -> bool: ...

    def close(self) -> None: ...


class Progress:
    """Reports the iterations of a fit, by one solver or by several in turn.

    Parameters
    ----------
    verbose : int, default=0
        Prints lines of progress if above 0.
    listener : Listener, default=None
        Object that receives the events.

    Attributes
    ----------
    stopped : bool
        Whether a callback has stopped the fit.
    """

    def __init__(self, verbose: int = 0, listener: Listener | None = None) -> None:
        self.verbose = verbose
        self.stopped = False
        self._listener = listener

    def line(self, text: str, *values: Any) -> None:
        """Print `text % values`."""
        if self.verbose > 0:
            print(text % values)

    def begin(self, task: str, solution: SolutionSoFar) -> None:
        """Announce an iteration. A solver announces it again if the last one made no progress."""
        if self._listener is not None:
            self._listener.begin(task, solution)

    def end(self, solution: SolutionSoFar) -> bool:
        """Report the end of an iteration; True if a callback stops the fit.

        The solver then returns `solution()`.
        """
        if self._listener is not None:
            self.stopped = self._listener.end(solution)
        return self.stopped

    def close(self) -> None:
        """Announce the end of the fit, once the estimator is fitted."""
        if self._listener is not None:
            self._listener.close()


SILENT = Progress()


def training_data(X: Matrix, y: Any, sample_weight: ArrayLike | None) -> dict[str, Any]:
    """The data of a fit, as callbacks receive them."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}


class FitCallbacks:
    """scikit-learn's callbacks of one fit: one task for the fit, and one for each iteration.

    Parameters
    ----------
    estimator : estimator
        The estimator that is fitted, in at most `max_iter` iterations.
    data : dict
        The `training_data`.
    store : callable
        `store(model, solution)` turns a copy of the estimator into a fitted model.
    """

    def __init__(
        self, estimator: Any, data: dict[str, Any], store: Callable[[Any, Any], None]
    ) -> None:
        self._told = {"estimator": estimator, **data}
        self._store = store
        self._n_iter = 0
        self._fit = callback_context(estimator, max_subtasks=estimator.max_iter)
        self._fit.call_on_fit_task_begin(**self._told)
        self._iteration: Any = None

    def begin(self, task: str, solution: SolutionSoFar) -> None:
        if self._iteration is None:
            self._iteration = self._fit.subcontext(task_name=task)
            self._iteration.call_on_fit_task_begin(**self._told, **self._fitted(solution))

    def end(self, solution: SolutionSoFar) -> bool:
        self._n_iter += 1
        stop = self._iteration.call_on_fit_task_end(**self._told, **self._fitted(solution))
        self._iteration = None
        return bool(stop)

    def close(self) -> None:
        if self._iteration is not None:
            # the last iteration was announced, but made no progress
            self._iteration.call_on_fit_task_end(**self._told)
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})

    def _fitted(self, solution: SolutionSoFar) -> dict[str, Callable[[], dict[str, Any]]]:
        def attributes() -> dict[str, Any]:
            model = copy(self._told["estimator"])
            # a solver counts only its own iterations
            self._store(model, solution()._replace(n_iter=self._n_iter))
            return vars(model)

        return {"reconstruction_attributes": attributes}

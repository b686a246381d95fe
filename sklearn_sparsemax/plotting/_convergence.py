"""`ConvergenceDisplay`: the certified duality gap of fits against their seconds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from time import perf_counter
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from .._problem.progress import SolutionSoFar
from .._problem.protocol import Problem
from .._typing import Array, Matrix
from ..linear_model._base import LinearModel
from ..linear_model._stochastic_classifier import StochasticClassifier
from ._axes import BLUE, GREEN, ORANGE, VERMILION, legend_above, new_axes

__all__ = ["ConvergenceDisplay"]

# A gap is certified if the fit has taken longer by this share since the last one.
SPACING = 0.05

STYLES = ("-", "--", "-.", ":")


class History(NamedTuple):
    """What a fit has reached, and when.

    Attributes
    ----------
    seconds : ndarray of shape (n_points,)
        Seconds of the fit so far, without those of the certificates that are only for the history.
    gaps : ndarray of shape (n_points,)
        Certified duality gaps, in units of F(0, 0).
    n_iter : ndarray of int of shape (n_points,)
        Numbers of iterations.
    """

    seconds: Array
    gaps: Array
    n_iter: Array


class ConvergenceDisplay:
    """Certified duality gaps of fits against seconds.

    The gap is a proven bound on how far the objective is from its minimum. Between iterations, a
    fit is asked for the certificate of its coefficients so far. The time that this takes does not
    count. Neither does that of a short first fit, which loads compiled code.

    Parameters
    ----------
    histories : dict of str to History
        What each fit has reached, by name.
    tol : float, default=None
        The tolerance of the fits, which is marked.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where `plot` has drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        The curves.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_sparsemax import SparsemaxClassifier
    >>> from sklearn_sparsemax.plotting import ConvergenceDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> solvers = {name: SparsemaxClassifier(1e-2, solver=name) for name in ("lbfgs", "sdca")}
    >>> display = ConvergenceDisplay.from_estimator(solvers, X / 16, y)
    >>> [bool(history.gaps[-1] <= 1e-4) for history in display.histories.values()]
    [True, True]
    """

    def __init__(self, *, histories: Mapping[str, History], tol: float | None = None) -> None:
        self.histories = dict(histories)
        self.tol = tol

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Matrix,
        y: Any,
        *,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Fit clones of estimators, and draw how they converge.

        Parameters
        ----------
        estimator : estimator instance, or dict of str to estimator instance
            Estimators with a certificate: those of this package with one alpha and the parameter
            `solver`. Several have names.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like or sparse matrix
            What the estimators predict.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the lines, :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : ConvergenceDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If an estimator has no certificate.
        """
        named = estimator if isinstance(estimator, Mapping) else {_name(estimator): estimator}
        for name, model in named.items():
            if not _has_certificate(model):
                raise TypeError(
                    f"estimator {name!r} is {model!r}, whose fit has no certificate; give an "
                    "estimator of this package with the parameters alpha and solver, such as "
                    "SparsemaxClassifier."
                )
        histories = {
            name: _history(clone(model), X, y, sample_weight) for name, model in named.items()
        }
        tolerances = {model.tol for model in named.values()}
        tol = tolerances.pop() if len(tolerances) == 1 else None
        return cls(histories=histories, tol=tol).plot(ax=ax, **options)

    def plot(self, *, ax: Any = None, **options: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the lines, :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : ConvergenceDisplay
            The display.
        """
        axes = new_axes(ax)
        axes.set_yscale("log")
        colours, markers = (BLUE, VERMILION, GREEN, ORANGE), "os^D"
        self.lines_ = []
        for place, (name, history) in enumerate(self.histories.items()):
            style = {
                "color": colours[place % 4],
                "marker": markers[place % 4],
                "linestyle": STYLES[place // 4 % 4] if place >= 4 else STYLES[place],
                "markersize": 4,
                "label": f"{name}: {history.n_iter[-1]} iterations",
            }
            self.lines_ += axes.plot(history.seconds, history.gaps, **{**style, **options})
        if self.tol is not None:
            label = f"tol = {self.tol:g}"
            # beyond this, it is rounding
            lowest = min(float(history.gaps.min()) for history in self.histories.values())
            axes.set_ylim(bottom=max(lowest, 1e-3 * self.tol) / 3)
            axes.axhline(self.tol, color="black", linewidth=1, linestyle=(0, (1, 2)), label=label)
        axes.set_xlim(left=0)
        axes.set_xlabel("seconds")
        axes.set_ylabel("proven distance from the minimum, in units of F(0, 0)")
        legend_above(axes, n_columns=2)
        self.ax_, self.figure_ = axes, axes.figure
        return self


class _Recorder:
    """Listens to a fit. `begin`, `end` and `close` are those of `Progress`."""

    def __init__(self, problem: Problem) -> None:
        self.unit = problem.value_at_zero() or 1.0
        self.points: list[tuple[float, float, int]] = []
        self.n_iter = 0
        self._last = 0.0
        self._start = perf_counter()

    def begin(self, task: str, solution: SolutionSoFar) -> None:
        if not self.n_iter and not self.points:
            self._certify(solution)

    def end(self, solution: SolutionSoFar) -> bool:
        self.n_iter += 1
        seconds = perf_counter() - self._start
        if self.n_iter <= 3 or seconds >= (1 + SPACING) * self._last:
            self._certify(solution)
        return False

    def close(self) -> None:
        """The end of the fit, of which the estimator itself knows the gap."""

    def add(self, dual_gap: float) -> None:
        """Add a point at the present time."""
        self._last = perf_counter() - self._start
        self.points.append((self._last, dual_gap / self.unit, self.n_iter))

    def _certify(self, solution: SolutionSoFar) -> None:
        before = perf_counter()
        dual_gap = solution().dual_gap
        # as if it had taken no time
        self._start += perf_counter() - before
        self.add(dual_gap)


def _has_certificate(model: Any) -> bool:
    is_one = isinstance(model, LinearModel) and not isinstance(model, StochasticClassifier)
    return is_one and "alpha" in model.get_params(deep=False)


def _history(model: Any, X: Matrix, y: Any, sample_weight: ArrayLike | None) -> History:
    recorders: list[_Recorder] = []

    def listener(problem: Problem) -> _Recorder:
        recorders.append(_Recorder(problem))
        return recorders[-1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clone(model).set_params(max_iter=min(2, model.max_iter)).fit(X, y, sample_weight)
    model._listener_of = listener
    model.fit(X, y, sample_weight)
    (recorder,) = recorders
    recorder.n_iter = model.n_iter_
    recorder.add(model.dual_gap_)
    seconds, gaps, n_iter = zip(*recorder.points, strict=True)
    return History(np.array(seconds), np.array(gaps), np.array(n_iter))


def _name(estimator: Any) -> str:
    name = type(estimator).__name__
    return f"{name}, {estimator.solver}" if hasattr(estimator, "solver") else name

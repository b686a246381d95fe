"""Descent along the directions of a method, until the duality gap is small enough.

The variables are those of standardised features. The largest part of the duality gap,
||grad_W F||^2 / (2 alpha), costs nothing, since each evaluation computes the gradient. When this
part is below the tolerance, the intercept is balanced and the whole gap is computed. If the gap is
still too large, the descent continues. The gap is computed again when the part has halved.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from .. import _arrays
from .._problem.progress import STOPPED, Progress
from .._problem.protocol import Problem
from .._typing import Array
from ._line_search import Trial, line_search
from .solution import Solution, Tolerance
from .standardisation import Standardisation

# After so many iterations without a new least value or gradient, only rounding is left.
PATIENCE = 20
# Rounding error of a value, in units of its last place.
ROUNDING = 8
# The pace is judged after so many iterations, and whenever their number has doubled.
FIRST_JUDGEMENT = 10


class Point(NamedTuple):
    """An evaluation of F: raveled variables, and the gradient by them."""

    variables: Array
    value: float
    gradient: Array
    distance: float


class Method(Protocol):
    """A method that proposes directions."""

    name: str
    iterations_per_line: int

    def direction(self, point: Point) -> tuple[Array, float]:
        """The direction at the point of the last iteration, and the first step length to try."""

    def forget(self) -> bool:
        """Discard the information of earlier points; False if there is none."""


class Pace:
    """How fast the distance falls.

    Parameters
    ----------
    bound : float
        The distance to reach.
    patience : float
        Number of further iterations that are worth their time.
    """

    def __init__(self, bound: float, patience: float) -> None:
        self.bound = bound
        self.patience = patience
        self._judged_at = FIRST_JUDGEMENT
        self._before = np.inf

    def is_slow(self, n_iter: int, least_distance: float) -> bool:
        """Whether more than `patience` iterations are needed, at the pace of the last half."""
        if n_iter == self._judged_at // 2:
            self._before = least_distance
        if n_iter != self._judged_at or not np.isfinite(self.patience):
            return False
        self._judged_at *= 2
        before, self._before = self._before, least_distance
        pace = np.log(before / least_distance) / (n_iter / 2)
        return bool(np.log(least_distance / self.bound) > self.patience * pace)


class Descent:
    """One minimisation: evaluations, steps, the type of numbers, and the stopping rule.

    Parameters
    ----------
    objective : Problem
        The objective to minimise.
    tol : float
        The duality gap to reach, as a multiple of F(0, 0).
    progress : Progress
        Object that reports the iterations.
    with_outliers : bool, default=False
        Whether outlying rows count in the scale of the variables.
    patience : float, default=inf
        The descent ends when it seems to need more further iterations than this.
    """

    def __init__(
        self,
        objective: Problem,
        *,
        tol: float,
        progress: Progress,
        with_outliers: bool = False,
        patience: float = np.inf,
    ) -> None:
        self.objective = objective
        self.progress = progress
        self.dtype = objective.dtype
        self.standardisation = Standardisation(objective, with_outliers=with_outliers)
        self.tolerance = Tolerance(objective, tol)
        self.certify_below = self.tolerance.bound
        self.pace = Pace(self.tolerance.bound, patience)

    def run(self, method: Method, start: Array, max_iter: int) -> Solution:
        """Descend from the coefficients `start`."""
        solution = self._minimize(method, start, max_iter)
        self.progress.line(
            "[%s] %s objective %.8e  duality gap %.2e",
            method.name,
            solution.message,
            solution.objective,
            solution.dual_gap,
        )
        return solution

    def _minimize(self, method: Method, start: Array, max_iter: int) -> Solution:
        point = self._evaluate(_arrays.ravel(self.standardisation.from_coef(start)))
        least_value, least_distance, stalled = point.value, point.distance, 0
        n_iter = 0
        while True:
            if n_iter % method.iterations_per_line == 0:
                self.progress.line(
                    "[%s] iteration %5d  objective %.8e  distance %.2e of %.2e",
                    method.name,
                    n_iter,
                    point.value,
                    point.distance,
                    self.tolerance.bound,
                )
            solution = self._certify_if_near(point, n_iter)
            if solution is not None:
                return solution
            if n_iter == max_iter:
                message = f"max_iter={max_iter} iterations are spent."
                return self._certify(point, n_iter, message)
            here = partial(self._certify, point, n_iter, STOPPED)
            self.progress.begin(f"{method.name} iteration", here)
            following = self._step(method, point) if stalled < PATIENCE else None
            if following is not None:
                n_iter += 1
                point = following
                here = partial(self._certify, point, n_iter, STOPPED)
                if self.progress.end(here):
                    return here()
                is_lower = point.value < least_value or point.distance < least_distance
                stalled = 0 if is_lower else stalled + 1
                least_value = min(least_value, point.value)
                least_distance = min(least_distance, point.distance)
                if self.pace.is_slow(n_iter, least_distance):
                    return self._certify(point, n_iter, "Progress is slow.")
            elif stalled < PATIENCE and method.forget():
                # information of earlier points may mislead: try a direction without it
                continue
            elif self.dtype != point.variables.dtype:
                # double precision resolves differences that single precision cannot
                self.dtype = point.variables.dtype
                method.forget()
                point = self._evaluate(point.variables)
                least_value, least_distance, stalled = point.value, point.distance, 0
            else:
                message = "Rounding errors allow no further decrease."
                return self._certify(point, n_iter, message)

    def _step(self, method: Method, point: Point) -> Point | None:
        """The point of the next iteration; None if rounding leaves no better point to find."""
        direction, length = method.direction(point)
        slope = float(point.gradient @ direction)
        if not slope < 0:
            return None

        def evaluate(length: float) -> Trial:
            trial = self._evaluate(point.variables + length * direction)
            return Trial(length, trial.value, float(trial.gradient @ direction), trial)

        start = Trial(0, point.value, slope, point)
        rounding = ROUNDING * _arrays.epsilon(self.dtype, direction) * point.value
        trial = line_search(evaluate, start, length, rounding=rounding)
        return None if trial is None else trial.point

    def coef(self, variables: Array) -> Array:
        """Coefficients of raveled variables."""
        xp = _arrays.namespace(variables)
        return self.standardisation.to_coef(xp.reshape(variables, self.objective.shape))

    def _evaluate(self, variables: Array) -> Point:
        value, gradient = self.objective.value_and_gradient(self.coef(variables), self.dtype)
        distance = self.tolerance.distance(gradient)
        slopes = _arrays.ravel(self.standardisation.gradient(gradient))
        return Point(variables, float(value), slopes, distance)

    def _certify(self, point: Point, n_iter: int, message: str) -> Solution:
        return self.tolerance.certify(self.coef(point.variables), n_iter, message)

    def _certify_if_near(self, point: Point, n_iter: int) -> Solution | None:
        if point.distance > self.certify_below:
            return None
        solution = self._certify(point, n_iter, "The tolerance is met.")
        if solution.converged:
            return solution
        self.certify_below = 0.5 * point.distance
        return None

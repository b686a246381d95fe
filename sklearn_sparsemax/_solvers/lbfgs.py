"""L-BFGS, in the variables of standardised features.

The run ends when the duality gap is proven to be small enough. Most of the gap,
||grad_W F||^2 / (2 alpha), comes free with each evaluation. Only when that part is below the
tolerance is the intercept balanced and the whole gap computed; if it is too large still, the
run goes on and asks again when the part has halved.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._objective import Objective
from .._typing import Array
from ._blas import blas_threads_for
from ._limited_memory import LimitedMemory
from ._line_search import Trial, line_search
from .solution import Solution, Tolerance
from .standardisation import Standardisation

# After so many iterations without a new least value or gradient, only rounding is left.
PATIENCE = 20
# Values are trusted to so many units in their last place.
ROUNDING = 8


def solve(
    objective: Objective, start: Array, *, tol: float, max_iter: int, verbose: int = 0
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual: the run ends when the largest entry of the gradient is
    at most tol times that at zero.
    """
    with blas_threads_for(objective.X.size * objective.n_outputs):
        solution = _Run(objective, tol=tol, verbose=verbose).minimize(start, max_iter)
    if verbose > 0:
        print(
            f"[lbfgs] {solution.message} objective {solution.objective:.8e}  "
            f"duality gap {solution.dual_gap:.2e}"
        )
    return solution


def _n_pairs(size: int) -> int:
    """Pairs that approximate the Hessian: 30 save a quarter of the iterations of the usual 10.

    They hold 2 x size numbers each, so they stay at 10 where the coefficients are large.
    """
    return int(np.clip(2**22 // size, 10, 30))


class Point(NamedTuple):
    """An evaluation of F at the variables, with its gradient by them."""

    variables: Array
    value: float
    gradient: Array
    distance: float


class _Run:
    """One minimisation: the precision it has come to, and when to stop."""

    def __init__(self, objective: Objective, *, tol: float, verbose: int) -> None:
        self.objective = objective
        self.verbose = verbose
        self.dtype = objective.X.dtype
        self.variables = Standardisation(objective)
        self.tolerance = Tolerance(objective, tol)
        self.certify_below = self.tolerance.bound

    def minimize(self, start: Array, max_iter: int) -> Solution:
        point = self._evaluate(self.variables.from_coef(start).ravel())
        memory = self._forget(point)
        least_value, least_distance, stalled = point.value, point.distance, 0
        n_iter = 0
        while True:
            solution = self._certify_if_near(point, n_iter)
            if solution is not None:
                return solution
            if n_iter == max_iter:
                message = f"max_iter={max_iter} iterations are spent."
                return self._certify(point, n_iter, message)
            following = self._step(point, memory) if stalled < PATIENCE else None
            if following is not None:
                n_iter += 1
                memory.update(following.variables - point.variables, following.gradient)
                point = following
                progress = point.value < least_value or point.distance < least_distance
                stalled = 0 if progress else stalled + 1
                least_value = min(least_value, point.value)
                least_distance = min(least_distance, point.distance)
            elif memory.n_pairs > 0 and stalled < PATIENCE:
                # the step of a wrong Hessian: along the gradient one may still succeed
                memory = self._forget(point)
            elif self.dtype != np.float64:
                # differences below the rounding of single precision, double still sees
                self.dtype = np.dtype(np.float64)
                point = self._evaluate(point.variables)
                memory = self._forget(point)
                least_value, least_distance, stalled = point.value, point.distance, 0
            else:
                message = "Floating point allows no further decrease."
                return self._certify(point, n_iter, message)

    def _forget(self, point: Point) -> LimitedMemory:
        return LimitedMemory(_n_pairs(point.gradient.size), point.gradient)

    def _step(self, point: Point, memory: LimitedMemory) -> Point | None:
        """The point of the next iteration; None if rounding hides the way to it."""
        direction = memory.direction()
        slope = float(point.gradient @ direction)
        if slope >= 0:
            return None
        length = 1.0 if memory.n_pairs > 0 else min(1.0, 1 / np.sqrt(-slope))

        def evaluate(length: float) -> Trial:
            trial = self._evaluate(point.variables + length * direction)
            return Trial(length, trial.value, float(trial.gradient @ direction), trial)

        rounding = ROUNDING * np.finfo(self.dtype).eps * point.value
        trial = line_search(
            evaluate, Trial(0, point.value, slope, point), length, rounding=rounding
        )
        return None if trial is None else trial.point

    def _evaluate(self, variables: Array) -> Point:
        coef = self.variables.to_coef(variables.reshape(self.objective.shape))
        value, gradient = self.objective.value_and_gradient(coef, self.dtype)
        distance = self.tolerance.distance(gradient)
        return Point(variables, value, self.variables.gradient(gradient).ravel(), distance)

    def _certify(self, point: Point, n_iter: int, message: str) -> Solution:
        coef = self.variables.to_coef(point.variables.reshape(self.objective.shape))
        return self.tolerance.certify(coef, n_iter, message)

    def _certify_if_near(self, point: Point, n_iter: int) -> Solution | None:
        if self.verbose > 0 and n_iter % 10 == 0:
            print(
                f"[lbfgs] iteration {n_iter:5d}  objective {point.value:.8e}  "
                f"distance {point.distance:.2e} of {self.tolerance.bound:.2e}"
            )
        if point.distance > self.certify_below:
            return None
        solution = self._certify(point, n_iter, "The tolerance is met.")
        if solution.converged:
            return solution
        self.certify_below = 0.5 * point.distance
        return None

"""The result of every solver, and the rule that says when it has converged."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _arrays
from .._problem.certificate import certificate
from .._problem.intercept import balance_intercept
from .._problem.protocol import Problem
from .._typing import Array


class Solution(NamedTuple):
    """Coefficients, with the certificate of their objective.

    Attributes
    ----------
    coef : ndarray
        Coefficients, of the shape of the objective.
    n_iter : int
        Number of iterations.
    objective : float
        F at the coefficients.
    dual_gap : float
        Bound on F minus its minimum; infinite without a penalty.
    converged : bool
        Whether the tolerance is met.
    message : str
        Why the solver stopped.
    dual : csr_array of shape (n, K), default=None
        Distributions of the dual, if the solver keeps them.
    """

    coef: Array
    n_iter: int
    objective: float
    dual_gap: float
    converged: bool
    message: str
    dual: Any = None


def better(one: Solution, other: Solution) -> Solution:
    """The solution with the lower objective, and with the better one of the two lower bounds."""
    best, rest = (one, other) if one.objective <= other.objective else (other, one)
    gap = max(min(best.dual_gap, best.objective - (rest.objective - rest.dual_gap)), 0.0)
    return best._replace(dual_gap=gap, converged=one.converged or other.converged)


def no_worse_than_zero(objective: Problem, tol: float, solution: Solution) -> Solution:
    """The solution, or the all-zero model if that is better.

    Raises ValueError if the features are so large that no model can be certified.
    """
    if not solution.objective <= objective.value_at_zero():
        zero = Tolerance(objective, tol).certify(
            zero_model(objective), solution.n_iter, solution.message
        )
        solution = better(zero, solution) if np.isfinite(solution.objective) else zero
    if objective.alpha > 0 and not np.isfinite(solution.dual_gap):
        objective.refuse_large_features()
    return solution


class Tolerance:
    """The stopping rule of all solvers: a duality gap of at most tol * F(0, 0).

    With alpha = 0 there is no dual. The largest entry of the gradient must then be at most tol
    times the largest one at zero. If the all-zero model is already the minimum, the bound is a
    small multiple of the rounding error, rather than 0.

    Parameters
    ----------
    objective : Problem
        The objective that is minimised.
    tol : float
        The tolerance.

    Attributes
    ----------
    unit : float
        F(0, 0), or the largest entry of the gradient at zero.
    bound : float
        A solver has converged if the gap, or the largest entry of the gradient, is at most this.
    """

    def __init__(self, objective: Problem, tol: float) -> None:
        self.objective = objective
        self.has_dual = objective.alpha > 0
        if self.has_dual:
            self.unit = objective.value_at_zero()
        else:
            zero = zero_model(objective)
            self.unit = self.distance(objective.value_and_gradient(zero, zero.dtype)[1])
        rounding = 10 * _arrays.epsilon(objective.target_mean.dtype, objective.target_mean)
        self.bound = max(tol * self.unit, rounding if self.unit <= rounding else 0)

    def distance(self, gradient: Array) -> float:
        """The gap without the error of the intercept. It costs nothing beyond the gradient."""
        if self.has_dual:
            return self.objective.coefficient_gap(gradient)
        return _arrays.largest(gradient)

    def certify(self, coef: Array, n_iter: int, message: str, dual: Any = None) -> Solution:
        """The solution at the coefficients, with the best intercept for them.

        The certificate uses p(z), or the distributions `dual` of the solver, if given.
        """
        scores = self.objective.scores(coef, dual)
        coef = balance_intercept(self.objective, coef, scores)
        value, dual_gap = certificate(self.objective, coef, dual, scores)
        if self.has_dual:
            distance = dual_gap
        else:
            distance = self.distance(self.objective.value_and_gradient(coef, coef.dtype)[1])
        return Solution(coef, n_iter, value, dual_gap, distance <= self.bound, message, dual)


def zero_model(objective: Problem) -> Array:
    """Coefficients of 0, in double precision, on the device of the data."""
    return _arrays.zeros(objective.shape, objective.target_mean)

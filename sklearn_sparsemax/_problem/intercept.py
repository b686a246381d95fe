"""The minimum of F over the intercept alone, for given coefficients W.

This is a smooth convex problem in K variables. Newton's method with a ridge solves it to rounding.
At the minimum, the weighted mean of the probabilities equals that of the targets.
"""

from __future__ import annotations

from typing import Any

from .. import _arrays
from .._typing import Array
from .protocol import Problem, Scores

MAX_NEWTON_STEPS = 50


def balance_intercept(objective: Problem, coef: Array, scores: Scores | None = None) -> Array:
    """Move the intercept to its minimum for the given W, in double precision.

    If a common shift of all scores changes nothing, the returned intercept has the mean 0. `scores`
    are those of these coefficients, if they are known already.
    """
    if not objective.fit_intercept:
        return coef
    scores = scores or objective.scores(coef)
    xp, eps = _arrays.namespace(coef), _arrays.epsilon(coef.dtype, coef)
    intercept = _arrays.copy_of(coef[-1, :])
    value, gradient, hessian = scores.derivatives(intercept)
    # H is singular along common shifts of all scores, and vanishes where all probabilities are near
    # 0 or 1. The ridge makes it invertible. It falls after a good step, and rises after a bad one.
    steepest = float(xp.max(_diagonal(hessian)))
    least_ridge = 1e-14 + max(1e-12, 50 * eps) * steepest
    ridge = 1e-4 * steepest + least_ridge
    for _ in range(MAX_NEWTON_STEPS):
        if _arrays.largest(gradient) <= eps:
            break
        step = -_solve(hessian, ridge, gradient)
        trial = scores.derivatives(intercept + step)
        expected_fall = -float(gradient @ step)
        # near the minimum, differences of the value are rounding, but the gradient is not
        is_rounding = expected_fall <= eps * value
        falls = not is_rounding and trial[0] <= value - 1e-4 * expected_fall
        if falls or _arrays.largest(trial[1]) <= 0.5 * _arrays.largest(gradient):
            intercept = intercept + step
            value, gradient, hessian = trial
            ridge = max(0.1 * ridge, least_ridge)
        elif is_rounding:
            break
        else:
            ridge *= 10
    if objective.shift_invariant:
        intercept -= xp.mean(intercept)
    balanced = _arrays.copy_of(coef)
    balanced[-1, :] = intercept
    return balanced


def _solves_itself(hessian: Any) -> bool:
    # PyTorch's arrays have a method of this name too
    return hasattr(hessian, "solve") and not hasattr(hessian, "shape")


def _diagonal(hessian: Any) -> Array:
    return hessian.diagonal if _solves_itself(hessian) else _arrays.diagonal(hessian)


def _solve(hessian: Any, ridge: float, gradient: Array) -> Array:
    """Solution of (H + ridge I) x = gradient, for a matrix or what solves such equations itself."""
    if _solves_itself(hessian):
        return hessian.solve(ridge, gradient)
    return _arrays.solve_ridged(hessian, ridge, gradient)

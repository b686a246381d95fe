"""The minimum of F over the intercept alone, for given coefficients W.

This is a smooth convex problem in K variables. Newton's method with a ridge solves it to rounding.
At the minimum, the weighted mean of the probabilities equals that of the targets.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

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
    intercept = coef[-1].copy()
    value, gradient, hessian = scores.derivatives(intercept)
    # H is singular along common shifts of all scores, and vanishes where all probabilities are near
    # 0 or 1. The ridge makes it invertible. It falls after a good step, and rises after a bad one.
    least_ridge = 1e-14 + 1e-12 * hessian.diagonal().max()
    ridge = 1e-4 * hessian.diagonal().max() + least_ridge
    for _ in range(MAX_NEWTON_STEPS):
        if np.abs(gradient).max() <= np.finfo(np.float64).eps:
            break
        ridged = hessian + ridge * np.eye(gradient.size)
        step = -linalg.solve(ridged, gradient, assume_a="pos", check_finite=False)
        trial = scores.derivatives(intercept + step)
        falls = trial[0] <= value + 1e-4 * float(gradient @ step)
        # near the minimum, differences of the value are rounding, but the gradient is not
        if falls or np.abs(trial[1]).max() <= 0.5 * np.abs(gradient).max():
            intercept = intercept + step
            value, gradient, hessian = trial
            ridge = max(0.1 * ridge, least_ridge)
        elif -float(gradient @ step) <= np.finfo(np.float64).eps * value:
            break
        else:
            ridge *= 10
    if objective.shift_invariant:
        intercept -= intercept.mean()
    balanced = coef.copy()
    balanced[-1] = intercept
    return balanced

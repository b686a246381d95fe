"""Newton's method with the exact Hessian, for few coefficients.

The gradient of the sparsemax loss is piecewise linear. Newton's method is exact on each piece, and
reaches the minimum after finitely many steps, up to rounding. For smooth losses it converges
quadratically. Near the minimum, more steps cost little. So the solver does not stop at the
tolerance: it continues until rounding stops it. The result then does not depend on the path.

The Hessian of all d * m coefficients is computed, for centred features and with its diagonal scaled
to 1. So the units and offsets of the features do not matter. Memory grows with (d m)^2, and the
time of a step with n (d m)^2 + (d m)^3. This is why the solver is for few coefficients.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import linalg

from .._kernels.blas import blas_threads_for
from .._problem.progress import SILENT, STOPPED, Progress
from .._problem.protocol import Problem
from .._typing import Array
from .solution import Solution, Tolerance
from .standardisation import Standardisation

MAX_BACKTRACKS = 10
LEAST_RIDGE = 1e-14
EPS = np.finfo(np.float64).eps
ROUNDING = 8 * EPS


def solve(
    objective: Problem, start: Array, *, tol: float, max_iter: int, progress: Progress = SILENT
) -> Solution:
    """Minimise an objective up to rounding; converged if the gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual. The solver has then converged if the largest entry of the
    gradient is at most tol times the largest one at zero.
    """
    n_coef = objective.shape[0] * objective.shape[1]
    with blas_threads_for(objective.n_rows * n_coef**2 + n_coef**3):
        return _minimize(objective, start, tol, max_iter, progress)


def _minimize(
    objective: Problem, start: Array, tol: float, max_iter: int, progress: Progress
) -> Solution:
    variables = Standardisation(objective)
    tolerance = Tolerance(objective, tol)
    coef = start
    value, gradient = objective.value_and_gradient(coef, np.float64)
    message = f"max_iter={max_iter} iterations are spent."
    n_iter = 0
    ridge = LEAST_RIDGE
    while n_iter < max_iter:
        slopes = variables.gradient(gradient)
        norm = np.linalg.norm(slopes)
        if norm <= EPS:
            message = "The gradient is zero up to rounding errors."
            break
        here = partial(tolerance.certify, coef, n_iter, STOPPED)
        progress.begin("newton-cholesky iteration", here)
        hessian = variables.hessian(objective, coef)
        while True:
            step = _newton_step(hessian, slopes, ridge)
            decrement = -float(np.vdot(step, slopes))
            change = variables.to_coef(step)
            for length in 0.5 ** np.arange(MAX_BACKTRACKS):
                trial = coef + length * change
                trial_value, trial_gradient = objective.value_and_gradient(trial, np.float64)
                # if the decrease is below the rounding of the value, compare gradients instead
                if length * decrement > ROUNDING * value:
                    accepted = trial_value <= value - 1e-4 * length * decrement
                else:
                    trial_norm = np.linalg.norm(variables.gradient(trial_gradient))
                    accepted = trial_norm <= 0.9 * norm
                if accepted or length * decrement <= ROUNDING * value:
                    break
            if accepted or decrement <= ROUNDING * value:
                break
            # the Hessian vanishes where the loss is linear; with a larger ridge, the step is
            # shorter, and closer to the direction of the gradient
            ridge *= 100
        if not accepted:
            message = "Rounding errors allow no further decrease."
            break
        ridge = max(LEAST_RIDGE, 1e-4 * ridge)
        n_iter += 1
        coef, value, gradient = trial, trial_value, trial_gradient
        progress.line(
            "[newton-cholesky] iteration %3d  objective %.8e  distance %.2e of %.2e",
            n_iter,
            value,
            tolerance.distance(gradient),
            tolerance.bound,
        )
        here = partial(tolerance.certify, coef, n_iter, STOPPED)
        if progress.end(here):
            return here()
    return tolerance.certify(coef, n_iter, message)


def _newton_step(hessian: Array, gradient: Array, ridge: float) -> Array:
    """Solution of (H + ridge diag H) s = -g by Cholesky; the ridge grows until H is definite."""
    # in standardised variables, a diagonal far below 1 is not reliable curvature
    scale = 1 / np.sqrt(np.maximum(hessian.diagonal(), 1e-4))
    scaled = hessian * scale[:, None] * scale
    diagonal = np.diag_indices_from(scaled)
    while True:
        scaled[diagonal] += ridge
        try:
            factor = linalg.cho_factor(scaled, check_finite=False)
            break
        except linalg.LinAlgError:
            ridge *= 100
    step = linalg.cho_solve(factor, -scale * gradient.ravel(), check_finite=False)
    return (scale * step).reshape(gradient.shape)

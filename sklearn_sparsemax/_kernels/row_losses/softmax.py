r"""The softmax loss of a row. Its implicit step is that of entmax for alpha = 1 (`entmax`).

With w = 1 / (1 + sigma), the logarithms t_k of the p_k and a level r solve

    w t_k + (1 - w) e^(t_k) = w u_k + (1 - w) q_k + r,    sum_k e^(t_k) = 1.

Newton's method for all of them together takes one exponential for each output and step. It starts
from p = q, which is near the end of the step if q is the dual variable of a row that has been
visited before, or near softmax(u) where q is 0. If it has not converged after a few steps, the
slower method of `entmax`, which always does, starts from the beginning.
"""

import numpy as np

from .._jit import njit
from .._rows import largest
from .entmax import step_to_simplex

MOST_STEPS = 8
# The error after a step is about the square of the largest change.
LAST_CHANGE = 1e-7


@njit
def loss_of_row(loss, z, q, scratch):
    top = np.float64(largest(z))
    others, cross, mass = 0.0, 0.0, 0.0
    top_is_met = False
    for k in range(z.shape[0]):
        below = np.float64(z[k]) - top
        if below == 0.0 and not top_is_met:
            top_is_met = True
        else:
            others += np.exp(below)
        target = np.float64(q[k])
        if target > 0.0:
            mass += target
            cross += target * (np.log(target) - below)
    # in single precision, a target sums to 1 up to rounding only; divided by its sum, it is one
    return max(np.log1p(others) + cross / mass - np.log(mass), 0.0)


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    if not _solve_together(u, q, sigma, p, scratch):
        step_to_simplex(u, q, sigma, 0.0, p, scratch)


@njit
def _solve_together(u, q, sigma, p, scratch):
    """Write the probabilities after the step into p. Returns whether the method has converged."""
    n_outputs = u.shape[0]
    w = 1.0 / (1.0 + sigma)
    rest = sigma / (1.0 + sigma)
    top = np.float64(largest(u))
    logs, values, residuals = scratch[0], scratch[1], scratch[2]
    log_n_outputs = np.log(n_outputs)
    for k in range(n_outputs):
        values[k] = np.float64(q[k])
        if values[k] > 0.0:
            logs[k] = np.log(values[k])
        else:
            logs[k] = np.float64(u[k]) - top - log_n_outputs
            values[k] = np.exp(logs[k])
    level = 0.0
    for _ in range(MOST_STEPS):
        total, pull, slope = 0.0, 0.0, 0.0
        for k in range(n_outputs):
            from_scores = w * ((np.float64(u[k]) - top) - logs[k])
            residual = from_scores + rest * (np.float64(q[k]) - values[k]) + level
            # a change of the logarithm by the residual over this
            derivative = w + rest * values[k]
            residuals[k] = residual / derivative
            total += values[k]
            pull += values[k] * residuals[k]
            slope += values[k] / derivative
        rise = (1.0 - total - pull) / slope
        level += rise
        largest_change = 0.0
        for k in range(n_outputs):
            change = residuals[k] + rise / (w + rest * values[k])
            largest_change = max(largest_change, abs(change))
            logs[k] = min(logs[k] + change, 0.0)
            values[k] = np.exp(logs[k])
        if largest_change <= LAST_CHANGE:
            break
    if not largest_change <= LAST_CHANGE:
        return False
    total = 0.0
    for k in range(n_outputs):
        total += values[k]
    for k in range(n_outputs):
        p[k] = values[k] / total
    return True

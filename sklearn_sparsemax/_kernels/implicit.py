r"""The loss of one row, and the implicit step on it.

An implicit step of length sigma from the scores u leads where it came from by an explicit step
back: to the z that solves

    z = u - sigma (p(z) - q),   that is   z = argmin_z sigma L(z; q) + 1/2 ||z - u||^2.

It never overshoots, however long it is.

- sparsemax: p = sparsemax((u + sigma q) / (1 + sigma)), a projection.
- binary sparsemax: p_k = clip((u_k + sigma q_k + 1) / (2 + sigma), 0, 1) for each output.
- softmax: log p_k + sigma p_k = u_k + sigma q_k - c for the c where the p_k sum to 1. Both p_k,
  given c, and their sum, as a function of c, are found by Newton's method on a convex function,
  from the side where it does not overshoot.
- logistic: Newton's method for each output. The root is bracketed by where p would take its
  extremes, 0 and 1; a step that leaves the bracket, or is not half as long as the last one, goes
  to its middle instead.

All in double precision.
"""

import numpy as np

from ._jit import njit
from ._rows import largest, sparsemax_loss, threshold

SPARSEMAX, SOFTMAX, LOGISTIC, BINARY_SPARSEMAX = 0, 1, 2, 3
# The largest second derivative of each loss along any direction of the scores.
CURVATURE = (1.0, 0.5, 0.25, 0.5)

MOST_STEPS = 100
ROUNDING = 1e-13


@njit
def row_loss(loss, z, q):
    """L(z; q) of scores and target (K,), in the form of `losses`, where nothing cancels."""
    if loss == SPARSEMAX:
        return sparsemax_loss(z, q)
    if loss == SOFTMAX:
        return _softmax_loss(z, q)
    if loss == LOGISTIC:
        return _logistic_loss(z, q)
    return _binary_sparsemax_loss(z, q)


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    """Write p(z) at the end z of the implicit step into p (K,); overwrites u."""
    if loss == SPARSEMAX:
        _sparsemax_step(u, q, sigma, p)
    elif loss == SOFTMAX:
        _softmax_step(u, q, sigma, p, scratch)
    elif loss == LOGISTIC:
        _logistic_step(u, q, sigma, p)
    else:
        _binary_sparsemax_step(u, q, sigma, p)


@njit
def _sparsemax_step(u, q, sigma, p):
    top = largest(u)
    shrink, weight = 1.0 / (1.0 + sigma), sigma / (1.0 + sigma)
    for k in range(u.shape[0]):
        u[k] = (u[k] - top) * shrink + q[k] * weight
    top = largest(u)
    tau = threshold(u, top)
    for k in range(u.shape[0]):
        p[k] = max((u[k] - top) - tau, 0.0)


@njit
def _binary_sparsemax_loss(z, q):
    loss = 0.0
    for k in range(z.shape[0]):
        residual = min(max(0.5 * (z[k] + 1.0), 0.0), 1.0) - q[k]
        loss += residual * residual
        loss += q[k] * max(-1.0 - z[k], 0.0) + (1.0 - q[k]) * max(z[k] - 1.0, 0.0)
    return loss


@njit
def _binary_sparsemax_step(u, q, sigma, p):
    for k in range(u.shape[0]):
        p[k] = min(max((u[k] + sigma * q[k] + 1.0) / (2.0 + sigma), 0.0), 1.0)


@njit
def _softmax_loss(z, q):
    top = largest(z)
    others, loss = 0.0, 0.0
    top_is_met = False
    for k in range(z.shape[0]):
        below = z[k] - top
        if below == 0.0 and not top_is_met:
            top_is_met = True
        else:
            others += np.exp(below)
        if q[k] > 0.0:
            loss += q[k] * (np.log(q[k]) - below)
    return max(np.log1p(others) + loss, 0.0)


@njit
def _softmax_step(u, q, sigma, p, logs):
    n_outputs = u.shape[0]
    if sigma == 0.0:
        _softmax(u, p)
        return
    for k in range(n_outputs):
        u[k] += sigma * q[k]
    top = largest(u)
    # where the largest p_k is 1, and their sum no less
    normaliser = -sigma
    for k in range(n_outputs):
        u[k] -= top
        # log y + y = level for y = sigma p: y < level where y > 1, and log y < level
        level = u[k] - normaliser + np.log(sigma)
        logs[k] = (level if level <= 1.0 else np.log(level)) - np.log(sigma)
    for _ in range(MOST_STEPS):
        excess, slope = -1.0, 0.0
        for k in range(n_outputs):
            logs[k] = _solve_log(logs[k], sigma, u[k] - normaliser)
            p[k] = np.exp(logs[k])
            excess += p[k]
            slope += p[k] / (1.0 + sigma * p[k])
        step = excess / slope
        normaliser += step
        if step <= ROUNDING * (1.0 + abs(normaliser)):
            break
    for k in range(n_outputs):
        p[k] /= 1.0 + excess


@njit
def _solve_log(log, sigma, level):
    """The root of log + sigma exp(log) = level, from any start that is not below it."""
    for _ in range(MOST_STEPS):
        scaled = sigma * np.exp(log)
        step = (log + scaled - level) / (1.0 + scaled)
        log -= step
        if step <= ROUNDING * (1.0 + abs(log)):
            break
    return log


@njit
def _softmax(z, p):
    top = largest(z)
    total = 0.0
    for k in range(z.shape[0]):
        p[k] = np.exp(z[k] - top)
        total += p[k]
    for k in range(z.shape[0]):
        p[k] /= total


@njit
def _logistic_loss(z, q):
    loss = 0.0
    for k in range(z.shape[0]):
        loss += np.log1p(np.exp(-abs(z[k])))
        loss += max(z[k], 0.0) - q[k] * z[k]
        if 0.0 < q[k] < 1.0:
            loss += q[k] * np.log(q[k]) + (1.0 - q[k]) * np.log1p(-q[k])
    return max(loss, 0.0)


@njit
def _sigmoid(z):
    small = np.exp(-abs(z))
    return (1.0 if z > 0.0 else small) / (1.0 + small)


@njit
def _logistic_step(u, q, sigma, p):
    for k in range(u.shape[0]):
        low = u[k] - sigma * (1.0 - q[k])
        high = u[k] + sigma * q[k]
        z = u[k]
        last = high - low
        for _ in range(MOST_STEPS):
            p[k] = _sigmoid(z)
            excess = z - u[k] + sigma * (p[k] - q[k])
            if excess > 0.0:
                high = z
            else:
                low = z
            step = -excess / (1.0 + sigma * p[k] * (1.0 - p[k]))
            if not (low < z + step < high and abs(step) < 0.5 * last):
                step = 0.5 * (low + high) - z
            last = abs(step)
            if last <= ROUNDING * (1.0 + abs(z)):
                break
            z += step

r"""The loss of one row, and the implicit step on it.

An implicit step of length sigma from the scores u leads where it came from by an explicit step
back: to the z that solves

    z = u - sigma (p(z) - q),   that is   z = argmin_z sigma L(z; q) + 1/2 ||z - u||^2.

It never overshoots, however long it is.

- sparsemax: p = sparsemax((u + sigma q) / (1 + sigma)), a projection.
- softmax: Newton's method. The Hessian diag(p + 1/sigma) - p p^T is inverted in closed form. The
  gradient p - q + (z - u) / sigma sums to 0 from the start, where z = u, and remains so.
- logistic: Newton's method for each output. The root is bracketed by where p would take its
  extremes, 0 and 1, and a step that leaves the bracket is replaced by its middle.

All in double precision.
"""

import numpy as np

from ._jit import njit
from ._rows import largest, sparsemax_loss, threshold

SPARSEMAX, SOFTMAX, LOGISTIC = 0, 1, 2
# The largest second derivative of each loss along any direction of the scores.
CURVATURE = (1.0, 0.5, 0.25)

MOST_STEPS = 50
# Newton's method is near where its step is small; it then ends at rounding.
LONGEST_STEP = 2.0
ROUNDING = 1e-13


@njit
def row_loss(loss, z, q):
    """L(z; q) of scores and target (K,), in the form of `losses`, where nothing cancels."""
    if loss == SPARSEMAX:
        return sparsemax_loss(z, q)
    if loss == SOFTMAX:
        return _softmax_loss(z, q)
    return _logistic_loss(z, q)


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    """Write p(z) at the end z of the implicit step into p (K,); overwrites u."""
    if loss == SPARSEMAX:
        _sparsemax_step(u, q, sigma, p)
    elif loss == SOFTMAX:
        _softmax_step(u, q, sigma, p, scratch)
    else:
        _logistic_step(u, q, sigma, p)


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
def _softmax_loss(z, q):
    winner = z.argmax()
    others = 0.0
    loss = 0.0
    for k in range(z.shape[0]):
        below = z[k] - z[winner]
        if k != winner:
            others += np.exp(below)
        if q[k] > 0.0:
            loss += q[k] * (np.log(q[k]) - below)
    return max(np.log1p(others) + loss, 0.0)


@njit
def _softmax_step(u, q, sigma, p, z):
    n_outputs = u.shape[0]
    z[:] = u
    for _ in range(MOST_STEPS if sigma > 0.0 else 0):
        _softmax(z, p)
        # the Newton step is h - p * (h^T p) / (1 - p^T H^-1 p), entrywise over p + 1/sigma
        along, rest = 0.0, 0.0
        for k in range(n_outputs):
            gradient = p[k] - q[k] + (z[k] - u[k]) / sigma
            along += p[k] * gradient * sigma / (1.0 + sigma * p[k])
            rest += p[k] / (1.0 + sigma * p[k])
        longest = 0.0
        for k in range(n_outputs):
            gradient = p[k] - q[k] + (z[k] - u[k]) / sigma
            step = (gradient + p[k] * along / rest) * sigma / (1.0 + sigma * p[k])
            longest = max(longest, abs(step))
        if longest <= ROUNDING * (1.0 + np.abs(z).max()):
            break
        length = min(1.0, LONGEST_STEP / longest)
        for k in range(n_outputs):
            gradient = p[k] - q[k] + (z[k] - u[k]) / sigma
            step = (gradient + p[k] * along / rest) * sigma / (1.0 + sigma * p[k])
            z[k] -= length * step
    _softmax(z, p)


@njit
def _softmax(z, p):
    largest = z.max()
    total = 0.0
    for k in range(z.shape[0]):
        p[k] = np.exp(z[k] - largest)
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
def _logistic_step(u, q, sigma, p):
    for k in range(u.shape[0]):
        low = u[k] - sigma * (1.0 - q[k])
        high = u[k] + sigma * q[k]
        z = u[k]
        for _ in range(MOST_STEPS):
            p[k] = 1.0 / (1.0 + np.exp(-z))
            excess = z - u[k] + sigma * (p[k] - q[k])
            if excess > 0.0:
                high = z
            else:
                low = z
            step = excess / (1.0 + sigma * p[k] * (1.0 - p[k]))
            if abs(step) <= ROUNDING * (1.0 + abs(z)):
                break
            z -= step
            if not low < z < high:
                z = 0.5 * (low + high)

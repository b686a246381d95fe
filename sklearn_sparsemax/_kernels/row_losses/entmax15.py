r"""The entmax loss of a row for alpha = 1.5. Each p_k is the square of the root of a quadratic.

With w = 1 / (1 + sigma / 2), y = w u / 2 + (1 - w) q and a level r, s_k = sqrt(p_k) solves

    w s_k + (1 - w) s_k^2 = c_k = (y_k - max(y) + r)_+,
    s_k = 2 c_k / (w + sqrt(w^2 + 4 (1 - w) c_k)).

The sum of the p_k is a convex and increasing function of r. Newton's method from any start is to
the right of the root after one step, and from there never passes it.
"""

import numpy as np

from .._entmax_rows import divergence, solve
from .._jit import njit, sums_in_any_order
from .._rows import largest

MOST_STEPS = 100
# The error after a step, relative to w, is about the square of the step. The second number is
# rounding.
LAST_STEP = 1e-8
ROUNDING = 4e-16


@njit
def height(loss, p):
    return 2.0 * np.sqrt(p)


@njit
def loss_of_row(loss, z, q, scratch):
    return loss_of_entmax(z, q, 1.5, scratch)


@njit
def loss_of_entmax(z, q, alpha, scratch):
    """The loss for any alpha, by the formula of `entmax_compiled`."""
    n_outputs = z.shape[0]
    top = np.float64(largest(z))
    p = scratch[0]
    for k in range(n_outputs):
        p[k] = top - np.float64(z[k])
    level = solve(p, n_outputs, alpha) / (alpha - 1.0)
    total = 0.0
    for k in range(n_outputs):
        target = np.float64(q[k])
        total += divergence(target, p[k], alpha)
        if target > 0.0 and p[k] == 0.0:
            total += target * max((top - np.float64(z[k])) - level, 0.0)
    return total


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    n_outputs = u.shape[0]
    w = 1.0 / (1.0 + 0.5 * sigma)
    rest = 0.5 * sigma / (1.0 + 0.5 * sigma)
    y, roots = scratch[0], scratch[1]
    best = scale_row(u, q, 0.5 * w, rest, y)
    # where the largest p_k is 1 / K, and where it is 1
    lowest = w / np.sqrt(n_outputs) + rest / n_outputs
    r = w * np.sqrt(np.float64(q[best])) + rest * np.float64(q[best]) - y[best]
    r = min(max(r, lowest), 1.0)
    for _ in range(MOST_STEPS):
        total, slope = _sums(y, r, w, rest)
        step = (total - 1.0) / slope
        r = min(r - step, 1.0)
        if abs(step) <= max(LAST_STEP * w, ROUNDING):
            break
    total = _write_squares(y, r, w, rest, roots)
    for k in range(n_outputs):
        p[k] = roots[k] / total


@njit
def scale_row(u, q, w, rest, y):
    """Write w u + rest q, less its largest entry, into y. Returns the output of the largest q."""
    top = np.float64(largest(u))
    best = 0
    for k in range(u.shape[0]):
        y[k] = (np.float64(u[k]) - top) * w + np.float64(q[k]) * rest
        best = k if q[k] > q[best] else best
    top = largest(y)
    for k in range(u.shape[0]):
        y[k] -= top
    return best


@sums_in_any_order
def _sums(y, r, w, rest):
    """The sum of the p_k at the level r, and its derivative."""
    total, slope = 0.0, 0.0
    for k in range(y.shape[0]):
        c = max(y[k] + r, 0.0)
        s = 2.0 * c / (w + np.sqrt(w * w + 4.0 * rest * c))
        total += s * s
        slope += 2.0 * s / (w + 2.0 * rest * s)
    return total, slope


@sums_in_any_order
def _write_squares(y, r, w, rest, squares):
    total = 0.0
    for k in range(y.shape[0]):
        c = max(y[k] + r, 0.0)
        s = 2.0 * c / (w + np.sqrt(w * w + 4.0 * rest * c))
        squares[k] = s * s
        total += squares[k]
    return total

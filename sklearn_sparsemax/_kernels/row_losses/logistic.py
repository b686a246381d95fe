r"""The logistic loss of a row. Its implicit step is one equation for each output.

With w = 1 / (1 + sigma), the score z at the end of a step solves

    w z + (1 - w) sigmoid(z) = w u + (1 - w) q.

For z <= 0 the left side is convex and increasing, so that Newton's method from the right of the
root never passes it. For z > 0 the equation is that of -z, -u and 1 - q. It starts where
sigmoid(z) is replaced by exp(z) / 2, which is no larger: at the root, or at a bound for it that is
larger by a little.
"""

import numpy as np

from .._jit import njit

MOST_STEPS = 100
# The error after a step is less than the square of the step.
LAST_STEP = 1e-8


@njit
def loss_of_row(loss, z, q, scratch):
    total = 0.0
    for k in range(z.shape[0]):
        score, target = np.float64(z[k]), np.float64(q[k])
        total += np.log1p(np.exp(-abs(score)))
        # for a target of 1 and a positive score, this is 0 without rounding
        total += max(score, 0.0) - target * score
        if 0.0 < target < 1.0:
            total += target * np.log(target) + (1.0 - target) * np.log1p(-target)
    return max(total, 0.0)


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    w = 1.0 / (1.0 + sigma)
    rest = sigma / (1.0 + sigma)
    log_half_sigma = np.log(0.5 * sigma) if sigma > 0.0 else -np.inf
    for k in range(u.shape[0]):
        score, target = np.float64(u[k]), np.float64(q[k])
        right_side = w * score + rest * target
        if right_side <= 0.5 * rest:
            p[k] = _sigmoid_at_root(right_side, w, rest, log_half_sigma)
        else:
            mirrored = w * -score + rest * (1.0 - target)
            p[k] = 1.0 - _sigmoid_at_root(mirrored, w, rest, log_half_sigma)


@njit
def _sigmoid_at_root(right_side, w, rest, log_half_sigma):
    """sigmoid(z) for the z <= 0 with w z + rest sigmoid(z) = right_side."""
    z = right_side / w
    # log y + y = level for y = sigma e^z / 2: y < level where y > 1, and log y < level
    level = z + log_half_sigma
    if level > 1.0:
        z = np.log(level) - log_half_sigma
    z = min(z, 0.0)
    for _ in range(MOST_STEPS):
        small = np.exp(z)
        p = small / (1.0 + small)
        step = (w * z + rest * p - right_side) / (w + rest * p / (1.0 + small))
        z -= step
        if abs(step) <= LAST_STEP:
            break
    small = np.exp(z)
    return small / (1.0 + small)

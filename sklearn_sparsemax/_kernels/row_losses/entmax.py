r"""The entmax loss of a row for any alpha from 1 on. The implicit step has no closed form.

With gamma = alpha - 1, w = 1 / (1 + sigma), y = w u + (1 - w) q and a level r, the logarithms t_k
of the p_k solve

    w (e^(gamma t_k) - 1) / gamma + (1 - w) e^(t_k) = y_k - max(y) + r.

For gamma = 0, the first term is w t_k, and this is the step of the softmax. The left side is convex
and increasing in t_k, so that Newton's method from the right of the root never passes it. Where the
right side is less than -w / gamma, p_k is 0.

The level makes the p_k sum to 1. Their sum is increasing, and for gamma up to 1 convex. The Newton
steps for the level are kept inside a bracket, and when the level has fallen, the last t_k are on
the right of the new ones.
"""

import numpy as np

from .._jit import njit
from .entmax15 import loss_of_entmax, scale_row

MOST_STEPS = 100
# The error after a step is about its square.
LAST_STEP = 1e-8
# So little of the sum is left to a last step along the tangent.
LAST_EXCESS = 1e-9
# For gamma > 1 the sum may have a large second derivative.
LAST_EXCESS_STEEP = 1e-13


@njit
def height(loss, p):
    return p ** (loss.alpha - 1.0) / (loss.alpha - 1.0)


@njit
def loss_of_row(loss, z, q, scratch):
    return loss_of_entmax(z, q, loss.alpha, scratch)


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    step_to_simplex(u, q, sigma, loss.alpha - 1.0, p, scratch)


@njit
def step_to_simplex(u, q, sigma, gamma, p, scratch):
    """Write the probabilities after the step into p, for alpha = 1 + gamma."""
    n_outputs = u.shape[0]
    w = 1.0 / (1.0 + sigma)
    rest = sigma / (1.0 + sigma)
    log_sigma = np.log(sigma) if sigma > 0.0 else -np.inf
    y, logs, values = scratch[0], scratch[1], scratch[2]
    best = scale_row(u, q, w, rest, y)
    # where the largest p_k is 1 / K, and where it is 1
    lowest = w * _transform(-np.log(n_outputs), gamma) + rest / n_outputs
    highest = rest
    level = highest
    if q[best] > 0.0:
        level = (
            w * _transform(np.log(np.float64(q[best])), gamma)
            + rest * np.float64(q[best])
            - y[best]
        )
        level = min(max(level, lowest), highest)
    last_excess = LAST_EXCESS if gamma <= 1.0 else LAST_EXCESS_STEEP
    start_anew = True
    step = 0.0
    for _ in range(MOST_STEPS):
        total, slope = 0.0, 0.0
        for k in range(n_outputs):
            right_side = y[k] + level
            if start_anew:
                logs[k] = _start(right_side, w, log_sigma, gamma)
            logs[k] = _log_at_root(logs[k], right_side, w, rest, gamma)
            values[k] = np.exp(logs[k])
            total += values[k]
            slope += _slope(logs[k], values[k], w, rest, gamma)
        step = (total - 1.0) / slope
        if abs(total - 1.0) <= last_excess:
            break
        if total > 1.0:
            highest = level
        else:
            lowest = level
        new_level = level - step
        if not lowest < new_level < highest:
            new_level = 0.5 * (lowest + highest)
        if new_level == level:
            break
        start_anew = new_level > level
        level = new_level
    total = 0.0
    for k in range(n_outputs):
        values[k] -= step * _slope(logs[k], values[k], w, rest, gamma)
        values[k] = max(values[k], 0.0)
        total += values[k]
    for k in range(n_outputs):
        p[k] = values[k] / total


@njit
def _transform(t, gamma):
    """(e^(gamma t) - 1) / gamma, with all its digits, which is t for gamma = 0."""
    return t if gamma == 0.0 else np.expm1(gamma * t) / gamma


@njit
def _slope(t, p, w, rest, gamma):
    """The derivative of p = e^t by the right side."""
    if p == 0.0:
        return 0.0
    return p / ((w if gamma == 0.0 else w * np.exp(gamma * t)) + rest * p)


@njit
def _start(right_side, w, log_sigma, gamma):
    """A bound for the root t, not less than it, and often near it."""
    scaled = right_side / w
    t = scaled
    if gamma > 0.0:
        base = gamma * scaled
        if base <= -1.0:
            return -np.inf
        t = np.log1p(base) / gamma
    # for gamma = 0, whose root is larger: log y + y = level for y = sigma p; y < level where
    # y > 1, and log y < level
    level = scaled + log_sigma
    if level > 1.0:
        t = min(t, np.log(level) - log_sigma)
    return min(t, 0.0)


@njit
def _log_at_root(t, right_side, w, rest, gamma):
    """The root t, from a start that is not less than it; -inf where there is none."""
    if t == -np.inf or gamma * right_side <= -w:
        return -np.inf
    for _ in range(MOST_STEPS):
        p = rest * np.exp(t)
        transformed = _transform(t, gamma)
        step = (w * transformed + p - right_side) / (w * (1.0 + gamma * transformed) + p)
        t -= step
        if abs(step) <= LAST_STEP:
            break
    return t

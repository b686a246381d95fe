"""The binary sparsemax loss of a row.

With w = 1 / (2 + sigma), its implicit step is p_k = clip(w (u_k + 1) + (1 - 2 w) q_k, 0, 1).
"""

import numpy as np

from .._jit import njit


@njit
def loss_of_row(loss, z, q, scratch):
    total = 0.0
    for k in range(z.shape[0]):
        score, target = np.float64(z[k]), np.float64(q[k])
        residual = min(max(0.5 * (score + 1.0), 0.0), 1.0) - target
        total += residual * residual
        total += target * max(-1.0 - score, 0.0) + (1.0 - target) * max(score - 1.0, 0.0)
    return total


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    w = 1.0 / (2.0 + sigma)
    rest = sigma / (2.0 + sigma)
    for k in range(u.shape[0]):
        p[k] = min(max((np.float64(u[k]) + 1.0) * w + np.float64(q[k]) * rest, 0.0), 1.0)

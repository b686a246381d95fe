"""The softmax loss of a row. Its implicit step is that of entmax for alpha = 1 (`entmax`)."""

import numpy as np

from .._jit import njit
from .._rows import largest
from .entmax import step_to_simplex


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
    step_to_simplex(u, q, sigma, 0.0, p, scratch)

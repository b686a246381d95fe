"""The sparsemax loss of a row.

With w = 1 / (1 + sigma), its implicit step is a projection, p = sparsemax(w u + (1 - w) q).
"""

from .._jit import njit
from .._rows import largest, sparsemax_loss, threshold


@njit
def height(loss, p):
    return p


@njit
def loss_of_row(loss, z, q, scratch):
    return sparsemax_loss(z, q)


@njit
def implicit_step(loss, u, q, sigma, p, scratch):
    top = largest(u)
    # in the type of the scores, in which a vector holds more numbers
    w = u.dtype.type(1.0 / (1.0 + sigma))
    rest = u.dtype.type(sigma / (1.0 + sigma))
    for k in range(u.shape[0]):
        u[k] = (u[k] - top) * w + q[k] * rest
    top = largest(u)
    tau = threshold(u, top)
    for k in range(u.shape[0]):
        p[k] = max((u[k] - top) - tau, 0.0)

r"""Losses of single rows, for solvers that visit one row at a time.

For each loss there are two functions of one row, with scores z or u and a target q of K outputs:

- `loss_of_row`: L(z; q).
- `implicit_step`: the probabilities p(z) at the end z of an implicit step of length sigma from u,

      z = u - sigma (p(z) - q),   that is   z = argmin_z sigma L(z; q) + 1/2 ||z - u||^2.

An implicit step never overshoots, however long it is. In terms of p it is

    p = argmin_p Omega(p) + sigma/2 ||p||^2 - <p, u + sigma q>,

so a step from the scores of a row, with its dual variable for q, maximises the dual over the block
of the row (`dual`). Stochastic descent takes the same steps with the targets for q (`sgd`).

A loss on the simplex whose probabilities may be zero has a third function:

- `height`: how far a score is above the level at which its probability becomes zero, for a
  probability p. At scores z, output k has a positive probability if and only if z_k is above the
  level z_j - height(p_j), which is the same for every j with p_j > 0.

With w = 1 / (1 + c sigma), for a number c of each loss, the equations contain only w, 1 - w and
numbers between them. So no step overflows, however large sigma is.

A kernel takes a named tuple of this module in place of the loss. It is compiled for each type of
tuple, and contains the functions of this loss alone.
"""

from typing import NamedTuple

from numba.extending import overload

from .._jit import OVERLOADS
from . import binary_sparsemax, entmax, entmax15, logistic, softmax, sparsemax

# Arrays of K numbers that the functions need for themselves.
N_SCRATCH = 3


class Sparsemax(NamedTuple):
    """The sparsemax loss. `curvature` is its largest second derivative along any direction."""

    curvature: float = 1.0


class Softmax(NamedTuple):
    """The softmax loss."""

    curvature: float = 0.5


class Entmax15(NamedTuple):
    """The entmax loss of alpha = 1.5."""

    curvature: float = 0.5**0.5


class Entmax(NamedTuple):
    """The entmax loss of any alpha.

    `curvature` is the second derivative where two outputs have the probability 1/2. It is the
    largest one for alpha up to 2. There is no limit for larger alpha.
    """

    curvature: float
    alpha: float


class Logistic(NamedTuple):
    """The logistic loss of independent labels."""

    curvature: float = 0.25


class BinarySparsemax(NamedTuple):
    """The binary sparsemax loss of independent labels."""

    curvature: float = 0.5


FILES = {
    Sparsemax: sparsemax,
    Softmax: softmax,
    Entmax15: entmax15,
    Entmax: entmax,
    Logistic: logistic,
    BinarySparsemax: binary_sparsemax,
}


def loss_of_row(loss, z, q, scratch):
    """L(z; q) of scores and target (K,), in double precision."""
    return FILES[type(loss)].loss_of_row(loss, z, q, scratch)


def implicit_step(loss, u, q, sigma, p, scratch):
    """Write p(z) at the end z of the implicit step from u into p (K,). Overwrites u."""
    FILES[type(loss)].implicit_step(loss, u, q, sigma, p, scratch)


def height(loss, p):
    """How far the score of a probability p is above the level of the zeros."""
    return FILES[type(loss)].height(loss, p)


def has_zeros(loss):
    """Whether the loss has distributions on the simplex with zeros, and so a `height`."""
    return loss is not None and hasattr(FILES[type(loss)], "height")


# The functions of a loss themselves, without a function around them that would be compiled too.
@overload(loss_of_row, jit_options=OVERLOADS)
def _compiled_loss_of_row(loss, z, q, scratch):
    return FILES[loss.instance_class].loss_of_row.py_func


@overload(implicit_step, jit_options=OVERLOADS)
def _compiled_implicit_step(loss, u, q, sigma, p, scratch):
    return FILES[loss.instance_class].implicit_step.py_func


@overload(height, jit_options=OVERLOADS)
def _compiled_height(loss, p):
    return FILES[loss.instance_class].height.py_func

"""What a stochastic descent is at between two visits, for `sgd`.

Apart from the compiled code, so that a fitted model can be loaded, and predict, without it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._typing import Array


class Iterate(NamedTuple):
    """Where the descent is, and the average of where it was.

    Side by side stand V, G and A, or V and A where there is no memory: p = 3 or 2 matrices, each
    a sum of (x - m) delta^T over visits.
    """

    rows: Array  # R, the sums of x delta^T, (d, p K)
    total: Array  # the sums of delta, (p K,)
    along: Array  # R^T m, (p K,)
    scalars: Array  # s, g, u, v, c
    intercepts: Array  # of the iterate and of the average, (2, K)
    n_visits: Array  # (1,)


class Moments(NamedTuple):
    """What is known of the rows: the centre of their features, and sums over them."""

    mean: Array  # m, (d,)
    features: Array  # sum of w x, (d,)
    sums: Array  # of 1, w, w ||x||^2 and w ||x - m||^2; and ||m||^2


class Schedule(NamedTuple):
    """The length of the steps: the rule, eta0 or 0 for that of the rows, the power of t."""

    rule: int
    eta0: float
    power: float


OPTIMAL, CONSTANT_STEP, INVERSE_SCALING = 0, 1, 2


def start_at_zero(n_features: int, n_outputs: int, dtype: np.dtype, *, memory: bool) -> Iterate:
    """The iterate before the first visit."""
    width = (3 if memory else 2) * n_outputs
    return Iterate(
        np.zeros((n_features, width), dtype),
        np.zeros(width),
        np.zeros(width),
        np.array([1.0, 0.0, 1.0, 0.0, 0.0]),
        np.zeros((2, n_outputs)),
        np.zeros(1),
    )

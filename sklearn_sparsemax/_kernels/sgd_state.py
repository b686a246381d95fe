"""What a stochastic descent is at between two visits, for `sgd`.

Apart from the compiled code, so that a fitted model can be loaded, and predict, without it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._typing import Array


class Combination(NamedTuple):
    """A sum of (x - m) delta^T over visits."""

    rows: Array  # R, the sum of x delta^T, (d, K)
    total: Array  # sum of delta, (K,)
    along: Array  # R^T m, (K,)


class Iterate(NamedTuple):
    """Where the descent is, and the average of where it was.

    With memory G has as many rows as V and A, without it none.
    """

    V: Combination
    G: Combination
    A: Combination
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


def combination(n_features: int, n_outputs: int, dtype: np.dtype) -> Combination:
    """A sum over no visits."""
    rows = np.zeros((n_features, n_outputs), dtype)
    return Combination(rows, np.zeros(n_outputs), np.zeros(n_outputs))

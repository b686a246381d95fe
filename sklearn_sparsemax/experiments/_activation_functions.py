"""Activation functions: values, and products of the derivative with vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .._typing import Array
from ..activations import entmax, entmax_jvp, softmax, softmax_jvp, sparsemax, sparsemax_jvp

__all__ = ["ELEMENTWISE", "SIMPLEX", "Activation", "curve"]


@dataclass(frozen=True)
class Activation:
    """A function of arrays of scores.

    `jvp(z, v)` is the product of the Jacobian at z with v, as in reverse- and forward-mode
    differentiation. The range is that of the formula: floats may round to its open ends.
    """

    name: str
    range: str
    value: Callable[[Array], Array]
    jvp: Callable[[Array, Array], Array]


def _polu(n: int) -> Activation:
    """Power linear unit: x for x >= 0, and (1 - x)^-n - 1 for x < 0."""
    return Activation(
        f"PoLU, n = {n}",
        "(-1, inf)",
        lambda x: 1 / (1 - np.minimum(x, 0)) ** n - 1 + np.maximum(x, 0),
        lambda x, v: np.where(x < 0, n / (1 - np.minimum(x, 0)) ** (n + 1), 1) * v,
    )


# Each number on its own.
ELEMENTWISE = (
    Activation("sigmoid", "(0, 1)", expit, lambda x, v: expit(x) * expit(-x) * v),
    Activation("ReLU", "[0, inf)", lambda x: np.maximum(x, 0), lambda x, v: (x > 0) * v),
    _polu(1),
    _polu(2),
    Activation(
        "Swish",
        "[-0.278, inf)",
        lambda x: x * expit(x),
        lambda x, v: expit(x) * (1 + x * expit(-x)) * v,
    ),
)

# The scores of a row together: its values are probabilities that sum to 1.
SIMPLEX = (
    Activation("softmax", "(0, 1)", softmax, softmax_jvp),
    Activation(
        "entmax 1.5", "[0, 1]", lambda z: entmax(z, 1.5), lambda z, v: entmax_jvp(z, v, 1.5)
    ),
    Activation("sparsemax", "[0, 1]", sparsemax, sparsemax_jvp),
)


def curve(activation: Activation, x: Array) -> tuple[Array, Array]:
    """Values and derivatives at the points x.

    Of a map to probabilities: the first of two, where x is the first score minus the second.
    """
    if activation not in SIMPLEX:
        return activation.value(x), activation.jvp(x, np.ones_like(x))
    scores = np.column_stack([x, np.zeros_like(x)])
    directions = np.broadcast_to([1.0, 0.0], scores.shape)
    return activation.value(scores)[:, 0], activation.jvp(scores, directions)[:, 0]

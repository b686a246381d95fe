"""Curves of seconds against a size, as points (m, 2)."""

from __future__ import annotations

import numpy as np


def exponent(curve: np.ndarray) -> float:
    """Slope of the logarithm of seconds in the logarithm of size."""
    return float(np.polyfit(*np.log(curve).T, deg=1)[0])


def is_measured(curve: np.ndarray) -> bool:
    """Whether there are several sizes, and no difference of two fits drowned in their noise."""
    return len(curve) > 1 and bool((curve[:, 1] > 0).all())

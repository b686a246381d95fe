"""Conformal quantiles, with what is needed for them to exist."""

from __future__ import annotations

import numpy as np

from .._typing import Array


def rows_needed(confidence_level: float) -> int:
    """The least number of calibration rows for a finite quantile: n with (n + 1) level <= n."""
    return max(_ceil(confidence_level / (1 - confidence_level)), 1)


def conformal_quantile(values: Array, confidence_level: float, what: str = "") -> float:
    """The ceil((n + 1) * level)-th smallest of n values.

    If another value is exchangeable with these, it is at most this with a probability of at least
    the level, and less than level + 1 / (n + 1) if no two are equal.

    Raises ValueError if there are too few values for the level.
    """
    n = values.size
    rank = _ceil((n + 1) * confidence_level)
    if rank > n:
        raise ValueError(
            f"confidence_level={confidence_level:g} needs at least {rows_needed(confidence_level)} "
            f"rows for the calibration{what}; there are {n}. Give more rows, hold out more by cv, "
            "or lower confidence_level."
        )
    return float(np.partition(values, rank - 1)[rank - 1])


def _ceil(value: float) -> int:
    """The next integer, so that 0.9 of 10 rows are 9, whatever 0.9 is in binary."""
    return int(np.ceil(value * (1 - 1e-11)))

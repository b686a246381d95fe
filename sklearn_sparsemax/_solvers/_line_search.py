"""A step length that satisfies the strong Wolfe conditions, for a convex function.

Along a line the slope of a convex function never falls, so the sign of the slope alone says on
which side of the minimum a trial lies. Values are only compared to reject a trial that rises
again beyond the minimum, and with an allowance for their rounding: near the minimum their
differences drown in it long before slopes do, which are still right to half of the digits that
are then left (the approximate Wolfe conditions of Hager & Zhang 2005).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import Any, NamedTuple

# a loose search: more iterations are better than longer searches
SUFFICIENT_DECREASE = 1e-4
REMAINING_SLOPE = 0.9
MAX_TRIALS = 20


class Trial(NamedTuple):
    """Value and slope of the function at a step length, and whatever else was computed there."""

    length: float
    value: float
    slope: float
    point: Any


def line_search(
    evaluate: Callable[[float], Trial], start: Trial, length: float, *, rounding: float
) -> Trial | None:
    """The first trial, from the given length on, that satisfies the conditions; None if none does.

    Parameters
    ----------
    evaluate : callable
        The trial at a length.
    start : Trial
        The trial at length 0, of negative slope.
    length : float
        First length to try, positive.
    rounding : float
        By how much a value may exceed what the conditions allow.
    """
    low, high = start, None
    for _ in range(MAX_TRIALS):
        trial = evaluate(length)
        limit = start.value + SUFFICIENT_DECREASE * length * start.slope + rounding
        if trial.value <= limit and abs(trial.slope) <= -REMAINING_SLOPE * start.slope:
            return trial
        if not trial.slope < 0:
            # NaN and infinities of an overflow lie beyond the minimum, too
            high = trial
        elif high is None:
            length = _clip(_cubic_minimum(low, trial, inf), 2 * length, 10 * length)
            low = trial
            continue
        else:
            low = trial
        width = high.length - low.length
        length = _cubic_minimum(low, high, low.length + 0.5 * width)
        length = _clip(length, low.length + 0.1 * width, high.length - 0.1 * width)
    return None


def _cubic_minimum(a: Trial, b: Trial, default: float) -> float:
    """Where the cubic through values and slopes of two trials has its minimum."""
    width = b.length - a.length
    theta = a.slope + b.slope - 3 * (b.value - a.value) / width
    square = theta * theta - a.slope * b.slope
    if not 0 <= square < inf:
        return default
    root = sqrt(square)
    divisor = b.slope - a.slope + 2 * root
    return b.length - width * (b.slope + root - theta) / divisor if divisor != 0 else default


def _clip(length: float, least: float, most: float) -> float:
    return min(max(length, least), most)

"""A step length that satisfies the strong Wolfe conditions, for a convex function.

Along a line, the slope of a convex function never falls. So the sign of the slope says on which
side of the minimum a trial lies. Values are compared for one purpose only: to reject a trial that
lies too high beyond the minimum. This comparison allows for rounding. Near the minimum, differences
of values are lost in rounding long before slopes are. (See the approximate Wolfe conditions of
Hager & Zhang 2005.)
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import Any, NamedTuple

# Loose conditions: more iterations are better than longer searches.
SUFFICIENT_DECREASE = 1e-4
REMAINING_SLOPE = 0.9
MAX_TRIALS = 20


class Trial(NamedTuple):
    """Value and slope of the function at a step length, with the point that was evaluated."""

    length: float
    value: float
    slope: float
    point: Any


def line_search(
    evaluate: Callable[[float], Trial], start: Trial, length: float, *, rounding: float
) -> Trial | None:
    """The first trial that satisfies the conditions; None if no trial does.

    Parameters
    ----------
    evaluate : callable
        Returns the trial at a length.
    start : Trial
        The trial at length 0, with a negative slope.
    length : float
        First length to try, positive.
    rounding : float
        Rounding error of a value: it may exceed the limit of the conditions by so much.
    """
    low, high = start, None
    for _ in range(MAX_TRIALS):
        trial = evaluate(length)
        limit = start.value + SUFFICIENT_DECREASE * length * start.slope + rounding
        if trial.value <= limit and abs(trial.slope) <= -REMAINING_SLOPE * start.slope:
            return trial
        if not trial.slope < 0:
            # NaN and infinities, from an overflow, also lie beyond the minimum
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
    """Minimum of the cubic polynomial with the values and slopes of two trials."""
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

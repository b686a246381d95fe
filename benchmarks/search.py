"""The fewest iterations that reach each level, found by whole fits alone.

No method is asked for more than fit(max_iter): none needs a callback, and what is timed is what a
user would run. Iterations double until the finest level is met, the method stops by itself, or
the next fit would exceed the budget; then bisection narrows each level down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

PRECISION = 1.1


class Probe(NamedTuple):
    """A finished fit. `ended` says that the method stopped before `max_iter`."""

    max_iter: int
    seconds: float
    suboptimality: float
    ended: bool


def search(
    measure: Callable[[int], Probe | None], levels: Sequence[float], budget: float
) -> list[Probe]:
    """Probes among which each level that can be reached is met with the fewest iterations.

    Parameters
    ----------
    measure : callable
        Makes a fit with at most so many iterations, or returns None if it exceeds the budget.
    levels : sequence of float
        Relative suboptimalities.
    budget : float
        Seconds of the longest fit.
    """
    probes = _grow(measure, min(levels), budget)
    for level in sorted(levels, reverse=True):
        probes += _bisect(measure, probes, level)
    return probes


def first_to_meet(probes: Sequence[Probe], level: float) -> Probe | None:
    """The probe of fewest iterations that meets a level."""
    met = [probe for probe in probes if probe.suboptimality <= level]
    return min(met, key=lambda probe: probe.max_iter, default=None)


def _grow(measure: Callable[[int], Probe | None], finest: float, budget: float) -> list[Probe]:
    probes: list[Probe] = []
    max_iter, too_many = 1, float("inf")
    while True:
        probe = measure(max_iter)
        if probe is None:
            too_many = max_iter
        else:
            probes.append(probe)
            if probe.suboptimality <= finest or probe.ended:
                return probes
        if not probes:
            return probes
        last = probes[-1]
        affordable = 0.95 * last.max_iter * budget / last.seconds
        between = (last.max_iter * too_many) ** 0.5
        max_iter = int(min(2 * last.max_iter, affordable, between))
        if max_iter <= PRECISION * last.max_iter:
            return probes


def _bisect(
    measure: Callable[[int], Probe | None], probes: Sequence[Probe], level: float
) -> list[Probe]:
    found: list[Probe] = []
    enough = first_to_meet(probes, level)
    while enough is not None:
        below = [probe.max_iter for probe in (*probes, *found) if probe.max_iter < enough.max_iter]
        too_few = max(below, default=0)
        if enough.max_iter <= max(too_few + 1, PRECISION * too_few):
            break
        probe = measure(round((too_few * enough.max_iter) ** 0.5))
        if probe is None:
            break
        found.append(probe)
        enough = first_to_meet((*probes, *found), level)
    return found

"""The sparsemax and the entmax of the rows of arrays of any library.

All rows take each step at the same time, so that a device is busy with many numbers. No row is
sorted, but those of an entmax with alpha above 2. The equations are those of `simplex_compiled` and
`entmax_compiled`. The loops end once no row changes, which is one number that reaches the host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _arrays
from ._entmax_constants import MOST_STEPS

# Numbers of a block of rows: 64 MiB in single precision, and 128 MiB in double precision.
NUMBERS_PER_BLOCK = 2**24


def row_ranges(n_rows: int, n_columns: int) -> list[slice]:
    """Ranges of rows, of which an array of so many columns fits in a block."""
    step = max(1, NUMBERS_PER_BLOCK // max(1, n_columns))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def sparsemax(xp: Any, z: Any) -> Any:
    """The sparsemax of the rows (n, K), by Newton's method; NaN where the maximum is not finite.

    The threshold rises from below, until the entries above it stay the same. A row of K scores
    takes some log K steps.
    """
    below = below_largest(xp, z)
    tau = xp.full_like(below[:, :1], -1)
    zero = xp.zeros_like(below)
    while True:
        above = below > tau
        total = xp.sum(xp.where(above, below, zero), axis=1, keepdims=True) - 1
        following = total / xp.sum(_arrays.cast(above, z.dtype), axis=1, keepdims=True)
        # rounding may end below where it began
        rises = following > tau
        if not bool(xp.any(rises)):
            return xp.maximum(below - tau, zero)
        tau = xp.where(rises, following, tau)


def softmax(xp: Any, z: Any) -> Any:
    """The softmax of the rows (n, K); NaN where the maximum is not finite."""
    powers = xp.exp(below_largest(xp, z))
    return powers / xp.sum(powers, axis=1, keepdims=True)


def entmax(xp: Any, z: Any, alpha: float) -> Any:
    """The entmax of the rows (n, K), for alpha above 1."""
    below, gamma = -below_largest(xp, z), alpha - 1
    if alpha == 1.5:
        return _of_roots(xp, below)
    return (_from_largest if alpha <= 2 else _from_smallest)(xp, below, gamma)


def below_largest(xp: Any, z: Any) -> Any:
    """The scores minus the largest of their row; NaN where that is not finite."""
    largest = xp.max(z, axis=1, keepdims=True)
    nan = xp.full_like(largest, float("nan"))
    return z - xp.where(xp.isfinite(largest), largest, nan)


def _of_roots(xp: Any, below: Any) -> Any:
    """For alpha = 1.5: p_k = (r - d_k / 2)_+^2."""
    half, zero = 0.5 * below, xp.zeros_like(below)

    def step(r: Any) -> Any:
        above = xp.maximum(r - half, zero)
        norm = xp.sqrt(xp.sum(above * above, axis=1, keepdims=True))
        return (norm - 1) * norm / xp.sum(above, axis=1, keepdims=True)

    r = _newton(xp, xp.ones_like(below[:, :1]), step)
    return xp.maximum(r - half, zero) ** 2


def _from_largest(xp: Any, below: Any, gamma: float) -> Any:
    """For alpha up to 2: the unknown is the largest probability s."""
    zero = xp.zeros_like(below)

    def relative(s: Any) -> tuple[Any, Any]:
        w = gamma * below * s**-gamma
        inside = w < 1
        w = xp.where(inside, w, zero)
        return xp.where(inside, xp.exp(xp.log1p(-w) / gamma), zero), w

    def step(s: Any) -> Any:
        ratios, w = relative(s)
        change = s * xp.sum(ratios, axis=1, keepdims=True) - 1
        return change / xp.sum(ratios / (1 - w), axis=1, keepdims=True)

    s = _newton(xp, xp.ones_like(below[:, :1]), step)
    return s * relative(s)[0]


def _from_smallest(xp: Any, below: Any, gamma: float) -> Any:
    """For larger alpha: the unknown is the smallest probability t of the support."""
    d = _last_in_support(xp, below, gamma)
    outside, zero = below > d, xp.zeros_like(below)
    differences = xp.where(outside, zero, gamma * (d - below))

    def probabilities(t: Any) -> Any:
        p = xp.where(differences == 0, t + zero, (t**gamma + differences) ** (1 / gamma))
        return xp.where(outside, zero, p)

    def step(t: Any) -> Any:
        p = probabilities(t)
        slopes = (t / xp.where(outside, xp.ones_like(p), p)) ** (gamma - 1)
        slopes = xp.sum(xp.where(outside, zero, slopes), axis=1, keepdims=True)
        return (xp.sum(p, axis=1, keepdims=True) - 1) / slopes

    n_inside = xp.sum(_arrays.cast(~outside, below.dtype), axis=1, keepdims=True)
    return probabilities(_newton(xp, 1 / n_inside, step))


def _last_in_support(xp: Any, below: Any, gamma: float) -> Any:
    """The largest distance (n, 1) of the support of each row."""
    ordered, zero = xp.sort(below, axis=1), xp.zeros_like(below)
    places = xp.arange(below.shape[1], dtype=xp.int64, device=below.device)[None, :]

    def at(position: Any) -> Any:
        return xp.sum(xp.where(places == position, ordered, zero), axis=1, keepdims=True)

    inside = xp.zeros((below.shape[0], 1), dtype=xp.int64, device=below.device)
    outside = xp.full_like(inside, below.shape[1])
    while bool(xp.any(outside - inside > 1)):
        middle = (inside + outside) // 2
        at_middle = at(middle)
        differences = xp.where(below < at_middle, at_middle - below, zero)
        total = xp.sum((gamma * differences) ** (1 / gamma), axis=1, keepdims=True)
        inside, outside = (
            xp.where(total < 1, middle, inside),
            xp.where(total < 1, outside, middle),
        )
    return at(inside)


def _newton(xp: Any, unknown: Any, step: Callable[[Any], Any]) -> Any:
    """Newton's method from the right of the root, until all steps are rounding."""
    rounding = _arrays.epsilon(unknown.dtype, unknown)
    for _ in range(MOST_STEPS):
        change = step(unknown)
        unknown = unknown - change
        if not bool(xp.any(change > rounding * unknown)):
            break
    return unknown

"""The entmax of rows in PyTorch's own operations, for other devices than the CPU.

The equations are those of `_kernels.entmax_compiled`. Each step is taken by all rows at a time, and
each row may have its own alpha.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .._kernels._entmax_constants import MOST_STEPS

# At this gamma, the entmax differs from the softmax by less than rounding, if scores are not huge.
LEAST_GAMMA = 1e-12


def solve(z: Tensor, alpha: Tensor) -> Tensor:
    """The entmax of the rows of z; alpha is of a shape that broadcasts, with 1 at the end."""
    largest = z.amax(dim=-1, keepdim=True)
    below = torch.where(largest.isfinite(), largest - z, torch.nan)
    gamma = alpha.to(z.dtype) - 1
    if bool((gamma == 0.5).all()):
        return _of_roots(below)
    p = torch.zeros_like(z)
    for inside, of_rows in _METHODS:
        chosen = inside(gamma)
        if bool(chosen.all()):
            return of_rows(below, gamma)
        if bool(chosen.any()):
            # a gamma of other rows is replaced, so that nothing overflows
            p = torch.where(chosen, of_rows(below, torch.where(chosen, gamma, 1)), p)
    return p


def _softmax(below: Tensor, gamma: Tensor) -> Tensor:
    return (-below).softmax(dim=-1)


def _of_roots(below: Tensor) -> Tensor:
    """For alpha = 1.5: p_k = (r - d_k / 2)_+^2."""
    half = 0.5 * below
    r = torch.ones_like(half[..., :1])

    def step(r: Tensor) -> Tensor:
        above = (r - half).clamp(min=0)
        norm = torch.linalg.vector_norm(above, dim=-1, keepdim=True)
        return (norm - 1) * norm / above.sum(dim=-1, keepdim=True)

    r = _newton(r, step)
    return (r - half).clamp(min=0).square()


def _from_largest(below: Tensor, gamma: Tensor) -> Tensor:
    """For alpha up to 2: the unknown is the largest probability s."""
    s = torch.ones_like(below[..., :1])

    def relative(s: Tensor) -> tuple[Tensor, Tensor]:
        w = (gamma * below * s**-gamma).clamp(max=1)
        return (torch.log1p(-w) / gamma).exp(), w

    def step(s: Tensor) -> Tensor:
        ratios, w = relative(s)
        slopes = torch.where(w < 1, ratios / (1 - w), 0)
        return (s * ratios.sum(dim=-1, keepdim=True) - 1) / slopes.sum(dim=-1, keepdim=True)

    s = _newton(s, step)
    return s * relative(s)[0] + 0 * below.isnan()


def _from_smallest(below: Tensor, gamma: Tensor) -> Tensor:
    """For larger alpha: the unknown is the smallest probability t of the support."""
    d = _last_in_support(below, gamma)
    outside = below > d
    differences = torch.where(outside, 0, gamma * (d - below))

    def probabilities(t: Tensor) -> Tensor:
        p = torch.where(differences == 0, t, (t**gamma + differences) ** (1 / gamma))
        return torch.where(outside, 0, p)

    def step(t: Tensor) -> Tensor:
        p = probabilities(t)
        slopes = torch.where(outside, 0, (t / p) ** (gamma - 1)).sum(dim=-1, keepdim=True)
        return (p.sum(dim=-1, keepdim=True) - 1) / slopes

    t = 1 / (~outside).sum(dim=-1, keepdim=True).to(below.dtype)
    return probabilities(_newton(t, step))


def _last_in_support(below: Tensor, gamma: Tensor) -> Tensor:
    """The largest distance of the support of each row."""
    ordered = below.sort(dim=-1).values
    inside = torch.zeros((*below.shape[:-1], 1), dtype=torch.int64, device=below.device)
    outside = torch.full_like(inside, below.shape[-1])
    while bool((outside - inside > 1).any()):
        middle = (inside + outside) // 2
        at_middle = ordered.gather(-1, middle)
        differences = torch.where(below < at_middle, at_middle - below, 0)
        is_inside = ((gamma * differences) ** (1 / gamma)).sum(dim=-1, keepdim=True) < 1
        inside, outside = (
            torch.where(is_inside, middle, inside),
            torch.where(is_inside, outside, middle),
        )
    return ordered.gather(-1, inside)


def _newton(unknown: Tensor, step: Callable[[Tensor], Tensor]) -> Tensor:
    """Newton's method from the right of the root, until all steps are rounding."""
    rounding = torch.finfo(unknown.dtype).eps
    for _ in range(MOST_STEPS):
        change = step(unknown)
        unknown = unknown - change
        if not bool((change > rounding * unknown).any()):
            break
    return unknown


# Which gammas each method takes; together all from 0 on.
_METHODS = (
    (lambda gamma: gamma <= LEAST_GAMMA, _softmax),
    (lambda gamma: (gamma > LEAST_GAMMA) & (gamma <= 1), _from_largest),
    (lambda gamma: gamma > 1, _from_smallest),
)

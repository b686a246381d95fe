r"""Formulas of the entmax, its Jacobian and its loss, which PyTorch can differentiate again.

With gamma = alpha - 1, p = entmax(z), s = p^(2 - alpha) on the support, S its sum, l = log p and
J = diag(s) - s s^T / S,

    dp = J dz + D dalpha,
    D = p (A - a - gamma (l A + a H)) / S,    a = (e^(-gamma l) - 1 + gamma l) / gamma^2,
    A = sum(p a),   H = -sum(p l),

a form of the derivative by alpha (Correia, Niculae & Martins 2019) in which nothing cancels as
gamma tends to 0. With bc(p) = (p^gamma - 1) / gamma, which is l for gamma = 0, and
Omega(p) = sum(p bc(p)) / alpha,

    L(z; q) = (sum(p^alpha) - 1) / alpha + Omega(q) - <q, z - max(z)> - bc(max(p)),
    dL = <p - q, dz> + <bc(q) - x, dq> + (dOmega(q) - dOmega(p)) / dalpha,
    x = z - max(z) + bc(max(p)).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ._operators import widened

# Below this, a function of x is summed as a series.
NEAR = 1e-2


def powers(p: Tensor, exponent: Tensor) -> Tensor:
    """P^exponent on the support, 0 outside."""
    inside = p > 0
    return torch.where(inside, torch.where(inside, p, 1) ** exponent, 0)


def logarithms(p: Tensor) -> Tensor:
    """The log p on the support, 0 outside."""
    return torch.where(p > 0, p, 1).log()


def box_cox(p: Tensor, alpha: Tensor) -> Tensor:
    """(p^gamma - 1) / gamma, which is log p for gamma = 0."""
    gamma = alpha - 1
    logs = torch.where(p > 0, p, 0).log()
    scaled = torch.expm1(gamma * logs) / torch.where(gamma == 0, 1, gamma)
    return torch.where(gamma == 0, logs, scaled)


def regularizer(p: Tensor, alpha: Tensor) -> Tensor:
    """The terms of Omega(p)."""
    return torch.where(p > 0, p * box_cox(torch.where(p > 0, p, 1), alpha), 0) / alpha


def regularizer_slope(p: Tensor, alpha: Tensor) -> Tensor:
    """The derivatives of the terms of Omega(p) by alpha."""
    gamma, logs = alpha - 1, logarithms(p)
    x = gamma * logs
    far = (x * x.exp() - torch.expm1(x)) / torch.where(x == 0, 1, x).square()
    # sum over k of x^k / (k! (k + 2))
    near = 1 / 2 + x * (1 / 3 + x * (1 / 8 + x * (1 / 30 + x * (1 / 144 + x / 840))))
    of_box_cox = logs.square() * torch.where(x.abs() < NEAR, near, far)
    return (p * of_box_cox - regularizer(p, alpha)) / alpha


def alpha_slope(p: Tensor, alpha: Tensor) -> Tensor:
    """D, the derivative of p by alpha."""
    gamma, logs = alpha - 1, logarithms(p)
    x = -gamma * logs
    far = (torch.expm1(x) - x) / torch.where(x == 0, 1, x).square()
    near = 1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x / 5040))))
    a = logs.square() * torch.where(x.abs() < NEAR, near, far)
    mean_a = (p * a).sum(dim=-1, keepdim=True)
    entropy = -(p * logs).sum(dim=-1, keepdim=True)
    total = powers(p, 1 - gamma).sum(dim=-1, keepdim=True)
    return p * (mean_a - a - gamma * (logs * mean_a + a * entropy)) / total


def jacobian_slopes(p: Tensor, v: Tensor, g: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives of <g, J v> by p and, in terms that sum to it, by alpha."""
    s = powers(p, 2 - alpha)
    total = s.sum(dim=-1, keepdim=True)
    deviations = [v - (s * v).sum(dim=-1, keepdim=True) / total for v in (v, g)]
    of_s = deviations[0] * deviations[1]
    return of_s * (2 - alpha) * powers(p, 1 - alpha), -of_s * s * logarithms(p)


def target_slope(z: Tensor, q: Tensor, p: Tensor, alpha: Tensor) -> Tensor:
    """The derivative of the loss by q, which leaves a common number for all entries open."""
    largest, likeliest = z.amax(dim=-1, keepdim=True), p.amax(dim=-1, keepdim=True)
    return (box_cox(q, alpha) - box_cox(likeliest, alpha)) - (z - largest)


def smoothed_regularizer(
    function: Callable[[Tensor, Tensor], Tensor], n_outputs: int, alpha: Tensor, smoothing: float
) -> Tensor:
    """The sum of the terms of `function` for a one-hot target that is smoothed."""
    share = smoothing / n_outputs
    values = torch.tensor([1 - smoothing + share, share], dtype=alpha.dtype, device=alpha.device)
    terms = function(values, alpha)
    return terms[..., 0] + (n_outputs - 1) * terms[..., 1]


def value_at_maximum(p: Tensor, alpha: Tensor) -> Tensor:
    """(sum(p^alpha) - 1) / alpha - bc(max(p)) of each row."""
    total = powers(p, alpha).sum(dim=-1, keepdim=True)
    return ((total - 1) / alpha - box_cox(p.amax(dim=-1, keepdim=True), alpha))[..., 0]


def reduced(terms: Tensor, alpha: Tensor) -> Tensor:
    """The sum of terms over all that share an alpha."""
    return terms.sum_to_size(alpha.shape).to(alpha.dtype)


def map_gradient_by_alpha(p: Tensor, alpha: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of <gradient, p>."""
    wide = widened(p)
    return reduced(widened(gradient) * alpha_slope(wide, alpha.to(wide.dtype)), alpha)


def product_gradients(
    p: Tensor, v: Tensor, alpha: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradients of <gradient, J v> by p and by alpha."""
    wide = widened(p)
    of_p, of_alpha = jacobian_slopes(wide, widened(v), widened(gradient), alpha.to(wide.dtype))
    return of_p.to(p.dtype), reduced(of_alpha, alpha)


def loss_slope_by_alpha(q: Tensor, p: Tensor, alpha: Tensor) -> Tensor:
    """The derivative of the loss of each row by alpha, of the shape (..., 1)."""
    q, p = widened(q), widened(p)
    wide = alpha.to(p.dtype)
    return (regularizer_slope(q, wide) - regularizer_slope(p, wide)).sum(dim=-1, keepdim=True)


def class_loss_slope_by_alpha(p: Tensor, alpha: Tensor, smoothing: float) -> Tensor:
    """The derivative of the loss of a class by alpha, of the shape (..., 1)."""
    p = widened(p)
    wide = alpha.to(p.dtype)
    slope = -regularizer_slope(p, wide).sum(dim=-1, keepdim=True)
    if smoothing > 0:
        smoothed = smoothed_regularizer(regularizer_slope, p.shape[-1], wide, smoothing)
        slope = slope + smoothed[..., None]
    return slope

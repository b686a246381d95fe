"""The entmax of rows, its Jacobian and its loss, as operators that PyTorch can trace.

All act on the last axis. alpha is a tensor of a shape that broadcasts to that of the rows, with 1
at the end, so that each row may have its own. On the CPU, rows of the same alpha go to the
package's compiled kernels. Their derivatives are formulas of `_entmax_formulas`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .._kernels import entmax as kernels
from ._entmax_formulas import (
    class_loss_slope_by_alpha,
    loss_slope_by_alpha,
    map_gradient_by_alpha,
    powers,
    product_gradients,
    reduced,
    regularizer,
    smoothed_regularizer,
    target_slope,
    value_at_maximum,
)
from ._entmax_solver import solve
from ._operators import class_loss_gradient, widened


@torch.library.custom_op("sklearn_sparsemax::map_to_entmax", mutates_args=())
def map_to_entmax(scores: Tensor, alpha: Tensor) -> Tensor:
    """P = entmax(z). Where the largest score of a row is not finite, the row is NaN."""
    return solve(widened(scores), alpha).to(scores.dtype)


@map_to_entmax.register_kernel("cpu")
def _map_compiled(scores: Tensor, alpha: Tensor) -> Tensor:
    z = widened(scores).contiguous()
    p = torch.empty_like(z)
    for value, rows in _rows_by_alpha(alpha, z):
        if value == 1:
            p[rows] = z[rows].softmax(dim=-1)
            continue
        chosen = z[rows].reshape(-1, z.shape[-1])
        mapped = torch.empty_like(chosen)
        if kernels.map_rows(chosen.numpy(), mapped.numpy(), value) >= 0:
            mapped = solve(chosen, torch.tensor([[value]], dtype=torch.float64))
        p[rows] = mapped.reshape(z[rows].shape)
    return p.to(scores.dtype)


@torch.library.custom_op("sklearn_sparsemax::multiply_entmax_jacobian", mutates_args=())
def multiply_jacobian(p: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
    """J v = s * (v - <s, v> / S), at the probabilities p."""
    wide, vectors = widened(p), widened(v)
    s = powers(wide, 2 - alpha.to(wide.dtype))
    inside = torch.where(s == 0, 0, vectors)
    mean = (s * inside).sum(dim=-1, keepdim=True) / s.sum(dim=-1, keepdim=True)
    return torch.where(s == 0, 0, s * (inside - mean)).to(p.dtype)


@multiply_jacobian.register_kernel("cpu")
def _multiply_compiled(p: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
    wide, vectors = widened(p).contiguous(), widened(v).contiguous()
    product = torch.empty_like(wide)
    for value, rows in _rows_by_alpha(alpha, wide):
        matrices = [matrix[rows].reshape(-1, p.shape[-1]) for matrix in (wide, vectors)]
        multiplied = torch.empty_like(matrices[0])
        kernels.multiply_jacobian(
            matrices[0].numpy(), matrices[1].numpy(), multiplied.numpy(), value
        )
        product[rows] = multiplied.reshape(wide[rows].shape)
    return product.to(p.dtype)


@torch.library.custom_op("sklearn_sparsemax::evaluate_entmax_loss", mutates_args=())
def evaluate_loss(scores: Tensor, targets: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """L(z; q) of each row, and p."""
    z, q = widened(scores), widened(targets)
    p = map_to_entmax(z, alpha)
    alpha = alpha.to(z.dtype)
    below = z - z.amax(dim=-1, keepdim=True)
    linear = torch.where(q > 0, q * below, 0).sum(dim=-1)
    losses = value_at_maximum(p, alpha) + regularizer(q, alpha).sum(dim=-1) - linear
    return losses.clamp(min=0).to(scores.dtype), p.to(scores.dtype)


@torch.library.custom_op("sklearn_sparsemax::evaluate_entmax_class_loss", mutates_args=())
def evaluate_class_loss(
    scores: Tensor, classes: Tensor, alpha: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """L(z; q) of each row, and p, for q = (1 - e) one-hot(class) + e / K, which is never formed."""
    z = widened(scores)
    p = map_to_entmax(z, alpha)
    alpha = alpha.to(z.dtype)
    largest = z.amax(dim=-1)
    at_class = z.gather(-1, classes[..., None])[..., 0]
    losses = value_at_maximum(p, alpha) + (1 - smoothing) * (largest - at_class)
    if smoothing > 0:
        losses += smoothing * (largest - z.mean(dim=-1))
        losses += smoothed_regularizer(regularizer, z.shape[-1], alpha, smoothing)
    return losses.clamp(min=0).to(scores.dtype), p.to(scores.dtype)


@map_to_entmax.register_fake
def _mapped_shape(scores: Tensor, alpha: Tensor) -> Tensor:
    return torch.empty_like(scores, memory_format=torch.contiguous_format)


@multiply_jacobian.register_fake
def _multiplied_shape(p: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
    return torch.empty_like(p, memory_format=torch.contiguous_format)


@evaluate_loss.register_fake
def _loss_shape(scores: Tensor, targets: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    p = torch.empty_like(scores, memory_format=torch.contiguous_format)
    return scores.new_empty(scores.shape[:-1]), p


@evaluate_class_loss.register_fake
def _class_loss_shape(
    scores: Tensor, classes: Tensor, alpha: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    p = torch.empty_like(scores, memory_format=torch.contiguous_format)
    return scores.new_empty(scores.shape[:-1]), p


def _rows_by_alpha(alpha: Tensor, rows: Tensor) -> list[tuple[float, Any]]:
    """The different values of alpha, each with an index of the rows that it belongs to."""
    values = alpha.unique()
    if values.numel() == 1:
        return [(float(values), Ellipsis)]
    of_rows = alpha.expand((*rows.shape[:-1], 1))[..., 0]
    return [(float(value), of_rows == value) for value in values]


# --- derivatives, for torch.compile -------------------------------------------------------


def _keep_map(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(output, inputs[1])


def _map_backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    p, alpha = ctx.saved_tensors
    of_scores = multiply_jacobian(p, gradient, alpha)
    by_alpha = ctx.needs_input_grad[1]
    return of_scores, map_gradient_by_alpha(p, alpha, gradient) if by_alpha else None


def _keep_inputs(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _multiply_backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    p, v, alpha = ctx.saved_tensors
    of_p, of_alpha = product_gradients(p, v, alpha, gradient)
    return of_p, multiply_jacobian(p, gradient, alpha), of_alpha


def _keep_loss(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, output[1])


def _loss_backward(ctx: Any, of_losses: Tensor, of_p: Tensor) -> tuple[Any, ...]:
    z, q, alpha, p = ctx.saved_tensors
    factor = of_losses[..., None]
    of_scores = factor * (p - q) + multiply_jacobian(p, of_p, alpha)
    of_targets = of_alpha = None
    if ctx.needs_input_grad[1]:
        of_targets = factor * target_slope(z, q, p, alpha.to(p.dtype))
    if ctx.needs_input_grad[2]:
        of_alpha = reduced(factor * loss_slope_by_alpha(q, p, alpha), alpha)
        of_alpha = of_alpha + map_gradient_by_alpha(p, alpha, of_p)
    return of_scores, of_targets, of_alpha


def _keep_class_loss(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs[1:3], output[1])
    ctx.smoothing = inputs[3]


def _class_loss_backward(ctx: Any, of_losses: Tensor, of_p: Tensor) -> tuple[Any, ...]:
    classes, alpha, p = ctx.saved_tensors
    of_scores = class_loss_gradient(p, classes, of_losses, ctx.smoothing)
    of_scores = of_scores + multiply_jacobian(p, of_p, alpha)
    of_alpha = None
    if ctx.needs_input_grad[2]:
        slope = class_loss_slope_by_alpha(p, alpha, ctx.smoothing)
        of_alpha = reduced(of_losses[..., None] * slope, alpha)
        of_alpha = of_alpha + map_gradient_by_alpha(p, alpha, of_p)
    return of_scores, None, of_alpha, None


map_to_entmax.register_autograd(_map_backward, setup_context=_keep_map)
multiply_jacobian.register_autograd(_multiply_backward, setup_context=_keep_inputs)
evaluate_loss.register_autograd(_loss_backward, setup_context=_keep_loss)
evaluate_class_loss.register_autograd(_class_loss_backward, setup_context=_keep_class_loss)

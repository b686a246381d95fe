"""The operators of the entmax as functions of autograd; `_autograd` says why they are needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import _entmax_operators as operators
from ._entmax_formulas import (
    alpha_slope,
    class_loss_slope_by_alpha,
    logarithms,
    loss_slope_by_alpha,
    map_gradient_by_alpha,
    powers,
    product_gradients,
    reduced,
    target_slope,
)
from ._operators import class_loss_gradient


class _RowFunction(torch.autograd.Function):
    """Acts on the last axis, so that a batch is one more axis in front. alpha is the last tensor.

    Where only alpha has no batch, it broadcasts instead, so that rows still share it.
    """

    @classmethod
    def _of_batch(cls, in_dims: tuple[Any, ...], *inputs: Any, size: int) -> Any:
        batches = [
            tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(inputs[: cls.place_of_alpha], in_dims, strict=False)
        ]
        alpha, dim = inputs[cls.place_of_alpha], in_dims[cls.place_of_alpha]
        batches.append(alpha[None] if dim is None else alpha.movedim(dim, 0))
        return cls.apply(*batches, *inputs[cls.place_of_alpha + 1 :])

    place_of_alpha: int


class MapToEntmax(_RowFunction):
    """P = entmax(z), dp = J dz + D dalpha."""

    place_of_alpha = 1

    @staticmethod
    def forward(scores: Tensor, alpha: Tensor) -> Tensor:
        return operators.map_to_entmax(scores, alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output, inputs[1])
        ctx.save_for_forward(output, inputs[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        p, alpha = ctx.saved_tensors
        by_alpha = ctx.needs_input_grad[1]
        of_alpha = map_gradient_by_alpha(p, alpha, gradient) if by_alpha else None
        return multiply_jacobian(p, gradient, alpha), of_alpha

    @staticmethod
    def jvp(ctx: Any, of_z: Tensor | None, of_alpha: Tensor | None) -> Tensor:
        p, alpha = ctx.saved_tensors
        return _push_map(p, alpha, of_z, of_alpha)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Tensor, int]:
        return MapToEntmax._of_batch(in_dims, *inputs, size=info.batch_size), 0


class MultiplyJacobian(_RowFunction):
    """J v at the probabilities p."""

    place_of_alpha = 2

    @staticmethod
    def forward(p: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
        return operators.multiply_jacobian(p, v, alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        p, v, alpha = ctx.saved_tensors
        of_p, of_alpha = product_gradients(p, v, alpha, gradient)
        return of_p, multiply_jacobian(p, gradient, alpha), of_alpha

    @staticmethod
    def jvp(ctx: Any, of_p: Tensor | None, of_v: Tensor | None, of_alpha: Tensor | None) -> Tensor:
        p, v, alpha = ctx.saved_tensors
        pushed = torch.zeros_like(p) if of_v is None else multiply_jacobian(p, of_v, alpha)
        wide = alpha.to(p.dtype)
        s = powers(p, 2 - wide)
        of_s = torch.zeros_like(p)
        if of_p is not None:
            of_s = of_s + (2 - wide) * powers(p, 1 - wide) * of_p
        if of_alpha is not None:
            of_s = of_s - s * logarithms(p) * of_alpha
        total = s.sum(dim=-1, keepdim=True)
        moved = of_s * (v - (s * v).sum(dim=-1, keepdim=True) / total)
        return pushed + moved - s * moved.sum(dim=-1, keepdim=True) / total

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Tensor, int]:
        return MultiplyJacobian._of_batch(in_dims, *inputs, size=info.batch_size), 0


class EvaluateLoss(_RowFunction):
    """L(z; q) of each row, and p."""

    place_of_alpha = 2

    @staticmethod
    def forward(scores: Tensor, targets: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        return operators.evaluate_loss(scores, targets, alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs, output[1])
        ctx.save_for_forward(*inputs, output[1])
        # p is used by a derivative of higher order alone
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, of_losses: Tensor | None, of_p: Tensor | None) -> tuple[Any, ...]:
        z, q, alpha, p = ctx.saved_tensors
        needs = ctx.needs_input_grad
        of_scores = of_targets = of_alpha = None
        if of_losses is not None:
            factor = of_losses[..., None]
            of_scores = factor * (p - q)
            if needs[1]:
                of_targets = factor * target_slope(z, q, p, alpha.to(p.dtype))
            if needs[2]:
                of_alpha = reduced(factor * loss_slope_by_alpha(q, p, alpha), alpha)
        return _with_gradient_of_p(ctx, p, alpha, of_p, of_scores, of_targets, of_alpha)

    @staticmethod
    def jvp(
        ctx: Any, of_z: Tensor | None, of_q: Tensor | None, of_alpha: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        z, q, alpha, p = ctx.saved_tensors
        of_losses = torch.zeros_like(p[..., 0])
        if of_z is not None:
            of_losses = of_losses + ((p - q) * of_z).sum(dim=-1)
        if of_q is not None:
            slope = target_slope(z, q, p, alpha.to(p.dtype))
            of_losses = of_losses + (slope * of_q).sum(dim=-1)
        if of_alpha is not None:
            of_losses = of_losses + (loss_slope_by_alpha(q, p, alpha) * of_alpha)[..., 0]
        return of_losses, _push_map(p, alpha, of_z, of_alpha)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, tuple[int, int]]:
        return EvaluateLoss._of_batch(in_dims, *inputs, size=info.batch_size), (0, 0)


class EvaluateClassLoss(_RowFunction):
    """L(z; q) of each row, and p, for q = (1 - e) one-hot(class) + e / K, which is never formed."""

    place_of_alpha = 2

    @staticmethod
    def forward(
        scores: Tensor, classes: Tensor, alpha: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        return operators.evaluate_class_loss(scores, classes, alpha, smoothing)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs[1:3], output[1])
        ctx.save_for_forward(*inputs[1:3], output[1])
        ctx.set_materialize_grads(False)
        ctx.smoothing = inputs[3]

    @staticmethod
    def backward(ctx: Any, of_losses: Tensor | None, of_p: Tensor | None) -> tuple[Any, ...]:
        classes, alpha, p = ctx.saved_tensors
        of_scores = of_alpha = None
        if of_losses is not None:
            of_scores = class_loss_gradient(p, classes, of_losses, ctx.smoothing)
            if ctx.needs_input_grad[2]:
                slope = class_loss_slope_by_alpha(p, alpha, ctx.smoothing)
                of_alpha = reduced(of_losses[..., None] * slope, alpha)
        return *_with_gradient_of_p(ctx, p, alpha, of_p, of_scores, None, of_alpha), None

    @staticmethod
    def jvp(ctx: Any, of_z: Tensor | None, _: None, of_alpha: Tensor | None, __: None) -> Any:
        classes, alpha, p = ctx.saved_tensors
        of_losses = torch.zeros_like(p[..., 0])
        if of_z is not None:
            along_class = of_z.gather(-1, classes[..., None])[..., 0]
            of_losses = ((p - ctx.smoothing / p.shape[-1]) * of_z).sum(dim=-1)
            of_losses = of_losses - (1 - ctx.smoothing) * along_class
        if of_alpha is not None:
            slope = class_loss_slope_by_alpha(p, alpha, ctx.smoothing)
            of_losses = of_losses + (slope * of_alpha)[..., 0]
        return of_losses, _push_map(p, alpha, of_z, of_alpha)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, tuple[int, int]]:
        return EvaluateClassLoss._of_batch(in_dims, *inputs, size=info.batch_size), (0, 0)


def _with_gradient_of_p(
    ctx: Any, p: Tensor, alpha: Tensor, of_p: Tensor | None, *gradients: Any
) -> tuple[Any, ...]:
    """The gradients by z, q and alpha, and what a gradient by the probabilities adds to them."""
    of_scores, of_targets, of_alpha = gradients
    if of_p is not None:
        through_p = multiply_jacobian(p, of_p, alpha)
        of_scores = through_p if of_scores is None else of_scores + through_p
        if ctx.needs_input_grad[2]:
            through_p = map_gradient_by_alpha(p, alpha, of_p)
            of_alpha = through_p if of_alpha is None else of_alpha + through_p
    return of_scores, of_targets, of_alpha


def _push_map(p: Tensor, alpha: Tensor, of_z: Tensor | None, of_alpha: Tensor | None) -> Tensor:
    """J dz + D dalpha."""
    pushed = torch.zeros_like(p) if of_z is None else multiply_jacobian(p, of_z, alpha)
    if of_alpha is not None:
        pushed = pushed + alpha_slope(p, alpha.to(p.dtype)) * of_alpha.to(p.dtype)
    return pushed


def map_to_entmax(scores: Tensor, alpha: Tensor) -> Tensor:
    """The entmax of the rows of scores."""
    if torch.compiler.is_compiling():
        return operators.map_to_entmax(scores, alpha)
    return MapToEntmax.apply(scores, alpha)


def multiply_jacobian(p: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
    """J v at the probabilities p."""
    return MultiplyJacobian.apply(p, v, alpha)


def evaluate_loss(scores: Tensor, targets: Tensor, alpha: Tensor) -> Tensor:
    """L(z; q) of each row."""
    if torch.compiler.is_compiling():
        return operators.evaluate_loss(scores, targets, alpha)[0]
    return EvaluateLoss.apply(scores, targets, alpha)[0]


def evaluate_class_loss(scores: Tensor, classes: Tensor, alpha: Tensor, smoothing: float) -> Tensor:
    """L(z; q) of each row for its class, smoothed."""
    if torch.compiler.is_compiling():
        return operators.evaluate_class_loss(scores, classes, alpha, smoothing)[0]
    return EvaluateClassLoss.apply(scores, classes, alpha, smoothing)[0]

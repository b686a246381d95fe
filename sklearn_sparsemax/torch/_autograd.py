"""The operators of rows as functions of autograd: all orders, both modes, and `torch.func`.

PyTorch's own differentiation of an operator covers backward passes alone. These functions say how
derivatives run forwards too, and what a batch of them is, so that `torch.func` (`grad`, `jvp`,
`hessian`, `vmap` and the others) and forward-mode differentiation are right. `torch.compile` cannot
trace such a function, and takes the operator itself.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import _operators


def _batches(in_dims: tuple[Any, ...], *tensors: Tensor, size: int) -> list[Tensor]:
    """Each tensor with its batch in front."""
    return [
        tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        for tensor, dim in zip(tensors, in_dims, strict=True)
    ]


class _RowFunction(torch.autograd.Function):
    """Acts on the last axis, so that a batch is one more axis in front."""

    @classmethod
    def _of_batch(cls, in_dims: tuple[Any, ...], *tensors: Tensor, size: int) -> Any:
        return cls.apply(*_batches(in_dims, *tensors, size=size))


class Project(_RowFunction):
    """P = sparsemax(z), dp = J dz."""

    @staticmethod
    def forward(scores: Tensor) -> Tensor:
        return _operators.project(scores)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (p,) = ctx.saved_tensors
        return multiply_jacobian(p, gradient)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        (p,) = ctx.saved_tensors
        return multiply_jacobian(p, tangent)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], scores: Tensor) -> tuple[Tensor, int]:
        return Project._of_batch(in_dims, scores, size=info.batch_size), 0


class MultiplyJacobian(_RowFunction):
    """J v at the probabilities p. J is constant but at kinks: no derivative by p."""

    @staticmethod
    def forward(p: Tensor, v: Tensor) -> Tensor:
        return _operators.multiply_jacobian(p, v)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        (p,) = ctx.saved_tensors
        return None, multiply_jacobian(p, gradient)

    @staticmethod
    def jvp(ctx: Any, of_p: Tensor | None, of_v: Tensor | None) -> Tensor:
        (p,) = ctx.saved_tensors
        return torch.zeros_like(p) if of_v is None else multiply_jacobian(p, of_v)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], p: Tensor, v: Tensor) -> tuple[Tensor, int]:
        return MultiplyJacobian._of_batch(in_dims, p, v, size=info.batch_size), 0


class EvaluateLoss(_RowFunction):
    """L(z; q) of each row, and p; dL = <p - q, dz> + <q - z + tau, dq>."""

    @staticmethod
    def forward(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return _operators.evaluate_loss(scores, targets)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]
    ) -> None:
        ctx.save_for_backward(*inputs, output[1])
        ctx.save_for_forward(*inputs, output[1])
        # p is used by a derivative of higher order alone
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(
        ctx: Any, of_losses: Tensor | None, of_probabilities: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        z, q, p = ctx.saved_tensors
        of_scores = of_targets = None
        if ctx.needs_input_grad[0] and of_losses is not None:
            of_scores = of_losses[..., None] * (p - q)
        if ctx.needs_input_grad[0] and of_probabilities is not None:
            through_p = multiply_jacobian(p, of_probabilities)
            of_scores = through_p if of_scores is None else of_scores + through_p
        if ctx.needs_input_grad[1] and of_losses is not None:
            of_targets = of_losses[..., None] * _operators.target_slope(z, q, p)
        return of_scores, of_targets

    @staticmethod
    def jvp(ctx: Any, of_z: Tensor | None, of_q: Tensor | None) -> tuple[Tensor, Tensor]:
        z, q, p = ctx.saved_tensors
        of_losses, of_p = torch.zeros_like(p[..., 0]), torch.zeros_like(p)
        if of_z is not None:
            of_losses = ((p - q) * of_z).sum(dim=-1)
            of_p = multiply_jacobian(p, of_z)
        if of_q is not None:
            of_losses = of_losses + (_operators.target_slope(z, q, p) * of_q).sum(dim=-1)
        return of_losses, of_p

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], scores: Tensor, targets: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        outputs = EvaluateLoss._of_batch(in_dims, scores, targets, size=info.batch_size)
        return outputs, (0, 0)


class EvaluateClassLoss(_RowFunction):
    """L(z; q) of each row, and p, for q = (1 - e) one-hot(class) + e / K, which is never formed."""

    @staticmethod
    def forward(scores: Tensor, classes: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        return _operators.evaluate_class_loss(scores, classes, smoothing)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, float], output: tuple[Tensor, Tensor]
    ) -> None:
        ctx.save_for_backward(inputs[1], output[1])
        ctx.save_for_forward(inputs[1], output[1])
        ctx.set_materialize_grads(False)
        ctx.smoothing = inputs[2]

    @staticmethod
    def backward(
        ctx: Any, of_losses: Tensor | None, of_probabilities: Tensor | None
    ) -> tuple[Tensor | None, None, None]:
        classes, p = ctx.saved_tensors
        of_scores = None
        if of_losses is not None:
            of_scores = _operators.class_loss_gradient(p, classes, of_losses, ctx.smoothing)
        if of_probabilities is not None:
            through_p = multiply_jacobian(p, of_probabilities)
            of_scores = through_p if of_scores is None else of_scores + through_p
        return of_scores, None, None

    @staticmethod
    def jvp(ctx: Any, of_z: Tensor, *_: None) -> tuple[Tensor, Tensor]:
        classes, p = ctx.saved_tensors
        along_class = of_z.gather(-1, classes[..., None])[..., 0]
        of_losses = (p - ctx.smoothing / p.shape[-1]) * of_z
        return (
            of_losses.sum(dim=-1) - (1 - ctx.smoothing) * along_class,
            multiply_jacobian(p, of_z),
        )

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], scores: Tensor, classes: Tensor, smoothing: float
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        scores, classes = _batches(in_dims[:2], scores, classes, size=info.batch_size)
        return EvaluateClassLoss.apply(scores, classes, smoothing), (0, 0)


def project(scores: Tensor) -> Tensor:
    """The sparsemax of the rows of scores."""
    if torch.compiler.is_compiling():
        return _operators.project(scores)
    return Project.apply(scores)


def multiply_jacobian(p: Tensor, v: Tensor) -> Tensor:
    """J v at the probabilities p."""
    return MultiplyJacobian.apply(p, v)


def evaluate_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """L(z; q) of each row."""
    if torch.compiler.is_compiling():
        return _operators.evaluate_loss(scores, targets)[0]
    return EvaluateLoss.apply(scores, targets)[0]


def evaluate_class_loss(scores: Tensor, classes: Tensor, smoothing: float) -> Tensor:
    """L(z; q) of each row for its class, smoothed."""
    if torch.compiler.is_compiling():
        return _operators.evaluate_class_loss(scores, classes, smoothing)[0]
    return EvaluateClassLoss.apply(scores, classes, smoothing)[0]

"""The sparsemax of rows, its Jacobian and its loss, as operators that PyTorch can trace.

All act on the last axis. On the CPU they are the package's compiled kernels; elsewhere the
threshold is found by the same iteration (`_kernels.simplex_compiled`), one step for all rows at a
time: no row is sorted. Their derivatives are operators again, so that they can be differentiated as
often as one likes: with p = sparsemax(z), s its support and J = diag(s) - s s^T / |S|,

    dp = J dz,     dL(z; q) = <p - q, dz>,     and J itself is constant but at kinks.
"""

from typing import Any

import torch
from torch import Tensor

from .._kernels import simplex


@torch.library.custom_op("sklearn_sparsemax::project", mutates_args=())
def project(scores: Tensor) -> Tensor:
    """P = sparsemax(z). Where the largest score of a row is not finite, the row is NaN."""
    z = widened(scores)
    return _project(z).to(scores.dtype)


@project.register_kernel("cpu")
def _project_compiled(scores: Tensor) -> Tensor:
    z = widened(scores).contiguous()
    p = torch.empty_like(z)
    width = z.shape[-1]
    if simplex.project_rows(z.numpy().reshape(-1, width), p.numpy().reshape(-1, width)) >= 0:
        p = _project(z)
    return p.to(scores.dtype)


@project.register_fake
def _project_shape(scores: Tensor) -> Tensor:
    return torch.empty_like(scores, memory_format=torch.contiguous_format)


@torch.library.custom_op("sklearn_sparsemax::multiply_jacobian", mutates_args=())
def multiply_jacobian(p: Tensor, v: Tensor) -> Tensor:
    """J v = s * (v - mean of v over S), at the probabilities p."""
    s = widened(p).sign()
    inside = torch.where(s == 0, 0, widened(v))
    mean = inside.sum(dim=-1, keepdim=True) / s.sum(dim=-1, keepdim=True)
    return torch.where(s == 0, 0, s * (inside - mean)).to(p.dtype)


@multiply_jacobian.register_kernel("cpu")
def _multiply_compiled(p: Tensor, v: Tensor) -> Tensor:
    wide, vectors = widened(p).contiguous(), widened(v).contiguous()
    product = torch.empty_like(wide)
    rows = (matrix.numpy().reshape(-1, p.shape[-1]) for matrix in (wide, vectors, product))
    simplex.multiply_jacobian(*rows)
    return product.to(p.dtype)


@multiply_jacobian.register_fake
def _multiply_shape(p: Tensor, v: Tensor) -> Tensor:
    return torch.empty_like(p, memory_format=torch.contiguous_format)


@torch.library.custom_op("sklearn_sparsemax::evaluate_loss", mutates_args=())
def evaluate_loss(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """L(z; q) of each row, and p; formed as in `simplex_compiled`, so that nothing cancels."""
    z, q = widened(scores), widened(targets)
    p = project(z)
    largest = z.amax(dim=-1, keepdim=True)
    below = z - largest
    # all entries above the threshold lie as far above it as their probability
    tau = -p.amax(dim=-1, keepdim=True)
    shortfall = torch.where(q > 0, q * (tau - below).clamp(min=0), 0)
    losses = (0.5 * (p - q) ** 2 + shortfall).sum(dim=-1)
    return losses.to(scores.dtype), p.to(scores.dtype)


@torch.library.custom_op("sklearn_sparsemax::evaluate_class_loss", mutates_args=())
def evaluate_class_loss(scores: Tensor, classes: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """L(z; q) of each row, and p, for q = (1 - e) one-hot(class) + e / K.

    No array of the size of the scores is made but p and one of residuals, which is let go.
    """
    z = widened(scores)
    p = project(z)
    at_class = classes[..., None]
    share = smoothing / z.shape[-1]
    # all entries above the threshold lie as far above it as their probability
    tau = z.amax(dim=-1, keepdim=True) - p.amax(dim=-1, keepdim=True)
    residual = p - share
    residual.scatter_add_(-1, at_class, torch.full_like(tau, smoothing - 1))
    losses = 0.5 * torch.linalg.vector_norm(residual, dim=-1) ** 2
    losses += (1 - smoothing) * (tau - z.gather(-1, at_class)).clamp(min=0)[..., 0]
    if smoothing > 0:
        del residual
        losses += share * (tau - z).clamp_(min=0).sum(dim=-1)
    return losses.to(scores.dtype), p.to(scores.dtype)


@evaluate_class_loss.register_fake
def _class_loss_shape(scores: Tensor, classes: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    p = torch.empty_like(scores, memory_format=torch.contiguous_format)
    return scores.new_empty(scores.shape[:-1]), p


def target_slope(z: Tensor, q: Tensor, p: Tensor) -> Tensor:
    """Q - z + tau, the derivative of the loss by the target q.

    The threshold tau stands for what q - z, the derivative of Omega*(z) + Omega(q) - <q, z>, leaves
    open along the simplex: a common number for all entries.
    """
    tau = z.amax(dim=-1, keepdim=True) - p.amax(dim=-1, keepdim=True)
    return (q - p) + (tau - (z - p))


def class_loss_gradient(p: Tensor, classes: Tensor, of_losses: Tensor, smoothing: float) -> Tensor:
    """(p - q) times the gradient of the losses."""
    factor = of_losses[..., None]
    gradient = p * factor
    if smoothing > 0:
        gradient = gradient - factor * (smoothing / p.shape[-1])
    at_class = (smoothing - 1) * factor
    if torch.is_grad_enabled():  # for derivatives of higher order
        return gradient.scatter_add(-1, classes[..., None], at_class)
    return gradient.scatter_add_(-1, classes[..., None], at_class)


@evaluate_loss.register_fake
def _loss_shape(scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    p = torch.empty_like(scores, memory_format=torch.contiguous_format)
    return scores.new_empty(scores.shape[:-1]), p


def _keep_probabilities(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(output)


def _project_backward(ctx: Any, gradient: Tensor) -> Tensor:
    (p,) = ctx.saved_tensors
    return multiply_jacobian(p, gradient)


def _keep_first_input(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(inputs[0])


def _multiply_backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
    (p,) = ctx.saved_tensors
    return None, multiply_jacobian(p, gradient)


def _keep_targets_and_probabilities(
    ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]
) -> None:
    ctx.save_for_backward(*inputs, output[1])


def _loss_backward(ctx: Any, of_losses: Tensor, of_probabilities: Tensor) -> tuple[Tensor, Tensor]:
    z, q, p = ctx.saved_tensors
    gradient = of_losses[..., None] * (p - q)
    gradient = gradient + multiply_jacobian(p, of_probabilities)
    return gradient, of_losses[..., None] * target_slope(z, q, p)


def _keep_class_and_probabilities(
    ctx: Any, inputs: tuple[Tensor, Tensor, float], output: tuple[Tensor, Tensor]
) -> None:
    ctx.save_for_backward(inputs[1], output[1])
    ctx.smoothing = inputs[2]


def _class_loss_backward(
    ctx: Any, of_losses: Tensor, of_probabilities: Tensor
) -> tuple[Tensor, None, None]:
    classes, p = ctx.saved_tensors
    gradient = class_loss_gradient(p, classes, of_losses, ctx.smoothing)
    return gradient + multiply_jacobian(p, of_probabilities), None, None


project.register_autograd(_project_backward, setup_context=_keep_probabilities)
multiply_jacobian.register_autograd(_multiply_backward, setup_context=_keep_first_input)
evaluate_class_loss.register_autograd(
    _class_loss_backward, setup_context=_keep_class_and_probabilities
)
evaluate_loss.register_autograd(_loss_backward, setup_context=_keep_targets_and_probabilities)


def widened(values: Tensor) -> Tensor:
    """Half precision as float32, in which it is computed."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _project(z: Tensor) -> Tensor:
    """The sparsemax by Newton's method: tau rises until the entries above it stay the same."""
    largest = z.amax(dim=-1, keepdim=True)
    z = torch.where(largest.isfinite(), z - largest, torch.nan)
    tau = torch.full_like(largest, -1)
    while True:
        above = z > tau
        following = torch.where(above, z, 0).sum(dim=-1, keepdim=True) - 1
        following /= above.sum(dim=-1, keepdim=True)
        # rounding may end below where it began
        rises = following > tau
        if not rises.any():
            return (z - tau).clamp(min=0)
        tau = torch.where(rises, following, tau)

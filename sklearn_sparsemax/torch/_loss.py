"""The sparsemax loss as a function of tensors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from . import _autograd
from ._functions import check_scores

REDUCTIONS = ("mean", "sum", "none")
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
# How far the sum of a distribution may be from 1.
SUM_TOLERANCE = 1e-4


def sparsemax_loss(
    scores: Tensor,
    target: Tensor,
    dim: int = -1,
    *,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Sparsemax loss, whose gradient is sparsemax(scores) minus the target distribution.

    The PyTorch form of :func:`sklearn_sparsemax.sparsemax_loss`, for the place of
    ``torch.nn.functional.cross_entropy``. It can be differentiated twice, forwards and backwards,
    also by a target distribution, within ``torch.func`` and under ``torch.compile``.

    Parameters
    ----------
    scores : Tensor
        Scores of K outputs along `dim`, of a floating-point type.
    target : Tensor
        One of: classes, integers from 0 to K - 1 or `ignore_index`, of the shape of `scores`
        without `dim`; label sets, bool, of the shape of `scores`, each with at least one label,
        among which the probability is divided evenly; distributions, of the shape and type of
        `scores`, that sum to 1 along `dim` within 1e-4 (in half precision, within its rounding).
    dim : int, default=-1
        Dimension of the outputs.
    weight : Tensor of shape (K,), default=None
        Weights of the outputs. The loss of a slice is multiplied by the mean weight of its target
        distribution: for a class, by the weight of the class.
    ignore_index : int, default=-100
        Slices whose class is this have no loss and no gradient, and do not count in the mean.
    label_smoothing : float, default=0.0
        Share of the target distribution that is spread over all outputs, from 0 to 1.
    reduction : {"mean", "sum", "none"}, default="mean"
        What to make of the losses of all slices. "mean" divides by the sum of the weights of the
        slices, those that are ignored left out. Of no slices it is NaN.

    Returns
    -------
    loss : Tensor
        A number, or with "none" the losses, of the shape of `scores` without `dim`.

    Raises
    ------
    TypeError
        If `scores`, `target` or `weight` are of another type.
    ValueError
        If `target` or `weight` has another shape or holds what it must not, or another argument is
        not as stated. Values of a target cannot be looked at while ``torch.compile`` traces or
        ``torch.vmap`` maps; there, an empty label set makes its slice NaN, and a class that does
        not exist is an error of PyTorch's or a wrong loss.

    References
    ----------
    Martins & Astudillo (2016), section 3. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import sparsemax_loss
    >>> scores = torch.tensor([[0.5, 0.0, -1.0], [2.0, 0.0, 0.0]])
    >>> sparsemax_loss(scores, torch.tensor([1, 0]), reduction="none")
    tensor([0.5625, 0.0000])
    >>> sparsemax_loss(scores, torch.tensor([1, -100]))
    tensor(0.5625)
    """
    return loss_of_target(
        _autograd.evaluate_loss,
        _autograd.evaluate_class_loss,
        scores,
        target,
        dim,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def loss_of_target(
    of_distributions: Callable[[Tensor, Tensor], Tensor],
    of_classes: Callable[[Tensor, Tensor, float], Tensor],
    scores: Tensor,
    target: Tensor,
    dim: int,
    *,
    weight: Tensor | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> Tensor:
    """The loss of any target, by functions of rows of scores and of what their targets are."""
    check_scores(scores, dim)
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}; one of {REDUCTIONS} is needed.")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is {label_smoothing}; it must be from 0 to 1.")
    _check_weight(weight, scores, dim)
    rows = scores.movedim(dim, -1)
    if target.dtype in INTEGERS:
        _check_classes(target, rows, ignore_index)
        counted = target != ignore_index
        classes = torch.where(counted, target, 0).long()
        losses = of_classes(rows, classes, label_smoothing)
        weights = counted.to(losses.dtype)
        if weight is not None:
            weights = weights * weight.to(losses.dtype)[classes]
        losses = torch.where(counted, losses, 0)
    else:
        q = _distributions(target, scores, dim)
        smooth = (1 - label_smoothing) * q + label_smoothing / q.shape[-1] if label_smoothing else q
        losses = of_distributions(rows, smooth)
        weights = torch.ones_like(losses) if weight is None else q @ weight.to(q.dtype)
    losses = losses * weights
    if reduction == "none":
        return losses
    return losses.sum() / weights.sum() if reduction == "mean" else losses.sum()


def _distributions(target: Tensor, scores: Tensor, dim: int) -> Tensor:
    """Target distributions with the outputs along the last dimension."""
    _check_shape(target, scores.shape, "scores")
    if target.dtype not in (torch.bool, scores.dtype):
        raise TypeError(
            f"target is of {target.dtype}; integers for classes, bool for label sets, or "
            f"{scores.dtype}, the type of scores, for distributions are needed."
        )
    q = target.movedim(dim, -1)
    if target.dtype == torch.bool:
        n_labels = q.sum(dim=-1, keepdim=True)
        if is_seen_false(n_labels > 0):
            raise ValueError(
                f"The label set of slice {_first(n_labels[..., 0] == 0)} of target is empty; it "
                "needs a label to be a distribution."
            )
        return q.to(scores.dtype) / n_labels
    if is_seen_false(q >= 0):
        raise ValueError(f"target holds {float(q.detach().min())}; distributions are 0 or more.")
    totals = q.detach().sum(dim=-1, dtype=torch.promote_types(q.dtype, torch.float32))
    tolerance = max(SUM_TOLERANCE, torch.finfo(q.dtype).eps * 8)
    off = (totals - 1).abs() > tolerance
    if is_seen_false(~off):
        first = _first(off)
        raise ValueError(
            f"Slice {first} of target sums to {float(totals[first]):.6g}; a distribution sums to "
            "1. Label sets are a target of bool."
        )
    return q


def _check_classes(target: Tensor, rows: Tensor, ignore_index: int) -> None:
    if target.shape == rows.shape and rows.ndim > 1:
        raise ValueError(
            f"target of {target.dtype} has the shape of scores, {tuple(target.shape)}; classes "
            f"have that without dim, {tuple(rows.shape[:-1])}, and label sets are of torch.bool."
        )
    _check_shape(target, rows.shape[:-1], "scores without dim")
    known = (target >= 0) & (target < rows.shape[-1]) | (target == ignore_index)
    if is_seen_false(known):
        first = _first(~known)
        raise ValueError(
            f"target holds the class {int(target[first])}; classes are 0 ... "
            f"{rows.shape[-1] - 1}, or ignore_index={ignore_index}."
        )


def _check_weight(weight: Tensor | None, scores: Tensor, dim: int) -> None:
    if weight is None:
        return
    if not weight.is_floating_point():
        raise TypeError(f"weight is of {weight.dtype}; a floating-point type is needed.")
    if weight.shape != (scores.size(dim),):
        raise ValueError(
            f"weight has the shape {tuple(weight.shape)}; one weight for each output is needed, "
            f"({scores.size(dim)},)."
        )


def _check_shape(target: Tensor, expected: torch.Size, name: str) -> None:
    if target.shape != expected:
        raise ValueError(
            f"target has the shape {tuple(target.shape)}; for {target.dtype} that of {name}, "
            f"{tuple(expected)}, is needed."
        )


def is_seen_false(condition: Tensor) -> bool:
    """Whether a condition fails somewhere; False too where values cannot be looked at."""
    if torch.compiler.is_compiling():
        return False
    try:
        return not bool(condition.all())
    except RuntimeError:  # within vmap
        return False


def _first(condition: Tensor) -> tuple[int, ...]:
    """Where a condition holds first."""
    return tuple(condition.nonzero()[0].tolist())

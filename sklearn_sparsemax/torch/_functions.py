"""The sparsemax and its loss as functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from . import _operators

REDUCTIONS = ("mean", "sum", "none")


def sparsemax(scores: Tensor, dim: int = -1, *, mask: Tensor | None = None) -> Tensor:
    """Project scores onto the probability simplex, differentiably.

    The PyTorch form of :func:`sklearn_sparsemax.sparsemax`: many probabilities are exactly
    zero. It can be differentiated twice, and traced by ``torch.compile``.

    Parameters
    ----------
    scores : Tensor
        Scores, of any shape, of a floating-point type that is kept. float16 and bfloat16 are
        computed in float32. A slice whose largest entry is not finite becomes NaN.
    dim : int, default=-1
        Dimension along which the probabilities sum to 1.
    mask : Tensor of bool, default=None
        Which scores take part, of a shape that broadcasts to that of `scores`. The others
        get probability 0; a slice in which none takes part is all 0.

    Returns
    -------
    p : Tensor, shape of `scores`
        Probabilities.

    Raises
    ------
    TypeError
        If `scores` are not of a floating-point type or `mask` is not of bool.
    ValueError
        If `dim` is empty, or `mask` does not broadcast to the shape of `scores`.
    IndexError
        If `dim` is not a dimension of `scores`.

    References
    ----------
    Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
    and Multi-Label Classification", ICML. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import sparsemax
    >>> sparsemax(torch.tensor([0.5, 0.0, -1.0]))
    tensor([0.7500, 0.2500, 0.0000])
    >>> sparsemax(torch.tensor([0.5, 0.0, -1.0]), mask=torch.tensor([False, True, True]))
    tensor([0., 1., 0.])
    """
    _check_scores(scores, dim)
    if mask is None:
        return _along_last(scores, dim)
    check_mask(mask, scores.shape, "scores")
    takes_part = mask.any(dim=dim if mask.ndim == scores.ndim else -1, keepdim=True)
    masked = scores.masked_fill(~mask, -torch.inf).masked_fill(~takes_part, 0)
    return _along_last(masked, dim).masked_fill(~takes_part, 0)


def sparsemax_loss(
    scores: Tensor, target: Tensor, dim: int = -1, *, reduction: str = "mean"
) -> Tensor:
    """Sparsemax loss, whose gradient is sparsemax(scores) minus the target distribution.

    The PyTorch form of :func:`sklearn_sparsemax.sparsemax_loss`, for the place of
    ``torch.nn.functional.cross_entropy``.

    Parameters
    ----------
    scores : Tensor
        Scores of K outputs along `dim`, of a floating-point type.
    target : Tensor
        One of: classes, int64 from 0 to K - 1, of the shape of `scores` without `dim`; label
        sets, bool, of the shape of `scores`, each with at least one label, among which the
        probability is divided evenly; distributions, of the shape and type of `scores`.
    dim : int, default=-1
        Dimension of the outputs.
    reduction : {"mean", "sum", "none"}, default="mean"
        What to make of the losses of all slices.

    Returns
    -------
    loss : Tensor
        A number, or with "none" the losses, of the shape of `scores` without `dim`.

    Raises
    ------
    TypeError
        If `scores` or `target` are of another type.
    ValueError
        If `target` has another shape, or `reduction` is unknown.

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
    """
    _check_scores(scores, dim)
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}; one of {REDUCTIONS} is needed.")
    distributions = _distributions(target, scores, dim)
    losses, _ = _operators.evaluate_loss(scores.movedim(dim, -1), distributions)
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def _along_last(scores: Tensor, dim: int) -> Tensor:
    return _operators.project(scores.movedim(dim, -1)).movedim(-1, dim)


def _distributions(target: Tensor, scores: Tensor, dim: int) -> Tensor:
    """Target distributions with the outputs along the last dimension."""
    if target.dtype == torch.int64:
        expected = scores.movedim(dim, -1).shape[:-1]
        _check_shape(target, expected, "scores without dim")
        one_hot = torch.nn.functional.one_hot(target, scores.shape[dim])
        return one_hot.to(scores.dtype)
    _check_shape(target, scores.shape, "scores")
    q = target.movedim(dim, -1)
    if target.dtype == torch.bool:
        return q.to(scores.dtype) / q.sum(dim=-1, keepdim=True)
    if target.dtype == scores.dtype:
        return q
    raise TypeError(
        f"target is of {target.dtype}; int64 for classes, bool for label sets, or "
        f"{scores.dtype}, the type of scores, for distributions is needed."
    )


def _check_scores(scores: Tensor, dim: int) -> None:
    if not scores.is_floating_point():
        raise TypeError(f"scores are of {scores.dtype}; a floating-point type is needed.")
    if scores.size(dim) == 0:
        raise ValueError(f"scores of the shape {tuple(scores.shape)} are empty along dim={dim}.")


def check_mask(mask: Tensor, shape: torch.Size, name: str) -> None:
    """Reject a mask that is not of bool or does not broadcast to the shape, that of `name`."""
    if mask.dtype != torch.bool:
        raise TypeError(f"mask is of {mask.dtype}; torch.bool is needed, True where scores count.")
    try:
        fits = torch.broadcast_shapes(mask.shape, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"mask has the shape {tuple(mask.shape)}, which does not broadcast to "
            f"{tuple(shape)}, that of {name}."
        )


def _check_shape(target: Tensor, expected: torch.Size, name: str) -> None:
    if target.shape != expected:
        raise ValueError(
            f"target has the shape {tuple(target.shape)}; for {target.dtype} that of {name}, "
            f"{tuple(expected)}, is needed."
        )

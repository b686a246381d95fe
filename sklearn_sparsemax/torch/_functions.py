"""The sparsemax as a function of tensors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from . import _autograd


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
    return map_rows(_autograd.project, scores, dim, mask)


def map_rows(
    of_rows: Callable[[Tensor], Tensor], scores: Tensor, dim: int, mask: Tensor | None
) -> Tensor:
    """Probabilities of the scores along `dim` that are not masked, by a function of rows."""
    check_scores(scores, dim)

    def along_dim(scores: Tensor) -> Tensor:
        return of_rows(scores.movedim(dim, -1)).movedim(-1, dim)

    if mask is None:
        return along_dim(scores)
    check_mask(mask, scores.shape, "scores")
    # its dimensions are then those of the scores
    mask = mask.expand(scores.shape)
    takes_part = mask.any(dim=dim, keepdim=True)
    masked = scores.masked_fill(~mask, -torch.inf).masked_fill(~takes_part, 0)
    return along_dim(masked).masked_fill(~takes_part, 0)


def check_scores(scores: Tensor, dim: int) -> None:
    """Reject scores of another type, or without outputs."""
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

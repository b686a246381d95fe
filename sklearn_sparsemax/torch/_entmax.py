"""The entmax and its loss as functions of tensors."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from .._validation import MOST_ENTMAX_ALPHA, check_entmax_alpha
from . import _entmax_autograd as autograd
from ._functions import check_scores, map_rows, sparsemax
from ._loss import is_seen_false, loss_of_target, sparsemax_loss


def entmax(
    scores: Tensor, alpha: float | Tensor = 1.5, dim: int = -1, *, mask: Tensor | None = None
) -> Tensor:
    """Map scores to probabilities, the more sparse the larger `alpha` is, differentiably.

    The PyTorch form of :func:`sklearn_sparsemax.entmax`. It can be differentiated twice, by the
    scores and by `alpha`, forwards and backwards, within ``torch.func`` and ``torch.compile``.

    Parameters
    ----------
    scores : Tensor
        Scores, as for :func:`sparsemax`.
    alpha : float or Tensor, default=1.5
        From 1, the softmax, to 50; 2 is the sparsemax. A tensor of floats, which may be learnt,
        has a shape that broadcasts to that of `scores` with size 1 along `dim`, so that slices
        may have their own. On the CPU, time grows with the number of different values.
    dim : int, default=-1
        Dimension along which the probabilities sum to 1.
    mask : Tensor of bool, default=None
        Which scores take part, as for :func:`sparsemax`.

    Returns
    -------
    p : Tensor, shape of `scores`
        Probabilities.

    Raises
    ------
    TypeError
        If `scores` or `alpha` are not of a floating-point type or `mask` is not of bool.
    ValueError
        If `dim` is empty, `alpha` is not between 1 and 50, or `alpha` or `mask` do not broadcast.
    IndexError
        If `dim` is not a dimension of `scores`.

    References
    ----------
    Peters, Niculae & Martins (2019), "Sparse Sequence-to-Sequence Models", ACL.
    https://arxiv.org/abs/1905.05702

    Correia, Niculae & Martins (2019), "Adaptively Sparse Transformers", EMNLP, for the derivative
    by alpha. https://arxiv.org/abs/1909.00015

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import entmax
    >>> scores = torch.tensor([[1.0, 0.0, -2.0], [1.0, 0.0, -2.0]])
    >>> entmax(scores)
    tensor([[0.8307, 0.1693, 0.0000],
            [0.8307, 0.1693, 0.0000]])
    >>> entmax(scores, torch.tensor([[1.0], [1.8]]))
    tensor([[0.7054, 0.2595, 0.0351],
            [0.9186, 0.0814, 0.0000]])
    """
    if not isinstance(alpha, Tensor) and check_entmax_alpha(alpha) == 2:
        return sparsemax(scores, dim, mask=mask)
    check_scores(scores, dim)
    alphas = _alpha_of_rows(alpha, scores, dim)
    return map_rows(lambda rows: autograd.map_to_entmax(rows, alphas), scores, dim, mask)


def entmax_loss(
    scores: Tensor,
    target: Tensor,
    alpha: float | Tensor = 1.5,
    dim: int = -1,
    *,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Entmax loss, whose gradient is entmax(scores) minus the target distribution.

    The PyTorch form of :func:`sklearn_sparsemax.entmax_loss`. It can be differentiated as
    :func:`sparsemax_loss` can, and by `alpha`.

    Parameters
    ----------
    scores : Tensor
        Scores of K outputs along `dim`, of a floating-point type.
    target : Tensor
        Classes, label sets or distributions, as for :func:`sparsemax_loss`.
    alpha : float or Tensor, default=1.5
        From 1 to 50, as for :func:`entmax`. 1 gives the cross-entropy, less the entropy of the
        target.
    dim : int, default=-1
        Dimension of the outputs.
    weight : Tensor of shape (K,), default=None
        Weights of the outputs, as for :func:`sparsemax_loss`.
    ignore_index : int, default=-100
        Slices whose class is this have no loss and no gradient, and do not count in the mean.
    label_smoothing : float, default=0.0
        Share of the target distribution that is spread over all outputs, from 0 to 1.
    reduction : {"mean", "sum", "none"}, default="mean"
        What to make of the losses of all slices, as for :func:`sparsemax_loss`.

    Returns
    -------
    loss : Tensor
        A number, or with "none" the losses, of the shape of `scores` without `dim`.

    Raises
    ------
    TypeError
        If `scores`, `target`, `alpha` or `weight` are of another type.
    ValueError
        If an argument is not as stated.

    References
    ----------
    Peters, Niculae & Martins (2019), "Sparse Sequence-to-Sequence Models", ACL.
    https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import entmax_loss
    >>> scores = torch.tensor([[1.0, 0.0, -2.0], [4.0, 0.0, 0.0]])
    >>> entmax_loss(scores, torch.tensor([1, 0]), reduction="none")
    tensor([1.0617, 0.0000])
    """
    options: dict[str, Any] = {
        "weight": weight,
        "ignore_index": ignore_index,
        "label_smoothing": label_smoothing,
        "reduction": reduction,
    }
    if not isinstance(alpha, Tensor) and check_entmax_alpha(alpha) == 2:
        return sparsemax_loss(scores, target, dim, **options)
    check_scores(scores, dim)
    alphas = _alpha_of_rows(alpha, scores, dim)

    def of_classes(rows: Tensor, classes: Tensor, smoothing: float) -> Tensor:
        return autograd.evaluate_class_loss(rows, classes, alphas, smoothing)

    of_distributions = partial(autograd.evaluate_loss, alpha=alphas)
    return loss_of_target(of_distributions, of_classes, scores, target, dim, **options)


def _alpha_of_rows(alpha: float | Tensor, scores: Tensor, dim: int) -> Tensor:
    """A tensor of as many dimensions as the scores, with `dim` as the last one, of size 1."""
    if not isinstance(alpha, Tensor):
        value = torch.tensor(check_entmax_alpha(alpha), dtype=torch.float64, device=scores.device)
        return value.reshape((1,) * scores.ndim)
    if not alpha.is_floating_point():
        raise TypeError(f"alpha is of {alpha.dtype}; a floating-point type is needed.")
    shape = list(scores.shape)
    shape[dim] = 1
    try:
        fits = torch.broadcast_shapes(alpha.shape, tuple(shape)) == tuple(shape)
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"alpha has the shape {tuple(alpha.shape)}, which does not broadcast to "
            f"{tuple(shape)}, that of scores with size 1 along dim={dim}."
        )
    if is_seen_false((alpha >= 1) & (alpha <= MOST_ENTMAX_ALPHA)):
        raise ValueError(
            f"alpha holds {float(alpha.detach().min()):g} to {float(alpha.detach().max()):g}; it "
            f"must be from 1 to {MOST_ENTMAX_ALPHA}."
        )
    return alpha.reshape((1,) * (scores.ndim - alpha.ndim) + alpha.shape).movedim(dim, -1)

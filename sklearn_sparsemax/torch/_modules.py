"""The functions as modules, to stand in a model."""

from __future__ import annotations

from torch import Tensor, nn

from ._functions import REDUCTIONS, sparsemax, sparsemax_loss


class Sparsemax(nn.Module):
    """Sparsemax along a dimension, in the place of ``torch.nn.Softmax``.

    Parameters
    ----------
    dim : int, default=-1
        Dimension along which the probabilities sum to 1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import Sparsemax
    >>> Sparsemax(dim=0)(torch.tensor([0.5, 0.0, -1.0]))
    tensor([0.7500, 0.2500, 0.0000])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Probabilities, as :func:`sparsemax` returns them."""
        return sparsemax(scores, self.dim, mask=mask)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class SparsemaxLoss(nn.Module):
    """Sparsemax loss of scores, in the place of ``torch.nn.CrossEntropyLoss``.

    Parameters
    ----------
    dim : int, default=-1
        Dimension of the outputs.
    reduction : {"mean", "sum", "none"}, default="mean"
        What to make of the losses of all slices.

    Raises
    ------
    ValueError
        If `reduction` is unknown.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import SparsemaxLoss
    >>> SparsemaxLoss()(torch.tensor([[0.5, 0.0, -1.0]]), torch.tensor([1]))
    tensor(0.5625)
    """

    def __init__(self, dim: int = -1, *, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction is {reduction!r}; one of {REDUCTIONS} is needed.")
        self.dim = dim
        self.reduction = reduction

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        """Losses, as :func:`sparsemax_loss` returns them."""
        return sparsemax_loss(scores, target, self.dim, reduction=self.reduction)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, reduction={self.reduction!r}"

"""The functions as modules, to stand in a model."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ._entmax import entmax, entmax_loss
from ._functions import sparsemax
from ._loss import REDUCTIONS, sparsemax_loss


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
        """Probabilities, as :func:`sparsemax` returns them.

        Parameters
        ----------
        scores : Tensor
            Scores of any shape.
        mask : Tensor, default=None
            Where it is False, the probability is 0.

        Returns
        -------
        p : Tensor of the shape of `scores`
            Probabilities.
        """
        return sparsemax(scores, self.dim, mask=mask)

    def extra_repr(self) -> str:
        """Options for the printed form, which PyTorch asks for.

        Returns
        -------
        text : str
            The options.
        """
        return f"dim={self.dim}"


class Entmax(nn.Module):
    """Entmax along a dimension, in the place of ``torch.nn.Softmax``.

    Parameters
    ----------
    alpha : float, Tensor or Parameter, default=1.5
        How sparse the probabilities are, from 1 to 50. A parameter is learnt with the others; a
        tensor is kept as a buffer.
    dim : int, default=-1
        Dimension along which the probabilities sum to 1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import Entmax
    >>> Entmax()(torch.tensor([1.0, 0.0, -2.0]))
    tensor([0.8307, 0.1693, 0.0000])
    >>> alpha = torch.nn.Parameter(torch.tensor(1.5))
    >>> Entmax(alpha)(torch.tensor([1.0, 0.0, -2.0])).square().sum().backward()
    >>> alpha.grad
    tensor(0.3287)
    """

    alpha: float | Tensor

    def __init__(self, alpha: float | Tensor = 1.5, dim: int = -1) -> None:
        super().__init__()
        _keep_alpha(self, alpha)
        self.dim = dim

    def forward(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Probabilities, as :func:`entmax` returns them.

        Parameters
        ----------
        scores : Tensor
            Scores of any shape.
        mask : Tensor, default=None
            Where it is False, the probability is 0.

        Returns
        -------
        p : Tensor of the shape of `scores`
            Probabilities.
        """
        return entmax(scores, self.alpha, self.dim, mask=mask)

    def extra_repr(self) -> str:
        """Options for the printed form, which PyTorch asks for.

        Returns
        -------
        text : str
            The options.
        """
        return f"{_described_alpha(self)}dim={self.dim}"


class _Loss(nn.Module):
    """What the losses share: the options of ``torch.nn.CrossEntropyLoss``."""

    weight: Tensor | None

    def __init__(
        self,
        dim: int = -1,
        *,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction is {reduction!r}; one of {REDUCTIONS} is needed.")
        self.dim = dim
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.reduction = reduction

    def _options(self) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "ignore_index": self.ignore_index,
            "label_smoothing": self.label_smoothing,
            "reduction": self.reduction,
        }

    def extra_repr(self) -> str:
        """Options for the printed form, which PyTorch asks for.

        Returns
        -------
        text : str
            The options.
        """
        return f"dim={self.dim}, reduction={self.reduction!r}"


class SparsemaxLoss(_Loss):
    """Sparsemax loss of scores, in the place of ``torch.nn.CrossEntropyLoss``.

    Parameters
    ----------
    dim : int, default=-1
        Dimension of the outputs.
    weight : Tensor of shape (K,), default=None
        Weights of the outputs, kept as a buffer.
    ignore_index : int, default=-100
        The class of slices that have no loss.
    label_smoothing : float, default=0.0
        Share of the target distribution that is spread over all outputs, from 0 to 1.
    reduction : {"mean", "sum", "none"}, default="mean"
        What to make of the losses of all slices. :func:`sparsemax_loss` describes it.

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

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        """Losses, as :func:`sparsemax_loss` returns them.

        Parameters
        ----------
        scores : Tensor
            Scores, one along `dim` for each output.
        target : Tensor
            Classes, label sets or distributions.

        Returns
        -------
        loss : Tensor
            The mean, the sum or each loss, as `reduction` says.
        """
        return sparsemax_loss(scores, target, self.dim, **self._options())


class EntmaxLoss(_Loss):
    """Entmax loss of scores, in the place of ``torch.nn.CrossEntropyLoss``.

    Parameters
    ----------
    alpha : float, Tensor or Parameter, default=1.5
        How sparse the probabilities are, as for :class:`Entmax`.
    dim : int, default=-1
        Dimension of the outputs.
    **options : dict
        `weight`, `ignore_index`, `label_smoothing` and `reduction`, as for :class:`SparsemaxLoss`.

    Raises
    ------
    ValueError
        If `reduction` is unknown.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sparsemax.torch import EntmaxLoss
    >>> EntmaxLoss()(torch.tensor([[1.0, 0.0, -2.0]]), torch.tensor([1]))
    tensor(1.0617)
    """

    alpha: float | Tensor

    def __init__(self, alpha: float | Tensor = 1.5, dim: int = -1, **options: Any) -> None:
        super().__init__(dim, **options)
        _keep_alpha(self, alpha)

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        """Losses, as :func:`entmax_loss` returns them.

        Parameters
        ----------
        scores : Tensor
            Scores, one along `dim` for each output.
        target : Tensor
            Classes, label sets or distributions.

        Returns
        -------
        loss : Tensor
            The mean, the sum or each loss, as `reduction` says.
        """
        return entmax_loss(scores, target, self.alpha, self.dim, **self._options())

    def extra_repr(self) -> str:
        """Options for the printed form, which PyTorch asks for.

        Returns
        -------
        text : str
            The options.
        """
        return _described_alpha(self) + super().extra_repr()


def _keep_alpha(module: Any, alpha: float | Tensor) -> None:
    """Keep alpha as a number, a buffer or, where it is one, as a parameter."""
    if isinstance(alpha, Tensor) and not isinstance(alpha, nn.Parameter):
        module.register_buffer("alpha", alpha)
    else:
        module.alpha = alpha


def _described_alpha(module: Any) -> str:
    return "" if isinstance(module.alpha, Tensor) else f"alpha={module.alpha}, "

"""Sparsemax and entmax for PyTorch: differentiable functions, modules and attention.

Needs the extra ``torch``; importing :mod:`sklearn_sparsemax` itself never imports PyTorch.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_sparsemax.torch needs PyTorch: pip install 'sklearn-sparsemax[torch]'"
    ) from error

from ._attention import Attention
from ._entmax import entmax, entmax_loss
from ._functions import sparsemax
from ._loss import sparsemax_loss
from ._modules import Entmax, EntmaxLoss, Sparsemax, SparsemaxLoss

__all__ = [
    "Attention",
    "Entmax",
    "EntmaxLoss",
    "Sparsemax",
    "SparsemaxLoss",
    "entmax",
    "entmax_loss",
    "sparsemax",
    "sparsemax_loss",
]

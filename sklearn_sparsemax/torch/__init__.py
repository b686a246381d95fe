"""Sparsemax for PyTorch: differentiable functions, modules and attention.

Needs the extra ``torch``; importing :mod:`sklearn_sparsemax` itself never imports PyTorch.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_sparsemax.torch needs PyTorch: pip install 'sklearn-sparsemax[torch]'"
    ) from error

from ._attention import Attention
from ._functions import sparsemax
from ._loss import sparsemax_loss
from ._modules import Sparsemax, SparsemaxLoss

__all__ = ["Attention", "Sparsemax", "SparsemaxLoss", "sparsemax", "sparsemax_loss"]

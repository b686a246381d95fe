"""Fenchel-Young losses, one per file: how well scores fit a target distribution.

| loss             | Omega(p)                                    | p(z)                    |
|------------------|---------------------------------------------|-------------------------|
| sparsemax        | 1/2 ||p||^2 on the simplex                  | sparsemax               |
| softmax          | sum_k p_k log p_k on the simplex            | softmax                 |
| alpha-entmax     | (sum_k p_k^alpha - 1) / (alpha (alpha - 1)) | entmax                  |
| logistic         | sum_k p_k log p_k + (1 - p_k) log(1 - p_k)  | sigmoid                 |
| binary sparsemax | sum_k p_k^2 - p_k on [0, 1]^K               | clip((z + 1) / 2, 0, 1) |

To add a loss, add a file with a subclass of `FenchelYoungLoss`. Omega, p(z) and the derivative of
p are enough. A value that is computed without cancellation is better than the inherited one.
"""

from ._base import FenchelYoungLoss
from .binary_sparsemax import BinarySparsemaxLoss
from .entmax import EntmaxLoss, loss_of_entmax
from .functions import (
    binary_sparsemax_loss,
    entmax_loss,
    logistic_loss,
    softmax_loss,
    sparsemax_loss,
)
from .logistic import LogisticLoss
from .softmax import SoftmaxLoss
from .sparsemax import SparsemaxLoss

__all__ = [
    "BinarySparsemaxLoss",
    "EntmaxLoss",
    "FenchelYoungLoss",
    "LogisticLoss",
    "SoftmaxLoss",
    "SparsemaxLoss",
    "binary_sparsemax_loss",
    "entmax_loss",
    "logistic_loss",
    "loss_of_entmax",
    "softmax_loss",
    "sparsemax_loss",
]

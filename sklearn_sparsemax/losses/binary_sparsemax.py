"""The sparsemax loss of independent labels. Each label has its own sparse probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels
from .._typing import Array, Matrix
from ._base import FenchelYoungLoss
from .arrays import BinarySparsemaxOverArrays
from .rows import row_sum, subtract_targets


class BinarySparsemaxLoss(FenchelYoungLoss):
    """Omega(p) = sum_k p_k^2 - p_k on [0, 1]^K; p_k(z) = clip((z_k + 1) / 2, 0, 1).

    For each label, it is the sparsemax loss of two classes with the scores 0 and z. The value is

        L(z; q) = sum_k (p_k - q_k)^2 + q_k max(-1 - z_k, 0) + (1 - q_k) max(z_k - 1, 0),

    where all terms are 0 or more. It is 0 if the labels that are present have scores of at least 1,
    and the others scores of at most -1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax.losses import BinarySparsemaxLoss
    >>> scores, targets = np.array([[1.0, 0.5, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> BinarySparsemaxLoss().gradient(scores, targets).round(3)
    array([[0.  , 0.75, 0.  ]])
    """

    name = "binary_sparsemax"
    independent_outputs = True

    def regularizer(self, p: Matrix) -> Array:
        return row_sum(p, lambda values: values * (values - 1))

    def probabilities(self, scores: Array) -> Array:
        scores += 1
        scores *= 0.5
        return np.clip(scores, 0, 1, out=scores)

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        # distance of a score from [-1, 1], the interval in which p changes
        beyond = np.maximum(np.abs(scores) - 1, 0)
        is_below = scores < 0
        self.probabilities(scores)
        subtract_targets(scores, targets)
        # there p is 0 or 1, so that the factor q or 1 - q is |p - q|
        beyond *= np.where(is_below, -scores, scores)
        squares = np.einsum("ij,ij->i", scores, scores, dtype=np.float64)
        return np.maximum(squares + beyond.sum(axis=1, dtype=np.float64), 0)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        return 0.5 * ((p > 0) & (p < 1)), np.zeros_like(p)

    def over(self, xp: Any) -> Any:
        return BinarySparsemaxOverArrays(xp, self)

    def of_rows(self) -> Any:
        return _kernels.row_losses.BinarySparsemax()

"""The softmax loss. For a single label, it is the multinomial logistic loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from .. import _kernels
from .._typing import Array, Matrix
from ._base import FenchelYoungLoss
from .arrays import SoftmaxOverArrays
from .rows import row_dot, row_sum, subtract_targets


class SoftmaxLoss(FenchelYoungLoss):
    """Omega(p) = sum_k p_k log p_k on the simplex; p(z) = softmax(z).

    L(z; q) is the Kullback-Leibler divergence of softmax(z) from q.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax.losses import SoftmaxLoss
    >>> scores, targets = np.array([[1.0, 0.5, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> SoftmaxLoss().gradient(scores, targets).round(3)
    array([[-0.426,  0.348,  0.078]])
    """

    name = "softmax"
    full_support = True

    def regularizer(self, p: Matrix) -> Array:
        return row_sum(p, lambda values: special.xlogy(values, values))

    def probabilities(self, scores: Array) -> Array:
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        rows = np.arange(scores.shape[0])
        winners = scores.argmax(axis=1)
        scores -= scores[rows, winners][:, None]
        cross = row_dot(targets, scores)
        np.exp(scores, out=scores)
        # log sum exp = log(1 + sum of the others): so a loss of 1e-20 keeps all its digits
        scores[rows, winners] = 0
        others = scores.sum(axis=1, dtype=np.float64)
        scores[rows, winners] = 1
        scores /= (1 + others)[:, None].astype(scores.dtype)
        subtract_targets(scores, targets)
        return np.maximum(np.log1p(others) - cross + self.regularizer(targets), 0)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        return p, p

    def over(self, xp: Any) -> Any:
        return SoftmaxOverArrays(xp, self)

    def of_rows(self) -> Any:
        return _kernels.row_losses.Softmax()

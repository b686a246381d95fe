"""The logistic loss of independent labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from .. import _kernels
from .._typing import Array, Matrix
from ._base import FenchelYoungLoss
from .arrays import LogisticOverArrays
from .rows import row_sum, subtract_product, subtract_targets


class LogisticLoss(FenchelYoungLoss):
    """Omega(p) = sum_k p_k log p_k + (1 - p_k) log(1 - p_k); p(z) = sigmoid(z).

    The loss is the sum of the logistic losses of the labels, for q_k in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax.losses import LogisticLoss
    >>> scores, targets = np.array([[1.0, 0.5, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> LogisticLoss().gradient(scores, targets).round(3)
    array([[-0.269,  0.622,  0.269]])
    """

    name = "logistic"
    independent_outputs = True
    full_support = True

    def regularizer(self, p: Matrix) -> Array:
        return row_sum(p, _negative_entropy)

    def probabilities(self, scores: Array) -> Array:
        return special.expit(scores, out=scores)

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        # log(1 + e^z) - q z = log(1 + e^-|z|) + max(z, 0) - q z; for q = 1 and z > 0, the last
        # two terms cancel exactly
        linear = np.maximum(scores, 0)
        subtract_product(linear, targets, scores)
        losses = linear.sum(axis=1, dtype=np.float64)
        np.negative(np.abs(scores, out=linear), out=linear)
        losses += np.log1p(np.exp(linear, out=linear), out=linear).sum(axis=1, dtype=np.float64)
        self.probabilities(scores)
        subtract_targets(scores, targets)
        return np.maximum(losses + self.regularizer(targets), 0)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        return p * (1 - p), np.zeros_like(p)

    def over(self, xp: Any) -> Any:
        return LogisticOverArrays(xp, self)

    def of_rows(self) -> Any:
        return _kernels.row_losses.Logistic()


def _negative_entropy(p: Array) -> Array:
    """The terms of Omega. Labels are 0 or 1 in most targets, where they are 0."""
    between = (p > 0) & (p < 1)
    if between.all():
        return special.xlogy(p, p) + special.xlog1py(1 - p, -p)
    terms = np.zeros(p.shape)
    inside = p[between]
    terms[between] = special.xlogy(inside, inside) + special.xlog1py(1 - inside, -inside)
    return terms

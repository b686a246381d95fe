"""The entmax losses, between the softmax loss and the sparsemax loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from .. import _kernels
from .._kernels import entmax
from .._typing import Array, Matrix
from ._base import FenchelYoungLoss
from .entmax_arrays import EntmaxOverArrays
from .rows import row_sum
from .softmax import SoftmaxLoss
from .sparsemax import SparsemaxLoss

# For alpha above 2, the derivative of a small probability has no limit. Larger slopes than this
# would make the Hessian useless for Newton's method.
STEEPEST = 1e8


class EntmaxLoss(FenchelYoungLoss):
    """Omega(p) = (sum_k p_k^alpha - 1) / (alpha (alpha - 1)) on the simplex; p(z) = entmax(z).

    Parameters
    ----------
    alpha : float
        Above 1. For 1 and 2, see `loss_of_entmax`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax.losses import EntmaxLoss
    >>> scores, targets = np.array([[1.0, 0.5, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> EntmaxLoss(1.5).gradient(scores, targets).round(3)
    array([[-0.326,  0.326,  0.   ]])
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.name = f"{alpha:g}-entmax"

    def regularizer(self, p: Matrix) -> Array:
        # (p^(alpha - 1) - 1) / (alpha - 1), with all its digits for alpha near 1
        return (
            row_sum(p, lambda values: values * special.boxcox(values, self.alpha - 1)) / self.alpha
        )

    def probabilities(self, scores: Array) -> Array:
        entmax.map_rows(scores, scores, self.alpha)
        return scores

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        return entmax.loss_and_residual(scores, targets, self.alpha)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        # in double precision, since a negative power of a small float32 may overflow
        p = p.astype(np.float64)
        with np.errstate(over="ignore"):
            slopes = np.power(p, 2 - self.alpha, out=np.zeros_like(p), where=p > 0)
        np.minimum(slopes, STEEPEST, out=slopes)
        totals = slopes @ np.ones(p.shape[1])
        return slopes, slopes / np.sqrt(totals)[:, None]

    def over(self, xp: Any) -> Any:
        return EntmaxOverArrays(xp, self, steepest=STEEPEST)

    def of_rows(self) -> Any:
        if self.alpha == 1.5:
            return _kernels.row_losses.Entmax15()
        return _kernels.row_losses.Entmax(curvature=2 ** (self.alpha - 2), alpha=float(self.alpha))


def loss_of_entmax(alpha: float) -> FenchelYoungLoss:
    """The loss for an alpha of 1 or more: that of the softmax for 1, of the sparsemax for 2.

    Parameters
    ----------
    alpha : float
        How sparse the probabilities are.

    Returns
    -------
    loss : FenchelYoungLoss
        The loss.

    Examples
    --------
    >>> from sklearn_sparsemax.losses import loss_of_entmax
    >>> loss_of_entmax(1.5).name, loss_of_entmax(2).name
    ('1.5-entmax', 'sparsemax')
    """
    if alpha == 1:
        return SoftmaxLoss()
    return SparsemaxLoss() if alpha == 2 else EntmaxLoss(alpha)

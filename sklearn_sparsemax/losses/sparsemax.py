"""The sparsemax loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernels
from .._kernels import row_blocks, simplex
from .._typing import Array, Matrix
from ._base import FenchelYoungLoss
from .arrays import SparsemaxOverArrays
from .rows import row_dot


class SparsemaxLoss(FenchelYoungLoss):
    """`Omega(p) = 1/2 ||p||^2` on the simplex; `p(z) = sparsemax(z)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax.losses import SparsemaxLoss
    >>> scores, targets = np.array([[1.0, 0.5, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> SparsemaxLoss().gradient(scores, targets).round(3)
    array([[-0.25,  0.25,  0.  ]])
    """

    name = "sparsemax"

    def regularizer(self, p: Matrix) -> Array:
        return 0.5 * row_dot(p, p)

    def probabilities(self, scores: Array) -> Array:
        simplex.project_rows(scores, scores)
        return scores

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        return simplex.loss_and_residual(scores, targets)

    def curvature(self, p: Array) -> tuple[Array, Array]:
        support = (p > 0).astype(np.float64)
        # a product, since NumPy is slow along short rows
        sizes = support @ np.ones(p.shape[1])
        return support, support / np.sqrt(sizes)[:, None]

    def mean_jacobian(self, p: Array, weights: Array) -> Array:
        if p.size < row_blocks.LEAST_COMPILED:
            return super().mean_jacobian(p, weights)
        total = np.zeros((p.shape[1], p.shape[1]))
        _kernels.curvature.add_jacobians(p, weights, total)
        return total

    def over(self, xp: Any) -> Any:
        return SparsemaxOverArrays(xp, self)

    def of_rows(self) -> Any:
        return _kernels.row_losses.Sparsemax()

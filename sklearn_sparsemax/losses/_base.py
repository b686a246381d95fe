"""The interface of a loss.

A convex regulariser Omega on a set of probability vectors p defines the value, the gradient and the
probabilities (Blondel, Martins & Niculae 2020). With Omega* its convex conjugate,

    L(z; q) = Omega*(z) + Omega(q) - <q, z> >= 0,      dL/dz = p(z) - q,
    p(z) = argmax_p <p, z> - Omega(p),                 L = 0 if and only if q = p(z),

for scores z and a target distribution q.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from .. import _arrays
from .._typing import Array, Matrix
from .rows import row_dot, subtract_targets


class FenchelYoungLoss(ABC):
    """The loss that a regulariser Omega generates.

    Scores are C-contiguous arrays (n, K) of float32 or float64 without NaN. Targets are dense
    arrays or CSR matrices (n, K) of distributions. All values are per row, in double precision,
    and never negative. Some methods overwrite the scores, so that memory holds one n x K array
    instead of several.

    Attributes
    ----------
    name : str
        Name of the loss in messages.
    independent_outputs : bool
        False if p lies on the simplex. True if each output has its own probability in [0, 1].
    full_support : bool
        Whether all probabilities are positive.
    """

    name: str
    independent_outputs: ClassVar[bool] = False
    full_support: ClassVar[bool] = False

    @abstractmethod
    def regularizer(self, p: Matrix) -> Array:
        """Omega of each row of p (n, K), shape (n,)."""

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """Overwrite the scores (n, K) by the probabilities p(z), and return them."""

    @abstractmethod
    def curvature(self, p: Array) -> tuple[Array, Array]:
        """Arrays c and u (n, K) such that the derivative of p by z is diag(c) - u u^T."""

    def over(self, xp: Any) -> Any:
        """The loss over arrays with the functions `xp` (`losses.arrays`)."""
        raise TypeError(
            f"The {self.name} loss takes arrays of NumPy alone, not those of {xp.__name__}."
        )

    def like(self, array: Any) -> Any:
        """The loss over arrays of the library of an array: itself for NumPy."""
        return self if _arrays.is_numpy(array) else self.over(_arrays.namespace(array))

    def of_rows(self) -> Any:
        """The loss for kernels that visit single rows (`_kernels.row_losses`), None if it lacks."""
        return None

    def mean_jacobian(self, p: Array, weights: Array) -> Array:
        """Weighted sum over the rows of the derivative of p by z, shape (K, K)."""
        c, u = self.curvature(p)
        diagonal = np.diag(weights @ c)
        return diagonal if self.independent_outputs else diagonal - (u * weights[:, None]).T @ u

    def value(self, scores: Array, targets: Matrix) -> Array:
        """L(z; q) of each row, shape (n,)."""
        return self.value_and_residual(scores.copy(), targets)

    def gradient(self, scores: Array, targets: Matrix) -> Array:
        """Gradient p(z) - q by the scores, shape (n, K)."""
        residual = scores.copy()
        self.value_and_residual(residual, targets)
        return residual

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        """Return L(z; q) (n,), and overwrite the scores (n, K) by the gradient p(z) - q.

        The value is computed as Omega(q) - Omega(p) + <p - q, z>. On the simplex, the largest score
        of the row is subtracted from z first.
        """
        z = scores.astype(np.float64)
        if not self.independent_outputs:
            z -= z.max(axis=1, keepdims=True)
        p = self.probabilities(scores)
        conjugate = row_dot(p, z) - self.regularizer(p)
        losses = conjugate + self.regularizer(targets) - row_dot(targets, z)
        subtract_targets(scores, targets)
        return np.maximum(losses, 0)

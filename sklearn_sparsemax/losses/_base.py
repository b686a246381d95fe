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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax.losses import FenchelYoungLoss, SparsemaxLoss
    >>> loss = SparsemaxLoss()
    >>> isinstance(loss, FenchelYoungLoss), loss.independent_outputs, loss.full_support
    (True, False, False)
    >>> loss.probabilities(np.array([[1.0, 0.5, -1.0]]))
    array([[0.75, 0.25, 0.  ]])
    """

    name: str
    independent_outputs: ClassVar[bool] = False
    full_support: ClassVar[bool] = False

    @abstractmethod
    def regularizer(self, p: Matrix) -> Array:
        """Omega of each row.

        Parameters
        ----------
        p : ndarray or CSR matrix of shape (n, K)
            Distributions.

        Returns
        -------
        omega : ndarray of shape (n,)
            The values.
        """

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """Overwrite the scores by the probabilities p(z), and return them.

        Parameters
        ----------
        scores : ndarray of shape (n, K)
            Scores z. They are overwritten.

        Returns
        -------
        p : ndarray of shape (n, K)
            The probabilities, in the array of the scores.
        """

    @abstractmethod
    def curvature(self, p: Array) -> tuple[Array, Array]:
        """Arrays c and u such that the derivative of p by z is `diag(c) - u u^T`.

        Parameters
        ----------
        p : ndarray of shape (n, K)
            Probabilities.

        Returns
        -------
        c : ndarray of shape (n, K)
            The diagonal.
        u : ndarray of shape (n, K)
            The vectors of the products.
        """

    def over(self, xp: Any) -> Any:
        """The loss over arrays with the functions `xp` (`losses.arrays`).

        Parameters
        ----------
        xp : module
            The functions of the array library.

        Returns
        -------
        loss : object
            The same loss for these arrays.
        """
        raise TypeError(
            f"The {self.name} loss takes arrays of NumPy alone, not those of {xp.__name__}."
        )

    def like(self, array: Any) -> Any:
        """The loss over arrays of the library of an array: itself for NumPy.

        Parameters
        ----------
        array : array
            Any array of the library.

        Returns
        -------
        loss : object
            The loss for such arrays.
        """
        return self if _arrays.is_numpy(array) else self.over(_arrays.namespace(array))

    def of_rows(self) -> Any:
        """The loss for kernels that visit single rows (`_kernels.row_losses`).

        Returns
        -------
        loss : tuple or None
            None if there are no such kernels for this loss.
        """
        return None

    def mean_jacobian(self, p: Array, weights: Array) -> Array:
        """Weighted sum over the rows of the derivative of p by z.

        Parameters
        ----------
        p : ndarray of shape (n, K)
            Probabilities.
        weights : ndarray of shape (n,)
            Weights of the rows.

        Returns
        -------
        total : ndarray of shape (K, K)
            The sum.
        """
        c, u = self.curvature(p)
        diagonal = np.diag(weights @ c)
        return diagonal if self.independent_outputs else diagonal - (u * weights[:, None]).T @ u

    def value(self, scores: Array, targets: Matrix) -> Array:
        """The loss L(z; q) of each row.

        Parameters
        ----------
        scores : ndarray of shape (n, K)
            Scores z.
        targets : ndarray or CSR matrix of shape (n, K)
            Target distributions q.

        Returns
        -------
        losses : ndarray of shape (n,)
            The losses, 0 or more.
        """
        return self.value_and_residual(scores.copy(), targets)

    def gradient(self, scores: Array, targets: Matrix) -> Array:
        """Gradient p(z) - q by the scores.

        Parameters
        ----------
        scores : ndarray of shape (n, K)
            Scores z.
        targets : ndarray or CSR matrix of shape (n, K)
            Target distributions q.

        Returns
        -------
        gradient : ndarray of shape (n, K)
            The gradient.
        """
        residual = scores.copy()
        self.value_and_residual(residual, targets)
        return residual

    def value_and_residual(self, scores: Array, targets: Matrix) -> Array:
        """Return L(z; q), and overwrite the scores by the gradient p(z) - q.

        The value is computed as Omega(q) - Omega(p) + <p - q, z>. On the simplex, the largest score
        of the row is subtracted from z first.

        Parameters
        ----------
        scores : ndarray of shape (n, K)
            Scores z. They are overwritten.
        targets : ndarray or CSR matrix of shape (n, K)
            Target distributions q.

        Returns
        -------
        losses : ndarray of shape (n,)
            The losses, 0 or more.
        """
        z = scores.astype(np.float64)
        if not self.independent_outputs:
            z -= z.max(axis=1, keepdims=True)
        p = self.probabilities(scores)
        conjugate = row_dot(p, z) - self.regularizer(p)
        losses = conjugate + self.regularizer(targets) - row_dot(targets, z)
        subtract_targets(scores, targets)
        return np.maximum(losses, 0)

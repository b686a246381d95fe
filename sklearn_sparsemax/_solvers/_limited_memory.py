"""The inverse Hessian that L-BFGS infers from its last steps, in compact form.

With the last m steps s_i and changes of the gradient y_i as rows of S and Y, r_ij = s_i^T y_j
where s_i is not younger than y_j and 0 elsewhere, D the diagonal of R and gamma = s^T y / y^T y
of the last pair, the two-loop recursion is the same as (Byrd, Nocedal & Schnabel 1994)

    H g = gamma g + S^T a - gamma Y^T u,   u = R^-1 S g,
                                           a = R^-T (D u + gamma Y Y^T u - gamma Y g).

The m x m matrices are kept, and their new entries are differences of the products S g and Y g
at successive gradients. So an iteration reads S and Y twice, in products with one vector
each, however many pairs there are: with millions of coefficients reading them is what costs.
"""

from __future__ import annotations

import numpy as np

from .._typing import Array

EPS = np.finfo(np.float64).eps


class LimitedMemory:
    """The last `n_pairs` steps of a minimisation from where the gradient is given."""

    def __init__(self, n_pairs: int, gradient: Array) -> None:
        self._steps = np.empty((n_pairs, gradient.size))
        self._changes = np.empty((n_pairs, gradient.size))
        # R in the order of the rows of S and Y, which a new pair takes in turn
        self._R = np.empty((n_pairs, n_pairs))
        self._YY = np.empty((n_pairs, n_pairs))
        self._products = np.empty(0), np.empty(0)
        self._gradient = gradient
        self._gamma = 1.0
        self._n_updates = 0

    @property
    def n_pairs(self) -> int:
        """Number of pairs kept."""
        return self._products[0].size

    def direction(self) -> Array:
        """-H g for the last gradient g."""
        Sg, Yg = self._products
        m = self.n_pairs
        if m == 0:
            return -self._gradient
        R, gamma = self._R[:m, :m], self._gamma
        u = np.linalg.solve(R, Sg)
        a = np.linalg.solve(R.T, R.diagonal() * u + gamma * (self._YY[:m, :m] @ u - Yg))
        direction = self._gradient * -gamma
        direction -= a @ self._steps[:m]
        direction += (gamma * u) @ self._changes[:m]
        return direction

    def update(self, step: Array, gradient: Array) -> None:
        """Take in a step and the gradient where it led."""
        change = gradient - self._gradient
        step_change, change_change = step @ change, change @ change
        # rounding may turn the curvature of a convex function, or find none
        is_curved = step_change > EPS * change_change
        k = self._n_updates % len(self._steps)
        if is_curved:
            self._steps[k] = step
            self._changes[k] = change
            self._gamma = step_change / change_change
            self._n_updates += 1
        m = min(self._n_updates, len(self._steps))
        Sg, Yg = self._steps[:m] @ gradient, self._changes[:m] @ gradient
        if is_curved:
            old = [np.resize(product, m) for product in self._products]
            self._R[k, :m] = 0
            self._R[:m, k] = Sg - old[0]
            self._R[k, k] = step_change
            self._YY[k, :m] = self._YY[:m, k] = Yg - old[1]
            self._YY[k, k] = change_change
        self._products = Sg, Yg
        self._gradient = gradient

"""L-BFGS: quasi-Newton steps with the Hessian that the last few steps tell of.

With the last m steps s_i and changes of the gradient y_i as rows of S and Y, r_ij = s_i^T y_j
where s_i is not younger than y_j and 0 elsewhere, D the diagonal of R and gamma = s^T y / y^T y
of the last pair, the two-loop recursion is the same as (Byrd, Nocedal & Schnabel 1994)

    H g = gamma g + S^T a - gamma Y^T u,   u = R^-1 S g,
                                           a = R^-T (D u + gamma Y Y^T u - gamma Y g).

The m x m matrices are kept, and their new entries are differences of the products S g and Y g
at successive gradients. So an iteration reads S and Y twice, in products with one vector
each, however many pairs there are: with millions of coefficients reading them is what costs.
It is shared among threads of our own, for those of BLAS would go on spinning for a while on the
cores that the next evaluation needs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import numpy as np

from .._kernels.blas import blas_threads_for
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._problem.objective import Objective
from .._problem.progress import SILENT, Progress
from .._typing import Array
from ._descent import Descent, Point
from .solution import Solution

Result = TypeVar("Result")

EPS = np.finfo(np.float64).eps
# Variables of which products are formed at a time.
CHUNK = 2**16


def solve(
    objective: Objective, start: Array, *, tol: float, max_iter: int, progress: Progress = SILENT
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual: the run ends when the largest entry of the gradient is
    at most tol times that at zero.
    """
    n_pairs = _n_pairs(start.size)
    with blas_threads_for(0):
        descent = Descent(objective, tol=tol, progress=progress, with_outliers=True)
        return descent.run(LimitedMemory(n_pairs, start.size), start, max_iter)


def _n_pairs(size: int) -> int:
    """Pairs that approximate the Hessian: 30 save a quarter of the iterations of the usual 10.

    They hold 2 x size numbers each, so they stay at 10 where the coefficients are large.
    """
    return int(np.clip(2**22 // size, 10, 30))


class LimitedMemory:
    """The inverse Hessian of the last `n_pairs` steps."""

    name = "lbfgs"
    iterations_per_line = 10

    def __init__(self, n_pairs: int, size: int) -> None:
        self._steps = np.empty((n_pairs, size))
        self._changes = np.empty((n_pairs, size))
        # R in the order of the rows of S and Y, which new pairs take in turn
        self._R = np.empty((n_pairs, n_pairs))
        self._YY = np.empty((n_pairs, n_pairs))
        self._Sg, self._Yg = np.empty(0), np.empty(0)
        self._last: Point | None = None
        self._n_updates = 0

    def forget(self) -> bool:
        """Start again from the identity."""
        forgets = self._n_updates > 0
        self._last = None
        self._n_updates = 0
        return forgets

    def direction(self, point: Point) -> tuple[Array, float]:
        """-H g; to be tried in full, but for the first."""
        gradient = point.gradient
        if self._last is not None:
            step, change = point.variables - self._last.variables, gradient - self._last.gradient
            self._update(step, change, gradient)
        self._last = point
        m = self._n_kept
        if m == 0:
            return -gradient, 1 / max(1.0, float(np.linalg.norm(gradient)))
        R, gamma = self._R[:m, :m], self._gamma
        u = np.linalg.solve(R, self._Sg)
        a = np.linalg.solve(R.T, R.diagonal() * u + gamma * (self._YY[:m, :m] @ u - self._Yg))
        direction = gradient * -gamma
        gamma_u = gamma * u

        def combine(chunk: slice) -> None:
            direction[chunk] -= a @ self._steps[:m, chunk]
            direction[chunk] += gamma_u @ self._changes[:m, chunk]

        _for_chunks(combine, m, gradient.size)
        return direction, 1.0

    @property
    def _n_kept(self) -> int:
        return min(self._n_updates, len(self._steps))

    def _update(self, step: Array, change: Array, gradient: Array) -> None:
        """Take in a step, the change of the gradient, and the gradient where it led."""
        step_change, change_change = float(step @ change), float(change @ change)
        # rounding may hide the curvature of a convex function
        is_curved = step_change > EPS * change_change
        if is_curved:
            k = self._n_updates % len(self._steps)
            self._steps[k], self._changes[k] = step, change
            self._gamma = step_change / change_change
            self._n_updates += 1
        m = self._n_kept

        def products(chunk: slice) -> Array:
            g = gradient[chunk]
            return np.array([self._steps[:m, chunk] @ g, self._changes[:m, chunk] @ g])

        Sg, Yg = np.sum(_for_chunks(products, m, gradient.size), axis=0)
        if is_curved:
            known = [i for i in range(m) if i != k]
            self._R[k, :m] = 0
            self._R[known, k] = Sg[known] - self._Sg[known]
            self._R[k, k] = step_change
            self._YY[k, known] = self._YY[known, k] = Yg[known] - self._Yg[known]
            self._YY[k, k] = change_change
        self._Sg, self._Yg = Sg, Yg


def _for_chunks(function: Callable[[slice], Result], n_pairs: int, size: int) -> list[Result]:
    """Results of function(chunk) for chunks of the variables, on threads, in order.

    The chunks do not depend on the number of threads, so neither do sums over them.
    """
    bounds = even_bounds(size, -(-size // CHUNK))
    chunks = [slice(start, stop) for start, stop in pairwise(bounds)]

    def some(first: int, last: int) -> list[Result]:
        return [function(chunk) for chunk in chunks[first:last]]

    parts = run_blocks(some, even_bounds(len(chunks), n_threads(2 * n_pairs * size)))
    return [result for part in parts for result in part]

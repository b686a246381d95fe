"""L-BFGS: quasi-Newton steps. The last few steps approximate the inverse Hessian.

The rows of S and Y are the last m steps s_i and the changes y_i of the gradient. R has the entries
r_ij = s_i^T y_j if s_i is not younger than y_j, and 0 elsewhere. D is the diagonal of R, and
gamma = s^T y / y^T y of the last pair. The two-loop recursion then equals
(Byrd, Nocedal & Schnabel 1994)

    H g = gamma g + S^T a - gamma Y^T u,   u = R^-1 S g,
                                           a = R^-T (D u + gamma Y Y^T u - gamma Y g).

The m x m matrices are kept. Their new entries are differences of the products S g and Y g at
successive gradients. So an iteration reads S and Y twice, in products with one vector each, for any
number of pairs. With millions of coefficients, this reading is the main cost. Our own threads share
it. The threads of BLAS would wait actively on the cores that the next evaluation needs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import numpy as np

from .. import _arrays
from .._kernels.blas import blas_threads_for
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._problem.progress import SILENT, Progress
from .._problem.protocol import Problem
from .._typing import Array
from ._descent import Descent, Point
from .solution import Solution

Result = TypeVar("Result")

EPS = np.finfo(np.float64).eps
# Number of variables in a chunk of the products.
CHUNK = 2**16


def solve(
    objective: Problem,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    progress: Progress = SILENT,
    patience: float = np.inf,
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual. The solver then stops when the largest entry of the gradient is
    at most tol times the largest one at zero. It gives up if it expects to need more than
    `patience` further iterations (`_descent.Pace`).
    """
    size = _arrays.size(start)
    with blas_threads_for(0):
        descent = Descent(
            objective, tol=tol, progress=progress, with_outliers=True, patience=patience
        )
        return descent.run(LimitedMemory(_n_pairs(size), size, start), start, max_iter)


def _n_pairs(size: int) -> int:
    """Number of pairs: 30 pairs save a quarter of the iterations, compared with the usual 10.

    A pair holds 2 x size numbers. With very many coefficients, 10 pairs are kept.
    """
    return int(np.clip(2**22 // size, 10, 30))


class LimitedMemory:
    """Approximate inverse Hessian, from the last `n_pairs` steps.

    S and Y lie beside the coefficients, of which `like` are some. The small matrices are on the
    host.
    """

    name = "lbfgs"
    iterations_per_line = 10

    def __init__(self, n_pairs: int, size: int, like: Array) -> None:
        self._pairs = (_Pairs if _arrays.is_numpy(like) else _ArrayPairs)(n_pairs, size, like)
        self._n_pairs = n_pairs
        # R has the order of the rows of S and Y; a new pair replaces the oldest one
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
        """-H g, and the step length 1; the first step is a gradient step of length at most 1."""
        gradient = point.gradient
        if self._last is not None:
            step, change = point.variables - self._last.variables, gradient - self._last.gradient
            self._update(step, change, gradient)
        self._last = point
        m = self._n_kept
        if m == 0:
            return -gradient, 1 / max(1.0, _arrays.norm(gradient))
        R, gamma = self._R[:m, :m], self._gamma
        u = np.linalg.solve(R, self._Sg)
        a = np.linalg.solve(R.T, R.diagonal() * u + gamma * (self._YY[:m, :m] @ u - self._Yg))
        return self._pairs.combine(gradient * -gamma, a, gamma * u), 1.0

    @property
    def _n_kept(self) -> int:
        return min(self._n_updates, self._n_pairs)

    def _update(self, step: Array, change: Array, gradient: Array) -> None:
        """Store a step and the change of the gradient; update products with the new gradient."""
        step_change, change_change = float(step @ change), float(change @ change)
        # rounding may make the curvature of a convex function look negative
        is_curved = step_change > EPS * change_change
        if is_curved:
            k = self._n_updates % self._n_pairs
            self._pairs.store(k, step, change)
            self._gamma = step_change / change_change
            self._n_updates += 1
        m = self._n_kept
        Sg, Yg = self._pairs.products(m, gradient)
        if is_curved:
            known = [i for i in range(m) if i != k]
            self._R[k, :m] = 0
            self._R[known, k] = Sg[known] - self._Sg[known]
            self._R[k, k] = step_change
            self._YY[k, known] = self._YY[known, k] = Yg[known] - self._Yg[known]
            self._YY[k, k] = change_change
        self._Sg, self._Yg = Sg, Yg


class _Pairs:
    """The rows of S and Y, in chunks of the variables that threads share."""

    def __init__(self, n_pairs: int, size: int, like: Array) -> None:
        self._steps = np.empty((n_pairs, size))
        self._changes = np.empty((n_pairs, size))

    def store(self, k: int, step: Array, change: Array) -> None:
        """Make a step and a change of the gradient the rows k."""
        self._steps[k], self._changes[k] = step, change

    def products(self, m: int, gradient: Array) -> Array:
        """S g and Y g for the first m rows, shape (2, m)."""

        def products(chunk: slice) -> Array:
            g = gradient[chunk]
            return np.array([self._steps[:m, chunk] @ g, self._changes[:m, chunk] @ g])

        return np.sum(_for_chunks(products, m, gradient.size), axis=0)

    def combine(self, direction: Array, a: Array, gamma_u: Array) -> Array:
        """The direction, overwritten, - S^T a + gamma Y^T u."""
        m = len(a)

        def combine(chunk: slice) -> None:
            direction[chunk] -= a @ self._steps[:m, chunk]
            direction[chunk] += gamma_u @ self._changes[:m, chunk]

        _for_chunks(combine, m, direction.size)
        return direction


class _ArrayPairs:
    """The rows of S and Y on the device of the coefficients. Products with them reach the host."""

    def __init__(self, n_pairs: int, size: int, like: Array) -> None:
        self._steps = _arrays.zeros((n_pairs, size), like)
        self._changes = _arrays.zeros((n_pairs, size), like)

    def store(self, k: int, step: Array, change: Array) -> None:
        """Make a step and a change of the gradient the rows k."""
        self._steps[k, :], self._changes[k, :] = step, change

    def products(self, m: int, gradient: Array) -> Array:
        """S g and Y g for the first m rows, shape (2, m), on the host."""
        products = [self._steps[:m, :] @ gradient, self._changes[:m, :] @ gradient]
        return _arrays.on_host(_arrays.namespace(gradient).stack(products)).astype(np.float64)

    def combine(self, direction: Array, a: Array, gamma_u: Array) -> Array:
        """The direction - S^T a + gamma Y^T u."""
        m = len(a)
        factors = _arrays.beside(np.array([a, gamma_u]), direction)
        return direction - factors[0, :] @ self._steps[:m, :] + factors[1, :] @ self._changes[:m, :]


def _for_chunks(function: Callable[[slice], Result], n_pairs: int, size: int) -> list[Result]:
    """Results of function(chunk) for chunks of the variables, on threads, in order.

    The chunks do not depend on the number of threads. Neither do sums over them.
    """
    bounds = even_bounds(size, -(-size // CHUNK))
    chunks = [slice(start, stop) for start, stop in pairwise(bounds)]

    def some(first: int, last: int) -> list[Result]:
        return [function(chunk) for chunk in chunks[first:last]]

    parts = run_blocks(some, even_bounds(len(chunks), n_threads(2 * n_pairs * size)))
    return [result for part in parts for result in part]

"""Newton's method with steps by conjugate gradients, for losses that curve on few rows.

Rows on which a sparse loss is linear, because one output takes all the probability, have no
part in the Hessian. Once the others are gathered, a product with it costs only their share of an
evaluation; and since the direction need not be exact, half of that again in single precision.

The gradient of the sparsemax loss is piecewise linear: Newton's method is semismooth there, and
converges in finitely many steps (Qi & Sun 1993). Directions are solved for more accurately as
the gradient falls (Dembo, Eisenstat & Steihaug 1982).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .._kernels.blas import blas_threads_for
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._problem.objective import Objective
from .._problem.progress import SILENT, Progress
from .._typing import Array, Matrix
from ._descent import Descent, Point
from .solution import Solution
from .standardisation import Standardisation

MAX_PRODUCTS = 250
# Of a direction's equation, what part may remain at first.
LOOSEST = 0.5
# Rows that hold so many numbers stay in the cache between their two uses in a product.
NUMBERS_PER_PART = 2**19
# Where the loss is linear the Hessian vanishes. A ridge, in units of the curvature expected of
# standardised features, keeps the steps there short; it falls as the gradient does.
RIDGE = 1e-4


def solve(
    objective: Objective, start: Array, *, tol: float, max_iter: int, progress: Progress = SILENT
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual: the run ends when the largest entry of the gradient is
    at most tol times that at zero.
    """
    with blas_threads_for(0):
        descent = Descent(objective, tol=tol, progress=progress)
        return descent.run(NewtonCG(descent), start, max_iter)


class NewtonCG:
    """Truncated Newton directions."""

    name = "newton-cg"
    iterations_per_line = 1

    def __init__(self, descent: Descent) -> None:
        self._descent = descent
        self._norm_at_start = 0.0

    def forget(self) -> bool:
        """Every direction is fresh."""
        return False

    def direction(self, point: Point) -> tuple[Array, float]:
        """Solution of H p = -g, to a part of g that falls as g does; to be tried in full."""
        objective, standardisation = self._descent.objective, self._descent.standardisation
        norm = float(np.linalg.norm(point.gradient))
        self._norm_at_start = max(self._norm_at_start, norm)
        fall = norm / self._norm_at_start
        coef = self._descent.coef(point.variables)
        hessian = StandardisedHessian(objective, standardisation, coef, ridge=RIDGE * fall)
        remaining = min(LOOSEST, fall**0.3)
        return _conjugate_gradients(hessian, point.gradient, remaining), 1.0


def _conjugate_gradients(hessian: StandardisedHessian, gradient: Array, remaining: float) -> Array:
    """Approximate -H^-1 g, preconditioned by the diagonal of H."""
    solution = np.zeros_like(gradient)
    residual = -gradient
    preconditioned = residual / hessian.diagonal
    search = preconditioned.copy()
    square = first_square = residual @ preconditioned
    for _ in range(MAX_PRODUCTS):
        product = hessian @ search
        curvature = search @ product
        if not curvature > 0:
            break
        length = square / curvature
        solution += length * search
        residual -= length * product
        preconditioned = residual / hessian.diagonal
        previous, square = square, residual @ preconditioned
        if square <= remaining**2 * first_square:
            break
        search *= square / previous
        search += preconditioned
    return solution


class StandardisedHessian:
    """The Hessian of F by the standardised variables, raveled.

    Dense features are gathered as they are seen by the variables, centred and scaled, in single
    precision. Sparse features stay as they are, in double precision, and the variables change.
    """

    def __init__(
        self, objective: Objective, standardisation: Standardisation, coef: Array, *, ridge: float
    ) -> None:
        self._n_features = objective.n_features
        self._shape = objective.shape
        scale, mean = standardisation.scale[:, 0], standardisation.mean
        self._penalty = np.full((self._shape[0], 1), ridge)
        self._penalty[: self._n_features, 0] += objective.alpha * scale**2
        self._center = np.zeros((self._n_features, 1))
        if sparse.issparse(objective.X) and mean is not None:
            self._center[:, 0] = mean * scale
        self._parts: list[tuple[Matrix, Array, Array]] = []
        diagonal = np.zeros(self._shape)
        for X, c, u in objective.curved_rows(coef):
            if sparse.issparse(X):
                X = X.multiply(scale).tocsr()
                squares = X.multiply(X)
                n_rows = max(1, len(c))
            else:
                X = X - (0 if mean is None else mean.astype(X.dtype))
                X *= scale
                X, c, u = X.astype(np.float32), c.astype(np.float32), u.astype(np.float32)
                squares = X**2
                n_rows = max(1, NUMBERS_PER_PART // X.shape[1])
            h = c - u**2
            total = h.sum(axis=0, dtype=np.float64)
            diagonal[: self._n_features] += squares.T @ h
            diagonal[: self._n_features] += self._center * (self._center * total - 2 * (X.T @ h))
            diagonal[self._n_features :] += total
            for i in range(0, len(c), n_rows):
                self._parts.append((X[i : i + n_rows], c[i : i + n_rows], u[i : i + n_rows]))
        self._n_threads = n_threads(sum(X.size for X, _, _ in self._parts))
        # rounding may leave a constant feature less than nothing
        self.diagonal = (np.maximum(diagonal, 0) + self._penalty).ravel()

    def __matmul__(self, direction: Array) -> Array:
        V = direction.reshape(self._shape)
        W, intercept = V[: self._n_features], V[self._n_features :]
        offset = intercept.sum(axis=0) - (self._center * W).sum(axis=0)

        def product_of(start: int, stop: int) -> Array:
            product = np.zeros(self._shape)
            total = np.zeros(self._shape[1])
            for X, c, u in self._parts[start:stop]:
                scores = X @ W.astype(X.dtype, copy=False)
                scores += offset.astype(X.dtype, copy=False)
                along = np.einsum("ij,ij->i", u, scores)
                scores *= c
                scores -= u * along[:, None]
                product[: self._n_features] += X.T @ scores
                total += scores.sum(axis=0, dtype=np.float64)
            product[: self._n_features] -= self._center * total
            product[self._n_features :] = total
            return product

        bounds = even_bounds(len(self._parts), self._n_threads)
        product = sum(run_blocks(product_of, bounds), self._penalty * V)
        return product.ravel()

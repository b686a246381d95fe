"""Newton's method with conjugate gradients, for losses with curvature on few rows.

A sparse loss is linear on rows where one output has all the probability. Such rows do not
contribute to the Hessian. The other rows are collected. A product with the Hessian then costs only
their share of an evaluation. The direction need not be exact. So single precision is enough, and
halves this cost.

The gradient of the sparsemax loss is piecewise linear. Newton's method is then a semismooth method,
and converges in finitely many steps (Qi & Sun 1993). The smaller the gradient, the more accurate
the directions (Dembo, Eisenstat & Steihaug 1982).
"""

from __future__ import annotations

from .. import _arrays
from .._kernels.blas import blas_threads_for
from .._problem.progress import SILENT, Progress
from .._problem.protocol import Problem
from .._typing import Array
from ._descent import Descent, Point
from .solution import Solution
from .standardisation import Standardisation

MAX_PRODUCTS = 250
# Largest relative residual of the equation of a direction.
LOOSEST = 0.5
# The Hessian vanishes where the loss is linear. A ridge keeps the steps there short. Its unit is
# the expected curvature of standardised features. It falls with the gradient.
RIDGE = 1e-4


def solve(
    objective: Problem, start: Array, *, tol: float, max_iter: int, progress: Progress = SILENT
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual. The solver then stops when the largest entry of the gradient is
    at most tol times the largest one at zero.
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
        """No direction depends on earlier points."""
        return False

    def direction(self, point: Point) -> tuple[Array, float]:
        """Approximate solution of H p = -g, more accurate for a smaller g; step length 1."""
        objective, standardisation = self._descent.objective, self._descent.standardisation
        norm = _arrays.norm(point.gradient)
        self._norm_at_start = max(self._norm_at_start, norm)
        fall = norm / self._norm_at_start
        coef = self._descent.coef(point.variables)
        hessian = StandardisedHessian(objective, standardisation, coef, ridge=RIDGE * fall)
        remaining = min(LOOSEST, fall**0.3)
        return _conjugate_gradients(hessian, point.gradient, remaining), 1.0


def _conjugate_gradients(hessian: StandardisedHessian, gradient: Array, remaining: float) -> Array:
    """Approximate -H^-1 g. The preconditioner is the diagonal of H."""
    solution = _arrays.zeros(gradient.shape, gradient)
    residual = -gradient
    preconditioned = residual / hessian.diagonal
    search = _arrays.copy_of(preconditioned)
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
    """The Hessian of F by the standardised variables, raveled, with a ridge."""

    def __init__(
        self, objective: Problem, standardisation: Standardisation, coef: Array, *, ridge: float
    ) -> None:
        self._shape = objective.shape
        scale = standardisation.scale[:, 0]
        self._penalty = _arrays.filled((self._shape[0], 1), ridge, scale)
        self._penalty[: objective.n_features, 0] += objective.alpha * scale**2
        self._curvature = objective.curvature(coef, scale, standardisation.mean)
        # rounding may make the entry of a constant feature negative
        diagonal = self._curvature.diagonal
        diagonal = _arrays.namespace(diagonal).maximum(diagonal, _arrays.zeros(self._shape, scale))
        self.diagonal = _arrays.ravel(diagonal + self._penalty)

    def __matmul__(self, direction: Array) -> Array:
        variables = _arrays.namespace(direction).reshape(direction, self._shape)
        return _arrays.ravel(self._curvature.product(variables) + self._penalty * variables)

"""SciPy's L-BFGS-B, in the variables of standardised features.

The run ends when the duality gap is proven to be small enough. Most of the gap,
||grad_W F||^2 / (2 alpha), comes free with each evaluation. Only when that part is below the
tolerance is the intercept balanced and the whole gap computed; if it is too large still, the
same run goes on and asks again when the part has halved.
"""

from __future__ import annotations

import numpy as np

from .._objective import Objective
from .._typing import Array
from ._blas import blas_threads_for
from .solution import Solution, Tolerance
from .standardisation import Standardisation


def solve(
    objective: Objective, start: Array, *, tol: float, max_iter: int, verbose: int = 0
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual: the run ends when the largest entry of the gradient is
    at most tol times that at zero.
    """
    with blas_threads_for(objective.X.size * objective.n_outputs):
        return _Run(objective, tol=tol, verbose=verbose).minimize(start, max_iter)


def _n_corrections(size: int) -> int:
    """Pairs that approximate the Hessian: 30 save a quarter of the iterations of SciPy's 10.

    They hold 2 x size numbers each, so they stay at 10 where the coefficients are large.
    """
    return int(np.clip(2**22 // size, 10, 30))


class _Run:
    """State of one minimisation: the last evaluation, and when to stop."""

    def __init__(self, objective: Objective, *, tol: float, verbose: int) -> None:
        self.objective = objective
        self.verbose = verbose
        self.dtype = objective.X.dtype
        self.variables = Standardisation(objective)
        self.tolerance = Tolerance(objective, tol)
        self.certify_below = self.tolerance.bound
        self.n_iter = 0
        self.certified: Solution | None = None

    def minimize(self, start: Array, max_iter: int) -> Solution:
        from scipy.optimize import minimize

        x, lowest = self.variables.from_coef(start).ravel(), np.inf
        self._evaluate(x)
        solution = self._certify_if_near()
        while solution is None:
            result = minimize(
                self._evaluate,
                x,
                jac=True,
                method="L-BFGS-B",
                callback=self._after_iteration,
                # nothing but max_iter, the callback and floating point ends a run
                options={
                    "maxiter": max_iter - self.n_iter,
                    "maxfun": np.iinfo(np.int32).max,
                    "maxls": 50,
                    "maxcor": _n_corrections(start.size),
                    "ftol": 0.0,
                    "gtol": 0.0,
                },
            )
            if self.certified is not None:
                solution = self.certified
            elif self.n_iter < max_iter and result.fun < lowest:
                # a line search that failed may succeed from the same point along the
                # gradient; if F did not fall since the last such restart, nothing will
                x, lowest = result.x, result.fun
            elif self.n_iter < max_iter and self.dtype != np.float64:
                # differences below the rounding of single precision, double still sees
                x, lowest, self.dtype = result.x, np.inf, np.dtype(np.float64)
            else:
                message = (
                    f"max_iter={max_iter} iterations are spent."
                    if self.n_iter >= max_iter
                    else "Floating point allows no further decrease."
                )
                coef = self.variables.to_coef(result.x.reshape(self.objective.shape))
                solution = self.tolerance.certify(coef, self.n_iter, message)
        if self.verbose > 0:
            print(
                f"[lbfgs] {solution.message} objective {solution.objective:.8e}  "
                f"duality gap {solution.dual_gap:.2e}"
            )
        return solution

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        self.coef = self.variables.to_coef(x.reshape(self.objective.shape))
        self.value, self.gradient = self.objective.value_and_gradient(self.coef, self.dtype)
        return self.value, self.variables.gradient(self.gradient).ravel()

    def _after_iteration(self, intermediate_result: object) -> None:
        # SciPy's line search evaluates last the point that it accepts
        self.n_iter += 1
        self.certified = self._certify_if_near()
        if self.certified is not None:
            raise StopIteration

    def _certify_if_near(self) -> Solution | None:
        distance = self.tolerance.distance(self.gradient)
        if self.verbose > 0 and self.n_iter % 10 == 0:
            print(
                f"[lbfgs] iteration {self.n_iter:5d}  objective {self.value:.8e}  "
                f"distance {distance:.2e} of {self.tolerance.bound:.2e}"
            )
        if distance > self.certify_below:
            return None
        solution = self.tolerance.certify(self.coef, self.n_iter, "The tolerance is met.")
        if solution.converged:
            return solution
        self.certify_below = 0.5 * distance
        return None

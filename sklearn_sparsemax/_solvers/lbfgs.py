"""SciPy's L-BFGS-B, in the variables of standardised features.

The run ends when the duality gap is proven to be small enough. Most of the gap,
||grad_W F||^2 / (2 alpha), comes free with each evaluation. Only when that part is below the
tolerance is the intercept balanced and the whole gap computed; if it is too large still, the
same run goes on and asks again when the part has halved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._objective import Certificate, Objective
from ._blas import single_threaded_scipy_blas
from .solution import Solution, Tolerance
from .standardisation import Standardisation

Array = NDArray[np.float64]


def solve(
    objective: Objective, start: Array, *, tol: float, max_iter: int, verbose: int = 0
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    With alpha = 0 there is no dual: the run ends when the largest entry of the gradient is
    at most tol times that at zero.
    """
    with single_threaded_scipy_blas():
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
        self.variables = Standardisation(objective)
        self.tolerance = Tolerance(objective, tol)
        self.certify_below = self.tolerance.bound
        self.n_iter = 0
        self.solution: Solution | None = None

    def minimize(self, start: Array, max_iter: int) -> Solution:
        from scipy.optimize import minimize

        x, lowest = self.variables.from_coef(start).ravel(), np.inf
        self._evaluate(x)
        self._certify_if_near()
        while self.solution is None:
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
            if self.solution is not None:
                break
            # a line search that failed may succeed from the same point along the gradient;
            # if the objective did not fall since the last such restart, nothing will
            if self.n_iter >= max_iter:
                message = f"max_iter={max_iter} iterations are spent."
            elif result.fun < lowest:
                x, lowest = result.x, result.fun
                continue
            else:
                message = "Floating point allows no further decrease."
            coef = self.variables.to_coef(result.x.reshape(self.objective.shape))
            self.solution = self.tolerance.certify(coef, self.n_iter, message)
        if self.verbose > 0:
            print(
                f"[lbfgs] {self.solution.message} objective {self.solution.objective:.8e}  "
                f"duality gap {self.solution.dual_gap:.2e}"
            )
        return self.solution

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        self.coef = self.variables.to_coef(x.reshape(self.objective.shape))
        self.value, self.gradient = self.objective.value_and_gradient(self.coef)
        return self.value, self.variables.gradient(self.gradient).ravel()

    def _after_iteration(self, intermediate_result: object) -> None:
        # SciPy's line search evaluates last the point that it accepts
        self.n_iter += 1
        self._certify_if_near()
        if self.solution is not None:
            raise StopIteration

    def _certify_if_near(self) -> None:
        distance = self.tolerance.distance(self.gradient)
        if self.verbose > 0 and self.n_iter % 10 == 0:
            print(
                f"[lbfgs] iteration {self.n_iter:5d}  objective {self.value:.8e}  "
                f"distance {distance:.2e} of {self.tolerance.bound:.2e}"
            )
        if distance > self.certify_below:
            return
        solution = self.tolerance.certify(self.coef, self.n_iter, "The tolerance is met.")
        if solution.converged:
            self.solution = solution
        else:
            self.certify_below = 0.5 * distance

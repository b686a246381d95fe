r"""Solutions for one strength of the penalty after the other.

All strengths share the objective, so that rows are validated, encoded and measured once. Dual
coordinate ascent keeps its distributions P too, and goes on from them.

**The next start.** Let the penalty fall from alpha to r alpha, r < 1. The same P would give the
coefficients W(P) / r, which are too large: the best coefficients grow more slowly. With

    P' = q - s (q - P),    r <= s <= 1,

the coefficients become s / r times as large. P' is a convex combination of P and the targets q, so
that it is feasible where P is. The growth s / r is that of the step before, since the norm of the
best coefficients changes smoothly along a path.

**"auto".** Few coefficients, or many rows for each: "newton-cg", unless there are very many rows.
From the last coefficients it needs a few steps, which are cheaper than those with a Cholesky factor
of the Hessian. Otherwise: dual ascent, even for small data, since compiled code is loaded once for
all fits. Where these end before the tolerance, "auto" goes on as in a fit by itself, and stays with
that for the weaker penalties. All other solvers start from the last coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._kernels.blas import blas_threads_for
from .._problem.objective import Objective
from .._problem.progress import Progress
from . import auto, newton_cg, sdca
from .solution import Solution, Tolerance, better

# Rows times coefficients up to which "newton-cg" serves few coefficients.
FEW_PRODUCTS = 1e7


class PathSolver:
    """Solves an objective for one `alpha` after the other, best from large to small.

    Parameters
    ----------
    objective : Objective
        The objective. Its `alpha` is changed.
    solver : str
        "auto", "sdca", or the name of a solver that starts from coefficients alone.
    solve : callable
        `solve(objective, start, ...)` of that solver.
    tol : float
        The tolerance of each solution.
    max_iter : int
        Largest number of iterations for each solution.
    random_state : int, RandomState instance or None, default=None
        For the solvers that draw rows.
    """

    def __init__(
        self,
        objective: Objective,
        solver: str,
        solve: Callable[..., Solution],
        *,
        tol: float,
        max_iter: int,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.objective = objective
        self.options: dict[str, Any] = {"tol": tol, "max_iter": max_iter}
        self._solve = solve
        self._drawn = {"random_state": random_state} if solver in ("auto", "sgd") else {}
        self._start = np.zeros(objective.shape)
        self._dual: _DualPath | None = None
        # a solver that "auto" tries first
        self._first: Callable[..., Solution] | None = None
        if solver == "sdca":
            self._dual = _DualPath(objective, random_state)
        elif solver == "auto":
            size = objective.shape[0] * objective.shape[1]
            few = size <= max(auto.FEW_COEFFICIENTS, objective.n_rows / auto.ROWS_PER_COEFFICIENT)
            if not few and objective.loss.of_rows() is not None:
                patience = auto.patience_of_ascent(objective)
                self._dual = _DualPath(objective, random_state, **patience)
            elif size * objective.n_rows <= FEW_PRODUCTS:
                self._first = newton_cg.solve

    def solve(self, alpha: float, progress: Progress) -> Solution:
        """The solution for a strength of the penalty."""
        options = {**self.options, "progress": progress}
        if self._dual is not None:
            solution = self._dual.solve(alpha, **options)
        else:
            self.objective.alpha = alpha
            solve = self._first or partial(self._solve, **self._drawn)
            solution = solve(self.objective, self._start, **options)
        n_left = self.options["max_iter"] - solution.n_iter
        given_up = self._is_first_choice and not (solution.converged or progress.stopped)
        if given_up and n_left > 0:
            self._dual = self._first = None
            options["max_iter"] = n_left
            second = self._solve(self.objective, solution.coef, **options, **self._drawn)
            n_iter = solution.n_iter + second.n_iter
            solution = better(second, solution)._replace(n_iter=n_iter)
        self._start = solution.coef
        return solution

    @property
    def _is_first_choice(self) -> bool:
        return self._first is not None or (self._dual is not None and not self._dual.is_patient)


class _DualPath:
    """Dual coordinate ascent along a path."""

    def __init__(
        self,
        objective: Objective,
        random_state: int | np.random.RandomState | None,
        patience: float = np.inf,
        most_left: float = np.inf,
    ) -> None:
        sdca.check(objective)
        self.objective = objective
        self.is_patient = not np.isfinite(patience)
        self.options: dict[str, Any] = {
            "random_state": random_state,
            "patience": patience,
            "most_left": most_left,
        }
        self.dual: sdca.Dual | None = None
        self._norms: list[float] = []

    # idle threads of BLAS would spin beside the epochs, which have one
    @blas_threads_for(0)
    def solve(self, alpha: float, *, tol: float, max_iter: int, progress: Progress) -> Solution:
        """The solution for the next alpha; it has not converged if ascent is slow."""
        if self.dual is None:
            self.objective.alpha = alpha
            self.dual = sdca.Dual(self.objective, np.zeros(self.objective.shape), None)
            full_epochs = sdca.FULL_EPOCHS
        else:
            self.dual.move_to(alpha, self._growth())
            full_epochs = 1
        solution = sdca.ascend(
            self.dual,
            Tolerance(self.objective, tol),
            max_iter=max_iter,
            progress=progress,
            full_epochs=full_epochs,
            **self.options,
        )
        W = solution.coef[: self.objective.n_features]
        self._norms = [*self._norms[-1:], float(np.linalg.norm(W))]
        return solution

    def _growth(self) -> float:
        """The growth of the coefficients at the last step; at first, the largest there can be."""
        if len(self._norms) < 2 or self._norms[0] == 0:
            return np.inf
        return max(self._norms[1] / self._norms[0], 1.0)

"""Choice of the solver, from the size of the problem and from the progress that solvers make.

Measured on two cores, dense and sparse, from 150 to 1,000,000 rows, alpha from 1e-6 to 0.1:

- Few coefficients and not very many rows: "newton-cholesky", which needs a handful of exact steps.
  Very many rows of few features make a well-conditioned problem, for which "lbfgs" needs few
  evaluations.
- Small data: "newton-cg", which needs no compiled code. Loading compiled code takes longer than
  such a fit, unless the penalty is weak compared with the variance of the rows.
- Otherwise, for the sparsemax loss: "sdca", unless its progress is slow. It may need thousands of
  epochs where rows contradict each other and the penalty is weak.
- Other losses: "newton-cg" for dense features, "lbfgs" for sparse ones, where a product with the
  Hessian costs as much as an evaluation. Without a penalty "lbfgs", as the Hessian may vanish.

Where a solver ends before the tolerance, because its progress is slow or rounding stops it, the
next one goes on from its coefficients: "newton-cg" before "lbfgs" for dense features, "lbfgs" first
for sparse ones. Rows far beyond the others are the usual reason.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from .._kernels.simplex import LEAST_COMPILED
from .._problem.objective import Objective
from .._problem.progress import SILENT, Progress
from .._typing import Array
from ..losses import SparsemaxLoss
from . import lbfgs, newton_cg, newton_cholesky, sdca
from .solution import Solution, better

FEW_COEFFICIENTS = 500
# Multiplications for one exact Hessian.
CHEAP_HESSIAN = 2e8
# Coefficients, and products of an entry of X with one of W in an evaluation, of small data.
SMALL_SIZE = 5000
SMALL_WORK = 2**22
# Mean of omega_i ||x_i - mean||^2 / alpha: how far a dual step of one row moves its own scores.
WEAK_COUPLING = 100
# Epochs that dual coordinate ascent may expect to need yet. On the problems where both were
# measured, more took longer than to begin anew with Newton's method.
PATIENCE = 500
# A gap in units of F(0, 0) that rounding alone may keep from the tolerance: nobody does better.
ROUNDING_GAP = 1e-6


def solve(
    objective: Objective,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    progress: Progress = SILENT,
    random_state: int | np.random.RandomState | None = None,
    dual_start: sparse.csr_array | None = None,
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    A solver that ends before the tolerance is followed by another, which goes on from the best
    coefficients so far, as long as `max_iter` allows.
    """
    first = _choose(objective)
    best: Solution | None = None
    spent = 0
    for solver in (first, *_following(first, objective)):
        options: dict[str, Any] = {"tol": tol, "max_iter": max_iter - spent, "progress": progress}
        if solver is sdca:
            options |= {"random_state": random_state, "dual_start": dual_start}
            options["patience"] = PATIENCE
        solution = solver.solve(objective, start, **options)
        spent += solution.n_iter
        best = solution if best is None else better(solution, best)
        if best.converged or progress.stopped or spent >= max_iter:
            break
        unit = objective.value_at_zero()
        if best.dual_gap <= ROUNDING_GAP * unit:
            break
        if solver is sdca or best.objective < unit:
            # of the dual: good for the many rows even where one outlier makes F large
            start = solution.coef if solver is sdca else best.coef
    assert best is not None
    return best._replace(n_iter=spent)


def _following(first: ModuleType, objective: Objective) -> tuple[ModuleType, ...]:
    """The solvers that may go on where the first did not get to the tolerance."""
    if objective.alpha == 0:
        return ()
    second_order_first = (
        (newton_cg, lbfgs) if not sparse.issparse(objective.X) else (lbfgs, newton_cg)
    )
    others = (lbfgs, newton_cg) if first is newton_cholesky else second_order_first
    return tuple(solver for solver in others if solver is not first)


def _choose(objective: Objective) -> ModuleType:
    """The solver to begin with."""
    n_rows, size = objective.X.shape[0], objective.shape[0] * objective.shape[1]
    is_sparse = sparse.issparse(objective.X)
    if size <= FEW_COEFFICIENTS:
        cheap = n_rows * size**2 <= CHEAP_HESSIAN
        return newton_cholesky if cheap else lbfgs
    work = (objective.X.nnz if is_sparse else objective.X.size) * objective.n_outputs
    compiled = n_rows * objective.n_outputs >= LEAST_COMPILED
    if objective.alpha == 0:
        return lbfgs
    small = size <= SMALL_SIZE and work <= SMALL_WORK and not compiled
    if isinstance(objective.loss, SparsemaxLoss):
        return newton_cg if small and _coupling(objective) < WEAK_COUPLING else sdca
    return lbfgs if is_sparse and not small else newton_cg


def _coupling(objective: Objective) -> float:
    _, variance = objective.feature_moments()
    return float(variance.sum() / (objective.alpha * objective.X.shape[0]))

"""The solver for a problem, from what is known before the first step and what the steps show.

Measured on two cores, dense and sparse, from 150 to 1,000,000 rows, alpha from 1e-6 to 0.1:

- Few coefficients and not very many rows: "newton-cholesky", a handful of exact steps. With very
  many rows of few features the problem is well conditioned, and "lbfgs" needs few evaluations.
- Small data: "newton-cg", which needs no compiled code. A fit takes less time than loading it,
  unless the penalty is weak beside the variance of the rows.
- Else the sparsemax loss: "sdca", unless its progress is slow. Where rows disagree and the
  penalty is weak it may need thousands of epochs; then dense problems are handed to "newton-cg",
  sparse ones to "lbfgs", which go on from its coefficients.
- Other losses: "newton-cg" for dense features, "lbfgs" for sparse ones, where a product with the
  Hessian costs as much as an evaluation. Without a penalty "lbfgs", as the Hessian may vanish.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from .._kernels.simplex import LEAST_COMPILED
from .._problem.objective import Objective
from .._problem.progress import SILENT, Progress
from .._typing import Array
from ..losses import SparsemaxLoss
from . import lbfgs, newton_cg, newton_cholesky, sdca
from .solution import Solution

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
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0)."""
    solve = _choose(objective)
    if solve is not sdca.solve:
        return solve(objective, start, tol=tol, max_iter=max_iter, progress=progress)
    solution = sdca.solve(
        objective,
        start,
        tol=tol,
        max_iter=max_iter,
        progress=progress,
        random_state=random_state,
        dual_start=dual_start,
        patience=PATIENCE,
    )
    n_epochs = solution.n_iter
    if solution.converged or progress.stopped or n_epochs == max_iter:
        return solution
    following = lbfgs if sparse.issparse(objective.X) else newton_cg
    solution = following.solve(
        objective, solution.coef, tol=tol, max_iter=max_iter - n_epochs, progress=progress
    )
    return solution._replace(n_iter=n_epochs + solution.n_iter)


def _choose(objective: Objective) -> Callable[..., Solution]:
    """The solver to begin with."""
    n_rows, size = objective.X.shape[0], objective.shape[0] * objective.shape[1]
    is_sparse = sparse.issparse(objective.X)
    if size <= FEW_COEFFICIENTS:
        cheap = n_rows * size**2 <= CHEAP_HESSIAN
        return newton_cholesky.solve if cheap else lbfgs.solve
    work = (objective.X.nnz if is_sparse else objective.X.size) * objective.n_outputs
    compiled = n_rows * objective.n_outputs >= LEAST_COMPILED
    if objective.alpha == 0:
        return lbfgs.solve
    small = size <= SMALL_SIZE and work <= SMALL_WORK and not compiled
    if isinstance(objective.loss, SparsemaxLoss):
        return newton_cg.solve if small and _coupling(objective) < WEAK_COUPLING else sdca.solve
    return lbfgs.solve if is_sparse and not small else newton_cg.solve


def _coupling(objective: Objective) -> float:
    _, variance = objective.feature_moments()
    return float(variance.sum() / (objective.alpha * objective.X.shape[0]))

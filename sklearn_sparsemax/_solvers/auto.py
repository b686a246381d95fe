"""Choice of the solver, from the size of the problem and from the progress that solvers make.

Measured on two cores, dense and sparse, from 150 to 1,000,000 rows, alpha from 1e-6 to 0.1:

- Few coefficients and not very many rows: "newton-cholesky". It needs only a few exact steps.
- Few coefficients and very many rows, or many rows for each coefficient: "lbfgs". Such a problem is
  often well-conditioned, so that "lbfgs" needs few evaluations.
- More coefficients and no penalty: "lbfgs", because the Hessian may vanish.
- Small data: "newton-cg". It needs no compiled code, and loading that code takes longer than such a
  fit. For losses with sparse probabilities there is an exception: a penalty that is weak compared
  with the variance of the rows.
- Otherwise: "sdca", unless its progress is slow. It may need thousands of epochs if rows contradict
  each other and the penalty is weak. Then the gap is still about F(0, 0) after one or two epochs.
  If there are far more rows than features, "lbfgs" and "newton-cg" are better.
- Arrays of other libraries than NumPy: "lbfgs" or "newton-cg", by the same rules.
- Otherwise, for a loss without dual steps: "newton-cg" for dense features and "lbfgs" for sparse
  ones. With sparse features, a product with the Hessian costs as much as an evaluation.

A solver may end before the tolerance, because its progress is slow or because of rounding. The next
solver then continues from its coefficients. With many rows or sparse features, "lbfgs" comes first.
If its pace is slow, which ten iterations show, "newton-cg" follows. Otherwise "newton-cg" comes
before "lbfgs". The usual reason is then a row far beyond the others.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from .. import _arrays
from .._kernels.row_blocks import LEAST_COMPILED
from .._problem.progress import SILENT, Progress
from .._problem.protocol import Problem
from .._typing import Array
from . import lbfgs, newton_cg, newton_cholesky, sdca
from .sdca import TRIAL_EPOCHS
from .solution import Solution, better

FEW_COEFFICIENTS = 500
# Multiplications for one exact Hessian that are worth their time.
CHEAP_HESSIAN = 2e8
# Small data: number of coefficients, and of multiplications of X with W in an evaluation.
SMALL_SIZE = 5000
SMALL_WORK = 2**22
# Mean of omega_i ||x_i - mean||^2 / alpha. It says how far a dual step of a row moves its scores.
WEAK_COUPLING = 100
# So many rows for each coefficient, or for each feature, are many.
ROWS_PER_COEFFICIENT = 8
ROWS_PER_FEATURE = 4
# Gap after two epochs of dual ascent, in units of F(0, 0), that shows contradiction. It was at
# least 0.65 where other solvers were faster, and at most 0.53 where dual ascent was.
CONTRADICTION = 0.6
# Variance with outlying rows, in units of that without them, that a feature may have.
OUTLYING = 10
# Iterations of "lbfgs" that are worth their time before "newton-cg".
DESCENT_PATIENCE = 50
# Dual coordinate ascent stops if it expects more visits than in so many epochs over all rows. Where
# both were measured, more epochs took longer than a new start with Newton's method.
PATIENCE = 500
# At a gap of at most this, in units of F(0, 0), rounding is the limit. Another solver cannot help.
ROUNDING_GAP = 1e-6


def solve(
    objective: Problem,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    progress: Progress = SILENT,
    random_state: int | np.random.RandomState | None = None,
    dual_start: sparse.csr_array | None = None,
    dual_ascent: ModuleType = sdca,
) -> Solution:
    """Minimise an objective from a start until its duality gap is at most tol * F(0, 0).

    If a solver ends before the tolerance, another one continues from the best coefficients so far.
    `max_iter` limits the iterations of all solvers together. `dual_ascent` takes the place of
    `sdca` for a problem that is no `Objective`.
    """
    first = _choose(objective, dual_ascent)
    best: Solution | None = None
    spent = 0
    solvers = (first, *_following(first, objective))
    for place, solver in enumerate(solvers):
        options: dict[str, Any] = {"tol": tol, "max_iter": max_iter - spent, "progress": progress}
        if solver is dual_ascent:
            options |= {"random_state": random_state, "dual_start": dual_start}
            options |= patience_of_ascent(objective)
        elif solver is lbfgs and newton_cg in solvers[place:]:
            options["patience"] = DESCENT_PATIENCE
        solution = solver.solve(objective, start, **options)
        spent += solution.n_iter
        best = solution if best is None else better(solution, best)
        if best.converged or progress.stopped or spent >= max_iter:
            break
        unit = objective.value_at_zero()
        if best.dual_gap <= ROUNDING_GAP * unit:
            break
        if solver is dual_ascent:
            # after many epochs, the coefficients suit most rows, even if one outlier makes F large;
            # after one or two, they are a worse start than the given one
            start = solution.coef if solution.n_iter > TRIAL_EPOCHS else start
        elif best.objective < unit:
            start = best.coef
    assert best is not None
    return best._replace(n_iter=spent)


def patience_of_ascent(objective: Problem) -> dict[str, float]:
    """When dual ascent gives up."""
    most_left = CONTRADICTION if _has_many_rows(objective) else np.inf
    return {"patience": PATIENCE, "most_left": most_left}


def _has_many_rows(objective: Problem, per_feature: float = ROWS_PER_FEATURE) -> bool:
    """Whether there are so many rows for each feature, and none of them is far beyond the others.

    Such an outlier would mislead the first steps of "lbfgs".
    """
    if objective.n_rows < per_feature * objective.n_features:
        return False
    if not _arrays.is_numpy(objective.target_mean):
        return True
    variance = objective.feature_moments()[1]
    return bool(np.all(objective.feature_moments(with_outliers=True)[1] <= OUTLYING * variance))


def _following(first: ModuleType, objective: Problem) -> tuple[ModuleType, ...]:
    """The solvers that may continue if the first does not reach the tolerance."""
    if objective.alpha == 0:
        return ()
    lbfgs_first = _has_many_rows(objective) or objective.is_sparse or first is newton_cholesky
    others = (lbfgs, newton_cg) if lbfgs_first else (newton_cg, lbfgs)
    return tuple(solver for solver in others if solver is not first)


def _choose(objective: Problem, dual_ascent: ModuleType) -> ModuleType:
    """The first solver."""
    n_rows, size = objective.n_rows, objective.shape[0] * objective.shape[1]
    if not _arrays.is_numpy(objective.target_mean):
        return lbfgs if size <= FEW_COEFFICIENTS or objective.alpha == 0 else newton_cg
    is_sparse = objective.is_sparse
    if size <= FEW_COEFFICIENTS:
        cheap = n_rows * size**2 <= CHEAP_HESSIAN
        return newton_cholesky if cheap else lbfgs
    work = objective.n_entries * objective.n_outputs
    compiled = n_rows * objective.n_outputs >= LEAST_COMPILED
    if objective.alpha == 0:
        return lbfgs
    small = size <= SMALL_SIZE and work <= SMALL_WORK and not compiled
    if small and (objective.loss.full_support or _coupling(objective) < WEAK_COUPLING):
        return newton_cg
    if _has_many_rows(objective, ROWS_PER_COEFFICIENT * size / objective.n_features):
        return lbfgs
    if objective.loss.of_rows() is not None:
        return dual_ascent
    return lbfgs if is_sparse else newton_cg


def _coupling(objective: Problem) -> float:
    _, variance = objective.feature_moments()
    return float(variance.sum() / (objective.alpha * objective.n_rows))

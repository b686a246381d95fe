"""The minimum of F over the intercept alone, for given coefficients W.

This is a smooth convex problem in K variables. Newton's method with a ridge solves it to rounding.
At the minimum, the weighted mean of the probabilities equals that of the targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg

from .._typing import Array
from ..losses.rows import subtract_targets
from .objective import Block, Objective

MAX_NEWTON_STEPS = 50


class ScoresOfIntercepts:
    """Scores X W + b for one W and any b, in double precision.

    The product X W is kept if it is no larger than the scores of a block may be. Otherwise each
    pass computes it again.

    Parameters
    ----------
    objective : Objective
        The data.
    coef : ndarray of the shape of the objective
        W, and an intercept, which is ignored.
    """

    def __init__(self, objective: Objective, coef: Array) -> None:
        self._objective = objective
        self._coef = coef.copy()
        if objective.fit_intercept:
            self._coef[-1] = 0
        self._kept: list[Array] | None = None
        if objective.scores_fit_one_block:
            self._kept = [scores for _, scores in self._scored()]
            del self._coef

    def at(self, intercept: Array | None) -> Iterator[tuple[Block, Array]]:
        """Each block with its scores (m, K), which the caller may overwrite."""
        if self._kept is None:
            scored = self._scored()
        else:
            scored = (
                (block, scores.copy())
                for block, scores in zip(self._objective.blocks, self._kept, strict=True)
            )
        for block, scores in scored:
            if intercept is not None:
                scores[:, self._objective.free_outputs] += intercept
            yield block, scores

    def _scored(self) -> Iterator[tuple[Block, Array]]:
        return self._objective.scored_blocks(self._coef, np.dtype(np.float64))


def balance_intercept(
    objective: Objective, coef: Array, scores: ScoresOfIntercepts | None = None
) -> Array:
    """Move the intercept to its minimum for the given W, in double precision.

    If a common shift of all scores changes nothing, the returned intercept has the mean 0. `scores`
    are those of these coefficients, if they are known already.
    """
    if not objective.fit_intercept:
        return coef
    scores = scores or ScoresOfIntercepts(objective, coef)
    intercept = coef[-1].copy()
    value, gradient, hessian = _derivatives(objective, scores, intercept)
    # H is singular along common shifts of all scores, and vanishes where all probabilities are near
    # 0 or 1. The ridge makes it invertible. It falls after a good step, and rises after a bad one.
    least_ridge = 1e-14 + 1e-12 * hessian.diagonal().max()
    ridge = 1e-4 * hessian.diagonal().max() + least_ridge
    for _ in range(MAX_NEWTON_STEPS):
        if np.abs(gradient).max() <= np.finfo(np.float64).eps:
            break
        ridged = hessian + ridge * np.eye(gradient.size)
        step = -linalg.solve(ridged, gradient, assume_a="pos", check_finite=False)
        trial = _derivatives(objective, scores, intercept + step)
        falls = trial[0] <= value + 1e-4 * float(gradient @ step)
        # near the minimum, differences of the value are rounding, but the gradient is not
        if falls or np.abs(trial[1]).max() <= 0.5 * np.abs(gradient).max():
            intercept = intercept + step
            value, gradient, hessian = trial
            ridge = max(0.1 * ridge, least_ridge)
        elif -float(gradient @ step) <= np.finfo(np.float64).eps * value:
            break
        else:
            ridge *= 10
    if objective.shift_invariant:
        intercept -= intercept.mean()
    balanced = coef.copy()
    balanced[-1] = intercept
    return balanced


def _derivatives(
    objective: Objective, scores: ScoresOfIntercepts, intercept: Array
) -> tuple[float, Array, Array]:
    """Mean loss, its gradient (m,) and its Hessian (m, m) by the intercept."""
    value: Any = 0.0
    gradient = np.zeros(objective.n_outputs)
    hessian = np.zeros((objective.n_outputs, objective.n_outputs))
    free = objective.free_outputs
    for block, residual in scores.at(intercept):
        value += block.weights @ objective.loss.value_and_residual(residual, block.targets)
        gradient += block.weights @ residual
        # turns the residual into the probabilities again, up to rounding
        subtract_targets(residual, -block.targets)
        hessian += objective.loss.mean_jacobian(residual, block.weights)
    return float(value), gradient[free], hessian[free, free]

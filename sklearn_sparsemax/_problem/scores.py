"""Scores for one W and any intercept, and what the intercept and the certificate need of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from .. import _arrays
from .._typing import Array
from ..losses.rows import subtract_targets
from .products import add_outer
from .protocol import Repair, RowBlocks


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

    def __init__(self, objective: RowBlocks, coef: Array) -> None:
        self._objective = objective
        self._coef = _arrays.copy_of(coef)
        if objective.fit_intercept:
            self._coef[-1, :] = 0
        self._kept: list[Array] | None = None
        if objective.scores_fit_one_block:
            self._kept = [scores for _, scores in self._scored()]
            del self._coef

    def at(self, intercept: Array | None) -> Iterator[tuple[Any, Array]]:
        """Each block with its scores (m, K), which the caller may overwrite."""
        if self._kept is None:
            scored = self._scored()
        else:
            scored = (
                (block, _arrays.copy_of(scores))
                for block, scores in zip(self._objective.blocks, self._kept, strict=True)
            )
        for block, scores in scored:
            if intercept is not None:
                scores[:, self._objective.free_outputs] += intercept
            yield block, scores

    def derivatives(self, intercept: Array) -> tuple[float, Array, Array]:
        """Mean loss, its gradient (m,) and its Hessian (m, m) by the intercept."""
        objective = self._objective
        value: Any = 0.0
        gradient = _arrays.zeros(objective.n_outputs, objective.weights)
        hessian = _arrays.zeros((objective.n_outputs, objective.n_outputs), objective.weights)
        free = objective.free_outputs
        for block, residual in self.at(intercept):
            value += block.weights @ objective.loss.value_and_residual(residual, block.targets)
            gradient += block.weights @ residual
            # turns the residual into the probabilities again, up to rounding
            subtract_targets(residual, -block.targets)
            hessian += objective.loss.mean_jacobian(residual, block.weights)
        return float(value), gradient[free], hessian[free, free]

    def mean(self, intercept: Array | None, dual: sparse.csr_array | None = None) -> Array:
        """Weighted mean (K,) of the rows of P: of p(z), or of those of the dual (n, K)."""
        if dual is not None:
            return np.asarray(self._objective.weights @ dual)
        mean = _arrays.zeros(self._objective.n_outputs, self._objective.weights)
        for block, z in self.at(intercept):
            mean += block.weights @ self._objective.loss.probabilities(z)
        return mean

    def losses(
        self,
        intercept: Array | None,
        repair: Repair | None,
        dual: sparse.csr_array | None = None,
    ) -> tuple[float, float, Array]:
        """Mean losses L(z; q) and L(z; p'), and sum_i omega_i (x_i, 1) (p'_i - q_i)^T."""
        if dual is None:
            return self._at_probabilities(intercept, repair)
        return self._at_dual(intercept, repair, dual)

    def _at_probabilities(
        self, intercept: Array | None, repair: Repair | None
    ) -> tuple[float, float, Array]:
        objective = self._objective
        loss = objective.loss
        total: Any = 0.0
        total_to_feasible: Any = 0.0
        data_gradient = _arrays.zeros(objective.shape, objective.weights)
        for block, z in self.at(intercept):
            total += block.weights @ loss.value(z, block.targets)
            feasible = loss.probabilities(_arrays.copy_of(z))
            if repair is not None:
                _make_feasible(feasible, repair, loss.independent_outputs)
                total_to_feasible += block.weights @ loss.value_and_residual(z, feasible)
            subtract_targets(feasible, block.targets)
            objective.add_data_gradient(data_gradient, block, feasible)
        return float(total), float(total_to_feasible), data_gradient

    def _at_dual(
        self, intercept: Array | None, repair: Repair | None, dual: sparse.csr_array
    ) -> tuple[float, float, Array]:
        """Do the same for sparse rows that a solver keeps.

        The repair leaves a sparse part of them. What it adds is the same for all rows, up to a
        factor. So no product of X with a dense matrix is needed.
        """
        objective = self._objective
        if repair is None:
            repair = Repair(np.ones(objective.n_outputs), np.zeros(objective.n_outputs))
        factors, refill = repair
        independent = objective.loss.independent_outputs
        total: Any = 0.0
        total_to_feasible: Any = 0.0
        for block, z in self.at(intercept):
            total += block.weights @ objective.loss.value(z, block.targets)
            feasible = dual[block.rows].toarray()
            _make_feasible(feasible, repair, independent)
            total_to_feasible += block.weights @ objective.loss.value_and_residual(z, feasible)
        left = dual.copy()
        left.data *= factors[left.indices]
        if independent:
            moved, refill = objective.weights, (1 - factors) * refill
        else:
            moved = objective.weights * (dual @ (1 - factors))
        data_gradient = objective.data_gradient_of_dual(left)
        add_outer(data_gradient[: objective.n_features], objective.sum_of_rows(moved), refill)
        data_gradient[objective.n_features :] += moved.sum() * refill
        return float(total), float(total_to_feasible), data_gradient[:, objective.free_outputs]

    def _scored(self) -> Iterator[tuple[Any, Array]]:
        return self._objective.scored_blocks(self._coef, self._coef.dtype)


def _make_feasible(probabilities: Array, repair: Repair, independent_outputs: bool) -> None:
    """Turn the rows p_i into p'_i, in place."""
    factors, refill = repair
    if independent_outputs:
        probabilities *= factors
        probabilities += (1 - factors) * refill
    else:
        moved = probabilities @ (1 - factors)
        probabilities *= factors
        probabilities += moved[:, None] * refill

"""Curvature and scores over partitions, as `_problem.protocol` describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._problem.curvature import CurvedRows
from .._problem.objective import NUMBERS_PER_BLOCK, Objective
from .._problem.protocol import Repair
from .._problem.scores import ScoresOfIntercepts
from .._typing import Array
from ._engine import Tasks
from ._partition import Partition, share


class Curved:
    """The rows of a partition with curvature, and what they weigh."""

    def __init__(
        self, partition: Partition, mass: float, coef: Array, scale: Array, mean: Array | None
    ) -> None:
        self.rows: CurvedRows | None = None
        self.share = partition.mass / mass
        if partition.objective is not None:
            self.rows = partition.objective.curvature(coef, scale, mean)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + (0 if self.rows is None else self.rows.n_bytes)


def _diagonal(curved: Curved) -> tuple[Any, ...] | None:
    return None if curved.rows is None else (curved.share * curved.rows.diagonal,)


def _product(curved: Curved, variables: Array) -> tuple[Any, ...] | None:
    return None if curved.rows is None else (curved.share * curved.rows.product(variables),)


class CurvatureOverPartitions:
    """Second derivatives of the mean loss by standardised variables."""

    def __init__(self, tasks: Tasks, curved: list[Any]) -> None:
        self._tasks = tasks
        self._curved = curved
        (self.diagonal,) = tasks.reduce("hessian-diagonal", _diagonal, curved)

    def product(self, variables: Array) -> Array:
        """The product with variables, both of the shape of the coefficients."""
        (product,) = self._tasks.reduce(
            "hessian-product", _product, self._curved, common=(variables,)
        )
        return product


class _Kept(ScoresOfIntercepts):
    """Scores of a partition that were computed before."""

    def __init__(self, objective: Objective, kept: list[Array]) -> None:
        self._objective = objective
        self._kept = kept


def _keep_scores(partition: Partition, coef: Array) -> list[Array] | None:
    if partition.objective is None:
        return None
    coef = coef.copy()
    if partition.objective.fit_intercept:
        coef[-1] = 0
    scored = partition.objective.scored_blocks(coef, np.dtype(np.float64))
    return [scores for _, scores in scored]


def scores_of(objective: Objective, given: Any) -> ScoresOfIntercepts:
    """The scores of a partition, from those that are kept or from coefficients."""
    of_coef = _Kept if isinstance(given, list) else ScoresOfIntercepts
    return of_coef(objective, given)


def _derivatives(
    partition: Partition, given: Any, mass: float, intercept: Array
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    scores = scores_of(partition.objective, given)
    return share(partition, mass, scores.derivatives(intercept))


def _mean(
    partition: Partition, given: Any, mass: float, intercept: Array | None
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    return share(partition, mass, [scores_of(partition.objective, given).mean(intercept)])


def _losses(
    partition: Partition, given: Any, mass: float, intercept: Array | None, repair: Repair | None
) -> tuple[Any, ...] | None:
    if partition.objective is None:
        return None
    scores = scores_of(partition.objective, given)
    return share(partition, mass, scores.losses(intercept, repair))


class ScoresOverPartitions:
    """Scores X W + b for one W and any b.

    If they are small, or no larger than X, each partition keeps the product X W while this object
    lives. Otherwise each pass computes it again.
    """

    def __init__(self, problem: Any, coef: Array) -> None:
        self._problem = problem
        n_numbers = problem.n_rows * problem.n_outputs
        if n_numbers <= max(NUMBERS_PER_BLOCK, problem.n_entries * problem.keeps_rows):
            kept = problem.tasks.map("scores", _keep_scores, problem.handles, common=(coef,))
            self._kept: tuple[list[Any], ...] = (kept,)
            self._coef: tuple[Array, ...] = ()
        else:
            self._kept = ()
            self._coef = (coef,)

    def derivatives(self, intercept: Array) -> tuple[float, Array, Array]:
        """Mean loss, its gradient (m,) and its Hessian (m, m) by the intercept."""
        return self._reduce("intercept-derivatives", _derivatives, intercept)

    def mean(self, intercept: Array | None, dual: Any = None) -> Array:
        """Weighted mean (K,) of the rows of P: of p(z), or of those of the dual."""
        if dual is not None:
            return dual.mean()
        (mean,) = self._reduce("mean-probabilities", _mean, intercept)
        return mean

    def losses(
        self, intercept: Array | None, repair: Repair | None, dual: Any = None
    ) -> tuple[float, float, Array]:
        """Mean losses L(z; q) and L(z; p'), and sum_i omega_i (x_i, 1) (p'_i - q_i)^T."""
        if dual is not None:
            *losses, n_lost = self._reduce(
                "certificate", dual.losses, intercept, repair, columns=dual.columns
            )
            dual.check(n_lost)
            return tuple(losses)
        return self._reduce("certificate", _losses, intercept, repair)

    def _reduce(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: Any,
        columns: tuple[Sequence[Any], ...] = (),
    ) -> Any:
        """The sum of function(partition, *column, scores or coefficients, mass, *arguments)."""
        problem = self._problem
        return problem.tasks.reduce(
            name,
            function,
            *(problem.handles, *columns, *self._kept),
            common=(*self._coef, problem.mass, *arguments),
        )

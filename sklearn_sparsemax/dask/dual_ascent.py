r"""Block dual coordinate ascent over partitions.

The dual, the visits and the treatment of the intercept are those of `_solvers.sdca`. The partitions
form chains, one for each thread of the workers. A chain visits a part of the rows of each of its
partitions, with its own copy of the coefficients. Then the changes of all chains are added. With C
chains, each works on its part of the dual as if its changes counted C times. Their sum then
increases the dual at least by the mean of what the chains have gained (CoCoA+, Ma et al. 2015).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._problem.products import add_outer
from .._problem.progress import SILENT, STOPPED, Progress
from .._solvers.sdca import (
    CONSTANT,
    FULL_EPOCHS,
    LEAST_PROBABILITY,
    SINGLE_PRECISION_GAP,
    SINGLE_PRECISION_RANGE,
    Pace,
    check,
)
from .._solvers.solution import Solution, Tolerance
from .._typing import Array
from . import _dual
from ._dual import Geometry, Visits
from ._moments import mean_and_spread
from .partitions import Partitions

# Parts of the rows of a partition in an epoch. The changes of the chains are added after each part.
# With one part, all rows of a partition follow each other, and chains work longer at coefficients
# of their own: a problem of 16,000 rows in 8 partitions took 170 epochs with two chains, rather
# than 38 with four parts, and 11 in one process.
PARTS = 4
# How often a task may find that P was lost before the fit gives up.
MOST_LOSSES = 20


_MANY_LOSSES = (
    f"Partitions were lost {MOST_LOSSES} times in a row; the fit ends, and the estimator is as "
    "before."
)


class LostError(Exception):
    """A partition has lost its rows P."""


def solve(
    objective: Partitions,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    progress: Progress = SILENT,
    random_state: int | np.random.RandomState | None = None,
    dual_start: None = None,
    patience: float = np.inf,
    most_left: float = np.inf,
) -> Solution:
    """Maximise the dual until the duality gap is proven to be at most tol * F(0, 0).

    An iteration is an epoch, in which a row is visited at most once. The other rules are those of
    `_solvers.sdca.solve`.
    """
    check(objective)
    random = check_random_state(random_state)
    tolerance = Tolerance(objective, tol)
    dual = DualOverPartitions(objective, start)
    pace = Pace(tolerance.bound, patience, most_left * tolerance.unit)
    certify_below = tolerance.bound
    for n_iter in range(1, max_iter + 1):
        progress.begin("sdca epoch", partial(dual.certify, tolerance, n_iter - 1, STOPPED))
        full = n_iter <= FULL_EPOCHS or dual.gap <= certify_below
        n_visited = dual.epoch(random, full)
        progress.line(
            "[sdca] epoch %4d  %8d rows  distance %.2e of %.2e",
            n_iter,
            n_visited,
            dual.gap,
            tolerance.bound,
        )
        here = partial(dual.certify, tolerance, n_iter)
        if progress.end(partial(here, STOPPED)):
            solution = here(STOPPED)
            break
        if full and dual.gap <= certify_below:
            solution = here("The tolerance is met.")
            if solution.converged:
                break
            certify_below = 0.5 * dual.gap
        pace.add(dual.gap, n_visited / objective.n_rows)
        if pace.is_slow:
            solution = here("Progress is slow.")
            break
        if pace.has_stalled or dual.gap <= SINGLE_PRECISION_GAP * tolerance.unit:
            dual.use_double_precision()
    else:
        solution = dual.certify(tolerance, n_iter, f"max_iter={max_iter} epochs are spent.")
    progress.line(
        "[sdca] %s objective %.8e  duality gap %.2e",
        solution.message,
        solution.objective,
        solution.dual_gap,
    )
    return solution


class DualRowsOverPartitions:
    """The rows P of all partitions, as the certificate uses them.

    Attributes
    ----------
    columns : tuple of list
        Their handles, in a column.
    """

    def __init__(self, problem: Partitions, handles: list[Any], version: int) -> None:
        self._problem = problem
        self._version = version
        self.columns = (handles,)
        self.losses = partial(_dual.losses_at_rows, version=version)

    def mean(self) -> Array:
        """Weighted mean (K,)."""
        problem = self._problem
        mean, n_lost = problem.tasks.reduce(
            "mean-of-dual",
            _dual.mean_of_rows,
            problem.handles,
            *self.columns,
            common=(problem.mass, self._version),
        )
        self.check(n_lost)
        return mean

    def check(self, n_lost: int) -> None:
        """Raise an error if the rows of a partition were lost."""
        if n_lost:
            raise LostError


class DualOverPartitions:
    """Dual variables over partitions, with the coefficients that belong to them.

    Parameters
    ----------
    problem : Partitions
        The problem.
    start : ndarray of the shape of the problem
        Coefficients to start from.

    Attributes
    ----------
    gap : float
        Sum of the terms of the duality gap, each from the last visit to its row.
    """

    A: Array
    g: Array
    h: Array

    def __init__(self, problem: Partitions, start: Array) -> None:
        self.problem = problem
        # a binary problem has one row of coefficients w = w_1 - w_0 with ||w||^2 = 2 ||W||^2
        self.is_binary = problem.shape[1] < problem.n_outputs
        alpha = problem.alpha * (2 if self.is_binary else 1)
        mean, constant = np.zeros(problem.n_features), 0.0
        if problem.fit_intercept:
            mean, spread = mean_and_spread(problem.tasks, problem.handles, problem.mass)
            constant = CONSTANT**2 * (spread or 1.0)
        self.geometry = Geometry(problem.mass, alpha, mean, constant)
        self.center = np.zeros(problem.n_outputs)
        if problem.fit_intercept:
            self.center[-problem.shape[1] :] = start[-1] + mean @ start[:-1]
        self.handles = problem.tasks.map(
            "dual", _dual.DualPartition, problem.handles, common=(self.geometry,)
        )
        self.chains = problem.tasks.engine.chains(problem.handles)
        self.version = 0
        self.gap = np.inf
        # scores of W(P), which is at most 2 / alpha times the largest row
        largest = problem.tasks.reduce("longest-row", _dual.largest_square, self.handles, add=max)
        single = 2 / alpha * largest < SINGLE_PRECISION_RANGE
        self._form_coefficients(
            start if start.any() else None, np.float32 if single else np.float64
        )

    def use_double_precision(self) -> None:
        """Go on in double precision, if not there yet."""
        if self.dtype == np.float32:
            self._form_coefficients(self.coef(), np.float64)

    def epoch(self, random: np.random.RandomState, full: bool) -> int:
        """Visit the rows of an epoch, all or each with its probability; return their number."""
        visits = Visits(
            self.version,
            random.randint(2**31 - 1),
            1.0 if full else LEAST_PROBABILITY,
            self.gap / self.problem.n_rows,
            PARTS,
            len(self.chains),
        )
        n_visited = 0
        for part in range(PARTS):
            found, is_whole = self._visit(visits, part, random)
            n_visited += found
            if not is_whole:
                break
        self.center = self.center + self.geometry.constant * self.g.astype(np.float64)
        return n_visited

    def certify(self, tolerance: Tolerance, n_iter: int, message: str) -> Solution:
        """The solution at the coefficients, with the certificate of P."""
        for _ in range(MOST_LOSSES):
            dual = DualRowsOverPartitions(self.problem, self.handles, self.version)
            try:
                return tolerance.certify(self.coef(), n_iter, message, dual)
            except LostError:
                self._form_coefficients(self.coef(), self.dtype)
        raise RuntimeError(_MANY_LOSSES)

    def coef(self) -> Array:
        """Coefficients in the layout of the problem."""
        n_features = self.problem.n_features
        coef = np.empty((n_features + self.problem.fit_intercept, self.center.size))
        W = coef[:n_features]
        W[:] = self.A
        if self.problem.fit_intercept:
            add_outer(W, -self.geometry.mean, self.g)
            coef[-1] = self.center - self.geometry.mean @ W
        return coef[:, 1:] - coef[:, :1] if self.is_binary else coef

    def _visit(self, visits: Visits, part: int, random: np.random.RandomState) -> tuple[int, bool]:
        """Visit a part of the rows in every chain, and add the changes.

        Returns the number of visits, and whether all rows P were there.
        """
        tasks = self.problem.tasks
        chains = [
            [(int(position), part) for position in random.permutation(chain)]
            for chain in self.chains
        ]
        common = (self.geometry, self.A, self.g, self.h, self.center, visits)
        dA, dg, gap, n_visited, n_lost = tasks.reduce_chains(
            "visits",
            _dual.visit,
            chains,
            self.problem.handles,
            self.handles,
            common=common,
            last=partial(_dual.changes, n_chains=visits.n_chains),
            last_common=(self.A, self.g),
        )
        self.version += 1
        if n_lost:
            # P has changed where it was not lost: the coefficients follow
            self._form_coefficients(self.coef(), self.dtype)
            return n_visited, False
        self.A = self.A + dA
        self.g = self.g + dg
        self.h = (self.geometry.mean @ self.A).astype(self.dtype)
        if part == PARTS - 1:
            self.gap = gap
        return n_visited, True

    def _form_coefficients(self, coef: Array | None, dtype: Any) -> None:
        """Form the coefficients from P. Where there is none, it becomes p(z)."""
        problem = self.problem
        self.dtype = np.dtype(dtype)
        # a version that no state had before
        self.version += PARTS + 1
        (total,) = problem.tasks.reduce(
            "coefficients-of-dual",
            _dual.form_coefficients,
            problem.handles,
            self.handles,
            common=(self.geometry, coef, self.version, self.dtype),
        )
        A = total / -self.geometry.alpha
        self.A = np.ascontiguousarray(A[: problem.n_features], dtype=dtype)
        self.h = (self.geometry.mean @ A[: problem.n_features]).astype(dtype)
        self.g = (A[-1] if problem.fit_intercept else np.zeros_like(self.h)).astype(dtype)
        if self.version > PARTS + 1:
            # where partitions are may have changed with them
            problem.tasks.forget_places()
            self.chains = problem.tasks.engine.chains(problem.handles)

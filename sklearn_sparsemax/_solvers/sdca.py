r"""Block dual coordinate ascent.

The dual of F at a fixed intercept has one block of variables for each row: its probabilities p_i.
The maximum over one block is an implicit step on the loss of the row (`_kernels.row_losses`). For
the sparsemax loss, it is a projection onto the simplex. A visit to a row computes its scores. The
update after it touches only the outputs whose probability has changed (`_kernels.dual`).

**Intercept.** A free intercept is the Lagrange multiplier of the constraint sum_i omega_i p_i =
sum_i omega_i q_i. The solver uses the method of multipliers. A constant feature c, penalised like
the others, stands for a quadratic penalty on the constraint. After each epoch the coefficient of
c is added to the intercept. A large c enforces the constraint faster but couples all rows. The
value 0.2 times the typical length of a row did well on all problems that were tried, and a factor
of 2 changes little. With an intercept, the features can be centred without changing the minimum.
Centred rows are less correlated, which helps; the centred features are never formed.

**Sampling.** During the epochs W = W(P), so that the duality gap is sum_i omega_i L(z_i; p_i). A
visit to row i measures its term of the sum. An epoch then visits row i with a probability in
proportion to that term: the term over the mean of all terms, at least `LEAST_PROBABILITY` and at
most 1. This saves visits to rows that are nearly optimal. Terms of rows that are seldom visited
are out of date, so an epoch over all rows comes before the gap is trusted.

**Many outputs.** A loss with zeros gives most outputs of a row the probability 0. If there are many
outputs, a visit reads the scores of the row's candidates alone: a few outputs that contain its
support (`_kernels.candidates`). Visits to all outputs, which add the missing candidates, come in
between, as soon as the gap over the candidates has fallen to a part of the gap over all outputs.
At the all-zero model all outputs are tied, so the first candidates are a few outputs spread evenly.

**Threads.** Where rows are weakly coupled, several threads visit rows at the same time, each with
its own copy of the coefficients (`_copies`). If a certificate fails, one thread goes on.

**Precision.** Epochs start in single precision for any type of X, which halves the memory
traffic. When rounding is about to limit the progress, W is computed anew from P, and the epochs
go on in double precision. The certificate is always computed in double precision. It uses the
solver's own P, made feasible, which is a much better dual point than p(z).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse
from sklearn.utils import check_random_state

from .. import _kernels
from .._kernels.blas import blas_threads_for
from .._problem.moments import is_outlier
from .._problem.objective import Objective
from .._problem.products import add_outer
from .._problem.progress import SILENT, STOPPED, Progress
from .._problem.protocol import Problem
from .._typing import Array
from ._copies import Copies, copies_worth_their_time
from ._dual_rows import (
    compact,
    distributions,
    features_for_visits,
    lay_out,
    squares_of_rows,
    with_zeros,
)
from .solution import Solution, Tolerance

if TYPE_CHECKING:  # the kernels load Numba
    from .._kernels.dual import DualRows

CONSTANT = 0.2
LEAST_PROBABILITY = 0.1
FULL_EPOCHS = 2
# Single precision has resolved gaps, relative to F(0, 0), of a hundredth of this.
SINGLE_PRECISION_GAP = 1e-6
# Scores that single precision holds with room for sums of them.
SINGLE_PRECISION_RANGE = 1e30
STALLED_EPOCHS = 10
# Epochs over candidates end when the gap has fallen so far below that over all outputs, or when
# there were so many.
FALL_OVER_CANDIDATES = 0.1
MOST_EPOCHS_OVER_CANDIDATES = 3
FIRST_CANDIDATES = 16
# The certificate costs as much as two epochs over all outputs. It is tried after an epoch over
# candidates if the gap is so far below the bound, and the last one over all outputs was near it.
WELL_BELOW = 0.5
NEAR = 5
PACE_EPOCHS = 50
TRIAL_EPOCHS = 2
# The first of them may leave a gap so many times as large as that after the second one.
FIRST_TRIAL = 2.5


# idle threads of BLAS would spin beside the epochs, which have one
@blas_threads_for(0)
def solve(
    objective: Objective,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    progress: Progress = SILENT,
    random_state: int | np.random.RandomState | None = None,
    dual_start: sparse.csr_array | None = None,
    patience: float = np.inf,
    most_left: float = np.inf,
) -> Solution:
    """Maximise the dual until the duality gap is proven to be at most tol * F(0, 0).

    An iteration is an epoch, in which a row is visited at most once. It starts from the
    distributions `dual_start` of a previous solution for the same rows, or else from p(z) of the
    start. The solver gives up when, at the pace of the last half of its epochs, it would need more
    visits than in `patience` further epochs over all rows. It also gives up if the gap after
    `TRIAL_EPOCHS` epochs is more than most_left * F(0, 0), or if it is far more after the first.
    """
    check(objective)
    tolerance = Tolerance(objective, tol)
    dual = Dual(objective, start, dual_start)
    return ascend(
        dual,
        tolerance,
        max_iter=max_iter,
        progress=progress,
        random_state=random_state,
        patience=patience,
        most_left=most_left,
    )


def ascend(
    dual: Dual,
    tolerance: Tolerance,
    *,
    max_iter: int,
    progress: Progress = SILENT,
    random_state: int | np.random.RandomState | None = None,
    patience: float = np.inf,
    most_left: float = np.inf,
    full_epochs: int = FULL_EPOCHS,
) -> Solution:
    """Go on from the distributions of a dual. Over so many epochs first, all rows are visited."""
    random = check_random_state(random_state)
    pace = Pace(tolerance.bound, patience, most_left * tolerance.unit)
    certify_below = tolerance.bound
    for n_iter in range(1, max_iter + 1):
        progress.begin("sdca epoch", partial(dual.certify, tolerance, n_iter - 1, STOPPED))
        full = dual.is_full_epoch(n_iter, full_epochs, certify_below)
        visited = dual.draw_rows(random, full)
        dual.visit(visited, full)
        gap = dual.gaps.sum()
        progress.line(
            "[sdca] epoch %4d  %8d rows  distance %.2e of %.2e",
            n_iter,
            visited.size,
            gap,
            tolerance.bound,
        )
        here = partial(dual.certify, tolerance, n_iter)
        if progress.end(partial(here, STOPPED)):
            solution = here(STOPPED)
            break
        if dual.is_below(certify_below, full):
            solution = here("The tolerance is met.")
            if solution.converged:
                break
            certify_below = 0.5 * gap
            dual.use_one_copy()
        if full or not dual.has_candidates:
            pace.add(gap, visited.size / dual.n_rows)
        if pace.is_slow:
            solution = here("Progress is slow.")
            break
        if pace.has_stalled or gap <= SINGLE_PRECISION_GAP * tolerance.unit:
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


def check(objective: Problem) -> None:
    """Raise an error for an objective whose dual the solver cannot maximise."""
    if objective.loss.of_rows() is None:
        raise ValueError(
            f"solver='sdca' needs dual steps, which the {objective.loss.name} loss lacks; use "
            "solver='lbfgs'."
        )
    if objective.alpha == 0:
        raise ValueError(
            "solver='sdca' needs alpha > 0, since there is no dual without a penalty; use "
            "solver='lbfgs'."
        )


class Pace:
    """How the gap has fallen over the epochs. An epoch counts for the share of rows that it visits.

    Attributes
    ----------
    is_slow : bool
        Whether, at the pace of the last half of the epochs, more visits than in `patience` epochs
        over all rows are needed to reach the bound, judged after every `PACE_EPOCHS` but the first.
        Also, whether the gap after `TRIAL_EPOCHS` is more than `most_left`, or far more after the
        first epoch.
    has_stalled : bool
        Whether the last `STALLED_EPOCHS` epochs, or more, brought no lower gap.
    """

    def __init__(self, bound: float, patience: float, most_left: float) -> None:
        self.bound = bound
        self.patience = patience
        self.most_left = most_left
        self.is_slow = False
        self.has_stalled = False
        self._n_epochs = 0
        self._visits = 0.0
        self._since_lowest = 0
        self._lowest = np.inf
        self._history: list[tuple[float, float]] = []

    def add(self, gap: float, visited: float) -> None:
        """Take note of the gap after an epoch, which has visited a share of the rows."""
        self._n_epochs += 1
        self._visits += visited
        self._since_lowest = 0 if gap < self._lowest else self._since_lowest + 1
        self._lowest = min(self._lowest, gap)
        self.has_stalled = self._since_lowest >= STALLED_EPOCHS
        if self._n_epochs % PACE_EPOCHS == 0:
            self.is_slow = self._needs_patience(gap)
            self._history.append((gap, self._visits))
        elif self._n_epochs <= TRIAL_EPOCHS:
            factor = 1 if self._n_epochs == TRIAL_EPOCHS else FIRST_TRIAL
            self.is_slow = gap > factor * self.most_left

    def _needs_patience(self, gap: float) -> bool:
        if not self._history or not np.isfinite(self.patience) or gap <= self.bound:
            return False
        before, visits_before = self._history[len(self._history) // 2]
        pace = np.log(before / gap) / (self._visits - visits_before)
        way = np.log(gap / self.bound) if self.bound > 0 else np.inf
        return bool(way > self.patience * pace)


class Dual:
    """Distributions P of the rows, the coefficients that they make, and the intercept.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    dtype : numpy.dtype
        Precision of P and A.
    gaps : ndarray of shape (n_rows,)
        omega_i L(z_i; p_i) of each row at its last visit.
    """

    def __init__(
        self, objective: Objective, start: Array, dual_start: sparse.csr_array | None
    ) -> None:
        X = objective.X
        self.objective = objective
        self.loss = objective.loss.of_rows()
        self.has_candidates = objective.has_candidates
        self._may_copy = True
        self._gap_over_all, self._n_over_candidates = np.inf, 0
        self.n_rows = X.shape[0]
        self.features = features_for_visits(X)
        # a binary problem has one row of coefficients w = w_1 - w_0 with ||w||^2 = 2 ||W||^2
        self.is_binary = objective.shape[1] < objective.n_outputs
        self.alpha = objective.alpha * (2 if self.is_binary else 1)
        self.scale = objective.weights / self.alpha
        squares = squares_of_rows(X)
        if objective.fit_intercept:
            self.mean = self._center_of_rows(squares)
            self.projected_mean = objective.along(self.mean)
            square_of_mean = float(self.mean @ self.mean)
            squares = np.maximum(squares - 2 * self.projected_mean + square_of_mean, 0)
            ordinary = objective.weights * ~is_outlier(squares, objective.weights)
            typical = float(ordinary @ squares) / ordinary.sum()
            self.constant = CONSTANT**2 * (typical or 1.0)
            self.slope = self.constant + square_of_mean - self.projected_mean
        else:
            self.mean = np.zeros(objective.n_features)
            self.projected_mean = self.slope = np.zeros(self.n_rows)
            self.constant = 0.0
        self.sigma = self.scale * (squares + self.constant)
        self.gaps = np.ones(self.n_rows)
        self.center = np.zeros(objective.n_outputs)
        if objective.fit_intercept:
            self.center[-objective.shape[1] :] = start[-1] + self.mean @ start[:-1]
        # scores of W(P), which is at most 2 / alpha times the largest row
        scores = 2 / self.alpha * squares.max(initial=0)
        dtype = np.float32 if scores < SINGLE_PRECISION_RANGE else np.float64
        if dual_start is not None or start.any():
            P = objective.sparse_distributions(start) if dual_start is None else dual_start
            self.rows = lay_out(P)
            self.use_precision(dtype)
            return
        P = sparse.csr_array(objective.targets)
        if self.has_candidates:
            P = with_zeros(P, FIRST_CANDIDATES)
            self._gap_over_all = 0.0
        # W(P) = 0, which needs no product
        self._begin(np.zeros((objective.shape[0], objective.n_outputs), dtype), P, dtype)

    def _center_of_rows(self, squares: Array) -> Array:
        """Mean of the features (d,) over the rows that are no outliers."""
        weights = self.objective.weights
        outlying = is_outlier(squares, weights)
        if outlying.any():
            weights = np.where(outlying, 0, weights)
            weights = weights / weights.sum()
        return self.objective.sum_of_rows(weights)

    def move_to(self, alpha: float, growth: float) -> None:
        """Go to a smaller alpha, at which the coefficients are larger by the factor `growth`.

        The distributions become q - s (q - P), s <= 1, as `path` says. With s = 1 the coefficients
        grow most.
        """
        ratio = alpha / self.objective.alpha
        share = min(ratio * growth, 1.0)
        self.objective.alpha = alpha
        # the next epoch visits all outputs
        self._gap_over_all = np.inf
        self.alpha *= ratio
        self.scale /= ratio
        self.sigma /= ratio
        for coefficients in (self.A, self.g, self.h):
            coefficients *= share / ratio
        self._copy()
        if share < 1:
            P = share * self._compact() + (1 - share) * sparse.csr_array(self.objective.targets)
            self.rows = lay_out(P.astype(self.dtype))

    def use_precision(self, dtype: DTypeLike) -> None:
        """Form the coefficients from P in the precision given."""
        P = self.distributions()
        A = self.objective.coef_of_dual(P)
        A *= self.objective.alpha / self.alpha
        self._begin(A, P, dtype)

    def _begin(self, A: Array, P: sparse.csr_array, dtype: DTypeLike) -> None:
        """Take coefficients (d + 1, K) and the P that they belong to, in the precision given."""
        self.dtype = np.dtype(dtype)
        self.A = np.ascontiguousarray(A[: self.objective.n_features], dtype=dtype)
        self.h = (self.mean @ A[: self.objective.n_features]).astype(dtype)
        self.g = (A[-1] if self.objective.fit_intercept else np.zeros_like(self.h)).astype(dtype)
        self.rows = lay_out(P.astype(dtype))
        self._copy()

    def _copy(self) -> None:
        """Make the copies of the coefficients for the threads."""
        n_copies = 1
        if self._may_copy:
            coupling = float(self.objective.weights @ self.sigma)
            n_copies = copies_worth_their_time(self.objective, coupling)
        self.copies = Copies((self.A, self.g, self.h), n_copies)

    def use_one_copy(self) -> None:
        """Go on with one copy of the coefficients.

        A thread measures the gap of its rows at its own copy, to which they are fitted. The gap at
        the mean of the copies may be much larger.
        """
        self._may_copy = False
        if len(self.copies) > 1:
            self.rows = lay_out(self._compact())
            self._copy()

    def use_double_precision(self) -> None:
        """Go on in double precision, if not there yet."""
        if self.dtype == np.float32:
            self.use_precision(np.float64)

    def draw_rows(self, random: np.random.RandomState, full: bool) -> Array:
        """Rows to visit in an epoch, in random order: all, or each with its probability."""
        if full:
            return random.permutation(self.n_rows)
        probability = np.maximum(self.gaps / self.gaps.mean(), LEAST_PROBABILITY)
        visited = np.flatnonzero(random.uniform(size=self.n_rows) < probability)
        random.shuffle(visited)
        return visited

    def is_full_epoch(self, n_iter: int, full_epochs: int, certify_below: float) -> bool:
        """Whether the next epoch visits all rows and, where there are candidates, all outputs."""
        gap = self.gaps.sum()
        if not self.has_candidates:
            return n_iter <= full_epochs or gap <= certify_below
        return (
            gap <= FALL_OVER_CANDIDATES * self._gap_over_all
            or self._n_over_candidates == MOST_EPOCHS_OVER_CANDIDATES
        )

    def is_below(self, bound: float, full: bool) -> bool:
        """Whether the gap after a full epoch, or another one, is so low that it is certified."""
        gap = self.gaps.sum()
        if full or not self.has_candidates:
            return full and gap <= bound
        return gap <= WELL_BELOW * bound and self._gap_over_all <= NEAR * bound

    def visit(self, order: Array, full: bool = True) -> None:
        """Maximise over the blocks of some rows, and move the center of the intercept."""
        kernel = _kernels.candidates if self.has_candidates else _kernels.dual
        options = (full,) if self.has_candidates else ()
        n_copies = len(self.copies)
        scale, sigma = self.scale * n_copies, self.sigma * n_copies

        def visit_rows(rows: Array, coefficients: tuple[Array, ...], pool: DualRows) -> int:
            return kernel.visit_rows(
                rows,
                self.features,
                self.loss,
                scale,
                sigma,
                self.slope,
                self.projected_mean,
                *coefficients,
                self.center,
                pool,
                self.gaps,
                *options,
            )

        for part in self.copies.parts(order, self.objective):
            while part.size:
                part = self.copies.visit(visit_rows, part, self.rows)
                if part.size:
                    self.rows = lay_out(self._compact(), n_copies)
        self.gaps[order] *= self.alpha / n_copies
        if self.has_candidates:
            self._n_over_candidates = 0 if full else self._n_over_candidates + 1
            self._gap_over_all = self.gaps.sum() if full else self._gap_over_all
        self.center += self.constant * self.g

    def distributions(self) -> sparse.csr_array:
        """P (n, K) in double precision. Rows on the simplex sum to 1, whatever their precision."""
        loss, n_outputs = self.objective.loss, self.objective.n_outputs
        return distributions(self.rows, n_outputs, on_simplex=not loss.independent_outputs)

    def certify(self, tolerance: Tolerance, n_iter: int, message: str) -> Solution:
        return tolerance.certify(self._coef(), n_iter, message, self.distributions())

    def _coef(self) -> Array:
        """Coefficients in the layout of the objective."""
        coef = np.empty((len(self.A) + self.objective.fit_intercept, self.center.size))
        W = coef[: len(self.A)]
        W[:] = self.A
        if self.objective.fit_intercept:
            add_outer(W, -self.mean, self.g)
            coef[-1] = self.center - self.mean @ W
        return coef[:, 1:] - coef[:, :1] if self.is_binary else coef

    def _compact(self) -> sparse.csr_array:
        """P (n, K) as it is."""
        return compact(self.rows, self.objective.n_outputs)

"""The dual of the rows of a partition, on the worker that holds them.

A `DualPartition` is the only object over partitions that changes. Its version says which state it
is in, and every task names the version that it expects. A task that finds another one changes
nothing and says so: its partition was computed anew after a worker died, or the scheduler has run
the task twice. The client then forms the coefficients again from the rows P that there are. Where
there are none, they become p(z).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .. import _kernels
from .._kernels.dual import DualRows
from .._problem.protocol import Repair
from .._solvers import _dual_rows
from .._typing import Array
from ._partition import Partition, share
from ._sums import scores_of


class Geometry(NamedTuple):
    """What the visits know of the features and weights of all rows.

    Attributes
    ----------
    mass : float
        Total weight of the rows.
    alpha : float
        Strength of the penalty, as the visits need it.
    mean : ndarray of shape (d,)
        Center of the features, 0 without an intercept.
    constant : float
        Square of the constant feature, 0 without an intercept.
    """

    mass: float
    alpha: float
    mean: Array
    constant: float


class DualPartition:
    """Rows P of a partition, and what a visit to each needs.

    Parameters
    ----------
    partition : Partition
        The rows.
    geometry : Geometry
        Of all rows.

    Attributes
    ----------
    version : int or None
        The state of P, None before there is one.
    """

    def __init__(self, partition: Partition, geometry: Geometry) -> None:
        self.version: int | None = None
        self.rows: DualRows | None = None
        objective = partition.objective
        if objective is None:
            return
        self.scale = objective.weights * (partition.mass / geometry.mass / geometry.alpha)
        squares = _dual_rows.squares_of_rows(objective.X)
        if objective.fit_intercept:
            self.projected_mean = objective.along(geometry.mean)
            square_of_mean = float(geometry.mean @ geometry.mean)
            squares = np.maximum(squares - 2 * self.projected_mean + square_of_mean, 0)
            self.slope = geometry.constant + square_of_mean - self.projected_mean
        else:
            self.projected_mean = self.slope = np.zeros(objective.n_rows)
        self.sigma = self.scale * (squares + geometry.constant)
        self.gaps = np.zeros(objective.n_rows)
        self.order = np.zeros(0, dtype=np.int64)
        self.largest_square = float(squares.max(initial=0))

    def __sizeof__(self) -> int:
        if self.rows is None:
            return object.__sizeof__(self)
        return 8 * sum(array.size for array in self.rows) + 5 * self.gaps.nbytes


def largest_square(dual: DualPartition) -> float:
    """Largest squared length of a row."""
    return getattr(dual, "largest_square", 0.0)


def form_coefficients(
    partition: Partition,
    dual: DualPartition,
    geometry: Geometry,
    coef: Array | None,
    version: int,
    dtype: np.dtype,
) -> tuple[Any, ...] | None:
    """The part of the rows in -alpha W(P), as an array (d + 1, K).

    Rows that are missing become those of the targets if the coefficients are None, or else p(z).
    From now on P has the given version.
    """
    objective = partition.objective
    dual.version = version
    if objective is None:
        return None
    if dual.rows is not None:
        P = _distributions(partition, dual)
    elif coef is None:
        P = sparse.csr_array(objective.targets)
    else:
        P = objective.sparse_distributions(coef)
    dual.rows = _dual_rows.lay_out(P.astype(dtype))
    return share(partition, geometry.mass, [objective.data_gradient_of_dual(P)])


def _distributions(partition: Partition, dual: DualPartition) -> sparse.csr_array:
    objective = partition.objective
    assert objective is not None
    assert dual.rows is not None
    on_simplex = not objective.loss.independent_outputs
    return _dual_rows.distributions(dual.rows, objective.n_outputs, on_simplex=on_simplex)


class Visits(NamedTuple):
    """The visits of a round.

    Attributes
    ----------
    version : int
        The state that P must be in before the first part. Each part changes it.
    seed : int
        Draws the rows of the epoch, before the first part.
    least_probability : float
        Of a visit to a row.
    mean_gap : float
        Mean of the gaps of all rows. A row is visited with probability gap / mean_gap.
    n_parts : int
        Number of parts of the drawn rows.
    n_chains : int
        Number of chains of partitions that move the coefficients at the same time.
    """

    version: int
    seed: int
    least_probability: float
    mean_gap: float
    n_parts: int
    n_chains: int


class Moved:
    """Coefficients along a chain of partitions, and what the visits so far have found."""

    def __init__(self, A: Array, g: Array, h: Array) -> None:
        self.A, self.g, self.h = A.copy(), g.copy(), h.copy()
        self.gap = 0.0
        self.n_visited = 0
        self.n_lost = 0

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + int(self.A.nbytes + self.g.nbytes + self.h.nbytes)


def visit(
    partition: Partition,
    dual: DualPartition,
    moved: Moved | None,
    part: int,
    geometry: Geometry,
    A: Array,
    g: Array,
    h: Array,
    center: Array,
    visits: Visits,
) -> Moved:
    """Maximise over a part of the drawn rows, at coefficients that the chain has moved already.

    Other chains move the coefficients at the same time. Each takes its own changes n_chains times,
    so that the sum of all changes never overshoots (CoCoA+, Ma et al. 2015).
    """
    moved = moved or Moved(A, g, h)
    if dual.version != visits.version + part:
        moved.n_lost += 1
        return moved
    dual.version += 1
    if partition.objective is None:
        return moved
    if part == 0:
        dual.order = _drawn(dual, partition.index, visits)
    bounds = dual.order.size * np.arange(visits.n_parts + 1) // visits.n_parts
    order = dual.order[bounds[part] : bounds[part + 1]]
    _maximise(partition, dual, moved, geometry, center, order, visits.n_chains)
    if part == visits.n_parts - 1:
        moved.gap += float(dual.gaps.sum())
    moved.n_visited += order.size
    return moved


def _drawn(dual: DualPartition, index: int, visits: Visits) -> Array:
    """Rows of an epoch, in random order."""
    random = np.random.RandomState([visits.seed, index])
    if visits.least_probability >= 1:
        return random.permutation(dual.gaps.size)
    probability = np.maximum(dual.gaps / visits.mean_gap, visits.least_probability)
    drawn = np.flatnonzero(random.uniform(size=dual.gaps.size) < probability)
    random.shuffle(drawn)
    return drawn


def _maximise(
    partition: Partition,
    dual: DualPartition,
    moved: Moved,
    geometry: Geometry,
    center: Array,
    order: Array,
    n_chains: int,
) -> None:
    objective = partition.objective
    assert objective is not None
    assert dual.rows is not None
    features = _dual_rows.features_for_visits(objective.X)
    loss = objective.loss.of_rows()
    scale, sigma = dual.scale * n_chains, dual.sigma * n_chains
    while order.size:
        n_visited = _kernels.dual.visit_rows(
            order,
            features,
            loss,
            scale,
            sigma,
            dual.slope,
            dual.projected_mean,
            moved.A,
            moved.g,
            moved.h,
            center,
            dual.rows,
            dual.gaps,
        )
        dual.gaps[order[:n_visited]] *= geometry.alpha / n_chains
        order = order[n_visited:]
        if order.size:
            dual.rows = _dual_rows.lay_out(_dual_rows.compact(dual.rows, objective.n_outputs))


def changes(
    moved: Moved, A: Array, g: Array, n_chains: int
) -> tuple[Array, Array, float, int, int]:
    """Changes of A and g, gap, number of visits, and number of partitions without P."""
    dA = moved.A
    dA -= A
    dA /= n_chains
    return dA, (moved.g - g) / n_chains, moved.gap, moved.n_visited, moved.n_lost


def mean_of_rows(
    partition: Partition, dual: DualPartition, mass: float, version: int
) -> tuple[Any, int] | None:
    """Weighted mean (K,) of the rows P, and 0; or 0 and 1 if P is not in the state given."""
    if partition.objective is None:
        return None
    if dual.version != version:
        return 0.0, 1
    P = _distributions(partition, dual)
    return (*share(partition, mass, [partition.objective.weights @ P]), 0)


def losses_at_rows(
    partition: Partition,
    dual: DualPartition,
    given: Any,
    mass: float,
    intercept: Array | None,
    repair: Repair | None,
    version: int,
) -> tuple[Any, ...] | None:
    """The terms of the certificate with the rows P, and 0; the last is 1 if P is another."""
    if partition.objective is None:
        return None
    if dual.version != version:
        return 0.0, 0.0, 0.0, 1
    scores = scores_of(partition.objective, given)
    losses = scores.losses(intercept, repair, _distributions(partition, dual))
    return (*share(partition, mass, losses), 0)

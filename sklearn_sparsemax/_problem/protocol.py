"""What a solver needs of a problem.

`Objective` holds its rows in the memory of this process. Another problem may hold them elsewhere:
every method returns sums over the rows, of the size of the coefficients or smaller. Solvers that
visit single rows ("sdca", "sgd") need an `Objective`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array, Matrix
from ..losses import FenchelYoungLoss


class Repair(NamedTuple):
    """What makes distributions p_i feasible.

    An output keeps the part `factors` (K,) of its probability. What a row loses is shared out in
    the proportions `refill` (K,). For independent outputs, an output gets the part 1 - factors of
    its `refill`.
    """

    factors: Array
    refill: Array


class Scores(Protocol):
    """Scores X W + b for one W and any b. P are the probabilities p(z), or rows of the dual."""

    def derivatives(self, intercept: Array) -> tuple[float, Array, Any]:
        """Mean loss, its gradient (m,) and its Hessian by the intercept.

        The Hessian is an array (m, m), or an object with its diagonal and a method `solve`
        (`candidates.SupportHessian`).
        """

    def mean(self, intercept: Array | None, dual: Any = None) -> Array:
        """Weighted mean (K,) of the rows of P."""

    def losses(
        self, intercept: Array | None, repair: Repair | None, dual: Any = None
    ) -> tuple[float, float, Array]:
        """Mean losses L(z; q) and L(z; p'), and sum_i omega_i (x_i, 1) (p'_i - q_i)^T.

        P' is P after the repair. The last result has the shape of the coefficients.
        """


class Curvature(Protocol):
    """Second derivatives of the mean loss by standardised variables."""

    diagonal: Array

    def product(self, variables: Array) -> Array:
        """The product with variables, both of the shape of the coefficients."""


class Problem(Protocol):
    """F(W, b) and its derivatives. `Objective` describes the attributes and methods."""

    @property
    def loss(self) -> FenchelYoungLoss: ...
    @property
    def alpha(self) -> float: ...
    @property
    def fit_intercept(self) -> bool: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_entries(self) -> int: ...
    @property
    def is_sparse(self) -> bool: ...
    @property
    def dtype(self) -> np.dtype: ...
    @property
    def n_features(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def free_outputs(self) -> slice: ...
    @property
    def shift_invariant(self) -> bool: ...
    @property
    def target_mean(self) -> Array: ...

    def value_at_zero(self) -> float: ...

    def value_and_gradient(
        self, coef: Array, dtype: DTypeLike | None = None
    ) -> tuple[float, Array]: ...

    def coefficient_gap(self, gradient: Array) -> float: ...

    def hessian(self, coef: Array, center: Array | None = None) -> Array: ...

    def curvature(self, coef: Array, scale: Array, mean: Array | None) -> Curvature: ...

    def scores(self, coef: Array, dual: Any = None) -> Scores: ...

    def feature_moments(self, *, with_outliers: bool = False) -> tuple[Array, Array]: ...

    def column(self, feature: int) -> Array: ...

    def refuse_large_features(self) -> None: ...


class RowBlocks(Protocol):
    """The part of `Objective` from which the classes of this folder compute their sums."""

    @property
    def loss(self) -> FenchelYoungLoss: ...
    @property
    def fit_intercept(self) -> bool: ...
    @property
    def n_features(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def free_outputs(self) -> slice: ...
    @property
    def weights(self) -> Array: ...
    @property
    def blocks(self) -> Any: ...
    @property
    def is_sparse(self) -> bool: ...
    @property
    def scores_fit_one_block(self) -> bool: ...

    def scored_blocks(self, coef: Array, dtype: np.dtype) -> Iterator[tuple[Any, Array]]: ...

    def curved_rows(self, coef: Array) -> Iterator[tuple[Matrix, Array, Array]]: ...

    def add_data_gradient(self, gradient: Array, block: Any, residual: Array) -> None: ...

    def data_gradient_of_dual(self, dual: Any) -> Array: ...

    def sum_of_rows(self, factors: Array) -> Array: ...

"""The objective over arrays of any library, on the device where they lie.

It has the interface of `Objective` that the solvers "lbfgs" and "newton-cg", the intercept and the
certificate use. Scores and targets are formed for blocks of rows. A block holds at most
`array_rows.NUMBERS_PER_BLOCK` scores, and as many features where these are converted to another
type. Evaluations in the type of X convert none. A pass needs several arrays of the size of a
block.

Products of matrices run in the type of X, or in double precision for the certificate. Sums over
rows are in double precision. What reaches the host is single numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from .. import _arrays
from .._kernels import array_rows
from .._typing import Array
from .._validation import check_squares
from ..losses import FenchelYoungLoss
from ..losses.array_targets import column_totals
from .curvature import CurvedRows
from .moments import feature_moments
from .objective import Block
from .scores import ScoresOfIntercepts


class Targets(Protocol):
    """Target distributions of all rows, of shape (n, K) (`array_targets`)."""

    shape: tuple[int, ...]

    def block(self, rows: slice, dtype: Any) -> Any:
        """Those of some rows, as a dense array."""


class ArrayObjective:
    """F(W, b) and its derivatives over arrays of one library.

    Parameters
    ----------
    X : array of shape (n, d)
        Features, float32 or float64.
    targets : Targets of shape (n, K)
        Target distributions.
    loss : FenchelYoungLoss
        The loss L.
    alpha : float
        Strength of the penalty, 0 or more.
    sample_weight : array of shape (n,), default=None
        Weights of the rows, positive, in double precision. Their sum does not matter.
    fit_intercept, reference_output : bool
        As those of `Objective`.

    Attributes
    ----------
    xp : module
        The functions for its arrays.
    double : dtype
        The most precise type of the device, that of the coefficients.
    shape, target_mean, free_outputs, shift_invariant
        As those of `Objective`.
    """

    is_sparse = False

    def __init__(
        self,
        X: Any,
        targets: Any,
        loss: FenchelYoungLoss,
        *,
        alpha: float,
        sample_weight: Any = None,
        fit_intercept: bool = True,
        reference_output: bool = False,
    ) -> None:
        self.xp = _arrays.namespace(X)
        self.double = _arrays.double(X)
        n_rows, self.n_features = X.shape
        self.n_outputs = targets.shape[1]
        self.X = X
        self.targets = targets
        self.loss: Any = loss.over(self.xp)
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.shape = (self.n_features + fit_intercept, self.n_outputs - reference_output)
        self.free_outputs = slice(int(reference_output), None)
        self.shift_invariant = not (reference_output or loss.independent_outputs)
        if sample_weight is None:
            sample_weight = self.xp.ones(n_rows, dtype=self.double, device=X.device)
        self.weights = sample_weight / self.xp.sum(sample_weight)
        mean = column_totals(self.weights, targets)
        # the weights sum to 1 up to rounding only
        self.target_mean = self.xp.minimum(mean, self.xp.ones_like(mean))

    @property
    def blocks(self) -> Iterator[Block]:
        """The blocks of rows of a pass in double precision, with dense targets."""
        for rows in array_rows.row_ranges(self.n_rows, max(self.n_features, self.n_outputs)):
            yield self._block(rows, self.double)

    @property
    def scores_fit_one_block(self) -> bool:
        """Whether the scores of all rows are no larger than those of a block may be."""
        return len(array_rows.row_ranges(self.n_rows, self.n_outputs)) <= 1

    def zeros(self, shape: int | tuple[int, ...]) -> Array:
        """Zeros in double precision, beside the coefficients."""
        return self.xp.zeros(shape, dtype=self.double, device=self.X.device)

    def value_and_gradient(self, coef: Array, dtype: Any = None) -> tuple[float, Array]:
        """F and its gradient, with products in `dtype`, by default the type of X."""
        dtype = dtype or self.X.dtype
        W = coef[: self.n_features, :]
        gradient = self.zeros(self.shape)
        gradient[: self.n_features, :] = self.alpha * W
        value: Any = 0.0
        for block, scores in self.scored_blocks(coef, dtype):
            value += block.weights @ self.loss.value_and_residual(scores, block.targets)
            self.add_data_gradient(gradient, block, scores)
        return 0.5 * self.alpha * _arrays.dot(W, W) + float(value), gradient

    def curved_rows(self, coef: Array) -> Iterator[tuple[Array, Array, Array]]:
        """Rows with curvature, in several parts: features (r, d), and c and u (r, m)."""
        for block, scores in self.scored_blocks(coef, self.X.dtype):
            c, u = self.loss.curvature(self.loss.probabilities(scores))
            c, u = c[:, self.free_outputs], u[:, self.free_outputs]
            X, weights = block.X, _arrays.cast(block.weights, c.dtype)[:, None]
            if not self.loss.full_support:
                curved = self.xp.sum(c - u**2, axis=1) > 0
                X, c, u, weights = X[curved], c[curved], u[curved], weights[curved]
            yield X, weights * c, self.xp.sqrt(weights) * u

    def coefficient_gap(self, gradient: Array) -> float:
        """alpha/2 ||W - W(P)||^2 for P = p(z): the gap without the error of the intercept."""
        if self.alpha == 0:
            return float("inf")
        slopes = gradient[: self.n_features, :]
        return _arrays.dot(slopes, slopes) / (2 * self.alpha)

    def value_at_zero(self) -> float:
        """F(0, 0), without a product."""
        value: Any = 0.0
        for rows in array_rows.row_ranges(self.n_rows, self.n_outputs):
            targets = self.targets.block(rows, self.double)
            value += self.weights[rows] @ self.loss.value(self.xp.zeros_like(targets), targets)
        return float(value)

    @property
    def _rows(self) -> Any:
        # it has no rows of a dual, which the solvers over arrays never have
        return self

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_entries(self) -> int:
        """Number of entries of X."""
        return _arrays.size(self.X)

    @property
    def dtype(self) -> Any:
        """Type of X."""
        return self.X.dtype

    def curvature(self, coef: Array, scale: Array, mean: Array | None) -> CurvedRows:
        """Second derivatives of the mean loss by variables of features scale * (x - mean)."""
        return CurvedRows(self._rows, coef, scale, mean)

    def scores(self, coef: Array, dual: Any = None) -> ScoresOfIntercepts:
        """Scores for the W of these coefficients and any intercept."""
        return ScoresOfIntercepts(self._rows, coef)

    def column(self, feature: int) -> Any:
        """Values (n,) of a feature on the host, for a warning."""
        return _arrays.on_host(self.X[:, feature]).astype(np.float64)

    def refuse_large_features(self) -> None:
        """Raise a ValueError that names a feature whose squares are beyond double precision."""
        check_squares(np.inf, self.X)

    def feature_moments(self, *, with_outliers: bool = False) -> tuple[Array, Array]:
        """Weighted mean and variance of each feature, shape (d,), in double precision."""
        return feature_moments(self._rows, with_outliers=with_outliers)

    def scored_blocks(self, coef: Array, dtype: Any) -> Iterator[tuple[Block, Array]]:
        """Each block, with its scores (m, K), which the caller may overwrite."""
        W = _arrays.cast(coef[: self.n_features, :], dtype)
        intercept = _arrays.cast(coef[-1, :], dtype) if self.fit_intercept else 0
        # features that stay as they are, in double precision excepted, need no memory
        widest = self.n_outputs if dtype != self.double else max(self.n_features, self.n_outputs)
        for rows in array_rows.row_ranges(self.n_rows, widest):
            block = self._block(rows, dtype)
            block = block._replace(X=_arrays.cast(block.X, dtype))
            scores = block.X @ W + intercept
            if self.shape[1] < self.n_outputs:
                scores = self.xp.concat([self.xp.zeros_like(scores[:, :1]), scores], axis=1)
            yield block, scores

    def add_data_gradient(self, gradient: Array, block: Block, residual: Array) -> None:
        """Add sum_i omega_i (x_i, 1) residual_i^T to the gradient; overwrites the residual."""
        weights = _arrays.cast(block.weights, residual.dtype)
        residual = residual[:, self.free_outputs] * weights[:, None]
        if self.fit_intercept:
            gradient[-1, :] += _arrays.column_sums(residual)
        gradient[: self.n_features, :] += _arrays.cast(block.X, residual.dtype).T @ residual

    def _block(self, rows: slice, dtype: Any) -> Block:
        targets = self.targets.block(rows, dtype)
        return Block(rows, self.X[rows, :], targets, self.weights[rows])

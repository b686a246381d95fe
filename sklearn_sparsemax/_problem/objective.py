r"""The objective that every solver minimises.

Rows i have features x_i (d), weights omega_i summing to 1 and target distributions q_i on
K outputs. With scores z_i = W^T x_i + b and a Fenchel-Young loss L of regulariser Omega,

    F(W, b) = sum_i omega_i L(z_i; q_i) + alpha/2 ||W||^2,

    grad_W F = sum_i omega_i x_i (p_i - q_i)^T + alpha W,   grad_b F = sum_i omega_i (p_i - q_i).

All passes run over blocks of rows. No array of scores, and no copy of dense features, holds more
than `NUMBERS_PER_BLOCK` numbers. The value and gradient of dense features, which solvers compute
most often, run over smaller blocks in parallel. A small block is more likely to be still in the
cache for the second of its two products, and the loss runs on the threads too. The blocks do not
depend on the number of threads, and their gradients are added in order. The sums are therefore
the same, to the last bit, for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from .. import _kernels
from .._kernels.blas import blas_threads_for
from .._kernels.row_blocks import LEAST_COMPILED
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._typing import Array, Matrix
from .._validation import check_squares
from ..losses import FenchelYoungLoss
from .candidates import LEAST_KEPT, LEAST_OUTPUTS, CandidateScores
from .curvature import CurvedRows
from .moments import feature_moments
from .products import add_outer_products, product, transposed_product
from .protocol import Scores
from .scores import ScoresOfIntercepts

NUMBERS_PER_BLOCK = 2**23
# So many numbers stay in the cache. This limits the scores of a block of sparse features, because
# the product with the columns reads the rows of the scores in no order.
NUMBERS_NEARBY = 2**19
# A block of dense features for one thread must be worth the start of a thread, and small enough to
# stay in the cache. It holds at least this many multiplications by W, enough rows to share the
# reading of W, and enough scores for the compiled loss. Few outputs count as `FEW_OUTPUTS`, since
# reading X is then the larger cost.
MULTIPLICATIONS_PER_BLOCK = 2**22
FEW_OUTPUTS = 8
LEAST_ROWS = 2**9


class Block(NamedTuple):
    """A range of rows: features (m, d), targets (m, K) and weights (m,)."""

    rows: slice
    X: Matrix
    targets: Matrix
    weights: Array


Result = TypeVar("Result")


class Objective:
    """F(W, b) and its derivatives, for given data.

    Coefficients are one float64 array (d, m), or (d + 1, m) with the intercept as its last
    row, whatever the type of X.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n, d)
        Features, float32 or float64. Products with X run in its type.
    targets : {ndarray, csr_array} of shape (n, K)
        Target distributions.
    loss : FenchelYoungLoss
        The loss L.
    alpha : float
        Strength of the penalty, 0 or more.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows, positive. Their sum does not matter.
    fit_intercept : bool, default=True
        Whether b is free. Otherwise it is 0.
    reference_output : bool, default=False
        Whether the scores of the first output are fixed at 0. Then m = K - 1 coefficients are
        left for each feature. Binary problems are stored in this way.

    Attributes
    ----------
    shape : tuple of int
        Shape of the coefficients.
    target_mean : ndarray of shape (K,)
        qbar, the weighted mean of the targets.
    free_outputs : slice
        Outputs that have coefficients.
    shift_invariant : bool
        Whether a common shift of all scores changes nothing.
    blocks : list of Block
        The blocks of rows that a pass runs over.
    """

    def __init__(
        self,
        X: Matrix,
        targets: Matrix,
        loss: FenchelYoungLoss,
        *,
        alpha: float,
        sample_weight: Array | None = None,
        fit_intercept: bool = True,
        reference_output: bool = False,
    ) -> None:
        n_rows, self.n_features = X.shape
        self.n_outputs = targets.shape[1]
        self.X = X
        self.targets = targets
        self.loss = loss
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.shape = (self.n_features + fit_intercept, self.n_outputs - reference_output)
        self.free_outputs = slice(int(reference_output), None)
        self.shift_invariant = not (reference_output or loss.independent_outputs)
        weights = np.ones(n_rows) if sample_weight is None else sample_weight
        self.weights = weights / weights.sum()
        # the weights sum to 1 up to rounding only
        self.target_mean = np.minimum(np.asarray(self.weights @ targets).ravel(), 1)
        self._columns_of: dict[int, sparse.csc_array] = {}
        if sparse.issparse(X):
            # each block adds to the gradient of all coefficients; it is worth this cost if it has
            # as many rows as X has features
            nearby = max(NUMBERS_NEARBY // self.n_outputs, self.n_features)
            block_rows = min(NUMBERS_PER_BLOCK // self.n_outputs, nearby)
        else:
            block_rows = NUMBERS_PER_BLOCK // max(self.n_features, self.n_outputs)
        block_rows = max(1, block_rows)
        self.blocks = self.blocks_between([*range(0, n_rows, block_rows), n_rows])
        self._small_blocks = self.blocks
        if not sparse.issparse(X):
            of_one_row = max(1, self.n_features) * max(FEW_OUTPUTS, self.n_outputs)
            least_rows = max(
                MULTIPLICATIONS_PER_BLOCK // of_one_row,
                LEAST_COMPILED // self.n_outputs,
                LEAST_ROWS,
            )
            # a power of 2, which the usual numbers of threads divide
            n_blocks = 2 ** max(0, (n_rows // least_rows).bit_length() - 1)
            bounds = even_bounds(n_rows, max(len(self.blocks), n_blocks))
            self._small_blocks = self.blocks_between(bounds)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_entries(self) -> int:
        """Number of entries of X that are stored."""
        return int(self.X.nnz if self.is_sparse else self.X.size)

    @property
    def is_sparse(self) -> bool:
        """Whether X is sparse."""
        return bool(sparse.issparse(self.X))

    @property
    def dtype(self) -> np.dtype:
        """Type of X."""
        return self.X.dtype

    @property
    def scores_fit_one_block(self) -> bool:
        """Whether the scores of all rows are no larger than those of a block may be."""
        return self.X.shape[0] * self.n_outputs <= NUMBERS_PER_BLOCK

    @property
    def has_candidates(self) -> bool:
        """Whether there are many outputs, of which few have positive probabilities in a row."""
        return self._has_candidates_among(LEAST_OUTPUTS)

    def of_rows(self, rows: Array) -> Objective:
        """The objective of some of the rows."""
        return Objective(
            self.X[rows],
            self.targets[rows],
            self.loss,
            alpha=self.alpha,
            sample_weight=self.weights[rows],
            fit_intercept=self.fit_intercept,
            reference_output=self.shape[1] < self.n_outputs,
        )

    def mean_loss(self, coef: Array) -> float:
        """F without the penalty."""
        return float(
            sum(
                block.weights @ self.loss.value_and_residual(scores, block.targets)
                for block, scores in self.scored_blocks(coef, self.X.dtype)
            )
        )

    def value_and_gradient(
        self, coef: Array, dtype: DTypeLike | None = None
    ) -> tuple[float, Array]:
        """F and its gradient, of the shape of the coefficients, in one pass over X.

        The products with X run in `dtype`, by default that of X.
        """
        dtype = np.dtype(dtype or self.X.dtype)
        W = coef[: self.n_features]
        value = 0.5 * self.alpha * float(np.vdot(W, W))
        gradient = np.zeros(self.shape)
        gradient[: self.n_features] = self.alpha * W

        def terms_of(start: int, stop: int) -> list[tuple[float, Array]]:
            blocks = self._small_blocks[start:stop]
            return [
                self._value_and_gradient_of(block, scores)
                for block, scores in self.scored_blocks(coef, dtype, blocks)
            ]

        # products of sparse features have threads of their own
        n_side_by_side = 1 if sparse.issparse(self.X) else n_threads(self.X.size)
        for terms in _in_rounds(terms_of, len(self._small_blocks), n_side_by_side):
            for value_of_block, gradient_of_block in terms:
                value += value_of_block
                gradient += gradient_of_block
        return value, gradient

    def hessian(self, coef: Array, center: Array | None = None) -> Array:
        """Second derivatives of F, shape (size, size) for the raveled coefficients.

        The derivative of p_i by its scores is diag(c_i) - u_i u_i^T. With x_i including the
        constant 1 of the intercept,

            H = sum_i omega_i (x_i x_i^T) kron (diag(c_i) - u_i u_i^T) + alpha I,

        without alpha for the intercept. This takes one product for the c of each output, and one
        for the rows x_i kron u_i. Rows whose derivative is 0 are left out. Once a sparse loss is
        nearly fitted, these are most rows. With a center (d,), the derivatives are by the variables
        (W, b + W^T center), for which the features are x_i - center. Features are made dense in
        chunks of at most `NUMBERS_PER_BLOCK` numbers.
        """
        n_coef, n_free = self.shape
        hessian = np.zeros((n_coef, n_free, n_coef, n_free))
        for block, scores in self.scored_blocks(coef, np.dtype(np.float64)):
            c, u = self.loss.curvature(self.loss.probabilities(scores))
            c, u = c[:, self.free_outputs], u[:, self.free_outputs]
            rows = _curved(c, u)
            per_chunk = max(1, NUMBERS_PER_BLOCK // (n_coef * n_free))
            for chunk in np.split(rows, range(per_chunk, rows.size, per_chunk)):
                X = block.X[chunk]
                X = X.toarray() if sparse.issparse(X) else X
                if center is not None:
                    X = X - center
                if self.fit_intercept:
                    X = np.hstack([X, np.ones((chunk.size, 1))])
                X = X * np.sqrt(block.weights[chunk])[:, None]
                for k in range(n_free):
                    hessian[:, k, :, k] += X.T @ (X * c[chunk, k, None])
                V = (X[:, :, None] * u[chunk, None, :]).reshape(chunk.size, n_coef * n_free)
                hessian -= (V.T @ V).reshape(hessian.shape)
        hessian = hessian.reshape(n_coef * n_free, n_coef * n_free)
        penalised = np.arange(self.n_features * n_free)
        hessian[penalised, penalised] += self.alpha
        return hessian

    def curved_rows(self, coef: Array) -> Iterator[tuple[Matrix, Array, Array]]:
        """Rows with curvature, in several parts: features (r, d), and c and u (r, m).

        The second derivative of F by the scores of such a row is diag(c_i) - u_i u_i^T. Its weight
        is included. The second derivative of all other rows is 0.
        """
        for block, scores in self.scored_blocks(coef, self.X.dtype):
            c, u = self.loss.curvature(self.loss.probabilities(scores))
            c, u = c[:, self.free_outputs], u[:, self.free_outputs]
            rows = _curved(c, u)
            weights = block.weights[rows, None]
            yield block.X[rows], weights * c[rows], np.sqrt(weights) * u[rows]

    def curvature(self, coef: Array, scale: Array, mean: Array | None) -> CurvedRows:
        """Second derivatives of the mean loss by variables of features scale * (x - mean)."""
        return CurvedRows(self, coef, scale, mean)

    def scores(self, coef: Array, dual: Any = None) -> Scores:
        """Scores for the W of these coefficients and any intercept.

        `dual` (n, K) are the rows for which their losses will be asked for, if any.
        """
        if not self.scores_fit_one_block and self._has_candidates_among(LEAST_KEPT):
            # memory in proportion to that of a block, or of X
            most = max(NUMBERS_PER_BLOCK, self.n_entries)
            of_candidates = CandidateScores(self, coef, dual, most)
            if of_candidates.are_few:
                return of_candidates
        return ScoresOfIntercepts(self, coef)

    def coefficient_gap(self, gradient: Array) -> float:
        """alpha/2 ||W - W(P)||^2 for P = p(z): the gap without the error of the intercept."""
        if self.alpha == 0:
            return np.inf
        slopes = gradient[: self.n_features]
        return float(np.vdot(slopes, slopes) / (2 * self.alpha))

    def value_at_zero(self) -> float:
        """F(0, 0), without a product: L(0; q) = Omega(q) - Omega(p(0))."""
        at_zero = self.loss.probabilities(np.zeros((1, self.n_outputs)))
        losses = self.loss.regularizer(self.targets) - self.loss.regularizer(at_zero)
        return float(self.weights @ np.maximum(losses, 0))

    def sparse_distributions(self, coef: Array) -> sparse.csr_array:
        """p(z) of all rows, shape (n, K)."""
        blocks = self.scored_blocks(coef, np.dtype(np.float64))
        rows = [sparse.csr_array(self.loss.probabilities(scores)) for _, scores in blocks]
        return sparse.vstack(rows, format="csr")

    def coef_of_dual(self, dual: sparse.csr_array) -> Array:
        """W(P) (d, K) of sparse distributions (n, K); an intercept adds the row of a feature 1."""
        coef = self.data_gradient_of_dual(dual)
        coef /= -self.alpha
        return coef

    def data_gradient_of_dual(self, dual: sparse.csr_array) -> Array:
        """sum_i omega_i (x_i, 1) (p_i - q_i)^T (d + 1, K) of sparse distributions (n, K)."""
        residual = self._weighted(dual - self.targets)
        total = np.zeros((self.shape[0], self.n_outputs))
        features = total[: self.n_features]
        if self.is_sparse:
            # one row after the other, without products of blocks
            add_outer_products(self.X, residual, features)
        else:
            for block in self.blocks:
                rows = _row_range(residual, block.rows.start, block.rows.stop)
                add_outer_products(block.X, rows, features)
        if self.fit_intercept:
            total[-1] = residual.sum(axis=0)
        return total

    def sum_of_rows(self, factors: Array) -> Array:
        """X^T times factors (n,), shape (d,), in double precision."""
        total = np.zeros(self.n_features)
        for block in self.blocks:
            total += factors[block.rows] @ block.X.astype(np.float64, copy=False)
        return total

    def along(self, direction: Array) -> Array:
        """X times a direction (d,), shape (n,), in double precision."""
        blocks = (block.X.astype(np.float64, copy=False) for block in self.blocks)
        return np.concatenate([X @ direction for X in blocks])

    def feature_moments(self, *, with_outliers: bool = False) -> tuple[Array, Array]:
        """Weighted mean and variance of each feature, shape (d,), in double precision."""
        return feature_moments(self, with_outliers=with_outliers)

    def column(self, feature: int) -> Array:
        """Values (n,) of a feature, in double precision."""
        column = self.X[:, [feature]]
        column = column.toarray() if self.is_sparse else column
        return np.asarray(column, np.float64).ravel()

    def refuse_large_features(self) -> None:
        """Raise a ValueError that names a feature whose squares are beyond double precision."""
        check_squares(np.inf, self.X)

    def scored_blocks(
        self, coef: Array, dtype: np.dtype, blocks: list[Block] | None = None
    ) -> Iterator[tuple[Block, Array]]:
        """Each block, by default of all, with its scores (m, K), which the caller may overwrite."""
        W = coef[: self.n_features].astype(dtype, copy=False)
        intercept = coef[-1].astype(dtype, copy=False) if self.fit_intercept else 0
        for block in self.blocks if blocks is None else blocks:
            X = block.X
            if not sparse.issparse(X):
                X = X.astype(dtype, copy=False)
            if self.shape[1] == self.n_outputs:
                scores = product(X, W)
                scores += intercept
            else:
                scores = np.zeros((X.shape[0], self.n_outputs), dtype=dtype)
                scores[:, self.free_outputs] = product(X, W) + intercept
            yield block._replace(X=X), scores

    def add_data_gradient(self, gradient: Array, block: Block, residual: Array) -> None:
        """Add sum_i omega_i (x_i, 1) residual_i^T to the gradient; overwrites the residual."""
        # in the type of the residual: of two types, NumPy would copy the larger array
        weights = block.weights.astype(residual.dtype, copy=False)
        if self.fit_intercept:
            # a product takes an eighth of the time of a sum along the columns of a narrow array
            gradient[-1] += weights @ residual[:, self.free_outputs]
        residual *= weights[:, None]
        free = residual[:, self.free_outputs]
        if sparse.issparse(block.X):
            columns = self._columns(block)
        else:
            columns = block.X.astype(residual.dtype, copy=False)
        gradient[: self.n_features] += transposed_product(columns, np.ascontiguousarray(free))

    def blocks_between(self, bounds: Sequence[int]) -> list[Block]:
        return [
            Block(
                slice(start, stop),
                _row_range(self.X, start, stop),
                _row_range(self.targets, start, stop),
                self.weights[start:stop],
            )
            for start, stop in pairwise(bounds)
        ]

    def _has_candidates_among(self, least: int) -> bool:
        if self.n_outputs < least:
            return False
        return bool(_kernels.row_losses.has_zeros(self.loss.of_rows()))

    def _value_and_gradient_of(self, block: Block, scores: Array) -> tuple[float, Array]:
        """The part of a block in F and in its gradient; overwrites the scores."""
        value = block.weights @ self.loss.value_and_residual(scores, block.targets)
        gradient = np.zeros(self.shape)
        self.add_data_gradient(gradient, block, scores)
        return float(value), gradient

    def _columns(self, block: Block) -> sparse.csc_array:
        """Sparse features of a block by columns, formed once."""
        first = block.rows.start
        if first not in self._columns_of:
            self._columns_of[first] = block.X.tocsc()
        return self._columns_of[first]

    def _weighted(self, rows: Matrix) -> sparse.csr_array:
        """Rows (n, K), sparse, each times its weight."""
        rows = sparse.csr_array(rows, copy=True)
        rows.data *= np.repeat(self.weights, np.diff(rows.indptr))
        return rows


def _curved(c: Array, u: Array) -> Array:
    """Rows where diag(c_i) - u_i u_i^T is not 0. Its diagonal, which decides, is never negative."""
    # a product, since NumPy is slow along short rows
    return np.flatnonzero((c - u**2) @ np.ones(c.shape[1], c.dtype) > 0)


def _row_range(matrix: Matrix, start: int, stop: int) -> Matrix:
    """Rows start ... stop - 1 without a copy, which SciPy's slices of CSR would make."""
    if not sparse.issparse(matrix):
        return matrix[start:stop]
    first, last = matrix.indptr[start], matrix.indptr[stop]
    entries = (
        matrix.data[first:last],
        matrix.indices[first:last],
        matrix.indptr[start : stop + 1] - first,
    )
    return sparse.csr_array(entries, shape=(stop - start, matrix.shape[1]))


def _in_rounds(
    function: Callable[[int, int], Result], n_items: int, n_side_by_side: int
) -> Iterator[Result]:
    """Results of function(i, i + 1) for each item, in order, `n_side_by_side` at a time on threads.

    Memory holds the results of one round only. BLAS takes one thread in each item. The calling
    thread gets an empty range. Inside an item, it would ask for more threads; those of the pool
    do not.
    """
    if n_side_by_side == 1 or n_items == 1:
        yield from (function(i, i + 1) for i in range(n_items))
        return
    with blas_threads_for(0):
        for start in range(0, n_items, n_side_by_side):
            stop = min(start + n_side_by_side, n_items)
            yield from run_blocks(function, [*range(start, stop + 1), stop])[:-1]

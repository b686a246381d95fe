r"""Scores of many outputs, of which only those that matter are kept.

A loss with zeros gives a positive probability only to scores above a level, which depends on the
row. One pass over X finds these candidates, with a margin, so that they remain valid while the
intercept moves by less. Losses, probabilities and their
derivatives by the intercept then need the candidates alone: some ten outputs of a row, not K.

**The Hessian** by the intercept is sum_i omega_i (diag(s_i) - s_i s_i^T / sum(s_i)), with s_i zero
outside the support. It is formed, as a sparse matrix, if the supports are small.

**The certificate.** The repair turns a row p into p' = f p + m r, with factors f, the refill r, and
the mass m that the factors take away. Since L(z; .) is convex,

    L(z; p') <= (1 - m) L(z; f p / (1 - m)) + m L(z; r).

This bound is used in place of L(z; p'). It is as good for a small m. The first term needs the
candidates alone, and the second one number <r, z_i> for each row.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from .. import _arrays, _kernels
from .._kernels.blas import blas_threads_for
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._typing import Array, Matrix
from .products import add_outer
from .protocol import Repair

# With fewer outputs, visits of dual ascent are faster if they read all of them.
LEAST_OUTPUTS = 256
# With fewer outputs, the candidates of a row are no small part of them.
LEAST_KEPT = 16
# The scores of a chunk of rows stay in the cache until their candidates are found.
NUMBERS_AT_A_TIME = 2**19
# Scores that are so little below the level are candidates too.
MARGIN = 0.01
# No more candidates are kept than one number in so many.
ONE_IN = 8
# The equation of a Newton step is solved by a factor of the Hessian for so many outputs, and by
# conjugate gradients to this relative accuracy for more.
MOST_FACTORED = 1000
ACCURACY = 1e-3
MOST_PRODUCTS = 200


class CandidateScores:
    """Scores X W + b for one W and any b, at the candidates of each row.

    Parameters
    ----------
    objective : Objective
        The data, and a loss with zeros.
    coef : ndarray of the shape of the objective
        W and an intercept. The candidates are those at this intercept, with a margin.
    dual : csr_array of shape (n, K), default=None
        Rows whose entries become candidates too.
    most : float, default=inf
        Number of candidates of all rows that may be kept.

    Attributes
    ----------
    are_few : bool
        Whether the candidates are so few that they are kept. Otherwise no method can be used.
    """

    def __init__(
        self,
        objective: Any,
        coef: Array,
        dual: sparse.csr_array | None = None,
        most: float = np.inf,
    ) -> None:
        self._objective = objective
        self._coef = coef
        self._dual = dual
        self._row_loss = objective.loss.of_rows()
        most = min(most, objective.n_rows * objective.n_outputs // ONE_IN)
        self.are_few = self._collect(None, max(1, most))

    def derivatives(self, intercept: Array) -> tuple[float, Array, SupportHessian]:
        """Mean loss, its gradient (K,) and its Hessian by the intercept."""
        weights = self._objective.weights
        self._prepare(intercept)
        p, losses = self._at(intercept, self._targets)
        gradient = self._mean(p) - self._objective.target_mean
        return float(weights @ losses), gradient, SupportHessian(self._objective, self._rows(p))

    def mean(self, intercept: Array | None, dual: sparse.csr_array | None = None) -> Array:
        """Weighted mean (K,) of the rows of P: of p(z), or of those of the dual (n, K)."""
        if dual is not None:
            return np.asarray(self._objective.weights @ dual)
        self._prepare(intercept)
        return self._mean(self._at(intercept, self._targets)[0])

    def losses(
        self,
        intercept: Array | None,
        repair: Repair | None,
        dual: sparse.csr_array | None = None,
    ) -> tuple[float, float, Array]:
        """Mean losses L(z; q) and L(z; p'), and sum_i omega_i (x_i, 1) (p'_i - q_i)^T."""
        objective = self._objective
        weights = objective.weights
        self._prepare(intercept)
        p, losses = self._at(intercept, self._targets)
        if dual is not None:
            p = self._aligned(dual)
        total_to_feasible = 0.0
        moved = None
        if repair is not None:
            p *= repair.factors[self._outputs]
            left = np.add.reduceat(p, self._begin[:-1])
            moved = np.maximum(1 - left, 0)
            target = p / np.repeat(np.where(left > 0, left, 1), np.diff(self._begin))
            _, losses_to_left = self._at(intercept, target)
            losses_to_refill = self._losses_to(repair.refill, intercept, losses)
            total_to_feasible = float(
                (weights * left) @ losses_to_left + (weights * moved) @ losses_to_refill
            )
        elif dual is not None:
            total_to_feasible = float(weights @ self._at(intercept, p)[1])
        data_gradient = objective.data_gradient_of_dual(self._rows(p))
        if moved is not None and repair is not None:
            moved *= weights
            features = data_gradient[: objective.n_features]
            add_outer(features, objective.sum_of_rows(moved), repair.refill)
            data_gradient[-1] += moved.sum() * repair.refill
        return float(weights @ losses), total_to_feasible, data_gradient

    def _losses_to(self, refill: Array, intercept: Array | None, losses: Array) -> Array:
        """L(z_i; r) (n,) of all rows, from L(z_i; q_i) and the conjugate that they share."""
        objective = self._objective
        loss = objective.loss
        scores = self._scores
        if intercept is not None:
            scores = scores + (intercept - self._intercept)[self._outputs]
        along_targets = np.add.reduceat(self._targets * scores, self._begin[:-1])
        conjugate = losses + along_targets - loss.regularizer(objective.targets)
        along_refill = objective.along(self._coef[: objective.n_features] @ refill)
        if intercept is not None:
            along_refill += intercept @ refill
        to_refill = conjugate + loss.regularizer(refill[None, :]) - along_refill
        return np.maximum(to_refill, 0)

    def _collect(self, moved: Array | None, most: float = np.inf) -> bool:
        """Find the candidates, at another intercept if given; False if more than `most`."""
        objective = self._objective
        needed = sparse.csr_array(objective.targets)
        if self._dual is not None:
            needed = sparse.csr_array(abs(needed) + abs(self._dual))
        coef = self._coef
        if moved is not None:
            coef = coef.copy()
            coef[-1] = moved
        n_rows = max(1, NUMBERS_AT_A_TIME // objective.n_outputs)
        bounds = [*range(0, objective.n_rows, n_rows), objective.n_rows]
        blocks = objective.blocks_between(bounds)
        kernel = _kernels.candidates.collect

        def collect(start: int, stop: int) -> list[tuple[Array, Array, Array]]:
            found, n_found = [], 0
            shape = n_rows * objective.n_outputs
            outputs, values = np.empty(shape, np.int32), np.empty(shape)
            for block, scores in objective.scored_blocks(
                coef, np.dtype(np.float64), blocks[start:stop]
            ):
                begin = needed.indptr[block.rows.start : block.rows.stop + 1]
                ends = kernel(
                    self._row_loss, scores, MARGIN, begin, needed.indices, outputs, values
                )
                found.append((ends, outputs[: ends[-1]].copy(), values[: ends[-1]].copy()))
                n_found += ends[-1]
                if n_found > most:
                    break
            return found

        n_side_by_side = n_threads(objective.n_entries * objective.n_outputs)
        with blas_threads_for(0):
            # the threads of the pool do not start more; the calling thread gets an empty block
            parts = even_bounds(len(blocks), n_side_by_side)
            found = list(chain.from_iterable(run_blocks(collect, [*parts, parts[-1]])))
        if len(found) < len(blocks) or sum(ends[-1] for ends, _, _ in found) > most:
            return False
        sizes = np.concatenate([np.diff(ends, prepend=0) for ends, _, _ in found])
        self._begin = np.concatenate([[0], np.cumsum(sizes)])
        self._outputs = np.concatenate([outputs for _, outputs, _ in found])
        # with this intercept
        self._scores = np.concatenate([values for _, _, values in found])
        self._intercept = coef[-1].copy() if objective.fit_intercept else None
        self._targets = self._aligned(objective.targets)
        return True

    def _prepare(self, intercept: Array | None) -> None:
        """Find the candidates anew if the intercept has moved by more than the margin."""
        if intercept is not None and np.ptp(intercept - self._intercept) > MARGIN:
            self._collect(intercept)

    def _at(self, intercept: Array | None, targets: Array) -> tuple[Array, Array]:
        """Probabilities of the candidates, and L(z; q) (n,) for targets of the candidates."""
        shift = np.zeros(self._objective.n_outputs)
        if intercept is not None:
            shift = intercept - self._intercept
        p, losses = np.empty_like(self._scores), np.empty(self._objective.n_rows)
        evaluate = _kernels.candidates.evaluate
        arrays = self._begin, self._outputs, self._scores, shift, targets, p, losses

        def run(start: int, stop: int) -> None:
            evaluate(self._row_loss, *arrays, start, stop)

        run_blocks(run, even_bounds(losses.size, n_threads(8 * p.size)))
        return p, losses

    def _aligned(self, rows: Matrix) -> Array:
        """The entries of rows (n, K) at the candidates, which contain all non-zero ones."""
        rows = sparse.csr_array(rows)
        aligned = np.empty(self._outputs.size)
        _kernels.candidates.align(
            self._begin,
            self._outputs,
            rows.indptr,
            rows.indices,
            rows.data,
            rows.shape[1],
            aligned,
            0,
            rows.shape[0],
        )
        return aligned

    def _mean(self, p: Array) -> Array:
        weighted = p * np.repeat(self._objective.weights, np.diff(self._begin))
        return np.bincount(self._outputs, weighted, minlength=self._objective.n_outputs)

    def _rows(self, p: Array) -> sparse.csr_array:
        """Probabilities of the candidates as sparse rows (n, K)."""
        positive = p > 0
        indptr = np.concatenate([[0], np.cumsum(positive)])[self._begin]
        shape = self._objective.n_rows, self._objective.n_outputs
        return sparse.csr_array((p[positive], self._outputs[positive], indptr), shape=shape)


class SupportHessian:
    """Second derivatives of the mean loss by the intercept, from the supports of the rows.

    Parameters
    ----------
    objective : Objective
        The weights and the loss.
    p : csr_array of shape (n, K)
        The probabilities, without explicit zeros.

    Attributes
    ----------
    diagonal : ndarray of shape (K,)
        The diagonal.
    """

    def __init__(self, objective: Any, p: sparse.csr_array) -> None:
        weights = objective.weights
        # of single numbers, the derivative of the loss is that of the regulariser alone
        slopes, _ = objective.loss.curvature(p.data[:, None])
        entries = slopes.ravel(), p.indices, p.indptr
        self._rows = sparse.csr_array(entries, shape=p.shape)
        self._factors = weights / self._rows.sum(axis=1)
        self._first = weights @ self._rows
        squares = sparse.csr_array((slopes.ravel() ** 2, *entries[1:]), shape=p.shape)
        self.diagonal = self._first - self._factors @ squares

    def solve(self, ridge: float, gradient: Array) -> Array:
        """Solution x (K,) of (H + ridge I) x = gradient, approximate for very many outputs."""
        outer = self._outer_products
        size = gradient.size
        if outer is not None and size <= MOST_FACTORED:
            return _arrays.solve_ridged(np.diag(self._first) - outer.toarray(), ridge, gradient)
        columns = self._rows.T.tocsr() if outer is None else None

        def product(x: Array) -> Array:
            x = x.ravel()
            by_rows = outer @ x if columns is None else columns @ (self._factors * (self._rows @ x))
            return (self._first + ridge) * x - by_rows

        diagonal = np.maximum(self.diagonal, 0) + ridge
        hessian = LinearOperator((size, size), matvec=product, dtype=np.float64)
        inverse = LinearOperator((size, size), matvec=lambda x: x.ravel() / diagonal)
        # SciPy renamed its relative tolerance, which is smaller than this one by default
        atol = ACCURACY * float(np.linalg.norm(gradient))
        return cg(hessian, gradient, atol=atol, maxiter=MOST_PRODUCTS, M=inverse)[0]

    @cached_property
    def _outer_products(self) -> sparse.csr_array | None:
        """sum_i omega_i s_i s_i^T / sum(s_i), or None if the rows cost less."""
        support = np.diff(self._rows.indptr).astype(np.float64)
        if support @ support > MOST_PRODUCTS * self._rows.nnz:
            return None
        weighted = self._rows.multiply(self._factors[:, None])
        return sparse.csr_array(self._rows.T.tocsr() @ weighted.tocsr())

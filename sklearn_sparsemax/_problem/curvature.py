"""Second derivatives of the mean loss, as products with vectors.

A sparse loss is linear on rows where one output has all the probability. Such rows do not
contribute to the Hessian. The other rows are collected. A product then costs only their share of an
evaluation.
"""

from __future__ import annotations

from scipy import sparse

from .. import _arrays
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._typing import Array, Matrix
from .protocol import RowBlocks

# So many numbers stay in the cache between the two uses of a row in a product.
NUMBERS_PER_PART = 2**19


class CurvedRows:
    """The Hessian of the mean loss by the standardised variables, from the rows with curvature.

    Dense features are copied for the collected rows: centred, scaled and in single precision.
    Sparse features are scaled, but not centred, and are in double precision. A correction term
    replaces the centring.

    Parameters
    ----------
    objective : Objective
        The data.
    coef : ndarray of the shape of the objective
        Where to take the derivatives.
    scale : ndarray of shape (d,)
        Factors of the features.
    mean : ndarray of shape (d,) or None
        What to subtract from the features first.

    Attributes
    ----------
    diagonal : ndarray of the shape of the objective
        Diagonal of the Hessian.
    """

    def __init__(self, objective: RowBlocks, coef: Array, scale: Array, mean: Array | None) -> None:
        self._n_features = objective.n_features
        self._shape = objective.shape
        # what is left to centre in the scaled features
        self._center: Array | None = None
        if objective.is_sparse and mean is not None:
            self._center = (mean * scale)[:, None]
        self._parts: list[tuple[Matrix, Array, Array]] = []
        diagonal = _arrays.zeros(self._shape, scale)
        for X, c, u in objective.curved_rows(coef):
            if sparse.issparse(X):
                X = X.multiply(scale).tocsr()
                squares = X.multiply(X)
                n_rows = max(1, len(c))
            else:
                X = X - (0 if mean is None else _arrays.cast(mean, X.dtype))
                X = _arrays.scaled_columns(X, scale)
                X, c, u = map(_arrays.in_single, (X, c, u))
                squares = X**2
                n_rows = max(1, NUMBERS_PER_PART // X.shape[1])
                if not _arrays.is_numpy(X):
                    # a device needs large parts rather than near ones
                    n_rows = max(1, c.shape[0])
            h = c - u**2
            total = _arrays.column_sums(h)
            diagonal[: self._n_features, :] += squares.T @ h
            if self._center is not None:
                corrections = self._center * (self._center * total - 2 * (X.T @ h))
                diagonal[: self._n_features] += corrections
            diagonal[self._n_features :, :] += total
            for i in range(0, c.shape[0], n_rows):
                rows = slice(i, min(i + n_rows, c.shape[0]))
                self._parts.append((X[rows, :], c[rows, :], u[rows, :]))
        n_numbers = sum(_arrays.size(X) for X, _, _ in self._parts)
        # other libraries than NumPy have threads of their own
        self._n_threads = n_threads(n_numbers) if _arrays.is_numpy(scale) else 1
        self.diagonal = diagonal

    @property
    def n_bytes(self) -> int:
        """Memory of the collected rows, arrays of NumPy or CSR matrices."""
        return sum(_n_bytes(array) for part in self._parts for array in part)

    def product(self, variables: Array) -> Array:
        """The product with variables, both of the shape of the objective."""
        xp = _arrays.namespace(variables)
        W, intercept = variables[: self._n_features, :], variables[self._n_features :, :]
        offset = xp.sum(intercept, axis=0)
        if self._center is not None:
            offset = offset - xp.sum(self._center * W, axis=0)

        def product_of(start: int, stop: int) -> Array:
            product = _arrays.zeros(self._shape, variables)
            total = _arrays.zeros(self._shape[1], variables)
            for X, c, u in self._parts[start:stop]:
                scores = X @ _arrays.cast(W, X.dtype)
                scores += _arrays.cast(offset, X.dtype)
                along = _arrays.row_dots(u, scores)
                scores *= c
                scores -= u * along[:, None]
                product[: self._n_features, :] += X.T @ scores
                total += _arrays.column_sums(scores)
            if self._center is not None:
                product[: self._n_features, :] -= self._center * total
            product[self._n_features :, :] = total
            return product

        bounds = even_bounds(len(self._parts), self._n_threads)
        return _arrays.total(run_blocks(product_of, bounds))


def _n_bytes(matrix: Matrix) -> int:
    if sparse.issparse(matrix):
        return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)
    return int(matrix.nbytes)

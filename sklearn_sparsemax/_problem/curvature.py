"""Second derivatives of the mean loss, as products with vectors.

A sparse loss is linear on rows where one output has all the probability. Such rows do not
contribute to the Hessian. The other rows are collected. A product then costs only their share of an
evaluation.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

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
        self._center = np.zeros((self._n_features, 1))
        if objective.is_sparse and mean is not None:
            self._center[:, 0] = mean * scale
        self._parts: list[tuple[Matrix, Array, Array]] = []
        diagonal = np.zeros(self._shape)
        for X, c, u in objective.curved_rows(coef):
            if sparse.issparse(X):
                X = X.multiply(scale).tocsr()
                squares = X.multiply(X)
                n_rows = max(1, len(c))
            else:
                X = X - (0 if mean is None else mean.astype(X.dtype))
                X *= scale
                X, c, u = X.astype(np.float32), c.astype(np.float32), u.astype(np.float32)
                squares = X**2
                n_rows = max(1, NUMBERS_PER_PART // X.shape[1])
            h = c - u**2
            total = h.sum(axis=0, dtype=np.float64)
            diagonal[: self._n_features] += squares.T @ h
            diagonal[: self._n_features] += self._center * (self._center * total - 2 * (X.T @ h))
            diagonal[self._n_features :] += total
            for i in range(0, len(c), n_rows):
                self._parts.append((X[i : i + n_rows], c[i : i + n_rows], u[i : i + n_rows]))
        self._n_threads = n_threads(sum(X.size for X, _, _ in self._parts))
        self.diagonal = diagonal

    def product(self, variables: Array) -> Array:
        """The product with variables, both of the shape of the objective."""
        W, intercept = variables[: self._n_features], variables[self._n_features :]
        offset = intercept.sum(axis=0) - (self._center * W).sum(axis=0)

        def product_of(start: int, stop: int) -> Array:
            product = np.zeros(self._shape)
            total = np.zeros(self._shape[1])
            for X, c, u in self._parts[start:stop]:
                scores = X @ W.astype(X.dtype, copy=False)
                scores += offset.astype(X.dtype, copy=False)
                along = np.einsum("ij,ij->i", u, scores)
                scores *= c
                scores -= u * along[:, None]
                product[: self._n_features] += X.T @ scores
                total += scores.sum(axis=0, dtype=np.float64)
            product[: self._n_features] -= self._center * total
            product[self._n_features :] = total
            return product

        bounds = even_bounds(len(self._parts), self._n_threads)
        return np.sum(run_blocks(product_of, bounds), axis=0)

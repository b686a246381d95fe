"""Sums along rows, and subtraction of targets, for dense arrays and CSR matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from .._typing import Array, Matrix


def row_sum(p: Matrix, function: Callable[[Array], Array]) -> Array:
    """Sum over each row of function(p), for a function that is 0 at 0."""
    if sparse.issparse(p):
        entries = (function(p.data), p.indices, p.indptr)
        return np.asarray(sparse.csr_array(entries, shape=p.shape).sum(axis=1)).ravel()
    return function(p).sum(axis=1, dtype=np.float64)


def row_dot(p: Matrix, z: Matrix) -> Array:
    """Inner product of each row of p with that of z. p may be CSR if z is dense or is p itself."""
    if sparse.issparse(p):
        if p is z:
            return row_sum(p, np.square)
        rows = np.repeat(np.arange(p.shape[0]), np.diff(p.indptr))
        return np.bincount(rows, weights=p.data * z[rows, p.indices], minlength=p.shape[0])
    return np.einsum("ij,ij->i", p, z, dtype=np.float64)


def subtract_targets(scores: Array, targets: Matrix) -> None:
    """Subtract targets, dense or CSR in canonical format, from dense scores in place."""
    if sparse.issparse(targets):
        rows = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
        scores[rows, targets.indices] -= targets.data.astype(scores.dtype, copy=False)
    else:
        scores -= targets


def subtract_product(result: Array, targets: Matrix, scores: Array) -> None:
    """Subtract targets * scores, elementwise, from dense result in place."""
    if sparse.issparse(targets):
        rows = np.repeat(np.arange(targets.shape[0]), np.diff(targets.indptr))
        entries = targets.data.astype(scores.dtype, copy=False) * scores[rows, targets.indices]
        result[rows, targets.indices] -= entries
    else:
        result -= targets * scores

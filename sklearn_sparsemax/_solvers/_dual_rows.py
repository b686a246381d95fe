"""Rows of the dual: sparse distributions in a pool, as the kernel of the visits changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from .. import _kernels
from .._typing import Array, Matrix
from .._validation import check_squares

if TYPE_CHECKING:  # the kernels load Numba
    from .._kernels.dual import DualRows


def lay_out(P: sparse.csr_array, n_pools: int = 1) -> DualRows:
    """Lay out rows (n, K) without gaps, and as much free place again behind them.

    If every row can have a place for all outputs in the same memory, it gets one. The free place
    can be divided into so many parts that each has room for a row with all outputs.
    """
    size = np.diff(P.indptr).astype(np.int64)
    n_rows, n_outputs = P.shape
    capacity, n_numbers = 2 * P.nnz + n_pools * n_outputs, n_rows * n_outputs
    if capacity < n_numbers:
        begin, room, end = P.indptr[:-1].astype(np.int64), size.copy(), P.nnz
    else:
        capacity = end = n_numbers
        begin = np.arange(0, n_numbers, n_outputs, dtype=np.int64)
        room = np.full(n_rows, n_outputs, dtype=np.int64)
    outputs, values = np.empty(capacity, np.int32), np.empty(capacity, P.dtype)
    entries = np.arange(P.nnz) + np.repeat(begin - P.indptr[:-1], size)
    outputs[entries], values[entries] = P.indices, P.data
    return _kernels.dual.DualRows(begin, size, room, outputs, values, np.array([end]))


def compact(rows: DualRows, n_outputs: int) -> sparse.csr_array:
    """The rows (n, K) as they are."""
    indptr = np.concatenate([[0], np.cumsum(rows.size)])
    entries = np.arange(indptr[-1]) + np.repeat(rows.begin - indptr[:-1], rows.size)
    shape = (rows.size.size, n_outputs)
    return sparse.csr_array((rows.values[entries], rows.outputs[entries], indptr), shape=shape)


def distributions(rows: DualRows, n_outputs: int, *, on_simplex: bool) -> sparse.csr_array:
    """The rows (n, K) in double precision, without explicit zeros. On the simplex they sum to 1."""
    P = compact(rows, n_outputs).astype(np.float64)
    P.eliminate_zeros()
    if on_simplex:
        P.data /= np.repeat(P.sum(axis=1), np.diff(P.indptr))
    return P


def with_zeros(P: sparse.csr_array, n_zeros: int) -> sparse.csr_array:
    """Rows (n, K) with up to so many more entries in each, which are 0 and spread evenly."""
    n_rows, n_outputs = P.shape
    places = np.arange(n_rows * n_zeros) * ((np.sqrt(5) - 1) / 2) % 1 * n_outputs
    P = P.tocoo()
    rows = np.concatenate([P.row, np.repeat(np.arange(n_rows), n_zeros)])
    outputs = np.concatenate([P.col, places.astype(P.col.dtype)])
    values = np.concatenate([P.data, np.zeros(places.size, P.dtype)])
    return sparse.coo_array((values, (rows, outputs)), shape=P.shape).tocsr()


def features_for_visits(X: Matrix) -> tuple[Array, ...]:
    """Features as the kernel takes them."""
    return (X.indptr, X.indices, X.data) if sparse.issparse(X) else (X,)


def squares_of_rows(X: Matrix) -> Array:
    """Squared length of each row (n,)."""
    if sparse.issparse(X):
        with np.errstate(over="ignore"):
            entries = (np.square(X.data, dtype=np.float64), X.indices, X.indptr)
        squares = sparse.csr_array(entries, shape=X.shape) @ np.ones(X.shape[1])
    else:
        squares = np.einsum("ij,ij->i", X, X, dtype=np.float64)
    check_squares(squares, X)
    return squares

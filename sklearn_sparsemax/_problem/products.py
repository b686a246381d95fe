"""Products of features with coefficients and with residuals.

BLAS computes the products of dense features, and SciPy those of small sparse matrices. Compiled
kernels compute the others. The choice depends on shapes and entries alone, not on earlier calls.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .. import _kernels
from .._kernels.threads import even_bounds, n_threads, run_blocks
from .._typing import Array, Matrix

# Below so many multiplications, SciPy computes a hundred products in less time than the compiled
# code needs to load.
LEAST_COMPILED = 2**20
NUMBERS_AT_A_TIME = 2**16
# If at most this part of the rows is not zero, only this part is used. Reading a scattered entry
# takes about ten times as long as reading the next one.
SPARSE = 1 / 16
# If one number in so many, or more, is not zero, rows are treated as dense.
FEW_ZEROS = 4


def product(X: Matrix, W: Array) -> Array:
    """X @ W, shape (n, K), for X dense or CSR and C-contiguous W."""
    if not _is_compiled(X, W):
        return X @ W
    scores = np.empty((X.shape[0], W.shape[1]), dtype=np.result_type(X, W))

    def run(start: int, stop: int) -> None:
        _kernels.products.combine_dense(X.indptr, X.indices, X.data, W, scores, start, stop)

    run_blocks(run, even_bounds(X.shape[0], n_threads(X.nnz * W.shape[1])))
    return scores


def transposed_product(columns: Matrix, rows: Array) -> Array:
    """X^T @ rows, shape (d, K), for X dense or CSC and C-contiguous rows."""
    if not _is_compiled(columns, rows):
        return columns.T @ rows
    kernels = _kernels.products
    result = np.empty((columns.shape[1], rows.shape[1]), dtype=np.result_type(columns, rows))
    matrix = columns.indptr, columns.indices, columns.data
    n_entries = kernels.count_entries(rows)
    if n_entries <= SPARSE * rows.size:
        begin = np.empty(rows.shape[0] + 1, dtype=np.int64)
        outputs, values = np.empty(n_entries, np.int32), np.empty(n_entries, rows.dtype)
        kernels.write_entries(rows, begin, outputs, values)

        def run(start: int, stop: int) -> None:
            kernels.combine_sparse(*matrix, begin, outputs, values, result, start, stop)

    else:

        def run(start: int, stop: int) -> None:
            kernels.combine_dense(*matrix, rows, result, start, stop)

    work = columns.nnz * max(1, n_entries // max(1, rows.shape[0]))
    run_blocks(run, _bounds_of_equal_work(columns.indptr, n_threads(work)))
    return result


def add_outer_products(X: Matrix, rows: Matrix, total: Array) -> None:
    """Add X^T @ rows to total (d, K), for X dense or CSR and CSR rows.

    The rows are added one after the other, so that sparse X needs no conversion to columns. Each
    thread adds to columns of its own.
    """
    if rows.nnz == 0:
        return
    if sparse.issparse(X) and X.nnz >= LEAST_COMPILED:
        matrices = (X.indptr, X.indices, X.data, rows.indptr, rows.indices, rows.data)
        add = _kernels.products.add_outer_products

        def run(start: int, stop: int) -> None:
            add(*matrices, total, start, stop)

        work = X.nnz * max(1, rows.nnz // rows.shape[0])
        run_blocks(run, even_bounds(rows.shape[1], n_threads(work)))
    else:
        if FEW_ZEROS * rows.nnz > rows.shape[0] * rows.shape[1]:
            rows = rows.toarray()
        product = X.T @ rows
        total += product.toarray() if sparse.issparse(product) else product


def add_outer(total: Array, column: Array, row: Array) -> None:
    """Add the outer product of column (d,) and row (K,) to total (d, K), in small parts."""
    step = max(1, NUMBERS_AT_A_TIME // row.size)
    for start in range(0, column.size, step):
        some = slice(start, start + step)
        total[some] += column[some, None] * row


def _is_compiled(X: Matrix, other: Array) -> bool:
    return sparse.issparse(X) and X.nnz * other.shape[1] >= LEAST_COMPILED


def _bounds_of_equal_work(indptr: Array, n_blocks: int) -> list[int]:
    """Bounds of blocks of columns, with about the same number of entries in each block."""
    shares = np.linspace(0, indptr[-1], n_blocks + 1)[1:-1]
    return [0, *np.searchsorted(indptr, shares).tolist(), indptr.size - 1]

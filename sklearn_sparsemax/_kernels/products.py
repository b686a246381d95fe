"""Products of a sparse matrix X with a dense W, and of its transpose with rows R.

X @ W runs over the rows of X, and X^T R over its columns. So each thread writes its own part of the
result, and the order of each sum does not depend on the number of threads. Rows R may be mostly
zero, like the difference of sparse distributions and targets. Then only their non-zero entries are
used, and the cost is their number instead of K.
"""

import numpy as np

from ._jit import inside, njit

# If one number of a row in so many, or more, is not zero, all of them are used.
FEW_ZEROS = 4


@inside
def add_combination(total, columns, entries, first, last, rows):
    """Add the sum of entries_e rows[columns_e], e = first ... last - 1, to total (K,).

    Four rows at a time, so that the total is read and written less often.
    """
    n_outputs = total.shape[0]
    fours = first + (last - first) // 4 * 4
    for e in range(first, fours, 4):
        x0 = entries[e]
        x1 = entries[e + 1]
        x2 = entries[e + 2]
        x3 = entries[e + 3]
        row0 = rows[columns[e]]
        row1 = rows[columns[e + 1]]
        row2 = rows[columns[e + 2]]
        row3 = rows[columns[e + 3]]
        for k in range(n_outputs):
            total[k] += (x0 * row0[k] + x1 * row1[k]) + (x2 * row2[k] + x3 * row3[k])
    for e in range(fours, last):
        x = entries[e]
        row = rows[columns[e]]
        for k in range(n_outputs):
            total[k] += x * row[k]


@njit
def combine_dense(indptr, indices, data, rows, product, start, stop):
    """Write rows start ... stop - 1 of the product of a compressed matrix and dense rows (., K)."""
    for i in range(start, stop):
        total = product[i]
        total[:] = 0.0
        add_combination(total, indices, data, indptr[i], indptr[i + 1], rows)


@njit
def combine_sparse(indptr, indices, data, begin, outputs, values, product, start, stop):
    """Do the same for rows given by their non-zero entries; those of row i start at begin[i]."""
    for i in range(start, stop):
        total = product[i]
        total[:] = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            x = data[e]
            row = indices[e]
            for entry in range(begin[row], begin[row + 1]):
                total[outputs[entry]] += x * values[entry]


@njit
def add_outer_products(indptr, indices, data, begin, outputs, values, total, first, last):
    """Add the sum of x_i r_i^T, rows of two compressed matrices, to columns of total (d, K).

    The columns are first ... last - 1. Rows r_i without many zeros are written out, so that the
    sums can use vector instructions.
    """
    n_outputs = last - first
    dense = np.zeros(n_outputs, total.dtype)
    places = np.empty(n_outputs, np.int64)
    numbers = np.empty(n_outputs, total.dtype)
    for i in range(indptr.shape[0] - 1):
        n = 0
        for entry in range(begin[i], begin[i + 1]):
            if first <= outputs[entry] < last:
                places[n] = outputs[entry]
                numbers[n] = values[entry]
                n += 1
        if FEW_ZEROS * n > n_outputs:
            dense[:] = 0.0
            for m in range(n):
                dense[places[m] - first] = numbers[m]
            for e in range(indptr[i], indptr[i + 1]):
                x = data[e]
                row = total[indices[e], first:last]
                for k in range(n_outputs):
                    row[k] += x * dense[k]
        elif n > 0:
            for e in range(indptr[i], indptr[i + 1]):
                x = data[e]
                row = total[indices[e]]
                for m in range(n):
                    row[places[m]] += x * numbers[m]


@njit
def count_entries(rows):
    """Number of the non-zero entries of dense rows (n, K)."""
    n_entries = 0
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            if rows[i, k] != 0.0:
                n_entries += 1
    return n_entries


@njit
def write_entries(rows, begin, outputs, values):
    """Write the non-zero entries of dense rows (n, K)."""
    entry = 0
    for i in range(rows.shape[0]):
        begin[i] = entry
        for k in range(rows.shape[1]):
            if rows[i, k] != 0.0:
                outputs[entry] = k
                values[entry] = rows[i, k]
                entry += 1
    begin[rows.shape[0]] = entry

"""Target distributions: the targets of the user as rows q_i.

| the user has                          | row q_i                    | held as |
|---------------------------------------|----------------------------|---------|
| class codes, 1-d of integers          | one-hot                    | CSR     |
| label sets, integer or bool matrix    | uniform over the labels    | CSR     |
| distributions, matrix of floats       | itself                     | as given|

For losses of independent labels, such as the logistic loss, the row q_i is the label set itself, of
entries 0 and 1. A row without labels has no distribution over labels. There are three ways to treat
it: all its mass on a virtual output, equal mass on all labels, or no such row at all.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .._typing import Array, Matrix

SIMPLEX_TOLERANCE = 1e-6


def one_hot(codes: Array, n_outputs: int) -> Matrix:
    """Distributions (n, K) with all mass on the class of each row, from class codes (n,)."""
    n_rows = codes.shape[0]
    entries = (np.ones(n_rows), codes, np.arange(n_rows + 1))
    return sparse.csr_array(entries, shape=(n_rows, n_outputs))


def uniform_over_labels(label_sets: Matrix) -> Matrix:
    """Uniform distributions (n, K) over the labels of each row of an indicator matrix (n, K)."""
    indicator = check_indicator(label_sets)
    n_labels = np.diff(indicator.indptr)
    if not n_labels.all():
        row = int(np.flatnonzero(n_labels == 0)[0])
        raise ValueError(
            f"Row {row} of targets has no label; at least one is needed for a distribution over "
            "labels."
        )
    return _spread(indicator)


def with_null_output(indicator: Matrix, null: Array, *, always: bool = False) -> Matrix:
    """Distributions (n, K + 1): uniform over the labels of a row; null rows use the last output.

    `null` (n,) marks the null rows. Without a null row, and unless `always` is true, there is no
    such output, and the shape is (n, K). Rows without labels that are not null rows have no mass.
    """
    if not (always or null.any()):
        return _spread(indicator)
    column = sparse.csr_array(null[:, None], dtype=np.float64)
    return _spread(sparse.csr_array(sparse.hstack([indicator, column], format="csr")))


def with_uniform_rows(indicator: Matrix) -> Matrix:
    """Uniform distributions (n, K): over the labels of a row, or over all labels if it has none."""
    empty = np.diff(indicator.indptr) == 0
    n_labels = indicator.shape[1]
    lengths = np.where(empty, n_labels, np.diff(indicator.indptr))
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    filled = np.repeat(empty, lengths)
    indices = np.empty(indptr[-1], dtype=indicator.indices.dtype)
    indices[~filled] = indicator.indices
    indices[filled] = np.tile(np.arange(n_labels), np.count_nonzero(empty))
    entries = (np.ones(indptr[-1]), indices, indptr)
    return _spread(sparse.csr_array(entries, shape=indicator.shape))


def _spread(indicator: Matrix) -> Matrix:
    """A CSR matrix of ones with each row divided by its sum. Empty rows remain empty."""
    n_labels = np.diff(indicator.indptr)
    entries = (np.repeat(1.0 / np.maximum(n_labels, 1), n_labels), indicator.indices)
    return sparse.csr_array((*entries, indicator.indptr), shape=indicator.shape)


def check_indicator(label_sets: Matrix, name: str = "targets") -> Matrix:
    """Indicator matrix (n, K) as CSR that stores ones only. Other values are an error."""
    indicator = sparse.csr_array(label_sets, dtype=np.float64, copy=True)
    indicator.sum_duplicates()
    indicator.eliminate_zeros()
    wrong = indicator.data[indicator.data != 1]
    if wrong.size:
        raise ValueError(
            f"{name} holds the value {wrong[0]:g}; an indicator matrix of label sets holds only "
            "0 and 1."
        )
    return indicator


def check_distributions(targets: Matrix, name: str = "targets") -> Matrix:
    """Check rows (n, K) on the simplex, dense or CSR. An error names the first wrong row."""
    if sparse.issparse(targets):
        rows = _canonical(targets)
        values = rows.data
        row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    else:
        rows = np.ascontiguousarray(targets, dtype=np.float64)
        values = rows.ravel()
        row_of = np.repeat(np.arange(rows.shape[0]), rows.shape[1])
    wrong = ~(values >= 0)
    if wrong.any():
        entry = int(wrong.argmax())
        raise ValueError(
            f"Row {row_of[entry]} of {name} holds {values[entry]:g}; the entries of a "
            "distribution are 0 or more."
        )
    totals = np.asarray(rows.sum(axis=1)).ravel()
    off = ~(np.abs(totals - 1) <= SIMPLEX_TOLERANCE)
    if off.any():
        row = int(off.argmax())
        raise ValueError(
            f"Row {row} of {name} sums to {totals[row]:.9g}; a distribution sums to 1 within "
            f"{SIMPLEX_TOLERANCE:g}."
        )
    return rows


def check_intervals(targets: Matrix) -> Matrix:
    """Check rows (n, K) of independent probabilities in [0, 1], dense or CSR."""
    if sparse.issparse(targets):
        rows = _canonical(targets)
        values = rows.data
    else:
        rows = np.ascontiguousarray(targets, dtype=np.float64)
        values = rows.ravel()
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise ValueError(f"targets holds {wrong[0]:g}; each entry must lie between 0 and 1.")
    return rows


def _canonical(targets: Matrix) -> Matrix:
    """CSR with at most one entry for each position. It may share the given arrays unchanged."""
    rows = sparse.csr_array(targets, dtype=np.float64)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows

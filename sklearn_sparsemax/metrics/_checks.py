"""Checks of matrices, and means over rows, that the metrics share."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils.validation import check_array, column_or_1d

MatrixLike: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix


def check_matrix(A: Any, name: str) -> Any:
    """Validate a finite numeric matrix; CSR comes back without duplicates and explicit zeros."""
    A = check_array(A, accept_sparse="csr", dtype="numeric", input_name=name)
    if sparse.issparse(A):
        A = A.copy()
        A.sum_duplicates()
        A.eliminate_zeros()
    return A


def nonzero_entries(A: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the entries that are not zero, row by row."""
    if sparse.issparse(A):
        A = A.tocoo()
        return A.row, A.col, A.data
    rows, columns = A.nonzero()
    return rows, columns, A[rows, columns]


def check_same_shape(A: Any, name_a: str, B: Any, name_b: str) -> None:
    if A.shape != B.shape:
        raise ValueError(
            f"{name_a} and {name_b} must have the same shape, got {A.shape} and {B.shape}."
        )


def check_indicator(Y: Any, name: str) -> None:
    rows, columns, values = nonzero_entries(Y)
    wrong = np.flatnonzero(values != 1)
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"{name} must hold only 0 and 1, got {values[first]} in row {rows[first]}, "
            f"column {columns[first]}."
        )


def check_proportions(P: Any, name: str) -> Any:
    """Validate rows on the simplex and return them in float64."""
    # The sum of K float32 numbers may be K roundings away from 1.
    rounding = np.finfo(P.dtype).eps * P.shape[1] if P.dtype.kind == "f" else 0.0
    tolerance = max(1e-6, rounding)
    P = P.astype(np.float64)
    rows, columns = (P < 0).nonzero()
    if len(rows):
        raise ValueError(
            f"The proportions of {name} must be non-negative, got {P[rows[0], columns[0]]} "
            f"in row {rows[0]}."
        )
    totals = np.asarray(P.sum(axis=1)).ravel()
    wrong = np.flatnonzero(np.abs(totals - 1) > tolerance)
    if len(wrong):
        raise ValueError(
            f"The proportions of every row of {name} must sum to 1 (within {tolerance:.2g}), "
            f"got {totals[wrong[0]]} in row {wrong[0]}."
        )
    return P


def mean_of_rows(values: np.ndarray, sample_weight: ArrayLike | None) -> float:
    if sample_weight is None:
        return float(values.mean())
    weights = column_or_1d(
        check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    )
    if len(weights) != len(values):
        raise ValueError(f"sample_weight has {len(weights)} values for {len(values)} rows.")
    if np.any(weights < 0) or not np.any(weights):
        raise ValueError(
            "sample_weight must be non-negative with at least one positive value, "
            f"got values from {weights.min()} to {weights.max()}."
        )
    return float(np.average(values, weights=weights))


def check_proportions_pair(P_true: Any, P_pred: Any) -> tuple[Any, Any]:
    P = check_matrix(P_true, "P_true")
    Q = check_matrix(P_pred, "P_pred")
    check_same_shape(P, "P_true", Q, "P_pred")
    return check_proportions(P, "P_true"), check_proportions(Q, "P_pred")

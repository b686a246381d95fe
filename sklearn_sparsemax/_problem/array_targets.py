"""Target distributions over arrays of any library. Dense ones are formed block by block."""

from __future__ import annotations

from typing import Any

from .. import _arrays
from .._kernels import array_rows
from ..losses.targets import SIMPLEX_TOLERANCE


def column_totals(weights: Any, targets: Any) -> Any:
    """Weighted sum of the rows of targets (n, K), shape (K,), in double precision."""
    total = _arrays.zeros(targets.shape[1], weights)
    for rows in array_rows.row_ranges(*targets.shape):
        total += weights[rows] @ targets.block(rows, weights.dtype)
    return total


def balanced_weights(totals: Any) -> Any:
    """Weights (K,) by which outputs of these totals (K,) count the same; 1 for a total of 0."""
    xp = _arrays.namespace(totals)
    weights = xp.sum(totals) / (totals.shape[0] * xp.where(totals > 0, totals, 1.0))
    return xp.where(totals > 0, weights, 1.0)


class OneHotTargets:
    """Distributions with all mass on the class of each row.

    Parameters
    ----------
    codes : array of int of shape (n,)
        Class of each row.
    n_outputs : int
        Number of outputs.
    """

    def __init__(self, codes: Any, n_outputs: int) -> None:
        self._codes = codes
        self.shape = (codes.shape[0], n_outputs)

    def block(self, rows: slice, dtype: Any) -> Any:
        """Distributions of some rows, as a dense array."""
        codes = self._codes[rows]
        xp = _arrays.namespace(codes)
        classes = xp.arange(self.shape[1], dtype=codes.dtype, device=codes.device)
        return _arrays.cast(codes[:, None] == classes[None, :], dtype)

    def of_rows(self, chosen: Any) -> OneHotTargets:
        """Those of the rows that a mask chooses."""
        return OneHotTargets(self._codes[chosen], self.shape[1])


class DenseTargets:
    """Distributions, or independent probabilities, that are given as an array (n, K)."""

    def __init__(self, values: Any) -> None:
        self._values = values
        self.shape = values.shape

    def block(self, rows: slice, dtype: Any) -> Any:
        """Distributions of some rows, as a dense array."""
        return _arrays.cast(self._values[rows, :], dtype)

    def of_rows(self, chosen: Any) -> DenseTargets:
        """Those of the rows that a mask chooses."""
        return DenseTargets(self._values[chosen])

    def product(self, vector: Any) -> Any:
        """The product of all rows with a vector (K,), shape (n,)."""
        xp = _arrays.namespace(vector)
        ranges = array_rows.row_ranges(*self.shape)
        return xp.concat([self.block(rows, vector.dtype) @ vector for rows in ranges])


class UniformTargets:
    """Uniform distributions over the labels of each row of an indicator matrix.

    Parameters
    ----------
    indicator : array of shape (n, n_labels)
        Entries 0 or 1.
    null_output : bool, default=False
        Whether rows without labels have all mass on one more output. Otherwise they are uniform
        over all labels.
    """

    def __init__(self, indicator: Any, *, null_output: bool = False) -> None:
        self._indicator = indicator
        self._null_output = null_output
        self.shape = (indicator.shape[0], indicator.shape[1] + null_output)

    def block(self, rows: slice, dtype: Any) -> Any:
        """Distributions of some rows, as a dense array."""
        labels = _arrays.cast(self._indicator[rows, :], dtype)
        xp = _arrays.namespace(labels)
        n_labels = xp.sum(labels, axis=1, keepdims=True)
        null = _arrays.cast(n_labels == 0, dtype)
        if self._null_output:
            return xp.concat([labels, null], axis=1) / (n_labels + null)
        return (labels + null) / (n_labels + null * self.shape[1])

    def of_rows(self, chosen: Any) -> UniformTargets:
        """Those of the rows that a mask chooses."""
        return UniformTargets(self._indicator[chosen], null_output=self._null_output)


def distributions_of_array(values: Any, name: str) -> DenseTargets:
    """Check rows (n, K) on the simplex. An error names the first wrong row."""
    xp = _arrays.namespace(values)
    if not _arrays.is_real(values):
        values = _arrays.in_double(values)
    negative = xp.any(~(values >= 0), axis=1)
    if _arrays.any_true(negative):
        row = _arrays.first_true(negative)
        raise ValueError(
            f"Row {row} of {name} holds {float(xp.min(values[row, :])):g}; the entries of a "
            "distribution are 0 or more."
        )
    totals = _arrays.row_sums(values)
    off = ~(xp.abs(totals - 1) <= SIMPLEX_TOLERANCE)
    if _arrays.any_true(off):
        row = _arrays.first_true(off)
        raise ValueError(
            f"Row {row} of {name} sums to {float(totals[row]):.9g}; a distribution sums to 1 "
            f"within {SIMPLEX_TOLERANCE:g}."
        )
    return DenseTargets(values)

"""Target distributions over arrays of any library. Dense ones are formed block by block."""

from __future__ import annotations

from typing import Any

from .. import _arrays
from .._kernels import array_rows
from .targets import SIMPLEX_TOLERANCE


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


def targets_of_array(values: Any, shape: tuple[int, ...], *, independent_outputs: bool) -> Any:
    """Targets of scores of a shape (n, K): codes of classes, label sets or probabilities."""
    xp, found = _arrays.namespace(values), tuple(values.shape)
    if found == shape[:1] and xp.isdtype(values.dtype, "integral"):
        wrong = (values < 0) | (values >= shape[1])
        if _arrays.any_true(wrong):
            raise ValueError(
                f"targets holds the class {int(values[wrong][0])}; scores has the classes 0 ... "
                f"{shape[1] - 1}."
            )
        return OneHotTargets(values, shape[1])
    if found != shape or not (_arrays.is_integer(values) or _arrays.is_real(values)):
        raise ValueError(
            f"targets has the shape {found} and the type {values.dtype}; it must hold integers of "
            f"shape {shape[:1]}, or a matrix of real numbers of the shape of scores, {shape}."
        )
    if independent_outputs:
        values = _arrays.in_double(values)
        wrong = ~((values >= 0) & (values <= 1))
        if _arrays.any_true(wrong):
            raise ValueError(
                f"targets holds {float(values[wrong][0]):g}; each entry must lie between 0 and 1."
            )
        return DenseTargets(values)
    if _arrays.is_real(values):
        return distributions_of_array(values, "targets")
    values = checked_indicator(values, "targets")
    empty = xp.sum(values, axis=1) == 0
    if _arrays.any_true(empty):
        raise ValueError(
            f"Row {_arrays.first_true(empty)} of targets has no label; at least one is needed for "
            "a distribution over labels."
        )
    return UniformTargets(values)


def checked_indicator(values: Any, name: str) -> Any:
    """Indicator matrix (n, K), as numbers. Other values than 0 and 1 are an error."""
    xp = _arrays.namespace(values)
    if xp.isdtype(values.dtype, "bool"):
        values = _arrays.cast(values, xp.int8)
    if not _arrays.all_true((values == 0) | (values == 1)):
        wrong = float(values[(values != 0) & (values != 1)][0])
        raise ValueError(
            f"{name} holds the value {wrong:g}; an indicator matrix of label sets holds only 0 and "
            "1."
        )
    return values


def checked_scores(scores: Any) -> Any:
    """Finite scores (n, K) in single or double precision."""
    xp, shape = _arrays.namespace(scores), tuple(scores.shape)
    if not (_arrays.is_integer(scores) or _arrays.is_real(scores)):
        raise TypeError(f"scores has the type {scores.dtype}; real numbers are needed.")
    if scores.dtype != xp.float32:
        scores = _arrays.cast(scores, _arrays.double(scores))
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(
            f"scores has the shape {shape}; it must be (n_samples, n_outputs) with at least one "
            "output."
        )
    wrong = xp.any(~xp.isfinite(scores), axis=1)
    if _arrays.any_true(wrong):
        raise ValueError(
            f"Row {_arrays.first_true(wrong)} of scores holds NaN or an infinity; scores must be "
            "finite."
        )
    return scores

"""Checks of input that scikit-learn's public functions leave to the caller."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from . import _arrays

# At larger alpha, the entmax hardly differs from the one-hot vector of the largest score.
MOST_ENTMAX_ALPHA = 50


def check_weights(sample_weight: Any, n_rows: int, X: Any = None) -> Any:
    """Weights of the rows (n,), ones by default; an error unless finite and 0 or more.

    They are in double precision, in the library of X and on its device.
    """
    if sample_weight is None:
        return np.ones(n_rows) if _arrays.is_numpy(X) else _arrays.ones(n_rows, X)
    check_unmasked(sample_weight, "sample_weight", "0")
    if _arrays.is_numpy(X):
        weights = np.asarray(_arrays.moved_beside(sample_weight, X), dtype=np.float64)
    elif _arrays.is_numpy(sample_weight):
        weights = _arrays.beside(sample_weight, X)
    else:
        weights = _arrays.cast(_arrays.moved_beside(sample_weight, X), _arrays.double(X))
    if tuple(weights.shape) != (n_rows,):
        raise ValueError(
            f"sample_weight has the shape {tuple(weights.shape)}; it must be ({n_rows},), one "
            "weight a row."
        )
    valid = (weights >= 0) & (weights < np.inf)
    if not _arrays.all_true(valid):
        wrong = float(weights[~valid][0])
        raise ValueError(f"sample_weight holds {wrong:g}; weights must be finite and 0 or more.")
    return weights


def check_entmax_alpha(alpha: Any) -> float:
    """The alpha of the entmax; an error unless it is a real number from 1 to 50."""
    if isinstance(alpha, bool | np.bool_) or not isinstance(alpha, Real):
        raise TypeError(f"alpha={alpha!r}; a real number is needed.")
    value = float(alpha)
    if not 1 <= value <= MOST_ENTMAX_ALPHA:
        raise ValueError(f"alpha={alpha!r}; it must be from 1 to {MOST_ENTMAX_ALPHA}.")
    return value


def check_unmasked(array: Any, name: str, fill: str) -> None:
    """Refuse a masked array, whose mask NumPy's functions leave out without a word."""
    if np.ma.isMaskedArray(array):
        raise TypeError(
            f"{name} is a masked array, and masks are not supported; {name}.filled({fill}) is an "
            "array without one."
        )


def check_no_label_lists(y: Any) -> None:
    """Refuse lists or sets of labels, one for each row, with the way to an indicator matrix."""
    if isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 1:
        y = y.tolist()
    if not isinstance(y, list | tuple):
        return
    is_set = [isinstance(labels, set | frozenset) for labels in y]
    lengths = {len(labels) for labels in y if isinstance(labels, list | tuple)}
    if any(is_set) or len(lengths) > 1:
        row = is_set.index(True) if any(is_set) else 0
        raise ValueError(
            f"y holds a set or list of labels for each row, such as {y[row]!r}; it must be an "
            "indicator matrix of shape (n_samples, n_labels), which "
            "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y) makes of it."
        )


def check_squares(squares: Any, X: Any, dtype: DTypeLike = np.float64) -> None:
    """Refuse features (n, d) whose squares, or sums of them, the type does not hold.

    Every solver needs them. `squares` are those that the caller has computed.
    """
    xp = _arrays.namespace(squares)
    if not _arrays.is_numpy(X) and _arrays.double(X) == _arrays.namespace(X).float32:
        dtype = np.float32
    largest = float(np.finfo(dtype).max)
    if xp.all((np.asarray(squares) if xp is np else squares) <= largest):
        return
    if _arrays.is_numpy(X):
        sizes = np.abs(X).max(axis=0)
        sizes = sizes.toarray().ravel() if sparse.issparse(sizes) else np.asarray(sizes)
    else:
        xp = _arrays.namespace(X)
        sizes = _arrays.on_host(xp.max(xp.abs(X), axis=0))
    column = int(sizes.argmax())
    raise ValueError(
        f"X holds values whose squares are beyond the range of {np.dtype(dtype)}, such as "
        f"{sizes[column]:.3g} in column {column}; scale the features to less than "
        f"{np.sqrt(largest):.0e} in absolute value, with StandardScaler for example."
    )

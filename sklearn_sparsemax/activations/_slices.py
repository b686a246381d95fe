"""Checks of the arguments of an activation, and slices of an array as rows of a matrix."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._validation import check_unmasked


def rows_of(z: ArrayLike, axis: int) -> tuple[NDArray[np.floating], np.dtype]:
    """Scores with `axis` last, as native float32 or float64, and the native type of the result."""
    if hasattr(z, "toarray"):
        raise TypeError(
            f"z is a {type(z).__name__}; a dense array is needed, since a score of 0 is not a "
            "probability of 0. Convert it with its toarray() method."
        )
    # a score of -inf has probability 0
    check_unmasked(z, "z", "-np.inf")
    z = np.asarray(z)
    if z.dtype.kind in "bui":
        z = z.astype(np.float64)
    dtype = z.dtype.newbyteorder("=")
    if dtype not in (np.float16, np.float32, np.float64):
        raise TypeError(
            f"z has the type {z.dtype}; float16, float32, float64, an integer type or bool is "
            "needed."
        )
    try:
        axis = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis={axis!r}; an integer is needed.") from None
    if z.ndim == 0 or not -z.ndim <= axis < z.ndim:
        raise ValueError(f"axis={axis} is not an axis of z, whose shape is {z.shape}.")
    if z.shape[axis] == 0:
        raise ValueError(
            f"z has no entry along axis={axis} (its shape is {z.shape}); at least one entry is "
            "needed."
        )
    rows = np.moveaxis(z, axis, -1)
    return rows.astype(np.float32 if dtype == np.float16 else dtype, copy=False), dtype


def as_matrix(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The slices as rows of a matrix, copied only if the kernels cannot read them."""
    # the kernels would be compiled once more for read-only arrays
    return np.require(rows, requirements=["C", "A", "W"]).reshape(-1, rows.shape[-1])


def restore(rows: NDArray[np.floating], axis: int, dtype: np.dtype) -> NDArray[np.floating]:
    return np.moveaxis(rows, -1, axis).astype(dtype, copy=False)


def raise_if_infinite(rows: NDArray[np.floating], bad_row: int) -> None:
    if bad_row < 0:
        return
    position = tuple(int(i) for i in np.unravel_index(bad_row, rows.shape[:-1]))
    value = rows.max(axis=-1)[position]
    where = f" at {position} of the remaining axes" if position else ""
    raise ValueError(
        f"The largest entry of z along the axis is {value}{where}; at least one entry must be "
        "finite and none may be +inf."
    )


def like_scores(v: ArrayLike, p: NDArray[np.floating]) -> NDArray[np.floating]:
    check_unmasked(v, "v", "0")
    v = np.asarray(v)
    if v.dtype.kind not in "biuf":
        raise TypeError(f"v has the type {v.dtype}; real numbers are needed.")
    if v.shape != p.shape:
        raise ValueError(f"v has the shape {v.shape}; it must be that of z, {p.shape}.")
    # sums in float16 would overflow at 65504
    return v.astype(np.float32 if v.dtype in (np.float16, np.float32) else np.float64, copy=False)

"""The activations of this folder over arrays of other libraries than NumPy, under dispatch.

The softmax has the alpha 1, and the sparsemax the alpha 2. With s_j = p_j^(2 - alpha) on the
support and 0 outside, the Jacobian of each is diag(s) - s s^T / sum(s).
"""

from __future__ import annotations

import operator
from typing import Any

from .. import _arrays
from .._kernels import array_rows


def probabilities(z: Any, axis: int, alpha: float) -> Any:
    """Probabilities of the shape and the type of z."""
    rows, dtype = _rows_of(z, axis)
    return _restored(_map(rows, alpha), axis, dtype)


def threshold(z: Any, axis: int, alpha: float) -> Any:
    """Thresholds of the shape of z with `axis` of length 1, for alpha above 1."""
    rows, dtype = _rows_of(z, axis)
    xp = _arrays.namespace(z)
    likeliest = xp.max(_map(rows, alpha), axis=-1, keepdims=True)
    tau = (alpha - 1) * xp.max(rows, axis=-1, keepdims=True) - likeliest ** (alpha - 1)
    return _restored(tau, axis, dtype)


def jacobian(z: Any, axis: int, alpha: float) -> Any:
    """Jacobians of shape (..., K, K)."""
    rows, dtype = _rows_of(z, axis)
    xp = _arrays.namespace(z)
    s = _slopes(_map(rows, alpha), alpha)[..., None]
    across = xp.matrix_transpose(s)
    total = xp.sum(s, axis=-2, keepdims=True)
    return _arrays.cast(_arrays.identity(s.shape[-2], s) * s - s * across / total, dtype)


def product(z: Any, v: Any, axis: int, alpha: float) -> Any:
    """Products of the Jacobian with vectors v of the shape of z."""
    rows, dtype = _rows_of(z, axis)
    xp = _arrays.namespace(z)
    if v.shape != z.shape:
        raise ValueError(
            f"v has the shape {tuple(v.shape)}; it must be that of z, {tuple(z.shape)}."
        )
    v = xp.moveaxis(_arrays.cast(_arrays.moved_beside(v, z), rows.dtype), axis, -1)
    s = _slopes(_map(rows, alpha), alpha)
    # where, not a product: NaN or infinities of v outside the support have no influence
    inside = xp.where(s == 0, xp.zeros_like(v), v)
    total = xp.sum(s, axis=-1, keepdims=True)
    mean = xp.sum(s * inside, axis=-1, keepdims=True) / total
    return _restored(xp.where(s == 0, xp.zeros_like(v), s * (inside - mean)), axis, dtype)


def _slopes(p: Any, alpha: float) -> Any:
    """The slopes s of the shape of p; NaN where p is NaN."""
    xp = _arrays.namespace(p)
    powers = xp.where(p == 0, xp.ones_like(p), p) ** (2 - alpha)
    return xp.where(p == 0, xp.zeros_like(p), powers)


def _map(rows: Any, alpha: float) -> Any:
    """Probabilities of rows (..., K)."""
    xp = _arrays.namespace(rows)
    matrix = xp.reshape(rows, (-1, rows.shape[-1]))
    if alpha == 1:
        p = array_rows.softmax(xp, matrix)
    elif alpha == 2:
        p = array_rows.sparsemax(xp, matrix)
    else:
        p = array_rows.entmax(xp, matrix, alpha)
    return xp.reshape(p, rows.shape)


def _rows_of(z: Any, axis: int) -> tuple[Any, Any]:
    """Scores with `axis` last, in at least single precision, and the type of the result."""
    xp = _arrays.namespace(z)
    if _arrays.is_integer(z):
        z = _arrays.in_double(z)
    if not _arrays.is_real(z):
        raise TypeError(f"z has the type {z.dtype}; real numbers are needed.")
    try:
        axis = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis={axis!r}; an integer is needed.") from None
    shape = tuple(z.shape)
    if z.ndim == 0 or not -z.ndim <= axis < z.ndim:
        raise ValueError(f"axis={axis} is not an axis of z, whose shape is {shape}.")
    if shape[axis] == 0:
        raise ValueError(
            f"z has no entry along axis={axis} (its shape is {shape}); at least one entry is "
            "needed."
        )
    rows = xp.moveaxis(z, axis, -1)
    if rows.dtype not in (xp.float32, xp.float64):
        rows = _arrays.cast(rows, xp.float32)
    largest = xp.max(rows, axis=-1) if _arrays.size(rows) else rows
    if _arrays.any_true(xp.isinf(largest)):
        raise ValueError(
            "The largest entry of z along the axis is infinite in a slice; at least one entry must "
            "be finite and none may be +inf."
        )
    return rows, z.dtype


def _restored(rows: Any, axis: int, dtype: Any) -> Any:
    return _arrays.cast(_arrays.namespace(rows).moveaxis(rows, -1, axis), dtype)

"""Arrays of NumPy and of other libraries, by the same few functions.

The code above is written once for all of them. It uses operators, slices and the functions that
`namespace` has for every library. What NumPy spells in another way, or computes faster in its own
way, is here. For NumPy, each function is the one call that its name says.

"Double precision" is the most precise type of the device: float64, or float32 where there is no
other.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from scipy import linalg
from sklearn import get_config

from ._compat import array_namespace, convert_to_numpy, get_namespace_and_device, move_to
from ._typing import Array


def is_numpy(array: Any) -> bool:
    """Whether an array is of NumPy, or a SciPy sparse container."""
    return isinstance(array, np.ndarray | np.generic) or not hasattr(array, "__dlpack__")


def namespace(array: Any) -> Any:
    """The functions for an array: NumPy itself, or a namespace of the array API standard."""
    return np if is_numpy(array) else array_namespace(array)


def size(array: Any) -> int:
    """Number of entries."""
    return prod(array.shape)


def cast(array: Any, dtype: Any) -> Any:
    """The array in another type; itself if it has that type."""
    if is_numpy(array):
        return array.astype(dtype, copy=False)
    return namespace(array).astype(array, dtype, copy=False)


def copy_of(array: Any) -> Any:
    """A copy."""
    return array.copy() if is_numpy(array) else namespace(array).asarray(array, copy=True)


def ravel(array: Any) -> Any:
    """All entries in one dimension, without a copy where possible."""
    return array.ravel() if is_numpy(array) else namespace(array).reshape(array, (-1,))


def zeros(shape: int | tuple[int, ...], like: Any) -> Any:
    """Zeros of the type of an array, on its device."""
    if is_numpy(like):
        return np.zeros(shape, like.dtype)
    return namespace(like).zeros(shape, dtype=like.dtype, device=like.device)


def ones(n: int, beside: Any) -> Any:
    """Ones (n,) in double precision, on the device of an array of another library than NumPy."""
    return namespace(beside).ones(n, dtype=double(beside), device=beside.device)


def filled(shape: int | tuple[int, ...], value: float, like: Any) -> Any:
    """An array of one value, of the type of an array, on its device."""
    if is_numpy(like):
        return np.full(shape, value, like.dtype)
    return namespace(like).full(shape, value, dtype=like.dtype, device=like.device)


def dot(a: Any, b: Any) -> float:
    """Sum of the products of all entries."""
    return float(np.vdot(a, b) if is_numpy(a) else namespace(a).sum(a * b))


def norm(array: Any) -> float:
    """Euclidean norm of a vector."""
    return float(np.linalg.norm(array)) if is_numpy(array) else dot(array, array) ** 0.5


def largest(array: Any) -> float:
    """Largest absolute value."""
    xp = namespace(array)
    return float(xp.max(xp.abs(array)))


def row_dots(A: Any, B: Any) -> Any:
    """Inner product of each row of A (n, K) with that of B, shape (n,), in their type."""
    return np.einsum("ij,ij->i", A, B) if is_numpy(A) else namespace(A).sum(A * B, axis=1)


def row_sums(A: Any) -> Any:
    """Sums of the rows (n, K), shape (n,), in double precision."""
    return namespace(A).sum(A, axis=1, dtype=double(A))


def column_sums(A: Any) -> Any:
    """Sums of the columns (n, K), shape (K,), in double precision."""
    return namespace(A).sum(A, axis=0, dtype=double(A))


def diagonal(A: Any) -> Any:
    """The diagonal of a square matrix (K, K), shape (K,)."""
    return A.diagonal() if is_numpy(A) else namespace(A).linalg.diagonal(A)


def identity(n: int, like: Any) -> Any:
    """The identity matrix, of the type of an array, on its device."""
    if is_numpy(like):
        return np.eye(n)
    return namespace(like).eye(n, dtype=like.dtype, device=like.device)


def solve_ridged(A: Any, ridge: float, b: Any) -> Any:
    """(A + ridge I)^-1 b for a matrix that is positive semidefinite up to rounding.

    Rounding of sums over many rows may exceed the ridge. It then grows until A + ridge I is
    positive definite.
    """
    identity_ = identity(A.shape[0], A)
    if not is_numpy(A):
        return namespace(A).linalg.solve(A + ridge * identity_, b)
    largest_ridge = max(ridge, float(np.trace(A)))
    while True:
        try:
            return linalg.solve(A + ridge * identity_, b, assume_a="pos", check_finite=False)
        except linalg.LinAlgError:
            if not ridge < largest_ridge:
                raise
            ridge *= 10


def double(array: Any) -> Any:
    """The most precise type of real numbers on the device of an array."""
    if is_numpy(array):
        return np.dtype(np.float64)
    return widest(namespace(array), array.device)


def widest(xp: Any, device: Any) -> Any:
    """The most precise type of real numbers on a device."""
    types = xp.__array_namespace_info__().dtypes(kind="real floating", device=device)
    return types.get("float64", xp.float32)


def in_double(array: Any) -> Any:
    """A copy in double precision; of sparse containers too."""
    if is_numpy(array):
        return array.astype(np.float64)
    return namespace(array).astype(array, double(array), copy=True)


def squared(array: Any) -> Any:
    """The squares of all entries, which overwrite those of a NumPy array."""
    return np.square(array, out=array) if is_numpy(array) else array * array


def in_single(array: Any) -> Any:
    """The array in single precision."""
    return array.astype(np.float32) if is_numpy(array) else cast(array, namespace(array).float32)


def scaled_columns(X: Any, scale: Any) -> Any:
    """X (n, d), which may be overwritten, times the scale (d,) of each column, in the type of X."""
    if is_numpy(X):
        X *= scale
        return X
    return X * cast(scale, X.dtype)


def median(vector: Any) -> Any:
    """The median of a vector."""
    if is_numpy(vector):
        return np.median(vector)
    ordered, half = namespace(vector).sort(vector), vector.shape[0] // 2
    return 0.5 * (ordered[half] + ordered[vector.shape[0] - 1 - half])


def concatenated(vectors: list[Any]) -> Any:
    """The vectors, one after the other."""
    join = np.concatenate if is_numpy(vectors[0]) else namespace(vectors[0]).concat
    return join(vectors)


def total(arrays: list[Any]) -> Any:
    """Sum of arrays of one shape."""
    return np.sum(arrays, axis=0) if is_numpy(arrays[0]) else sum(arrays[1:], arrays[0])


def epsilon(dtype: Any, like: Any) -> float:
    """Distance from 1 to the next number of a type of the library of an array."""
    return float(np.finfo(dtype).eps if is_numpy(like) else namespace(like).finfo(dtype).eps)


def on_host(array: Any) -> Array:
    """The array as one of NumPy, which is a transfer if it lies on another device."""
    return array if is_numpy(array) else convert_to_numpy(array, namespace(array))


def beside(values: Any, like: Any) -> Any:
    """Values of the host, in double precision, on the device of an array."""
    if is_numpy(like):
        return np.asarray(values, dtype=np.float64)
    xp, dtype = namespace(like), double(like)
    # a device without float64 cannot receive it
    values = np.ascontiguousarray(values, np.float64 if dtype == xp.float64 else np.float32)
    return xp.asarray(values, dtype=dtype, device=like.device)


def library_of(X: Any) -> Any:
    """The namespace of X if it is an array of another library, and dispatch is on; else None."""
    if not get_config()["array_api_dispatch"] or is_numpy(X):
        return None
    xp, dispatched, _ = get_namespace_and_device(X)
    if xp is np or not dispatched or xp.__name__.endswith("array_api_compat.numpy"):
        return None
    if xp.__name__.startswith("jax"):
        raise TypeError("Arrays of JAX cannot be written to. Convert them to NumPy's.")
    return xp


def moved_beside(array: Any, X: Any) -> Any:
    """An array in the library of X, on its device. What is no array stays, as without dispatch."""
    if not get_config()["array_api_dispatch"] or not hasattr(array, "__dlpack__"):
        return array
    if is_numpy(X):
        return on_host(array)
    return move_to(array, xp=namespace(X), device=X.device)


def is_beside(array: Any, X: Any) -> bool:
    """Whether two arrays are of the same library, and on the same device."""
    if is_numpy(array) or is_numpy(X):
        return is_numpy(array) and is_numpy(X)
    return namespace(array) is namespace(X) and array.device == X.device


def is_integer(array: Any) -> bool:
    """Whether an array holds integers or booleans."""
    if is_numpy(array):
        return array.dtype.kind in "biu"
    return bool(namespace(array).isdtype(array.dtype, ("bool", "integral")))


def is_real(array: Any) -> bool:
    """Whether an array holds floating-point numbers."""
    if is_numpy(array):
        return array.dtype.kind == "f"
    return bool(namespace(array).isdtype(array.dtype, "real floating"))


def unique(array: Any) -> Any:
    """The values of an array, sorted, each once."""
    return np.unique(array) if is_numpy(array) else namespace(array).unique_values(array)


def all_true(array: Any) -> bool:
    """Whether all entries are true."""
    return bool(namespace(array).all(array))


def any_true(array: Any) -> bool:
    """Whether an entry is true."""
    return bool(namespace(array).any(array))


def contiguous(array: Any) -> Any:
    """The array in the order of memory that NumPy's users expect."""
    return np.ascontiguousarray(array) if is_numpy(array) else array


def first_true(array: Any) -> int:
    """Place of the first true entry of a vector."""
    xp = namespace(array)
    return int(xp.argmax(cast(array, np.int8 if xp is np else xp.int8)))


def beside_each_other(columns: list[Any]) -> Any:
    """Matrices of the same number of rows as one."""
    join = np.concatenate if is_numpy(columns[0]) else namespace(columns[0]).concat
    return join(columns, axis=1)


def taken(values: Any, places: Any) -> Any:
    """The values at places."""
    return values[places] if is_numpy(values) else namespace(values).take(values, places, axis=0)


def with_last_row(matrix: Any, row: Any) -> Any:
    """The matrix (d, m) with a row (m,) below it."""
    if is_numpy(matrix):
        return np.vstack([matrix, row])
    return namespace(matrix).concat([matrix, row[None, :]])


def place(array: Any) -> str:
    """Library and device of an array, in words."""
    if is_numpy(array):
        return "of NumPy, a list or a sparse matrix"
    return f"of {namespace(array).__name__.split('.')[-1]} on {array.device}"

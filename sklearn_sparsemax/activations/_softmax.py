"""The softmax and its derivatives.

The softmax is p_j = exp(z_j) / sum_k exp(z_k), with the Jacobian diag(p) - p p^T.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import library_of
from . import _over_arrays
from ._slices import like_scores, raise_if_infinite, restore, rows_of


def softmax(z: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Softmax of scores: exponentials, divided by their sum.

    This is :func:`scipy.special.softmax` with the input rules of :func:`sparsemax`.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    p : ndarray, shape of `z`
        Probabilities.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax import softmax
    >>> softmax([np.log(3.0), 0.0, -np.inf])
    array([0.75, 0.25, 0.  ])
    """
    if library_of(z) is not None:
        return _over_arrays.probabilities(z, axis, 1)
    rows, dtype = rows_of(z, axis)
    largest = rows.max(axis=-1, keepdims=True)
    infinite = np.isinf(largest).ravel()
    raise_if_infinite(rows, int(infinite.argmax()) if infinite.any() else -1)
    # a difference beyond the range of floats is -inf, and its exponential 0 is correct
    with np.errstate(over="ignore"):
        probabilities = np.exp(rows - largest)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return restore(probabilities, axis, dtype)


def softmax_jacobian(z: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Jacobian of the softmax, diag(p) - p p^T.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes.
    axis : int, default=-1
        Axis along which the probabilities sum to 1, of length K.

    Returns
    -------
    jacobian : ndarray, shape (..., K, K)
        Derivatives of output j by input k in the last two axes; the other axes are
        those of `z` without `axis`. The matrices are symmetric, and their rows sum to 0.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`.

    Examples
    --------
    >>> from sklearn_sparsemax import softmax_jacobian
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    if library_of(z) is not None:
        return _over_arrays.jacobian(z, axis, 1)
    p = np.moveaxis(softmax(z, axis=axis), axis, -1)
    return np.eye(p.shape[-1], dtype=p.dtype) * p[..., None] - p[..., None] * p[..., None, :]


def softmax_jvp(z: ArrayLike, v: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Product of the Jacobian of the softmax with vectors: p * (v - <p, v>).

    The Jacobian is symmetric. So this is also the product with its transpose.

    Parameters
    ----------
    z : array-like of floats
        Scores at which the Jacobian is taken, of any shape and type that
        :func:`sparsemax` takes.
    v : array-like of floats, shape of `z`
        Vectors along `axis`.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    product : ndarray, shape of `z`
        Derivatives of the probabilities along `v`.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`; also if `v` has another shape than `z` or is not real.

    Examples
    --------
    >>> from sklearn_sparsemax import softmax_jvp
    >>> softmax_jvp([0.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    """
    if library_of(z) is not None:
        return _over_arrays.product(z, v, axis, 1)
    p = softmax(z, axis=axis)
    v = like_scores(v, p)
    return np.asarray(p * (v - (p * v).sum(axis=axis, keepdims=True)), dtype=p.dtype)

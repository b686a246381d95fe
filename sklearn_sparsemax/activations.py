"""Maps from scores to probabilities, and their derivatives.

The sparsemax (Martins & Astudillo 2016) is the Euclidean projection of the scores
onto the probability simplex,

    sparsemax(z) = argmin_{p >= 0, sum p = 1} ||p - z||^2 = max(z - tau, 0),

with the threshold tau such that the probabilities sum to 1, and the support
S = {j : p_j > 0}. Its Jacobian is diag(s) - s s^T / |S| with s the indicator of S.
The softmax is p_j = exp(z_j) / sum_k exp(z_k), with Jacobian diag(p) - p p^T.
Both Jacobians are symmetric. So their product with a vector serves forward and backward
differentiation.

A shift of the scores, z -> z + c, changes neither map. So the largest entry of each row is
subtracted first. The results are then accurate for scores of any finite size.
"""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._kernels import simplex
from ._validation import check_unmasked

__all__ = [
    "softmax",
    "softmax_jacobian",
    "softmax_jvp",
    "sparsemax",
    "sparsemax_jacobian",
    "sparsemax_jvp",
    "sparsemax_support",
    "sparsemax_threshold",
]


def sparsemax(z: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Project scores onto the probability simplex.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape. The result has the type of `z` if that is float32, float64 or
        float16 (which is computed in float32). Integers and booleans become float64. An
        entry of -inf gets probability 0. A slice with NaN becomes NaN.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    p : ndarray, shape of `z`
        Probabilities. Entries outside the support are exactly 0.

    Raises
    ------
    TypeError
        If `z` is a sparse matrix or is not of a real number type, or if `axis` is not an
        integer.
    ValueError
        If `axis` is empty or not an axis of `z`, or if the largest entry of a slice
        is infinite.

    See Also
    --------
    sparsemax_threshold : The threshold only.
    sparsemax_support : The entries with a positive probability.

    References
    ----------
    Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
    and Multi-Label Classification", ICML. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sparsemax import sparsemax
    >>> sparsemax([0.5, 0.0, -1.0])
    array([0.75, 0.25, 0.  ])
    >>> sparsemax(np.array([[2.0, 0.0], [0.0, 0.0]]), axis=0)
    array([[1. , 0.5],
           [0. , 0.5]])
    """
    rows, dtype = _rows(z, axis)
    probabilities = np.empty(rows.shape, dtype=rows.dtype)
    bad_row = simplex.project_rows(_matrix(rows), _matrix(probabilities))
    _raise_if_infinite(rows, bad_row)
    return _restore(probabilities, axis, dtype)


def sparsemax_threshold(z: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Threshold tau of the sparsemax: the probabilities are max(z - tau, 0).

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    tau : ndarray, shape of `z` with `axis` of length 1
        Thresholds, in the unit of the scores. Their shape broadcasts against `z`.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`.

    References
    ----------
    Martins & Astudillo (2016), Proposition 1. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> from sklearn_sparsemax import sparsemax_threshold
    >>> sparsemax_threshold([0.5, 0.0, -1.0])
    array([-0.25])
    """
    rows, dtype = _rows(z, axis)
    thresholds = np.empty((*rows.shape[:-1], 1), dtype=rows.dtype)
    bad_row = simplex.threshold_rows(_matrix(rows), thresholds.reshape(-1))
    _raise_if_infinite(rows, bad_row)
    return _restore(thresholds, axis, dtype)


def sparsemax_support(z: ArrayLike, *, axis: int = -1) -> NDArray[np.bool_]:
    """Entries to which the sparsemax gives a positive probability.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes. A slice with NaN has
        no support: all its entries are False.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    support : ndarray of bool, shape of `z`
        True where the probability is positive.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`.

    References
    ----------
    Martins & Astudillo (2016), Proposition 1. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> from sklearn_sparsemax import sparsemax_support
    >>> sparsemax_support([0.5, 0.0, -1.0])
    array([ True,  True, False])
    """
    return sparsemax(z, axis=axis) > 0


def sparsemax_jacobian(z: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Jacobian of the sparsemax, diag(s) - s s^T / |S|.

    The sparsemax is piecewise linear. It has no unique derivative where two pieces meet. There,
    an entry at the threshold counts as outside the support, and the result is an element of
    the generalised Jacobian.

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
        A slice with NaN gives NaN.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`.

    See Also
    --------
    sparsemax_jvp : The product of the Jacobian with a vector, without the Jacobian itself.

    References
    ----------
    Martins & Astudillo (2016), section 2.5. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> from sklearn_sparsemax import sparsemax_jacobian
    >>> sparsemax_jacobian([0.5, 0.0, -1.0])
    array([[ 0.5, -0.5,  0. ],
           [-0.5,  0.5,  0. ],
           [ 0. ,  0. ,  0. ]])
    """
    p = np.moveaxis(sparsemax(z, axis=axis), axis, -1)
    # sign is 1 on the support, 0 outside, NaN where p is NaN
    s = np.sign(p)
    size = s.sum(axis=-1)[..., None, None]
    return np.eye(p.shape[-1], dtype=p.dtype) * s[..., None] - s[..., None] * s[..., None, :] / size


def sparsemax_jvp(z: ArrayLike, v: ArrayLike, *, axis: int = -1) -> NDArray[np.floating]:
    """Product of the Jacobian of the sparsemax with vectors: s * (v - mean of v over S).

    The Jacobian is symmetric. So this is also the product with its transpose, and serves both
    forward- and reverse-mode differentiation. The time is linear in the number of scores.

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
        The products. They are exactly 0 outside the support.

    Raises
    ------
    TypeError, ValueError
        As :func:`sparsemax`; also if `v` has another shape than `z` or is not real.

    References
    ----------
    Martins & Astudillo (2016), section 2.5. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> from sklearn_sparsemax import sparsemax_jvp
    >>> sparsemax_jvp([0.5, 0.0, -1.0], [1.0, 0.0, 5.0])
    array([ 0.5, -0.5,  0. ])
    """
    p = sparsemax(z, axis=axis)
    v = _like_scores(v, p)
    rows, dtype = _rows(p, axis)
    vectors = np.moveaxis(v, axis, -1)
    products = np.empty(rows.shape, dtype=rows.dtype)
    simplex.multiply_jacobian(_matrix(rows), _matrix(vectors), _matrix(products))
    return _restore(products, axis, dtype)


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
    rows, dtype = _rows(z, axis)
    largest = rows.max(axis=-1, keepdims=True)
    infinite = np.isinf(largest).ravel()
    _raise_if_infinite(rows, int(infinite.argmax()) if infinite.any() else -1)
    # a difference beyond the range of floats is -inf, and its exponential 0 is correct
    with np.errstate(over="ignore"):
        probabilities = np.exp(rows - largest)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return _restore(probabilities, axis, dtype)


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
    p = softmax(z, axis=axis)
    v = _like_scores(v, p)
    return np.asarray(p * (v - (p * v).sum(axis=axis, keepdims=True)), dtype=p.dtype)


def _rows(z: ArrayLike, axis: int) -> tuple[NDArray[np.floating], np.dtype]:
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


def _matrix(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The slices as rows of a matrix, copied only if the kernels cannot read them."""
    # the kernels would be compiled once more for read-only arrays
    return np.require(rows, requirements=["C", "A", "W"]).reshape(-1, rows.shape[-1])


def _restore(rows: NDArray[np.floating], axis: int, dtype: np.dtype) -> NDArray[np.floating]:
    return np.moveaxis(rows, -1, axis).astype(dtype, copy=False)


def _raise_if_infinite(rows: NDArray[np.floating], bad_row: int) -> None:
    if bad_row < 0:
        return
    position = tuple(int(i) for i in np.unravel_index(bad_row, rows.shape[:-1]))
    value = rows.max(axis=-1)[position]
    where = f" at {position} of the remaining axes" if position else ""
    raise ValueError(
        f"The largest entry of z along the axis is {value}{where}; at least one entry must be "
        "finite and none may be +inf."
    )


def _like_scores(v: ArrayLike, p: NDArray[np.floating]) -> NDArray[np.floating]:
    check_unmasked(v, "v", "0")
    v = np.asarray(v)
    if v.dtype.kind not in "biuf":
        raise TypeError(f"v has the type {v.dtype}; real numbers are needed.")
    if v.shape != p.shape:
        raise ValueError(f"v has the shape {v.shape}; it must be that of z, {p.shape}.")
    # sums in float16 would overflow at 65504
    return v.astype(np.float32 if v.dtype in (np.float16, np.float32) else np.float64, copy=False)

"""The sparsemax, its threshold, its support and its derivatives.

The sparsemax (Martins & Astudillo 2016) is the Euclidean projection of the scores
onto the probability simplex,

    sparsemax(z) = argmin_{p >= 0, sum p = 1} ||p - z||^2 = max(z - tau, 0),

with the threshold tau such that the probabilities sum to 1, and the support
S = {j : p_j > 0}. Its Jacobian is diag(s) - s s^T / |S| with s the indicator of S.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import library_of
from .._kernels import simplex
from . import _over_arrays
from ._slices import as_matrix, like_scores, raise_if_infinite, restore, rows_of


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
    if library_of(z) is not None:
        return _over_arrays.probabilities(z, axis, 2)
    rows, dtype = rows_of(z, axis)
    probabilities = np.empty(rows.shape, dtype=rows.dtype)
    bad_row = simplex.project_rows(as_matrix(rows), as_matrix(probabilities))
    raise_if_infinite(rows, bad_row)
    return restore(probabilities, axis, dtype)


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
    if library_of(z) is not None:
        return _over_arrays.threshold(z, axis, 2)
    rows, dtype = rows_of(z, axis)
    thresholds = np.empty((*rows.shape[:-1], 1), dtype=rows.dtype)
    bad_row = simplex.threshold_rows(as_matrix(rows), thresholds.reshape(-1))
    raise_if_infinite(rows, bad_row)
    return restore(thresholds, axis, dtype)


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
    """Jacobian of the sparsemax, `diag(s) - s s^T / |S|`.

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
    if library_of(z) is not None:
        return _over_arrays.jacobian(z, axis, 2)
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
    if library_of(z) is not None:
        return _over_arrays.product(z, v, axis, 2)
    p = sparsemax(z, axis=axis)
    v = like_scores(v, p)
    rows, dtype = rows_of(p, axis)
    vectors = np.moveaxis(v, axis, -1)
    products = np.empty(rows.shape, dtype=rows.dtype)
    simplex.multiply_jacobian(as_matrix(rows), as_matrix(vectors), as_matrix(products))
    return restore(products, axis, dtype)

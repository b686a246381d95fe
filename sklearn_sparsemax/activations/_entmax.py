"""The alpha-entmax, between the softmax and the sparsemax, and its derivatives.

For alpha > 1 and the regulariser Omega(p) = (sum_j p_j^alpha - 1) / (alpha (alpha - 1)),

    entmax(z) = argmax_p <p, z> - Omega(p) = max((alpha - 1) z - tau, 0)^(1 / (alpha - 1)),

with the threshold tau such that the probabilities sum to 1 (Peters, Niculae & Martins 2019). For
alpha = 2, this is the sparsemax. For alpha towards 1, it is the softmax. With s_j = p_j^(2 - alpha)
on the support and 0 outside, its Jacobian is diag(s) - s s^T / sum(s).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import library_of
from .._kernels import entmax as kernels
from .._validation import check_entmax_alpha
from . import _over_arrays
from ._slices import as_matrix, like_scores, raise_if_infinite, restore, rows_of
from ._softmax import softmax, softmax_jacobian, softmax_jvp
from ._sparsemax import sparsemax, sparsemax_jacobian, sparsemax_jvp, sparsemax_threshold


def entmax(z: ArrayLike, alpha: float = 1.5, *, axis: int = -1) -> NDArray[np.floating]:
    """Map scores to probabilities, the more sparse the larger `alpha` is.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes.
    alpha : float, default=1.5
        From 1 to 50. 1 gives the softmax, 2 the sparsemax, both to the last bit.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    p : ndarray, shape of `z`
        Probabilities. Entries outside the support are exactly 0. A score that is lower than the
        largest by 1 / (alpha - 1) or more is never in the support.

    Raises
    ------
    TypeError
        As :func:`sparsemax`; also if `alpha` is not a real number.
    ValueError
        As :func:`sparsemax`; also if `alpha` is not between 1 and 50.

    See Also
    --------
    entmax_threshold : The threshold only.
    entmax_support : The entries with a positive probability.
    entmax_loss : The loss whose gradient is entmax(z) - q.

    References
    ----------
    Peters, Niculae & Martins (2019), "Sparse Sequence-to-Sequence Models", ACL.
    https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> from sklearn_sparsemax import entmax
    >>> entmax([1.0, 0.0, -2.0]).round(3)
    array([0.831, 0.169, 0.   ])
    >>> entmax([1.0, 0.0, -2.0], alpha=1).round(3)
    array([0.705, 0.259, 0.035])
    """
    alpha = check_entmax_alpha(alpha)
    if alpha == 1:
        return softmax(z, axis=axis)
    if alpha == 2:
        return sparsemax(z, axis=axis)
    if library_of(z) is not None:
        return _over_arrays.probabilities(z, axis, alpha)
    rows, dtype = rows_of(z, axis)
    probabilities = np.empty(rows.shape, dtype=rows.dtype)
    bad_row = kernels.map_rows(as_matrix(rows), as_matrix(probabilities), alpha)
    raise_if_infinite(rows, bad_row)
    return restore(probabilities, axis, dtype)


def entmax_threshold(z: ArrayLike, alpha: float = 1.5, *, axis: int = -1) -> NDArray[np.floating]:
    """Threshold tau of the entmax: p = max((alpha - 1) z - tau, 0)^(1 / (alpha - 1)).

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes.
    alpha : float, default=1.5
        Above 1, up to 50. The softmax has no threshold.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    tau : ndarray, shape of `z` with `axis` of length 1
        Thresholds, in the unit of (alpha - 1) z. Their shape broadcasts against `z`.

    Raises
    ------
    TypeError, ValueError
        As :func:`entmax`; also for `alpha=1`.

    References
    ----------
    Peters, Niculae & Martins (2019), section 3. https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> from sklearn_sparsemax import entmax_threshold
    >>> entmax_threshold([1.0, 0.0, -2.0]).round(3)
    array([-0.411])
    """
    alpha = check_entmax_alpha(alpha)
    if alpha == 1:
        raise ValueError("alpha=1; the softmax has no threshold. alpha must be above 1.")
    if alpha == 2:
        return sparsemax_threshold(z, axis=axis)
    if library_of(z) is not None:
        return _over_arrays.threshold(z, axis, alpha)
    rows, dtype = rows_of(z, axis)
    thresholds = np.empty((*rows.shape[:-1], 1), dtype=rows.dtype)
    bad_row = kernels.threshold_rows(as_matrix(rows), thresholds.reshape(-1), alpha)
    raise_if_infinite(rows, bad_row)
    return restore(thresholds, axis, dtype)


def entmax_support(z: ArrayLike, alpha: float = 1.5, *, axis: int = -1) -> NDArray[np.bool_]:
    """Entries to which the entmax gives a positive probability.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes. A slice with NaN has
        no support: all its entries are False.
    alpha : float, default=1.5
        From 1 to 50, as in :func:`entmax`.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    support : ndarray of bool, shape of `z`
        True where the probability is positive.

    Raises
    ------
    TypeError, ValueError
        As :func:`entmax`.

    References
    ----------
    Peters, Niculae & Martins (2019), section 3. https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> from sklearn_sparsemax import entmax_support
    >>> entmax_support([1.0, 0.0, -2.0])
    array([ True,  True, False])
    """
    return entmax(z, alpha, axis=axis) > 0


def entmax_jacobian(z: ArrayLike, alpha: float = 1.5, *, axis: int = -1) -> NDArray[np.floating]:
    """Jacobian of the entmax, diag(s) - s s^T / sum(s) with s_j = p_j^(2 - alpha) on the support.

    For alpha of 2 or more, the derivative is not unique where an entry is at the threshold. The
    entry then counts as outside the support.

    Parameters
    ----------
    z : array-like of floats
        Scores, of any shape and type that :func:`sparsemax` takes.
    alpha : float, default=1.5
        From 1 to 50, as in :func:`entmax`.
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
        As :func:`entmax`.

    See Also
    --------
    entmax_jvp : The product of the Jacobian with a vector, without the Jacobian itself.

    References
    ----------
    Peters, Niculae & Martins (2019), section 3. https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> from sklearn_sparsemax import entmax_jacobian
    >>> entmax_jacobian([0.0, 0.0, -3.0]).round(3)
    array([[ 0.354, -0.354,  0.   ],
           [-0.354,  0.354,  0.   ],
           [ 0.   ,  0.   ,  0.   ]])
    """
    alpha = check_entmax_alpha(alpha)
    if alpha == 1:
        return softmax_jacobian(z, axis=axis)
    if alpha == 2:
        return sparsemax_jacobian(z, axis=axis)
    if library_of(z) is not None:
        return _over_arrays.jacobian(z, axis, alpha)
    p = np.moveaxis(entmax(z, alpha, axis=axis), axis, -1)
    # NaN where p is NaN
    slopes = np.power(p, 2 - alpha, out=np.zeros_like(p), where=p != 0)
    total = slopes.sum(axis=-1)[..., None, None]
    outer = slopes[..., None] * slopes[..., None, :] / total
    return np.eye(p.shape[-1], dtype=p.dtype) * slopes[..., None] - outer


def entmax_jvp(
    z: ArrayLike, v: ArrayLike, alpha: float = 1.5, *, axis: int = -1
) -> NDArray[np.floating]:
    """Product of the Jacobian of the entmax with vectors: s * (v - <s, v> / sum(s)).

    The Jacobian is symmetric. So this is also the product with its transpose, and serves both
    forward- and reverse-mode differentiation. The time is linear in the number of scores.

    Parameters
    ----------
    z : array-like of floats
        Scores at which the Jacobian is taken, of any shape and type that
        :func:`sparsemax` takes.
    v : array-like of floats, shape of `z`
        Vectors along `axis`.
    alpha : float, default=1.5
        From 1 to 50, as in :func:`entmax`.
    axis : int, default=-1
        Axis along which the probabilities sum to 1.

    Returns
    -------
    product : ndarray, shape of `z`
        The products. They are exactly 0 outside the support.

    Raises
    ------
    TypeError, ValueError
        As :func:`entmax`; also if `v` has another shape than `z` or is not real.

    References
    ----------
    Peters, Niculae & Martins (2019), section 3. https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> from sklearn_sparsemax import entmax_jvp
    >>> entmax_jvp([0.0, 0.0, -3.0], [1.0, 0.0, 5.0]).round(3)
    array([ 0.354, -0.354,  0.   ])
    """
    alpha = check_entmax_alpha(alpha)
    if alpha == 1:
        return softmax_jvp(z, v, axis=axis)
    if alpha == 2:
        return sparsemax_jvp(z, v, axis=axis)
    if library_of(z) is not None:
        return _over_arrays.product(z, v, axis, alpha)
    p = entmax(z, alpha, axis=axis)
    v = like_scores(v, p)
    rows, dtype = rows_of(p, axis)
    vectors = np.moveaxis(v, axis, -1)
    products = np.empty(rows.shape, dtype=rows.dtype)
    kernels.multiply_jacobian(as_matrix(rows), as_matrix(vectors), as_matrix(products), alpha)
    return restore(products, axis, dtype)

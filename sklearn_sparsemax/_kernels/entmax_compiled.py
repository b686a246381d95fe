r"""The alpha-entmax of rows of scores, and its loss, for alpha above 1.

With gamma = alpha - 1, d_k = max(z) - z_k and s the largest probability,

    p_k = (s^gamma - gamma d_k)_+^(1 / gamma),    tau = gamma max(z) - s^gamma.

Only entries with gamma d_k < 1 can have a positive probability. Newton's method makes the
probabilities sum to 1. The unknown is chosen so that their sum is a convex, increasing function.
Then the steps from the right of the root never pass it.

- For alpha up to 2, the unknown is s, from 1. With w_k = gamma d_k s^(-gamma),

      p_k = s (1 - w_k)_+^(1 / gamma),

  computed by log1p(-w_k) / gamma. For a small gamma, the first form would lose its digits: it is a
  difference of numbers near 1, raised to the power 1 / gamma.
- For larger alpha, a p_k grows with s from 0 with an infinite slope, so that s does not determine a
  small p_k to all its digits. The unknown is the smallest positive probability t. If d is the
  distance of its score,

      p_k = (t^gamma + gamma (d - d_k))^(1 / gamma).

  The support is found first, by bisection.
- For alpha = 1.5, p_k = (r - d_k / 2)_+^2 with r^2 = s. No power is needed. Many short rows are
  processed at a time (`_entmax15_short_rows`).

Let h(p) = (p^alpha - p) / (alpha gamma), so that Omega(p) = sum_k h(p_k). The loss is

    L(z; q) = sum_k [h(q_k) - h(p_k) - h'(p_k) (q_k - p_k)] + sum_k q_k (d_k - s^gamma / gamma)_+,

which equals Omega*(z) + Omega(q) - <q, z>. Its terms are never negative, so no digits are lost by
cancellation. Sums are in double precision, also for rows of float32.
"""

import numpy as np

from . import _entmax15_short_rows, _entmax_each_row
from ._entmax_rows import power
from ._jit import njit, sums_in_any_order

# In longer rows, few entries can have a positive probability. It is faster to look for them first.
MOST_OUTPUTS_TOGETHER = 256


def map_rows(scores, probabilities, alpha):
    """Write the entmax of each row of scores (n, K) into probabilities (n, K).

    Both may be the same array. A row with NaN becomes NaN. Returns the first row whose largest
    entry is infinite, since it has no entmax. The work stops at such a row, and `probabilities`
    holds no valid result. Returns -1 if there is no such row.
    """
    if _are_together(scores, alpha):
        return _entmax15_short_rows.map_rows(scores, probabilities)
    return _entmax_each_row.map_rows(scores, probabilities, alpha)


def threshold_rows(scores, thresholds, alpha):
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities have the same effect, and the same return value, as in `map_rows`.
    """
    if _are_together(scores, alpha):
        return _entmax15_short_rows.threshold_rows(scores, thresholds)
    return _entmax_each_row.threshold_rows(scores, thresholds, alpha)


def loss_rows(scores, indptr, indices, data, losses, alpha):
    """Compute losses and gradients of rows of scores (n, K), for CSR targets q.

    Writes the losses (n,) and overwrites the scores by the gradient p - q.
    """
    if _are_together(scores, alpha):
        _entmax15_short_rows.loss_rows(scores, indptr, indices, data, losses)
    else:
        _entmax_each_row.loss_rows(scores, indptr, indices, data, losses, alpha)


def loss_rows_dense(scores, targets, losses, alpha):
    """Do the same as `loss_rows` for dense targets q (n, K)."""
    if _are_together(scores, alpha):
        _entmax15_short_rows.loss_rows_dense(scores, targets, losses)
    else:
        _entmax_each_row.loss_rows_dense(scores, targets, losses, alpha)


def _are_together(scores, alpha):
    """Whether many rows are processed at a time."""
    return alpha == 1.5 and scores.shape[1] <= MOST_OUTPUTS_TOGETHER


@njit
def multiply_jacobian_rows(p, v, products, alpha):
    """Write the rows of v (n, K) times the Jacobian at the entmax p (n, K) into products (n, K).

    With s_k = p_k^(2 - alpha) on the support, the product is s * (v - <s, v> / sum(s)). It is NaN
    for rows that are NaN.
    """
    n_rows, n_outputs = p.shape
    slopes = np.empty(n_outputs)
    for i in range(n_rows):
        for k in range(n_outputs):
            slopes[k] = 0.0 if p[i, k] == 0.0 else power(np.float64(p[i, k]), 2.0 - alpha)
        mean = _mean(slopes, v[i])
        for k in range(n_outputs):
            products[i, k] = 0.0 if slopes[k] == 0.0 else slopes[k] * (v[i, k] - mean)


@sums_in_any_order
def _mean(slopes, v):
    """Mean of v, weighted by the slopes. Where they are 0, v has no influence."""
    total, weight = 0.0, 0.0
    for k in range(slopes.shape[0]):
        total += 0.0 if slopes[k] == 0.0 else slopes[k] * np.float64(v[k])
        weight += slopes[k]
    return total / weight

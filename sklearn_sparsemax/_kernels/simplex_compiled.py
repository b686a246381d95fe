"""Rows of scores projected onto the simplex, and the loss that comes with it.

The projection of z is max(z - tau, 0), where tau is the root of the convex, decreasing,
piecewise linear function f(tau) = sum_j max(z_j - tau, 0) - 1. Short rows are sorted, many
side by side, and tau is read off the sums of their largest entries. In long rows, the support
lies among the few entries within 1 of the largest, since f(max(z) - 1) >= 0. Newton's method,
started there, left of the root, moves to tau = (sum of the entries above tau - 1) / (their
number) until it rises no more. Each step is exact on the piece it comes from, so the result
is the same.

Scores are taken relative to the row's largest before anything else, which is exact
where it matters (for entries near the largest), whatever their size. Sums run in double
precision, also over rows of float32.

With p the projection of the scores z, q the target and v = max(tau - z, 0), the loss is

    L(z; q) = 1/2 ||p - q||^2 + <q, v>,

which equals Omega*(z) + Omega(q) - <q, z> for p, q on the simplex, but adds up terms that
are never negative, so nothing cancels.
"""

import numpy as np

from . import _long_rows, _short_rows
from ._jit import njit, sums_in_any_order

# Where both ways take about equal time for the losses of normal scores. Where most entries are
# candidates, sorting wins.
MOST_OUTPUTS_SORTED = 256


@njit
def project_rows(scores, projections):
    """Write the projection of each row of scores (n, K) into projections (n, K).

    Both may be the same array. A row that holds NaN becomes NaN. Returns the first row
    whose largest entry is infinite, for which no projection exists, or -1. Such a row ends
    the work, and what has been written then is no result.
    """
    if scores.shape[1] <= MOST_OUTPUTS_SORTED:
        return _short_rows.project_rows(scores, projections)
    return _long_rows.project_rows(scores, projections)


@njit
def threshold_rows(scores, thresholds):
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities are treated, and announced, as by `project_rows`.
    """
    if scores.shape[1] <= MOST_OUTPUTS_SORTED:
        return _short_rows.threshold_rows(scores, thresholds)
    return _long_rows.threshold_rows(scores, thresholds)


@njit
def loss_rows(scores, indptr, indices, data, losses):
    """Fuse loss and gradient over rows of scores (n, K) and CSR targets q.

    Overwrites the scores by the gradient p - q and writes the losses (n,).
    """
    if scores.shape[1] <= MOST_OUTPUTS_SORTED:
        _short_rows.loss_rows(scores, indptr, indices, data, losses)
    else:
        _long_rows.loss_rows(scores, indptr, indices, data, losses)


@njit
def loss_rows_dense(scores, targets, losses):
    """Do the same as `loss_rows` for dense targets q (n, K)."""
    if scores.shape[1] <= MOST_OUTPUTS_SORTED:
        _short_rows.loss_rows_dense(scores, targets, losses)
    else:
        _long_rows.loss_rows_dense(scores, targets, losses)


@njit
def multiply_jacobian_rows(p, v, products):
    """Write the rows of v (n, K) times the Jacobian at projections p (n, K) into products (n, K).

    That is s * (v - mean of v over the support s), and NaN for rows that are NaN.
    """
    n_rows, n_outputs = p.shape
    for i in range(n_rows):
        total = _sum_inside(p[i], v[i])
        mean = total[0] / total[1]
        if np.isnan(p[i, 0]):
            mean = np.nan
        for j in range(n_outputs):
            inside = v[i, j] - mean
            products[i, j] = 0.0 if p[i, j] == 0.0 else inside


@sums_in_any_order
def _sum_inside(p, v):
    """Sum and number of the entries of v where p is not 0."""
    total, size = 0.0, 0.0
    for j in range(p.shape[0]):
        total += 0.0 if p[j] == 0.0 else np.float64(v[j])
        size += 0.0 if p[j] == 0.0 else 1.0
    return total, size

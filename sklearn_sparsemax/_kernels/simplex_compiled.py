"""Projection of rows of scores onto the simplex, and the sparsemax loss.

The projection of z is max(z - tau, 0). The threshold tau is the root of the convex, decreasing,
piecewise linear function f(tau) = sum_j max(z_j - tau, 0) - 1.

- The largest entries of short rows are sorted, many rows at the same time. tau follows from the
  sums of these entries, or Newton's method starts from there.
- In long rows, the support lies among the few entries at most 1 below the largest, since
  f(max(z) - 1) >= 0. Newton's method starts there, left of the root. A step moves to
  tau = (sum of the entries above tau - 1) / (their number). The steps end when tau does not rise
  any more. Each step is exact on its linear piece, so the result is exact too.

First, the largest score of the row is subtracted from its scores. For entries near the largest,
which decide the result, this is exact, for scores of any size. Sums are in double precision, also
for rows of float32.

Let p be the projection of the scores z, q the target and v = max(tau - z, 0). The loss is

    L(z; q) = 1/2 ||p - q||^2 + <q, v>,

which equals Omega*(z) + Omega(q) - <q, z> for p, q on the simplex. Its terms are never negative, so
no digits are lost by cancellation.
"""

import numpy as np

from . import _long_rows, _short_rows
from ._jit import njit, sums_in_any_order

# For the losses of normal scores, both ways take about the same time here. If most entries are
# candidates, sorting is faster.
MOST_OUTPUTS_SORTED = 256
# The projection alone needs no tile as long as the rows.
MOST_OUTPUTS_PROJECTED = 1024


def project_rows(scores, projections):
    """Write the projection of each row of scores (n, K) into projections (n, K).

    Both may be the same array. A row with NaN becomes NaN. Returns the first row whose largest
    entry is infinite, since it has no projection. The work stops at such a row, and `projections`
    holds no valid result. Returns -1 if there is no such row.
    """
    if scores.shape[1] <= MOST_OUTPUTS_PROJECTED:
        return _short_rows.project_rows(scores, projections)
    return _long_rows.project_rows(scores, projections)


def threshold_rows(scores, thresholds):
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities have the same effect, and the same return value, as in `project_rows`.
    """
    if scores.shape[1] <= MOST_OUTPUTS_PROJECTED:
        return _short_rows.threshold_rows(scores, thresholds)
    return _long_rows.threshold_rows(scores, thresholds)


def loss_rows(scores, indptr, indices, data, losses):
    """Compute losses and gradients of rows of scores (n, K), for CSR targets q, in one pass.

    Writes the losses (n,) and overwrites the scores by the gradient p - q.
    """
    if scores.shape[1] <= MOST_OUTPUTS_SORTED:
        _short_rows.loss_rows(scores, indptr, indices, data, losses)
    else:
        _long_rows.loss_rows(scores, indptr, indices, data, losses)


def loss_rows_dense(scores, targets, losses):
    """Do the same as `loss_rows` for dense targets q (n, K)."""
    if scores.shape[1] <= MOST_OUTPUTS_SORTED:
        _short_rows.loss_rows_dense(scores, targets, losses)
    else:
        _long_rows.loss_rows_dense(scores, targets, losses)


@njit
def multiply_jacobian_rows(p, v, products):
    """Write the rows of v (n, K) times the Jacobian at projections p (n, K) into products (n, K).

    The product is s * (v - mean of v over the support s). It is NaN for rows that are NaN.
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

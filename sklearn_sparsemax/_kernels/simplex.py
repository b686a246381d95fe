"""Projections of rows onto the simplex, and the sparsemax loss, by NumPy or by compiled code."""

from __future__ import annotations

from .._typing import Array, Matrix
from .row_blocks import evaluate_rows, fill_rows, kernels_for, multiply_rows


def project_rows(scores: Array, projections: Array) -> int:
    """Write the projection of each row of scores (n, K) into projections (n, K).

    Both may be the same array. A row with NaN becomes NaN. Returns the first row whose largest
    entry is infinite, since it has no projection. Then `projections` holds no valid result. Returns
    -1 if there is no such row.
    """
    return fill_rows(kernels_for("simplex", scores).project_rows, scores, projections)


def threshold_rows(scores: Array, thresholds: Array) -> int:
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities have the same effect, and the same return value, as in `project_rows`.
    """
    return fill_rows(kernels_for("simplex", scores).threshold_rows, scores, thresholds)


def multiply_jacobian(p: Array, v: Array, products: Array) -> None:
    """Write the rows of v (n, K) times the Jacobian at the projections p (n, K) into products.

    A row with NaN in p becomes NaN. Entries of v outside the support have no influence.
    """
    multiply_rows(kernels_for("simplex", p).multiply_jacobian_rows, p, v, products)


def loss_and_residual(scores: Array, targets: Matrix) -> Array:
    """Return the losses (n,), and overwrite the scores (n, K) by the gradient p - q."""
    return evaluate_rows(kernels_for("simplex", scores), scores, targets)

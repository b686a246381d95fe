"""The alpha-entmax of rows, and its loss, by NumPy or by compiled code. alpha is above 1."""

from __future__ import annotations

from .._typing import Array, Matrix
from .row_blocks import evaluate_rows, fill_rows, kernels_for, multiply_rows


def map_rows(scores: Array, probabilities: Array, alpha: float) -> int:
    """Write the entmax of each row of scores (n, K) into probabilities (n, K).

    Both may be the same array. A row with NaN becomes NaN. Returns the first row whose largest
    entry is infinite, since it has no entmax. Then `probabilities` holds no valid result. Returns
    -1 if there is no such row.
    """
    return fill_rows(kernels_for("entmax", scores).map_rows, scores, probabilities, alpha)


def threshold_rows(scores: Array, thresholds: Array, alpha: float) -> int:
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities have the same effect, and the same return value, as in `map_rows`.
    """
    return fill_rows(kernels_for("entmax", scores).threshold_rows, scores, thresholds, alpha)


def multiply_jacobian(p: Array, v: Array, products: Array, alpha: float) -> None:
    """Write the rows of v (n, K) times the Jacobian at the entmax p (n, K) into products.

    A row with NaN in p becomes NaN. Entries of v outside the support have no influence.
    """
    multiply_rows(kernels_for("entmax", p).multiply_jacobian_rows, p, v, products, alpha)


def loss_and_residual(scores: Array, targets: Matrix, alpha: float) -> Array:
    """Return the losses (n,), and overwrite the scores (n, K) by the gradient p - q."""
    return evaluate_rows(kernels_for("entmax", scores), scores, targets, alpha)

"""Projections of rows onto the simplex, and the sparsemax loss, by NumPy or by compiled code."""

from __future__ import annotations

from types import ModuleType

from scipy import sparse

from .. import _kernels
from .._typing import Array, Matrix
from .row_blocks import evaluate_rows, fill_rows, kernels_for, multiply_rows
from .stand_in import stands_in

# Up to so many outputs, NumPy gives the bits of the compiled kernels (`simplex_compiled`).
MOST_OUTPUTS_OF_SAME_BITS = 256


def project_rows(scores: Array, projections: Array) -> int:
    """Write the projection of each row of scores (n, K) into projections (n, K).

    Both may be the same array. A row with NaN becomes NaN. Returns the first row whose largest
    entry is infinite, since it has no projection. Then `projections` holds no valid result. Returns
    -1 if there is no such row.
    """
    return fill_rows(_kernels_for("project_rows", scores).project_rows, scores, projections)


def threshold_rows(scores: Array, thresholds: Array) -> int:
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities have the same effect, and the same return value, as in `project_rows`.
    """
    return fill_rows(_kernels_for("threshold_rows", scores).threshold_rows, scores, thresholds)


def multiply_jacobian(p: Array, v: Array, products: Array) -> None:
    """Write the rows of v (n, K) times the Jacobian at the projections p (n, K) into products.

    A row with NaN in p becomes NaN. Entries of v outside the support have no influence.
    """
    multiply_rows(kernels_for("simplex", p).multiply_jacobian_rows, p, v, products)


def loss_and_residual(scores: Array, targets: Matrix) -> Array:
    """Return the losses (n,), and overwrite the scores (n, K) by the gradient p - q."""
    name = "loss_rows" if sparse.issparse(targets) else "loss_rows_dense"
    return evaluate_rows(_kernels_for(name, scores), scores, targets)


def _kernels_for(name: str, scores: Array) -> ModuleType:
    """The module whose kernel of this name is used: by size, and by whether it is compiled."""
    kernels = kernels_for("simplex", scores)
    if scores.shape[1] > MOST_OUTPUTS_OF_SAME_BITS or kernels is _kernels.simplex_numpy:
        return kernels
    compiled = getattr(_kernels._short_rows, name)
    return _kernels.simplex_numpy if stands_in(compiled, scores.size) else kernels

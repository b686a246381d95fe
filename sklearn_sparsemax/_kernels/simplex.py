"""Rows on the simplex, computed by NumPy, by compiled code on one thread, or on several.

The choice depends on the size of the array alone, not on earlier calls.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
from scipy import sparse

from .._typing import Array, Matrix
from . import simplex_numpy
from .threads import even_bounds, n_threads, run_blocks

# NumPy computes arrays of fewer numbers. A loss with its gradient then takes at most a millisecond
# longer, which is a few tenths of a second in a usual fit. Loading Numba and the compiled code
# takes more than half a second.
LEAST_COMPILED = 2**15


def project_rows(scores: Array, projections: Array) -> int:
    """Write the projection of each row of scores (n, K) into projections (n, K).

    Both may be the same array. A row with NaN becomes NaN. Returns the first row whose largest
    entry is infinite, since it has no projection. Then `projections` holds no valid result. Returns
    -1 if there is no such row.
    """
    return _run(_kernels_for(scores).project_rows, scores, projections)


def threshold_rows(scores: Array, thresholds: Array) -> int:
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities have the same effect, and the same return value, as in `project_rows`.
    """
    return _run(_kernels_for(scores).threshold_rows, scores, thresholds)


def multiply_jacobian(p: Array, v: Array, products: Array) -> None:
    """Write the rows of v (n, K) times the Jacobian at the projections p (n, K) into products.

    A row with NaN in p becomes NaN. Entries of v outside the support have no influence.
    """
    multiply = _kernels_for(p).multiply_jacobian_rows

    def run(start: int, stop: int) -> None:
        multiply(p[start:stop], v[start:stop], products[start:stop])

    run_blocks(run, _bounds(p))


def loss_and_residual(scores: Array, targets: Matrix) -> Array:
    """Return the losses (n,), and overwrite the scores (n, K) by the gradient p - q."""
    kernels = _kernels_for(scores)
    losses = np.empty(scores.shape[0])

    def evaluate(start: int, stop: int) -> None:
        rows = scores[start:stop]
        if sparse.issparse(targets):
            entries = targets.indptr[start : stop + 1], targets.indices, targets.data
            kernels.loss_rows(rows, *entries, losses[start:stop])
        else:
            kernels.loss_rows_dense(rows, targets[start:stop], losses[start:stop])

    run_blocks(evaluate, _bounds(scores))
    return losses


def _kernels_for(scores: Array) -> ModuleType:
    if scores.size < LEAST_COMPILED:
        return simplex_numpy
    # not at the top of the file, since it loads Numba
    from . import simplex_compiled

    return simplex_compiled


def _run(kernel: Callable[[Array, Array], int], scores: Array, results: Array) -> int:
    """Run a kernel that writes results and returns the first bad row of a block, or -1."""

    def run(start: int, stop: int) -> int:
        bad_row = kernel(scores[start:stop], results[start:stop])
        return bad_row if bad_row < 0 else start + bad_row

    return next((row for row in run_blocks(run, _bounds(scores)) if row >= 0), -1)


def _bounds(scores: Array) -> list[int]:
    return even_bounds(scores.shape[0], n_threads(scores.size))

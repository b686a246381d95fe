"""Rows on the simplex, by what suits their number: NumPy, one thread, or several.

Which of them computes an array depends on its size alone, not on what ran before.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
from scipy import sparse

from .._typing import Array, Matrix
from . import simplex_numpy
from .threads import even_bounds, n_threads, run_blocks

# Arrays of fewer numbers are left to NumPy. Its loss and gradient then cost at most a
# millisecond more, a few tenths of a second over a usual fit; loading Numba and the compiled
# code takes more than half a second.
LEAST_COMPILED = 2**15


def project_rows(scores: Array, projections: Array) -> int:
    """Write the projection of each row of scores (n, K) into projections (n, K).

    Both may be the same array. A row that holds NaN becomes NaN. Returns the first row
    whose largest entry is infinite, for which no projection exists, or -1. Where there
    is one, what has been written is no result.
    """
    return _run(_kernels_for(scores).project_rows, scores, projections)


def threshold_rows(scores: Array, thresholds: Array) -> int:
    """Write the threshold tau of each row of scores (n, K) into thresholds (n,).

    NaN and infinities are treated, and announced, as by `project_rows`.
    """
    return _run(_kernels_for(scores).threshold_rows, scores, thresholds)


def multiply_jacobian(p: Array, v: Array, products: Array) -> None:
    """Write the rows of v (n, K) times the Jacobian at the projections p (n, K) into products.

    NaN in p makes its row NaN; outside the support, v has no influence.
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
    # here, since it loads Numba
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

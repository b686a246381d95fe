"""Kernels on the rows of an array, on one thread or on several, by NumPy or by compiled code.

The choice depends on the size of the array. Where NumPy stands in for a kernel that is not compiled
yet (`stand_in`), results are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import numpy as np
from scipy import sparse

from .._typing import Array, Matrix
from .threads import even_bounds, n_threads, run_blocks

# NumPy computes arrays of fewer numbers. A loss with its gradient then takes at most a millisecond
# longer, which is a few tenths of a second in a usual fit. Loading Numba and the compiled code
# takes more than half a second.
LEAST_COMPILED = 2**15


def kernels_for(name: str, scores: Array) -> ModuleType:
    """The module of kernels `name_numpy` or `name_compiled`, by the size of the scores."""
    kind = "numpy" if scores.size < LEAST_COMPILED else "compiled"
    # imported here, since the compiled module loads Numba
    return import_module(f".{name}_{kind}", __package__)


def fill_rows(kernel: Callable[..., int], scores: Array, results: Array, *parameters: float) -> int:
    """Run a kernel that writes results and returns the first bad row of a block, or -1."""

    def run(start: int, stop: int) -> int:
        bad_row = kernel(scores[start:stop], results[start:stop], *parameters)
        return bad_row if bad_row < 0 else start + bad_row

    return next((row for row in run_blocks(run, _bounds(scores)) if row >= 0), -1)


def multiply_rows(
    kernel: Callable[..., None], p: Array, v: Array, products: Array, *parameters: float
) -> None:
    """Run a kernel that writes the products of the Jacobians at p (n, K) with v (n, K)."""

    def run(start: int, stop: int) -> None:
        kernel(p[start:stop], v[start:stop], products[start:stop], *parameters)

    run_blocks(run, _bounds(p))


def evaluate_rows(kernels: ModuleType, scores: Array, targets: Matrix, *parameters: float) -> Array:
    """Return the losses (n,), and overwrite the scores (n, K) by the gradient p - q.

    `kernels` has `loss_rows` for CSR targets, and `loss_rows_dense`.
    """
    losses = np.empty(scores.shape[0])

    def evaluate(start: int, stop: int) -> None:
        rows = scores[start:stop]
        if sparse.issparse(targets):
            entries = targets.indptr[start : stop + 1], targets.indices, targets.data
            kernels.loss_rows(rows, *entries, losses[start:stop], *parameters)
        else:
            kernels.loss_rows_dense(rows, targets[start:stop], losses[start:stop], *parameters)

    run_blocks(evaluate, _bounds(scores))
    return losses


def _bounds(scores: Array) -> list[int]:
    return even_bounds(scores.shape[0], n_threads(scores.size))

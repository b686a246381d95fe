"""Dual coordinate ascent: visits to rows.

The dual of F at a center b of the intercept has one block of variables for each row, the
probabilities p_i, and keeps W = W(P) at hand. Features are centred, x_i - m, and joined by a
constant feature c. For the block of row i, all else fixed, the dual is maximised by

    p_i <- argmin_p Omega(p) + sigma_i/2 ||p||^2 - <p, z_i + sigma_i p_i>,
    sigma_i = omega_i (||x_i - m||^2 + c^2) / alpha,

an implicit step of length sigma_i (`row_losses`). After it, all scores move with
delta = (omega_i / alpha) (p_i_old - p_i). For a loss with sparse probabilities, delta is zero but
in the few outputs whose probability changed.

**Centred features are never formed.** With A = sum_i x_i delta_i^T, g = sum_i delta_i and
h = A^T m over all that happened so far, W = A - m g^T and

    z_i = A^T x_i - h + (c^2 + ||m||^2 - <m, x_i>) g + b:

a few operations on vectors of K numbers beside the product with the entries of x_i.

The rows p_i are kept sparse, each in a place of its own in one pool: `room` entries from `begin`
on, of which `size` are in use. A row that outgrows its place moves to the end of the pool.
"""

from typing import NamedTuple

import numpy as np

from .._typing import Array
from ._jit import njit
from ._rows import add_outer, add_scattered, copy_row, longest_row
from .products import add_combination
from .row_losses import N_SCRATCH, implicit_step, loss_of_row

# One number of a delta in so many, or fewer, are added one by one; else all, several at a time.
FEW_CHANGES = 8


class DualRows(NamedTuple):
    """Sparse rows p_i (n, K) that can grow."""

    begin: Array
    size: Array
    room: Array
    outputs: Array
    values: Array
    end: Array  # of shape (1,): where the free part of the pool begins


@njit
def visit_rows(
    order, features, loss, scale, sigma, slope, projected_mean, A, g, h, center, rows, losses
):
    """Maximise over the blocks of rows, in the given order.

    Features are the arrays (indptr, indices, data) of a CSR matrix, or (X,) for a dense one; the
    loss is one of `row_losses`. Scale is omega_i / alpha, slope c^2 + ||m||^2 - <m, x_i> and
    projected_mean <m, x_i>. Overwrites the dual rows, A (d, K), g and h (K,) and, for each row
    visited, losses (n,) by omega_i / alpha times L(z_i; p_i) before the visit. Returns how many
    rows were visited before one found no place in the pool.
    """
    n_outputs = A.shape[1]
    most_entries = longest_row(features)
    columns = np.empty(most_entries, dtype=np.int64)
    entries = np.empty(most_entries, dtype=A.dtype)
    z = np.empty(n_outputs, dtype=A.dtype)
    before = np.zeros(n_outputs, dtype=A.dtype)
    p = np.empty(n_outputs, dtype=A.dtype)
    scratch = np.empty((N_SCRATCH, n_outputs))
    changed = np.empty(n_outputs, dtype=np.int64)
    deltas = np.empty(n_outputs, dtype=A.dtype)
    for visit in range(order.shape[0]):
        i = order[visit]
        n_entries = copy_row(features, i, columns, entries)
        for k in range(n_outputs):
            z[k] = (center[k] - h[k]) + slope[i] * g[k]
        add_combination(z, columns, entries, 0, n_entries, A)
        _read(rows, i, before)
        losses[i] = scale[i] * loss_of_row(loss, z, before, scratch)
        implicit_step(loss, z, before, sigma[i], p, scratch)
        n_changed, n_support = _compare(before, p, changed, deltas)
        if n_changed > 0:
            if not has_place(rows, i, n_support):
                return visit
            _write(rows, i, p, n_support)
            for m in range(n_changed):
                deltas[m] *= scale[i]
                g[changed[m]] += deltas[m]
                h[changed[m]] += projected_mean[i] * deltas[m]
            if FEW_CHANGES * n_changed <= n_outputs:
                add_scattered(A, columns, entries, n_entries, changed, deltas, n_changed)
            else:
                z[:] = 0.0
                for m in range(n_changed):
                    z[changed[m]] = deltas[m]
                add_outer(A, columns, entries, n_entries, z)
        for k in range(n_outputs):
            before[k] = 0.0
    return order.shape[0]


@njit
def _compare(before, p, changed, deltas):
    """The outputs that changed, by how much, and the size of the support."""
    n_changed = 0
    n_support = 0
    for k in range(p.shape[0]):
        changed[n_changed] = k
        deltas[n_changed] = before[k] - p[k]
        # where nothing changed, the next one takes its place: cheaper than a branch
        n_changed += p[k] != before[k]
        n_support += p[k] > 0.0
    return n_changed, n_support


@njit
def _read(rows, i, p):
    """Write row i into p, which is 0."""
    for entry in range(rows.begin[i], rows.begin[i] + rows.size[i]):
        p[rows.outputs[entry]] = rows.values[entry]


@njit
def has_place(rows, i, n_support):
    """Whether row i can hold its support, at its place or at the end of the pool."""
    return n_support <= rows.room[i] or rows.end[0] + n_support <= rows.outputs.shape[0]


@njit
def _write(rows, i, p, n_support):
    """Store p as row i."""
    if n_support > rows.room[i]:
        rows.begin[i] = rows.end[0]
        rows.room[i] = n_support
        rows.end[0] += n_support
    rows.size[i] = n_support
    entry = rows.begin[i]
    for k in range(p.shape[0]):
        if p[k] > 0.0:
            rows.outputs[entry] = k
            rows.values[entry] = p[k]
            entry += 1

r"""Rows of many outputs, of which few matter.

At scores z, a loss with zeros gives a positive probability only to scores above a level, which is
at most `height(1)` below the largest score. (For the sparsemax loss, this is 1.) So a row is
described by its *candidates*: a few outputs that contain its support.

**Dual ascent.** A row keeps the probabilities of its candidates, some of which may be zero. A visit
to the candidates reads only their scores. It maximises the dual over distributions on them, so that
the dual never falls. A visit to all outputs reads all scores, and adds the outputs that are
missing. These are the outputs above the level of the maximum over the candidates: with k missing,
its score would not change in the step, and its probability is zero if and only if z_k is not above
the level. So the scores show whether the candidates are enough.

**Values for given scores.** `collect` finds the candidates in rows of scores, and `evaluate`
computes losses and probabilities from them.
"""

import numpy as np

from ._jit import njit
from ._rows import add_outer, add_scattered, copy_row, largest, longest_row
from .dual import FEW_CHANGES, has_place
from .products import add_combination
from .row_losses import N_SCRATCH, height, implicit_step, loss_of_row

# A comparison of so many scores at a time uses vector instructions. Few chunks have a candidate.
CHUNK = 64


@njit
def visit_rows(
    order,
    features,
    loss,
    scale,
    sigma,
    slope,
    projected_mean,
    A,
    g,
    h,
    center,
    rows,
    losses,
    all_outputs,
):
    """Maximise over the blocks of rows, in the given order. See `dual.visit_rows`.

    The entries of a dual row are its candidates. With `all_outputs`, missing candidates are added,
    and those whose probability has become zero are removed.
    """
    n_outputs = A.shape[1]
    most_entries = longest_row(features)
    columns = np.empty(most_entries, dtype=np.int64)
    entries = np.empty(most_entries, dtype=A.dtype)
    z_all = np.empty(n_outputs, dtype=A.dtype)
    is_candidate = np.zeros(n_outputs, dtype=np.bool_)
    outputs = np.empty(n_outputs, dtype=np.int64)
    z = np.empty(n_outputs, dtype=A.dtype)
    before = np.empty(n_outputs, dtype=A.dtype)
    work = np.empty(n_outputs, dtype=A.dtype)
    p = np.empty(n_outputs, dtype=A.dtype)
    scratch = np.empty((N_SCRATCH, n_outputs))
    changed = np.empty(n_outputs, dtype=np.int64)
    deltas = np.empty(n_outputs, dtype=A.dtype)
    for visit in range(order.shape[0]):
        i = order[visit]
        n_entries = copy_row(features, i, columns, entries)
        n = _read(rows, i, outputs, before)
        if all_outputs:
            for k in range(n_outputs):
                z_all[k] = (center[k] - h[k]) + slope[i] * g[k]
            add_combination(z_all, columns, entries, 0, n_entries, A)
            for c in range(n):
                z[c] = z_all[outputs[c]]
                is_candidate[outputs[c]] = True
            # at the probabilities p(z), and after the step
            now = _step(loss, z, before, n, 0.0, work, p, scratch)
            level = _step(loss, z, before, n, sigma[i], work, p, scratch)
            n_before = n
            n = _add_above(min(now, level), z_all, is_candidate, outputs, z, before, n)
            if n > n_before:
                _step(loss, z, before, n, sigma[i], work, p, scratch)
            for c in range(n):
                is_candidate[outputs[c]] = False
        else:
            for c in range(n):
                k = outputs[c]
                z[c] = (center[k] - h[k]) + slope[i] * g[k]
            _add_combination_at(z, outputs, n, columns, entries, n_entries, A)
            _step(loss, z, before, n, sigma[i], work, p, scratch)
        losses[i] = scale[i] * loss_of_row(loss, z[:n], before[:n], scratch[:, :n])
        if all_outputs:
            n_kept = 0
            for c in range(n):
                n_kept += p[c] > 0.0
            if not has_place(rows, i, n_kept):
                return visit
        n_changed = 0
        for c in range(n):
            if p[c] != before[c]:
                changed[n_changed] = outputs[c]
                deltas[n_changed] = (before[c] - p[c]) * A.dtype.type(scale[i])
                g[outputs[c]] += deltas[n_changed]
                h[outputs[c]] += projected_mean[i] * deltas[n_changed]
                n_changed += 1
        if FEW_CHANGES * n_changed <= n_outputs:
            add_scattered(A, columns, entries, n_entries, changed, deltas, n_changed)
        else:
            z_all[:] = 0.0
            for m in range(n_changed):
                z_all[changed[m]] = deltas[m]
            add_outer(A, columns, entries, n_entries, z_all)
        if all_outputs:
            _write(rows, i, outputs, p, n, n_kept)
        else:
            first = rows.begin[i]
            for c in range(n):
                rows.values[first + c] = p[c]
    return order.shape[0]


@njit
def _read(rows, i, outputs, values):
    n = rows.size[i]
    for c in range(n):
        outputs[c] = rows.outputs[rows.begin[i] + c]
        values[c] = rows.values[rows.begin[i] + c]
    return n


@njit
def _add_combination_at(z, outputs, n, columns, entries, n_entries, A):
    """Add the product of a row of features with the columns `outputs` of A to z (n,)."""
    fours = n_entries // 4 * 4
    for e in range(0, fours, 4):
        x0, x1, x2, x3 = entries[e], entries[e + 1], entries[e + 2], entries[e + 3]
        row0, row1 = A[columns[e]], A[columns[e + 1]]
        row2, row3 = A[columns[e + 2]], A[columns[e + 3]]
        for c in range(n):
            k = np.uint64(outputs[c])
            z[c] += (x0 * row0[k] + x1 * row1[k]) + (x2 * row2[k] + x3 * row3[k])
    for e in range(fours, n_entries):
        x, row = entries[e], A[columns[e]]
        for c in range(n):
            z[c] += x * row[np.uint64(outputs[c])]


@njit
def _step(loss, z, before, n, sigma, work, p, scratch):
    """Write the step over n candidates into p, and return the level of the zeros after it."""
    for c in range(n):
        work[c] = z[c]
    implicit_step(loss, work[:n], before[:n], sigma, p[:n], scratch[:, :n])
    best = 0
    for c in range(n):
        best = c if p[c] > p[best] else best
    top = np.float64(p[best])
    return (z[best] - sigma * (top - before[best])) - height(loss, top)


@njit
def _add_above(level, z_all, is_candidate, outputs, z, before, n):
    """Add missing outputs above the level to the n candidates, and return their new number."""
    n_outputs = z_all.shape[0]
    # in the type of the scores, in which a vector holds more numbers
    least = z_all.dtype.type(level)
    for chunk in range(0, n_outputs, CHUNK):
        stop = min(chunk + CHUNK, n_outputs)
        found = False
        for k in range(np.uint64(chunk), np.uint64(stop)):
            found |= z_all[k] > least
        if found:
            for k in range(chunk, stop):
                if z_all[k] > least and not is_candidate[k]:
                    is_candidate[k] = True
                    outputs[n] = k
                    z[n] = z_all[k]
                    before[n] = 0.0
                    n += 1
    return n


@njit
def _write(rows, i, outputs, p, n, n_kept):
    """Store the candidates of row i with a positive probability."""
    if n_kept > rows.room[i]:
        rows.begin[i] = rows.end[0]
        rows.room[i] = n_kept
        rows.end[0] += n_kept
    rows.size[i] = n_kept
    entry = rows.begin[i]
    for c in range(n):
        if p[c] > 0.0:
            rows.outputs[entry] = outputs[c]
            rows.values[entry] = p[c]
            entry += 1


@njit
def collect(loss, scores, margin, begin, needed, outputs, values):
    """Candidates of rows of scores (m, K): all above the level of the zeros, less a margin.

    The outputs needed[begin[i]:begin[i + 1]] are candidates of row i in any case. Writes the
    candidates of row i to outputs[ends[i - 1]:ends[i]], with their scores, and returns `ends`.
    """
    n_rows, n_outputs = scores.shape
    ends = np.empty(n_rows, np.int64)
    is_needed = np.zeros(n_outputs, np.bool_)
    z, work, p = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs)
    q = np.zeros(n_outputs)
    scratch = np.empty((N_SCRATCH, n_outputs))
    reach = height(loss, 1.0)
    n = 0
    for i in range(n_rows):
        row = scores[i]
        top = largest(row)
        n_near = 0
        for k in range(n_outputs):
            z[n_near] = row[k]
            n_near += row[k] >= top - reach
        least = _step(loss, z, q, n_near, 0.0, work, p, scratch) - margin
        for e in range(begin[i], begin[i + 1]):
            k = needed[e]
            if not is_needed[k]:
                is_needed[k] = True
                outputs[n] = k
                values[n] = row[k]
                n += 1
        for chunk in range(0, n_outputs, CHUNK):
            stop = min(chunk + CHUNK, n_outputs)
            found = False
            for k in range(np.uint64(chunk), np.uint64(stop)):
                found |= row[k] > least
            if found:
                for k in range(chunk, stop):
                    if row[k] > least and not is_needed[k]:
                        outputs[n] = k
                        values[n] = row[k]
                        n += 1
        for e in range(begin[i], begin[i + 1]):
            is_needed[needed[e]] = False
        ends[i] = n
    return ends


@njit
def align(begin, outputs, row_begin, row_outputs, row_values, n_outputs, aligned, start, stop):
    """Write the entries of sparse rows to the places of these outputs among the candidates."""
    dense = np.zeros(n_outputs)
    for i in range(start, stop):
        for e in range(row_begin[i], row_begin[i + 1]):
            dense[row_outputs[e]] += row_values[e]
        for c in range(begin[i], begin[i + 1]):
            aligned[c] = dense[outputs[c]]
        for e in range(row_begin[i], row_begin[i + 1]):
            dense[row_outputs[e]] = 0.0


@njit
def evaluate(loss, begin, outputs, scores, shift, targets, p, losses, start, stop):
    """Write p(z) and L(z; q) of rows start ... stop - 1, where z is scores + shift[outputs]."""
    widest = 0
    for i in range(start, stop):
        widest = max(widest, begin[i + 1] - begin[i])
    z = np.empty(widest)
    scratch = np.empty((N_SCRATCH, widest))
    for i in range(start, stop):
        first, last = begin[i], begin[i + 1]
        n = last - first
        for c in range(n):
            z[c] = scores[first + c] + shift[outputs[first + c]]
        q = targets[first:last]
        losses[i] = loss_of_row(loss, z[:n], q, scratch[:, :n])
        implicit_step(loss, z[:n], q, 0.0, p[first:last], scratch[:, :n])

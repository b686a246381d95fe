"""Functions that are shared by kernels that visit one row after the other."""

import numpy as np

from ._jit import inside, sums_in_any_order


@inside
def longest_row(features):
    """Upper limit for the number of non-zero features of a row."""
    if len(features) == 3:
        longest = 0
        for i in range(features[0].shape[0] - 1):
            longest = max(longest, features[0][i + 1] - features[0][i])
        return longest
    else:
        return features[0].shape[1]


@inside
def copy_row(features, i, columns, entries):
    """Copy columns and values of the non-zero features of row i; returns their number."""
    n = 0
    if len(features) == 3:
        for entry in range(features[0][i], features[0][i + 1]):
            columns[n] = features[1][entry]
            entries[n] = features[2][entry]
            n += 1
    else:
        for j in range(features[0].shape[1]):
            x = features[0][i, j]
            if x != 0.0:
                columns[n] = j
                entries[n] = x
                n += 1
    return n


@inside
def largest(z):
    """The largest entry. Four independent comparisons run at the same time."""
    a = b = c = d = z[0]
    stop = z.shape[0] - z.shape[0] % 4
    for k in range(0, stop, 4):
        a = z[k] if z[k] > a else a
        b = z[k + 1] if z[k + 1] > b else b
        c = z[k + 2] if z[k + 2] > c else c
        d = z[k + 3] if z[k + 3] > d else d
    for k in range(stop, z.shape[0]):
        a = z[k] if z[k] > a else a
    return max(max(a, b), max(c, d))


@sums_in_any_order
def threshold(z, top):
    """The tau of sparsemax(z), relative to the top entry of z (`_kernels.simplex_compiled`)."""
    tau = np.float64(-1.0)
    n_before = np.inf
    while True:
        n = np.float64(0.0)
        total = np.float64(0.0)
        for k in range(z.shape[0]):
            below = np.float64(z[k] - top)
            total += below if below > tau else 0.0
            n += 1.0 if below > tau else 0.0
        # because of rounding, an entry may enter the support again that has just left it
        if n >= n_before or n == 0.0:
            return tau
        tau = (total - 1.0) / n
        n_before = n


@sums_in_any_order
def sparsemax_loss(z, p):
    """L(z; p), by the formula of `_kernels.simplex_compiled`."""
    top = largest(z)
    tau = threshold(z, top)
    loss = np.float64(0.0)
    for k in range(z.shape[0]):
        above = (z[k] - top) - tau
        difference = max(above, 0.0) - p[k]
        loss += 0.5 * difference * difference - p[k] * min(above, 0.0)
    return loss


@inside
def add_scattered(A, columns, entries, n_entries, changed, deltas, n_changed):
    """Add x delta^T to A, for a delta that is zero except in the outputs `changed`."""
    for entry in range(n_entries):
        x = entries[entry]
        row = A[columns[entry]]
        for m in range(n_changed):
            row[changed[m]] += x * deltas[m]


@inside
def add_outer(A, columns, entries, n_entries, delta):
    """Add x delta^T to A."""
    for entry in range(n_entries):
        x = entries[entry]
        row = A[columns[entry]]
        for k in range(delta.shape[0]):
            row[k] += x * delta[k]

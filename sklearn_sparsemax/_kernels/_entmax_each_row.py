"""The kernels of `entmax` for any alpha above 1, one row after the other.

Like `_long_rows`, they first look for the few entries that can have a positive probability.
"""

import numpy as np

from ._entmax_rows import divergence, solve
from ._jit import njit
from ._long_rows import gather


@njit
def map_rows(scores, probabilities, alpha):
    n_rows, n_outputs = scores.shape
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    for i in range(n_rows):
        size, _, level = _solve_row(scores[i], values, places, alpha)
        if np.isnan(level):
            if not np.isnan(scores[i]).any():
                return i
            probabilities[i] = np.nan
        else:
            _scatter(values, places, size, probabilities[i])
    return -1


@njit
def threshold_rows(scores, thresholds, alpha):
    n_rows, n_outputs = scores.shape
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    for i in range(n_rows):
        _, largest, level = _solve_row(scores[i], values, places, alpha)
        if np.isnan(level) and not np.isnan(scores[i]).any():
            return i
        thresholds[i] = (alpha - 1.0) * largest - level
    return -1


@njit
def loss_rows(scores, indptr, indices, data, losses, alpha):
    n_rows, n_outputs = scores.shape
    target = np.zeros(n_outputs)
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    for i in range(n_rows):
        row = scores[i]
        size, largest, level = _solve_row(row, values, places, alpha)
        for entry in range(indptr[i], indptr[i + 1]):
            target[indices[entry]] += data[entry]
        loss = 0.0
        for c in range(size):
            q = target[places[c]]
            loss += _term(q, values[c], largest - np.float64(row[places[c]]), level, alpha)
            row[places[c]] = np.inf
        # candidates are marked: what is left of the targets has no probability
        for entry in range(indptr[i], indptr[i + 1]):
            k = indices[entry]
            if row[k] != np.inf:
                loss += _term(target[k], 0.0, largest - np.float64(row[k]), level, alpha)
                row[k] = np.inf
        _scatter(values, places, size, row)
        for entry in range(indptr[i], indptr[i + 1]):
            row[indices[entry]] -= data[entry]
            target[indices[entry]] = 0.0
        losses[i] = loss


@njit
def loss_rows_dense(scores, targets, losses, alpha):
    n_rows, n_outputs = scores.shape
    p = np.empty(n_outputs)
    values, places = np.empty(n_outputs), np.empty(n_outputs, np.int64)
    for i in range(n_rows):
        row = scores[i]
        size, largest, level = _solve_row(row, values, places, alpha)
        _scatter(values, places, size, p)
        loss = 0.0
        for k in range(n_outputs):
            q = np.float64(targets[i, k])
            loss += _term(q, p[k], largest - np.float64(row[k]), level, alpha)
            row[k] = p[k] - q
        losses[i] = loss


@njit
def _solve_row(row, values, places, alpha):
    """Write the probabilities of the candidates of a row into `values`, and their `places`.

    Returns their number, the largest score, and the level s^gamma. The level is NaN if the row has
    NaN, or if its largest entry is infinite.
    """
    # a little more than 1 / gamma: candidates that are none get a probability of 0
    reach = row.dtype.type(-(1.0 + 1e-6) / (alpha - 1.0))
    size, largest = gather(row, values, places, reach)
    top = np.float64(largest)
    for c in range(size):
        values[c] = top - values[c]
    return size, top, solve(values, size, alpha)


@njit
def _scatter(values, places, size, row):
    for k in range(row.size):
        row[k] = 0.0
    for c in range(size):
        row[np.uint64(places[c])] = values[c]


@njit
def _term(q, p, below, level, alpha):
    """The term of one output in the loss; `below` is d_k."""
    term = divergence(q, p, alpha)
    if q > 0.0:
        # rounding makes the difference a little positive at the threshold
        slack = below - level / (alpha - 1.0)
        term += q * slack if slack > 0.0 and p == 0.0 else 0.0
    return term

r"""Supports of scaled scores: when does a class enter, and what are the probabilities.

With gamma = alpha - 1, class k has a positive probability in entmax(s z) if and only if

    s D_k < 1,    D_k = gamma ||(z - z_k)_+||_{1 / gamma},

where the norm is over the classes. For the sparsemax (alpha = 2), D_k is the sum of what the other
scores exceed z_k by. The distance D_k is 0 for the largest score and grows as the score falls. So
the support of entmax(s z) holds the classes with D_k < 1 / s, and a bound on D_k is nothing but a
scale s.

The norm takes one pass over the sorted scores z_(1) >= z_(2) >= ... Let g_r = z_(r) - z_(r+1), and
S_r and Q_r be the sums of z_(j) - z_(r), and of its square, over j < r. Then

    S_(r+1) = S_r + r g_r,      Q_(r+1) = Q_r + 2 g_r S_r + r g_r^2,

sums of terms that are never negative, so that no digits are lost by cancellation.
"""

from __future__ import annotations

import numpy as np

from .._typing import Array
from ..activations import entmax

# A bound on D_k is raised by this share before it becomes a scale, so that a class at the bound
# has a probability that rounding does not set to 0.
MARGIN = 1e-9


def distances(scores: Array, alpha: float) -> Array:
    """D_k for each class of each row of scores (n, K). A score of -inf has the distance inf."""
    order = np.argsort(-scores, axis=1)
    descending = np.take_along_axis(scores, order, axis=1)
    found = np.empty_like(descending)
    np.put_along_axis(found, order, _of_descending(descending, alpha - 1), axis=1)
    return found


def _of_descending(z: Array, gamma: float) -> Array:
    n_outputs = z.shape[1]
    with np.errstate(invalid="ignore"):
        gaps = z[:, :-1] - z[:, 1:]
    # between scores of -inf, which are infinitely far from the others anyway
    gaps[np.isnan(gaps)] = 0
    ranks = np.arange(1, n_outputs)
    result = np.zeros_like(z)
    if gamma in (0.5, 1):
        sums = np.cumsum(ranks * gaps, axis=1)
        if gamma == 1:
            result[:, 1:] = sums
            return result
        before = np.concatenate([np.zeros((len(z), 1)), sums[:, :-1]], axis=1)
        with np.errstate(invalid="ignore"):
            terms = 2 * gaps * before + ranks * gaps**2
        # no gap after an infinite sum
        terms[np.isnan(terms)] = 0
        result[:, 1:] = gamma * np.sqrt(np.cumsum(terms, axis=1))
        return result
    for r in range(1, n_outputs):
        with np.errstate(invalid="ignore"):
            above = z[:, :r] - z[:, r : r + 1]
        above[np.isnan(above)] = np.inf
        # relative to the largest, so that no power overflows
        largest = above[:, :1]
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.where(largest > 0, above / largest, 0)
        shares[np.isnan(shares)] = 1
        norms = (shares ** (1 / gamma)).sum(axis=1) ** gamma
        result[:, r] = gamma * np.where(largest[:, 0] > 0, largest[:, 0] * norms, 0)
    return result


def scale_of_bound(bound: float) -> float:
    """The scale at which all classes with D_k of at most the bound are in the support."""
    if bound == 0:
        return np.inf
    return 1 / (bound * (1 + MARGIN))


def scaled_entmax(scores: Array, scale: float | Array, alpha: float) -> Array:
    """The entmax(s z) of rows of scores (n, K), for scales (n, 1) from 0 to inf.

    With an infinite scale, the largest scores share the probability.
    """
    below = scores - scores.max(axis=1, keepdims=True)
    # all scores this far below the largest have the probability 0
    lowest = -2 / (alpha - 1)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.where(below == 0, 0, np.maximum(scale * below, lowest))
    # with a scale of 0, also those of -inf
    scaled[np.isnan(scaled)] = 0
    return entmax(scaled, alpha)

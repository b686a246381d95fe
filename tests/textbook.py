"""Losses as a textbook writes them: straight sums over rows, in double precision.

They are the reference for what the package computes in blocks, fused and without cancellation,
and share no code with it.
"""

from __future__ import annotations

import numpy as np


def sparsemax(scores):
    """The projection of each row onto the simplex, by sorting."""
    scores = scores - scores.max(axis=1, keepdims=True)
    descending = -np.sort(-scores, axis=1)
    tau = (np.cumsum(descending, axis=1) - 1) / np.arange(1, scores.shape[1] + 1)
    last = (descending > tau).sum(axis=1, keepdims=True) - 1
    return np.maximum(scores - np.take_along_axis(tau, last, axis=1), 0)


def entmax15(scores):
    """By bisection for the threshold."""
    half = (scores - scores.max(axis=1, keepdims=True)) / 2
    low, high = np.full((len(half), 1), -1.0), np.zeros((len(half), 1))
    for _ in range(60):
        tau = (low + high) / 2
        above = (np.maximum(half - tau, 0) ** 2).sum(axis=1, keepdims=True) > 1
        low, high = np.where(above, tau, low), np.where(above, high, tau)
    return np.maximum(half - low, 0) ** 2


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def sigmoid(scores):
    return np.exp(-np.logaddexp(0, -scores))


def clipped(scores):
    """The probability of the second of two classes with the scores 0 and z."""
    return np.clip((scores + 1) / 2, 0, 1)


def half_squares(p):
    return 0.5 * (p**2).sum(axis=1)


def entmax15_regularizer(p):
    return 4 / 3 * ((p**1.5).sum(axis=1) - 1)


def binary_squares(p):
    return (p**2 - p).sum(axis=1)


def negative_entropy(p):
    return (p * np.log(np.where(p > 0, p, 1))).sum(axis=1)


def negative_binary_entropies(p):
    return negative_entropy(p) + negative_entropy(1 - p)

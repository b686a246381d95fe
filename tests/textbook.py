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


def entmax(scores, alpha=1.5):
    """By bisection for the threshold, for alpha above 1."""
    scaled = (alpha - 1) * (scores - scores.max(axis=1, keepdims=True))
    low = np.full((len(scaled), 1), -1, scaled.dtype)
    high = np.zeros_like(low)
    for _ in range(70):
        tau = (low + high) / 2
        p = np.maximum(scaled - tau, 0) ** (1 / (alpha - 1))
        above = p.sum(axis=1, keepdims=True) > 1
        low, high = np.where(above, tau, low), np.where(above, high, tau)
    return np.maximum(scaled - low, 0) ** (1 / (alpha - 1))


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


def entmax_regularizer(p, alpha=1.5):
    return ((p**alpha).sum(axis=1) - 1) / (alpha * (alpha - 1))


def binary_squares(p):
    return (p**2 - p).sum(axis=1)


def negative_entropy(p):
    return (p * np.log(np.where(p > 0, p, 1))).sum(axis=1)


def negative_binary_entropies(p):
    return negative_entropy(p) + negative_entropy(1 - p)

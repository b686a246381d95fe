"""The scale with the least loss of the probabilities, such as their Brier score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from scipy import optimize
from sklearn.base import BaseEstimator, ClassifierMixin

from .._typing import Array
from ._supports import scaled_entmax

# Scales are searched from so many times below to so many times above the inverse of the typical
# spread of the scores of a row.
SEARCH_RANGE = 1e4
SEARCH_POINTS = 65


def brier_loss(codes: Array, known: Array, n_classes: int) -> Callable[[Array], float]:
    """The Brier score of probabilities (n, K)."""
    targets = np.zeros((codes.size, n_classes))
    targets[np.arange(codes.size)[known], codes[known]] = 1

    def brier(p: Array) -> float:
        residual = p - targets
        return float(np.einsum("ij,ij->i", residual, residual).mean())

    return brier


def loss_of_scorer(
    scoring: Any, classes: Array, labels: Array, known: Array
) -> Callable[[Array], float]:
    """Minus the score of probabilities (n, K), over the rows of known classes."""
    from sklearn.metrics import get_scorer

    scorer = get_scorer(scoring)
    model = _GivenProbabilities().fit(classes)

    def loss(p: Array) -> float:
        return -float(scorer(model, p[known], labels[known]))

    return loss


class _GivenProbabilities(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its features."""

    def fit(self, classes: Array) -> Self:
        self.classes_ = classes
        return self

    def predict_proba(self, X: Array) -> Array:
        return X

    def predict(self, X: Array) -> Array:
        return self.classes_[X.argmax(axis=1)]


def best_scale(loss: Callable[[Array], float], scores: Array, alpha: float) -> float:
    """The scale of least loss: the best of a grid, and then Brent's method around it."""

    def at(log_scale: float) -> float:
        return loss(scaled_entmax(scores, float(np.exp(log_scale)), alpha))

    finite = np.where(np.isfinite(scores), scores, np.nan)
    spread = float(np.nanmean(np.nanmax(finite, axis=1) - np.nanmean(finite, axis=1)))
    reach = np.log(SEARCH_RANGE)
    grid = -np.log(spread) + np.linspace(-reach, reach, SEARCH_POINTS)
    best = int(np.argmin([at(point) for point in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, SEARCH_POINTS - 1)]
    found = optimize.minimize_scalar(at, bounds=around, method="bounded")
    return float(np.exp(found.x if found.fun <= at(grid[best]) else grid[best]))

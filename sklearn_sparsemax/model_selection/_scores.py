"""Scores of candidate cuts, by calling a scorer on the predictions of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator

from .._compat import safe_indexing
from .._typing import Array, Matrix
from ._counts import CountedScores, label_sum_metric
from ._folds import Fold, params_of_rows
from ._targets import Targets


class Scores(Protocol):
    """Scores of the folds (F, C) for candidate cuts, which are sorted."""

    def single(self, cuts: Array) -> Array:
        """Each cut (C,) for all labels."""

    def profile(self, cuts: Array) -> Callable[[int, Array], Array]:
        """Each cut (C, K) of a label, the others at the candidates `chosen` (K,)."""


def scores_of(
    scorer: Callable[..., float],
    folds: list[Fold],
    X: Matrix,
    targets: Targets,
    params: dict[str, Any],
) -> Scores:
    metric = label_sum_metric(scorer)
    if metric is None or not set(params) <= {"sample_weight"}:
        return CalledScores(scorer, folds, X, targets, params)
    weights = params.get("sample_weight")
    weights = np.ones(targets.indicator.shape[0]) if weights is None else np.asarray(weights)
    return CountedScores(metric, folds, weights)


class CalledScores:
    """Scores by calling a scorer on the predictions of each candidate."""

    def __init__(
        self,
        scorer: Callable[..., float],
        folds: list[Fold],
        X: Matrix,
        targets: Targets,
        params: dict[str, Any],
    ) -> None:
        n_rows = targets.indicator.shape[0]
        self.scorer = scorer
        self.folds = folds
        self.container = targets.container
        self.data = [
            (
                safe_indexing(X, fold.rows),
                safe_indexing(targets.given, fold.rows),
                params_of_rows(params, fold.rows, n_rows),
            )
            for fold in folds
        ]

    def single(self, cuts: Array) -> Array:
        return np.array(
            [
                [self._score(fold, self.folds[fold].responses >= cut) for cut in cuts]
                for fold in range(len(self.folds))
            ]
        )

    def profile(self, cuts: Array) -> Callable[[int, Array], Array]:
        def scores_of(label: int, chosen: Array) -> Array:
            # quantiles may coincide
            values, candidate = np.unique(cuts[:, label], return_inverse=True)
            scores = np.empty((len(self.folds), values.size))
            for number, fold in enumerate(self.folds):
                labels = fold.responses >= cuts[chosen, np.arange(chosen.size)]
                for i, value in enumerate(values):
                    labels[:, label] = fold.responses[:, label] >= value
                    scores[number, i] = self._score(number, labels)
            return scores[:, candidate]

        return scores_of

    def _score(self, fold: int, labels: Array) -> float:
        X, y, params = self.data[fold]
        try:
            return self.scorer(Predictions(self.container.hold(labels)), X, y, **params)
        except (AttributeError, ValueError) as error:
            raise ValueError(
                f"scoring={self.scorer!r} could not score predicted labels: {error}"
            ) from error


class Predictions(BaseEstimator):
    """Stands in for a fitted estimator before a scorer."""

    def __init__(self, predictions: Matrix) -> None:
        self.predictions = predictions

    def fit(self, X: Matrix, y: Matrix) -> Self:
        return self

    def predict(self, X: Matrix) -> Matrix:
        return self.predictions

    def __sklearn_is_fitted__(self) -> bool:
        return True

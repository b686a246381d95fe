"""Scores of candidate cuts from counts of each label, for all candidates at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._compat import metric_of_labels
from .._typing import Array
from ._folds import Fold


class LabelSumMetric(NamedTuple):
    """A score of label sets that depends on the labels only through sums over them.

    `terms` gives what is summed (m, ..., K), from counts (..., K) of the rows where a label is
    rightly predicted, predicted and present; `value` the score (...) from the sums (m, ...)
    and the number of labels.
    """

    terms: Callable[[Array, Array, Array], Array]
    value: Callable[[Array, int], Array]


def label_sum_metric(scorer: Any) -> LabelSumMetric | None:
    """The metric of a scorer if it is such a score, else None.

    Every other scorer is called, which is slower and gives the same.
    """
    from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

    from ..metrics import f1_of_mean_precision_recall

    function, options = metric_of_labels(scorer)
    if function is None:
        return None
    undefined = options.pop("zero_division", "warn")
    undefined = 0.0 if undefined == "warn" else undefined
    average = options.pop("average", None)
    options.pop("pos_label", None)  # of binary targets alone
    if options or undefined not in (0, 1):
        return None

    def divide(numerator: Array, denominator: Array) -> Array:
        out = np.full(np.broadcast(numerator, denominator).shape, float(undefined))
        return np.divide(numerator, denominator, out=out, where=denominator > 0)

    if function is f1_of_mean_precision_recall and average is None:

        def mean_precision_recall(right: Array, predicted: Array, present: Array) -> Array:
            return np.stack([divide(right, predicted), divide(right, present)])

        def f1_of_means(sums: Array, n_labels: int) -> Array:
            precision, recall = sums / n_labels
            total = precision + recall
            return np.divide(
                2 * precision * recall, total, out=np.zeros_like(total), where=total > 0
            )

        return LabelSumMetric(mean_precision_recall, f1_of_means)

    # numerator and denominator
    ratios: dict[Any, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
        f1_score: lambda right, predicted, present: (2 * right, predicted + present),
        jaccard_score: lambda right, predicted, present: (right, predicted + present - right),
        precision_score: lambda right, predicted, present: (right, predicted),
        recall_score: lambda right, predicted, present: (right, present),
    }
    if function not in ratios:
        return None
    ratio = ratios[function]
    if average == "micro":
        return LabelSumMetric(
            lambda *counts: np.stack(np.broadcast_arrays(*ratio(*counts))),
            lambda sums, n_labels: divide(*sums),
        )
    if average == "macro":
        return LabelSumMetric(
            lambda *counts: divide(*ratio(*counts))[None],
            lambda sums, n_labels: sums[0] / n_labels,
        )
    return None


class CountedScores:
    """Scores from the counts of each label, for all candidates at once."""

    def __init__(self, metric: LabelSumMetric, folds: list[Fold], weights: Array) -> None:
        self.metric = metric
        self.folds = folds
        self.weights = weights

    def single(self, cuts: Array) -> Array:
        n_labels = self.folds[0].responses.shape[1]
        terms = self._terms(np.broadcast_to(cuts[:, None], (cuts.size, n_labels)))
        return self.metric.value(terms.sum(axis=-1), n_labels)

    def profile(self, cuts: Array) -> Callable[[int, Array], Array]:
        n_labels = cuts.shape[1]
        terms = self._terms(cuts)

        def scores_of(label: int, chosen: Array) -> Array:
            current = terms[:, :, chosen, np.arange(n_labels)]
            others = current.sum(axis=-1) - current[:, :, label]
            return self.metric.value(others[:, :, None] + terms[:, :, :, label], n_labels)

        return scores_of

    def _terms(self, cuts: Array) -> Array:
        """Terms of the metric (m, F, C, K) at the cuts (C, K) of each label."""
        return np.stack(
            [
                self.metric.terms(*_counts(fold, cuts, self.weights[fold.rows]))
                for fold in self.folds
            ],
            axis=1,
        )


def _counts(fold: Fold, cuts: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Weight of the rows where a label is rightly predicted, predicted (C, K), present (K,)."""
    n_cuts, n_labels = cuts.shape
    right, predicted = np.empty((2, n_cuts, n_labels))
    present = np.empty(n_labels)
    for label, rows in enumerate(fold.rows_of_labels()):
        # a response that reaches r cuts predicts the label at the first r of them
        reached = np.searchsorted(cuts[:, label], fold.responses[:, label], side="right")
        predicted[:, label] = _tail_sums(reached, weights, n_cuts)
        right[:, label] = _tail_sums(reached[rows], weights[rows], n_cuts)
        present[label] = weights[rows].sum()
    return right, predicted, present


def _tail_sums(reached: Array, weights: Array, n_cuts: int) -> Array:
    """Weight of the entries that reach more than c cuts, for c = 0 ... n_cuts - 1."""
    totals = np.bincount(reached, weights=weights, minlength=n_cuts + 1)
    return totals[:0:-1].cumsum()[::-1]

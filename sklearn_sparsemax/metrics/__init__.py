"""Scores for label proportions, label sets and decision values, each with its scorer.

The functions follow :mod:`sklearn.metrics`: truth first, prediction second, `sample_weight`
everywhere. The scorers can be given to `scoring=` of any scikit-learn tool, alone or beside
scikit-learn's own names::

    scoring = {"micro": "f1_micro", "macro": f1_of_mean_precision_recall_scorer}

A loss is negated in its scorer, so that greater is better.
"""

from .label_sets import (
    f1_of_mean_precision_recall,
    f1_of_mean_precision_recall_scorer,
    precision_at_k,
    precision_at_k_scorer,
)
from .proportions import (
    jensen_shannon_divergence,
    neg_jensen_shannon_scorer,
    neg_proportions_mean_squared_error_scorer,
    proportions_mean_squared_error,
)
from .sparsemax_loss import mean_sparsemax_loss, neg_sparsemax_loss_scorer

__all__ = [
    "f1_of_mean_precision_recall",
    "f1_of_mean_precision_recall_scorer",
    "jensen_shannon_divergence",
    "mean_sparsemax_loss",
    "neg_jensen_shannon_scorer",
    "neg_proportions_mean_squared_error_scorer",
    "neg_sparsemax_loss_scorer",
    "precision_at_k",
    "precision_at_k_scorer",
    "proportions_mean_squared_error",
]

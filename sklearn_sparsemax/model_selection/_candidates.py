"""Candidate cuts: given ones, or quantiles of the responses."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from .._typing import Array
from ._folds import Fold

DEFAULT_CUTS = 100
PAPER_SCALES = np.arange(1.0, 5.5, 0.5)


def thresholds_of(thresholds: Any, rule: str) -> Any:
    """The parameter `thresholds`, or its default for the rule."""
    if thresholds is not None:
        return thresholds
    return PAPER_SCALES if rule == "sparsemax_support" else DEFAULT_CUTS


def candidates(thresholds: Any, rule: str, folds: list[Fold]) -> Array:
    """Candidates for all labels (C,), sorted, each once."""
    wanted = thresholds_of(thresholds, rule)
    if isinstance(wanted, Integral):
        responses = np.concatenate([label for fold in folds for label in fold.present()])
        if responses.size == 0:
            raise ValueError(
                f"thresholds={wanted} asks for quantiles of the responses of labels that "
                "are present, but no row held out has a label."
            )
        return np.unique(quantiles(responses, int(wanted)))
    cuts = np.asarray(wanted, dtype=np.float64)
    if cuts.ndim != 1 or cuts.size == 0 or np.isnan(cuts).any():
        raise ValueError(
            f"thresholds={thresholds!r} must be an int, or numbers in one dimension, at "
            "least one and none NaN."
        )
    if rule == "sparsemax_support" and not (cuts > 0).all():
        raise ValueError(
            f"thresholds holds {cuts.min():g}; scales, which rule='sparsemax_support' takes, "
            "must be positive."
        )
    return np.unique(cuts)


def label_candidates(
    thresholds: Any, rule: str, folds: list[Fold], cuts: Array, best: float
) -> Array:
    """Candidates for each label (C, K), sorted; `best` is among those of every label."""
    n_labels = folds[0].responses.shape[1]
    n_cuts = thresholds_of(thresholds, rule)
    if not isinstance(n_cuts, Integral):
        return np.tile(cuts[:, None], n_labels)
    held_out = zip(*(fold.present() for fold in folds), strict=True)
    columns = [
        quantiles(responses, int(n_cuts)) if responses.size else np.full(n_cuts, np.inf)
        for responses in map(np.concatenate, held_out)
    ]
    extra = np.repeat([[best], [np.inf]], n_labels, axis=1)
    return np.sort(np.vstack([np.column_stack(columns), extra]), axis=0)


def quantiles(values: Array, n: int) -> Array:
    """Values evenly spaced by rank, n of them, from the lowest to the highest."""
    ranks = np.linspace(0, values.size - 1, n).round().astype(int)
    return np.sort(values)[ranks].astype(np.float64)

"""Advice on badly scaled features, for the warning of a fit that did not converge."""

from __future__ import annotations

import numpy as np

from .. import _arrays
from .._typing import Array
from .protocol import Problem

# From this ratio on, the scale of a feature may be the reason.
LARGE = 1e4


def scaling_advice(objective: Problem, names: Array | None = None) -> str:
    """A sentence that names the worst scaled feature and the remedy; "" if there is none.

    Parameters
    ----------
    objective : Problem
        The data.
    names : array-like of str of shape (d,), default=None
        Names of the features.
    """
    mean, variance = map(_arrays.on_host, objective.feature_moments(with_outliers=True))
    spread = np.sqrt(variance)
    varies = spread > 0
    if not varies.any():
        return ""
    spread[~varies] = np.inf
    typical = np.median(spread[varies])
    ratios = np.maximum(np.where(varies, spread, 0) / typical, np.abs(mean) / spread)
    column = int(ratios.argmax())
    if ratios[column] < LARGE:
        return ""
    name = f"Column {column} of X" if names is None else f"Feature {names[column]!r}"
    return f" {name} {_words(objective.column(column), spread[column], typical)}."


def _words(values: Array, spread: float, typical: float) -> str:
    """The problem of the values (n,) of a feature, and the remedy."""
    distances = np.abs(values - np.median(values))
    farthest = int(distances.argmax())
    if distances[farthest] > LARGE * np.median(distances) > 0:
        return f"holds {values[farthest]:.3g}, far from its other values: use RobustScaler"
    if spread > LARGE * typical:
        ratio = f"{spread / typical:.0e}"
        return f"varies {ratio} times as much as the median feature: use StandardScaler"
    return (
        f"has the mean {values.mean():.3g} and varies by {spread:.3g} only: use StandardScaler, "
        "which centers it"
    )

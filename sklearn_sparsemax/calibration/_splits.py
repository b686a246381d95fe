"""The rows to fit and the rows for the calibration."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from .._typing import Array, Matrix
from ._quantiles import rows_needed

# The part of the rows that is held out unless more are needed.
HELD_OUT = 0.2


def splits_of(model: Any, X: Matrix, y: Array) -> list[tuple[Array, Array]] | None:
    """Pairs of the rows to fit and the rows to hold out; None if the estimator is fitted already.

    `model` has the parameters `cv`, `method`, `confidence_level` and `random_state`.
    """
    from sklearn.model_selection import (
        ShuffleSplit,
        StratifiedKFold,
        StratifiedShuffleSplit,
        check_cv,
    )

    if isinstance(model.cv, str) or (
        model.cv is None and isinstance(model.estimator, FrozenEstimator)
    ):
        return None
    if y.size < 2:
        raise ValueError(
            f"n_samples={y.size}; at least two rows are needed, to fit one and hold one out."
        )
    if isinstance(model.cv, Integral):
        cv = StratifiedKFold(model.cv, shuffle=True, random_state=model.random_state)
    elif model.cv is None or isinstance(model.cv, Real):
        _, counts = np.unique(y, return_counts=True)
        fraction = _fraction(model, y.size) if model.cv is None else float(model.cv)
        # a class of one row can only be in one of the two parts
        n_held_out = int(np.ceil(fraction * y.size - 1e-9))
        can_stratify = counts.min() > 1 and counts.size <= min(n_held_out, y.size - n_held_out)
        split = StratifiedShuffleSplit if can_stratify else ShuffleSplit
        cv = split(1, test_size=n_held_out, random_state=model.random_state)
    else:
        cv = check_cv(model.cv)
    return list(cv.split(X, y))


def _fraction(model: Any, n_rows: int) -> float:
    """A fifth, or as many rows as the level needs, but at most half."""
    if model.method != "coverage":
        return HELD_OUT
    return min(max(HELD_OUT, rows_needed(model.confidence_level) / n_rows), 0.5)

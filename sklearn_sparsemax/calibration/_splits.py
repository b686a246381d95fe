"""The rows to fit and the rows for the calibration."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from .._typing import Array, Matrix

# The part of the rows that is held out unless more are needed.
HELD_OUT = 0.2


def splits_of(
    model: Any, X: Matrix, y: Any, n_rows: int, n_needed: int, strata: Array | None = None
) -> list[tuple[Array, Array]] | None:
    """Pairs of the rows to fit and the rows to hold out; None if the estimator is fitted already.

    `model` has the parameters `cv`, `estimator` and `random_state`. `n_needed` rows should be held
    out. With `strata`, the class of each row, all classes are divided alike where that is possible.
    """
    from sklearn.model_selection import (
        KFold,
        ShuffleSplit,
        StratifiedKFold,
        StratifiedShuffleSplit,
        check_cv,
    )

    is_frozen = isinstance(model.estimator, FrozenEstimator)
    if isinstance(model.cv, str) or (model.cv is None and is_frozen):
        return None
    if n_rows < 2:
        raise ValueError(
            f"n_samples={n_rows}; at least two rows are needed, to fit one and hold one out."
        )
    if isinstance(model.cv, Integral):
        folds = KFold if strata is None else StratifiedKFold
        cv = folds(model.cv, shuffle=True, random_state=model.random_state)
    elif model.cv is None or isinstance(model.cv, Real):
        # a fifth, or as many rows as are needed, but at most half
        share = min(max(HELD_OUT, n_needed / n_rows), 0.5) if model.cv is None else float(model.cv)
        n_held_out = int(np.ceil(share * n_rows - 1e-9))
        can_stratify = strata is not None and _can_stratify(strata, n_held_out)
        split = StratifiedShuffleSplit if can_stratify else ShuffleSplit
        cv = split(1, test_size=n_held_out, random_state=model.random_state)
    else:
        cv = check_cv(model.cv)
    return list(cv.split(X, y))


def _can_stratify(strata: Array, n_held_out: int) -> bool:
    """Whether each class can be in both parts."""
    _, counts = np.unique(strata, return_counts=True)
    return bool(counts.min() > 1 and counts.size <= min(n_held_out, strata.size - n_held_out))

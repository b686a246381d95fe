"""The rows to fit and the rows to hold out."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._typing import Matrix
from ._targets import Targets


def splits_of(search: Any, X: Matrix, targets: Targets, params: dict[str, Any]) -> list[Any]:
    """Pairs of the rows to fit and the rows to hold out; (None, all rows) for "prefit".

    `search` has the parameters `cv`, `refit`, `random_state` and `estimator`.
    """
    from sklearn.model_selection import (
        KFold,
        ShuffleSplit,
        StratifiedKFold,
        StratifiedShuffleSplit,
        check_cv,
    )

    n_rows, n_labels = targets.indicator.shape
    if isinstance(search.cv, str):
        if search.refit:
            raise ValueError("cv='prefit' keeps the fitted estimator; it needs refit=False.")
        check_is_fitted(search.estimator)
        return [(None, np.arange(n_rows))]

    single_label = n_labels == 1
    if search.cv is None or isinstance(search.cv, Integral):
        folds = StratifiedKFold if single_label else KFold
        n_folds = 5 if search.cv is None else search.cv
        cv = folds(n_folds, shuffle=True, random_state=search.random_state)
    elif isinstance(search.cv, Real):
        split = StratifiedShuffleSplit if single_label else ShuffleSplit
        cv = split(1, test_size=search.cv, random_state=search.random_state)
    else:
        cv = check_cv(search.cv)
    label = np.diff(targets.indicator.indptr)  # of the only one, per row
    splits = list(cv.split(X, label if single_label else targets.given, **params))
    if len(splits) > 1 and not search.refit:
        raise ValueError(
            f"refit=False needs cv='prefit' or a single split; cv={search.cv!r} has {len(splits)}."
        )
    if single_label:
        # else the single column of predict_proba could belong to either class
        for number, (train, _) in enumerate(splits, start=1):
            if np.unique(label[train]).size < 2:
                raise ValueError(
                    f"The rows to fit of split {number} hold one class of the only label; "
                    "both are needed."
                )
    return splits

"""What every loader returns: the same Bunch, a pair, or pandas objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import Bunch

SUBSETS = ("all", "train", "test")
# pandas keeps an object for each column.
MOST_COLUMNS = 1_000_000


def check_subset(subset: str) -> None:
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {SUBSETS}, got {subset!r}.")


def split_indices(n_rows: int, n_train: int, subset: str) -> dict[str, Any]:
    """Row numbers of the two halves among the rows that `subset` keeps, training rows first."""
    if subset != "all":
        n_train = n_rows if subset == "train" else 0
    rows = np.arange(n_rows)
    return {"train_indices": rows[:n_train], "test_indices": rows[n_train:]}


def make_bunch(
    X: Any,
    Y: Any,
    *,
    feature_names: Sequence[str],
    target_names: Sequence[str],
    return_X_y: bool,
    as_frame: bool = False,
    **extra: Any,
) -> Any:
    """Pack data as scikit-learn's loaders do; `extra` entries go into the Bunch as they are."""
    frame = None
    if as_frame:
        pd = _import_pandas()
        X, Y = _to_frame(pd, X, feature_names), _to_frame(pd, Y, target_names)
        frame = pd.concat([X, Y], axis=1)
    if return_X_y:
        return X, Y
    return Bunch(
        data=X,
        target=Y,
        frame=frame,
        feature_names=feature_names,
        target_names=target_names,
        **extra,
    )


def _import_pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "as_frame=True needs pandas, which is not installed: "
            "pip install 'sklearn-sparsemax[data]', or pass as_frame=False."
        ) from error
    return pd


def _to_frame(pd: Any, array: Any, columns: Sequence[str]) -> Any:
    if len(columns) > MOST_COLUMNS:
        raise ValueError(
            f"as_frame=True would make a DataFrame of {len(columns):,} columns, each an object of "
            f"its own; at most {MOST_COLUMNS:,} are supported. Pass as_frame=False."
        )
    columns = list(columns)
    if sparse.issparse(array):
        return pd.DataFrame.sparse.from_spmatrix(array, columns=columns)
    return pd.DataFrame(array, columns=columns)

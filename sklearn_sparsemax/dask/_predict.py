"""Predictions for collections, block by block, when they are computed."""

from __future__ import annotations

import math
import warnings
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from scipy import sparse

from .._typing import Matrix
from ._collections import delayed_blocks, is_dataframe


def predict_blocks(model: Any, method: str, X: Any) -> Any:
    """What a method of a model returns for the blocks of X.

    A dask array for an array or a dataframe, and a list of delayed blocks for such a list.
    """
    blocks = delayed_blocks(X, "X")
    # one object for all tasks, rather than a copy in each
    shared = delayed(model, pure=False)
    results = [delayed(_apply, pure=False)(shared, method, block) for block in blocks]
    if not (isinstance(X, da.Array) or is_dataframe(X)):
        return results
    sizes = X.chunks[0] if isinstance(X, da.Array) else (math.nan,) * len(blocks)
    dtype = getattr(X, "dtype", None)
    if dtype is None or np.dtype(dtype) != np.float32:
        dtype = np.float64
    meta = _no_rows(model, method, dtype)
    arrays = [
        da.from_delayed(result, shape=(size, *meta.shape[1:]), meta=meta)
        for result, size in zip(results, sizes, strict=True)
    ]
    return da.concatenate(arrays, allow_unknown_chunksizes=True)


def _apply(model: Any, method: str, block: Any) -> Matrix:
    """What a method returns for the rows of a block, none included."""
    if len(block) if not sparse.issparse(block) else block.shape[0]:
        return getattr(model, method)(block)
    return _no_rows(model, method, getattr(block, "dtype", np.float64))


def _no_rows(model: Any, method: str, dtype: Any) -> Matrix:
    """What a method would return for no rows."""
    with warnings.catch_warnings():
        # the names of the features do not matter here
        warnings.simplefilter("ignore", UserWarning)
        return getattr(model, method)(np.zeros((1, model.n_features_in_), dtype))[:0]

"""Collections of dask as blocks of rows: arrays, dataframes, and lists of delayed blocks."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.base import is_dask_collection, optimize
from dask.delayed import Delayed, delayed
from dask.optimization import cull

from .._typing import Array
from ._engine import Recipe


class Blocks(NamedTuple):
    """The blocks of a data set.

    Attributes
    ----------
    tuples : list of Delayed
        (X, y) or (X, y, weights) of each block.
    feature_names : ndarray of str or None
        Names of the features, if X is a dataframe that has such.
    """

    tuples: list[Delayed]
    feature_names: Array | None


def is_lazy(X: Any) -> bool:
    """Whether X is a collection of dask, or a list of delayed blocks."""
    return is_dask_collection(X) or _is_list_of_delayed(X)


def is_dataframe(X: Any) -> bool:
    """Whether X is a dataframe or a series of dask."""
    return is_dask_collection(X) and hasattr(X, "npartitions") and hasattr(X, "divisions")


def blocks_of(X: Any, y: Any, sample_weight: Any) -> Blocks:
    """The blocks of the data of a fit.

    y and the weights follow the blocks of X. Arrays and collections with other blocks are divided
    anew, which an error refuses where the sizes of the blocks are not known.
    """
    if not is_lazy(X):
        raise TypeError(
            f"X is a {type(X).__name__}; it must be a dask array, a dask dataframe or a list of "
            "delayed blocks. dask.array.from_array(X, chunks=(n, -1)) makes blocks of an array. "
            "The estimators of sklearn_sparsemax fit arrays as they are."
        )
    columns = [delayed_blocks(X, "X")]
    for name, values in (("y", y), ("sample_weight", sample_weight)):
        if values is None:
            if name == "y":
                raise ValueError("y is None; fit needs it.")
            continue
        columns.append(delayed_blocks(_like(values, X, name, len(columns[0])), name))
        if len(columns[-1]) != len(columns[0]):
            raise ValueError(
                f"{name} has {len(columns[-1])} blocks and X has {len(columns[0])}; they must have "
                "the same blocks."
            )
    if not columns[0]:
        raise ValueError("X is an empty list; fit needs at least one block.")
    names = None
    if is_dataframe(X) and all(isinstance(name, str) for name in X.columns):
        names = np.asarray(X.columns, dtype=object)
    tuples = [delayed(_tuple, pure=False)(*block) for block in zip(*columns, strict=True)]
    return Blocks(tuples, names)


def recipes_of(tuples: list[Delayed]) -> list[Recipe]:
    """Recipes of delayed values, each with the tasks that it needs."""
    recipes = []
    for value in optimize(*tuples):
        graph, _ = cull(dict(value.__dask_graph__()), [value.key])
        recipes.append(Recipe(graph, value.key))
    return recipes


def delayed_blocks(values: Any, name: str) -> list[Delayed]:
    """The blocks of a collection, in order."""
    if _is_list_of_delayed(values):
        return list(values)
    if is_dataframe(values):
        return list(values.to_delayed())
    if isinstance(values, da.Array):
        if values.ndim == 2 and values.numblocks[1] > 1:
            raise ValueError(
                f"{name} has {values.numblocks[1]} blocks along its columns; a block must hold "
                f"whole rows: {name}.rechunk({{1: -1}})."
            )
        if values.ndim not in (1, 2):
            raise ValueError(f"{name} has {values.ndim} dimensions; it must have one or two.")
        return list(values.to_delayed().ravel())
    raise TypeError(
        f"{name} is a {type(values).__name__}; it must be a dask array, a dask dataframe, a list "
        "of delayed blocks or, where the blocks of X have known sizes, an array."
    )


def _like(values: Any, X: Any, name: str, n_blocks: int) -> Any:
    """Values in the blocks of X, as far as they are not yet."""
    if not isinstance(X, da.Array):
        return values
    rows = X.chunks[0]
    is_known = not any(math.isnan(size) for size in rows)
    if isinstance(values, da.Array):
        own = values.chunks[0]
        if not is_known or any(math.isnan(size) for size in own):
            return values
        _check_rows(values.shape[0], X.shape[0], name)
        if own == rows and (values.ndim == 1 or values.numblocks[1] == 1):
            return values
        if own != rows:
            warnings.warn(
                f"{name} has other blocks than X, so that its rows move between workers; "
                f"{name}.rechunk({{0: X.chunks[0]}}) before the fit does it once.",
                stacklevel=6,
            )
        return values.rechunk({0: rows, 1: -1} if values.ndim == 2 else {0: rows})
    if is_known and not is_lazy(values) and hasattr(values, "__len__"):
        values = np.asarray(values)
        _check_rows(values.shape[0], X.shape[0], name)
        return da.from_array(values, chunks=(rows, *((size,) for size in values.shape[1:])))
    return values


def _check_rows(n_rows: int, n_rows_of_X: int, name: str) -> None:
    if n_rows != n_rows_of_X:
        raise ValueError(
            f"X has {n_rows_of_X} rows and {name} has {n_rows}; they must have as many."
        )


def _is_list_of_delayed(X: Any) -> bool:
    return isinstance(X, list | tuple) and all(isinstance(block, Delayed) for block in X)


def _tuple(*block: Any) -> tuple[Any, ...]:
    return block

"""One partition as it is loaded: its rows are validated where they are, and summarised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import column_or_1d

from .._typing import Array, Matrix
from .._validation import check_unmasked, check_weights
from ..linear_model._label_sets import holds_label_sets


class Rows(NamedTuple):
    """A partition and its number: features (n, d), y (n,) or (n, K), and weights (n,) or None."""

    number: int
    X: Matrix
    y: Any
    weights: Array | None


class Summary(NamedTuple):
    """What the client needs to know of rows before they are encoded.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    widths : dict of int to int
        The first partition with each number of features.
    y_widths : dict of int to int
        The first partition with each number of columns of y, 0 for one dimension.
    types : frozenset of str
        Types of X.
    is_sparse : bool
        Whether a partition is sparse.
    classes : ndarray or None
        The values of y, if y has one dimension.
    are_label_sets : bool
        Whether y holds label sets.
    containers : frozenset
        Types of y.
    has_null : bool
        Whether a row with a positive weight has no label.
    has_label : bool
        Whether a row has a label.
    """

    n_rows: int
    widths: dict[int, int]
    y_widths: dict[int, int]
    types: frozenset[str]
    is_sparse: bool
    classes: Array | None
    are_label_sets: bool
    containers: frozenset[Any]
    has_null: bool
    has_label: bool


def load(block: Sequence[Any], *, index: int, kind: str) -> Rows:
    """Validate a block (X, y) or (X, y, weights).

    An error names the partition. `kind` is "classes", "labels" or "proportions".
    """
    try:
        return _load(block, index, kind)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Partition {index}: {error}") from error


def _load(block: Sequence[Any], index: int, kind: str) -> Rows:
    X, y, *weights = block
    check_unmasked(X, "X", "value")
    check_unmasked(y, "y", "value")
    if getattr(X, "ndim", 2) != 2:
        raise ValueError(f"X has {X.ndim} dimensions; it must have two, rows and features.")
    X = check_features(X)
    if kind == "classes":
        y = column_or_1d(y)
    if np.ndim(y) == 1 and not sparse.issparse(y):
        y = np.asarray(y)
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise ValueError(f"y holds {y[~np.isfinite(y)][0]:g}; it must be finite.")
    else:
        options = {"accept_sparse": "csr", "dtype": None, "ensure_min_samples": 0}
        y = check_array(y, input_name="y", **options)
    if y.shape[0] != X.shape[0]:
        raise ValueError(
            f"X has {X.shape[0]} rows and y has {y.shape[0]}; they must have as many, partition by "
            "partition."
        )
    return Rows(index, X, y, check_weights(weights[0], X.shape[0]) if weights else None)


def check_features(X: Any) -> Matrix:
    """X as float32 or float64, dense or CSR."""
    X = check_array(
        X,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_min_samples=0,
        input_name="X",
    )
    return sparse.csr_array(X) if sparse.issparse(X) else X


def summarise(rows: Rows) -> Summary:
    """The summary of a partition."""
    n_rows = rows.X.shape[0]
    has_classes = rows.y.ndim == 1
    classes, has_null, has_label = None, False, False
    if has_classes and n_rows:
        classes = np.unique(rows.y)
    elif not has_classes and n_rows:
        labels = np.asarray((rows.y != 0).sum(axis=1)).ravel()
        weighted = np.ones(n_rows, dtype=bool) if rows.weights is None else rows.weights > 0
        has_null, has_label = bool(((labels == 0) & weighted).any()), bool(labels.any())
    width = 0 if has_classes else rows.y.shape[1]
    return Summary(
        n_rows,
        {rows.X.shape[1]: rows.number},
        {width: rows.number},
        frozenset([rows.X.dtype.name]) if n_rows else frozenset(),
        sparse.issparse(rows.X),
        classes,
        n_rows == 0 or holds_label_sets(rows.y),
        frozenset([type(rows.y) if sparse.issparse(rows.y) else np.ndarray]),
        has_null,
        has_label,
    )


def add_summaries(summaries: list[Summary]) -> Summary:
    """The summary of the rows of several."""
    classes = [summary.classes for summary in summaries if summary.classes is not None]
    return Summary(
        sum(summary.n_rows for summary in summaries),
        _first([summary.widths for summary in summaries]),
        _first([summary.y_widths for summary in summaries]),
        frozenset().union(*(summary.types for summary in summaries)),
        any(summary.is_sparse for summary in summaries),
        np.unique(np.concatenate(classes)) if classes else None,
        all(summary.are_label_sets for summary in summaries),
        frozenset().union(*(summary.containers for summary in summaries)),
        any(summary.has_null for summary in summaries),
        any(summary.has_label for summary in summaries),
    )


def _first(places: list[dict[int, int]]) -> dict[int, int]:
    """The smallest partition of each width."""
    first: dict[int, int] = {}
    for place in places:
        for width, index in place.items():
            first[width] = min(index, first.get(width, index))
    return first

"""A fit for each fold, and the responses of the rows that it holds out."""

from __future__ import annotations

from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._compat import safe_indexing
from .._typing import Array, Matrix
from ._targets import Targets


class Fold(NamedTuple):
    """What is known of the rows held out by one split."""

    responses: Array  # (n, K)
    indicator: Matrix  # CSC (n, K)
    rows: Array
    estimator: Any

    def rows_of_labels(self) -> list[Array]:
        """Rows where the label is present, for each label."""
        return np.split(self.indicator.indices, self.indicator.indptr[1:-1])

    def present(self) -> list[Array]:
        """Responses where the label is present, for each label."""
        return [self.responses[rows, label] for label, rows in enumerate(self.rows_of_labels())]


def fit_and_respond(
    estimator: Any,
    X: Matrix,
    targets: Targets,
    train: Array | None,
    test: Array,
    fit_params: dict[str, Any],
    response: tuple[str, str, int],
    *,
    keep: bool,
    progress: str | None,
) -> Fold:
    start = perf_counter()
    if train is not None:
        n_rows = targets.indicator.shape[0]
        fit_params = params_of_rows(fit_params, train, n_rows)
        y_train = safe_indexing(targets.given, train)
        estimator.fit(safe_indexing(X, train), y_train, **fit_params)
    responses = label_responses(estimator, safe_indexing(X, test), *response)
    if progress is not None:
        print(f"{progress}: {perf_counter() - start:.2f} s")
    indicator = targets.indicator[test].tocsc()
    return Fold(responses, indicator, test, estimator if keep else None)


def params_of_rows(params: dict[str, Any], rows: Array, n_rows: int) -> dict[str, Any]:
    """Metadata of some rows; what has no entry for each row is passed on as it is."""
    return {
        name: safe_indexing(value, rows) if np.shape(value)[:1] == (n_rows,) else value
        for name, value in params.items()
    }


def label_responses(estimator: Any, X: Matrix, method: str, rule: str, n_labels: int) -> Array:
    """Responses (n, K), to be compared with cuts: a label is predicted if it is at least its cut.

    scikit-learn's classifiers return an array of one column per label, or a list of arrays of
    one column per class; and for a single label, maybe the column of its presence alone.
    """
    response = getattr(estimator, method)(X)
    if isinstance(response, list):
        # a class that the training rows lack has no column
        present = [np.flatnonzero(np.asarray(classes) == 1) for classes in estimator.classes_]
        columns = [
            of_classes[:, column[0]] if column.size else np.zeros(of_classes.shape[0])
            for of_classes, column in zip(response, present, strict=True)
        ]
        response = np.column_stack(columns)
    elif sparse.issparse(response):
        raise TypeError(
            f"{method} of {estimator!r} returned a {type(response).__name__}; a dense array is "
            "needed."
        )
    response = np.asarray(response)
    if response.dtype.kind != "f":
        response = response.astype(np.float64)
    if n_labels == 1 and response.ndim == 1:
        response = response[:, None]
    elif n_labels == 1 and response.shape[1] == 2:
        response = response[:, 1:]
    if response.ndim != 2 or response.shape[1] != n_labels:
        raise ValueError(
            f"{method} of {estimator!r} returned an array of shape {response.shape}; one column "
            f"for each of the {n_labels} labels of y is needed."
        )
    if np.isnan(response).any():
        raise ValueError(f"{method} of {estimator!r} returned NaN.")
    return largest_scales(response) if rule == "sparsemax_support" else response


def largest_scales(scores: Array) -> Array:
    """Largest scale s at which a label is in the support of sparsemax(s z), from scores (n, K).

    The support are the labels j with sum_k max(z_k - z_j, 0) < 1 / s (Proposition 1 of the
    paper), so that the rule of the paper is a cut of the inverse of this sum.
    """
    scores = scores.astype(np.float64)
    order = np.argsort(-scores, axis=1)
    # from one label to the next lower, every higher one adds the gap between the two
    descending = np.take_along_axis(scores, order, axis=1)
    gaps = descending[:, :-1] - descending[:, 1:]
    excess = np.zeros_like(scores)
    np.cumsum(gaps * np.arange(1, scores.shape[1]), axis=1, out=excess[:, 1:])
    with np.errstate(divide="ignore"):
        # the next number below, for the inequality is strict: the limit itself is too large
        scales = np.nextafter(1 / excess, 0)
    responses = np.empty_like(scores)
    np.put_along_axis(responses, order, scales, axis=1)
    return responses

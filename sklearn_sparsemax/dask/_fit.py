"""A fit over partitions: from collections to a problem, and from there to a fitted model."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._typing import Array
from ..linear_model._classes import ClassEncoder, class_weights
from ..linear_model._label_sets import row_class_weights
from ..losses import FenchelYoungLoss
from . import rows as _rows
from ._collections import blocks_of, recipes_of
from ._encoders import (
    ProportionsEncoder,
    balanced_weights,
    encoder_of_classes,
    encoder_of_label_sets,
)
from ._engine import Cluster, Engine, Tasks, Threads, add_terms
from ._partition import Encoding, Totals, encode, totals
from .partitions import Partitions
from .rows import Summary


class Options(NamedTuple):
    """What a problem depends on besides its rows.

    Attributes
    ----------
    kind : {"classes", "labels", "proportions"}
        What y holds.
    loss : FenchelYoungLoss
        The loss.
    alpha : float or "auto"
        Strength of the penalty.
    fit_intercept : bool
        Whether to fit an intercept.
    class_weight : dict, "balanced" or None
        Weights of the classes or labels.
    empty : str or None
        What rows with no label mean.
    """

    kind: str
    loss: FenchelYoungLoss
    alpha: float | str
    fit_intercept: bool
    class_weight: dict[Any, float] | str | None
    empty: str | None


class Prepared(NamedTuple):
    """A problem, the encoder of the fitted model, and the names of the features if known."""

    problem: Partitions
    encoder: Any
    feature_names: Array | None


def engine_of(client: Any) -> Engine:
    """The engine of a client, of the current client, or of this process without one."""
    if client is None and "distributed" in sys.modules:
        from distributed import get_client

        try:
            client = get_client()
        except ValueError:
            client = None
    return Threads() if client is None else Cluster(client)


def prepare(
    X: Any, y: Any, sample_weight: Any, options: Options, tasks: Tasks, *, persist: bool
) -> Prepared:
    """Load, validate and encode the partitions."""
    blocks = blocks_of(X, y, sample_weight)
    load = partial(_rows.load, kind=options.kind)
    if persist:
        rows = tasks.keep("load", load, blocks.tuples)
    else:
        recipes = recipes_of(blocks.tuples)
        rows = [recipe.then(partial(load, index=i)) for i, recipe in enumerate(recipes)]
    summary: Summary = tasks.reduce("summarise", _rows.summarise, rows, add=_rows.add_summaries)
    n_features = _check(summary, options.kind)
    encoder, of_rows, n_outputs = _encoders(summary, options)
    weights = options.class_weight
    if isinstance(weights, str):
        weights = balanced_weights(tasks, rows, encoder)
    elif weights is not None:
        _check_class_weight(weights, encoder)
    encoding = Encoding(
        of_rows,
        weights,
        options.loss,
        "float32" if summary.types == {"float32"} else "float64",
        n_outputs,
        options.fit_intercept,
        encoder.reference_output,
    )
    if persist:
        partitions = tasks.map("encode", encode, rows, common=(encoding,))
    else:
        partitions = [recipe.then(partial(encode, encoding=encoding)) for recipe in rows]
    del rows
    sums = tasks.reduce("totals", totals, partitions, add=_add_totals)
    if sums is None:
        raise ValueError(
            "sample_weight, times class weights if any, is zero for every row; at least one row "
            "needs a positive weight."
        )
    problem = Partitions(
        tasks,
        partitions,
        encoding,
        sums,
        n_features=n_features,
        is_sparse=summary.is_sparse,
        alpha=1 / sums.mass if options.alpha == "auto" else float(options.alpha),
        keeps_rows=persist,
    )
    # where the rows were loaded is not always where they are now
    tasks.forget_places()
    return Prepared(problem, encoder, blocks.feature_names)


def _add_totals(terms: list[Totals | None]) -> Totals | None:
    total = add_terms(terms)
    return None if total is None else Totals(*total)


def _check(summary: Summary, kind: str) -> int:
    """Check that partitions fit together; return the number of features."""
    if summary.n_rows == 0:
        raise ValueError("X has no row; fit needs at least one.")
    for name, widths in (("X", summary.widths), ("y", summary.y_widths)):
        if len(widths) > 1:
            places = sorted((index, width) for width, index in widths.items())
            (one, width), (other, other_width) = places[:2]
            raise ValueError(
                f"Partition {one} of {name} has {width} columns, and partition {other} has "
                f"{other_width}; all must have as many."
            )
    (n_features,) = summary.widths
    if n_features == 0:
        raise ValueError("X has no feature; fit needs at least one.")
    (n_columns,) = summary.y_widths
    if kind == "proportions" and n_columns == 0:
        raise ValueError(
            "y has one dimension; it must hold proportions in rows, of shape (n_samples, "
            "n_outputs)."
        )
    if kind == "labels" and n_columns > 0 and not summary.are_label_sets:
        raise ValueError(
            "y has two dimensions and holds no label sets; it must be an indicator matrix of 0 and "
            "1, or class labels of one dimension."
        )
    return n_features


def _encoders(summary: Summary, options: Options) -> tuple[Any, Any, int]:
    """The encoder of the model, that of the rows, and the number of outputs."""
    (n_columns,) = summary.y_widths
    if options.kind == "proportions":
        encoder: Any = ProportionsEncoder(n_columns, options.loss)
    elif n_columns == 0:
        encoder = encoder_of_classes(summary, options.loss)
    else:
        return encoder_of_label_sets(summary, options.loss, options.empty)
    return encoder, encoder, encoder.n_outputs


def _check_class_weight(weights: dict[Any, float], encoder: Any) -> None:
    """Raise an error for weights of classes or labels that are not as they must be."""
    no_rows = np.zeros(0)
    if isinstance(encoder, ClassEncoder):
        class_weights(weights, encoder.classes, no_rows, no_rows)
    else:
        row_class_weights(weights, sparse.csr_array((0, encoder.n_labels)), no_rows)

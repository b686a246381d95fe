"""Scores of predictions, as sums over blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._typing import Array
from .._validation import check_weights
from ._collections import blocks_of
from ._engine import Tasks
from ._fit import engine_of


def score(model: Any, kind: str, X: Any, y: Any, sample_weight: Any, client: Any) -> float:
    """Accuracy, or the coefficient of determination for proportions."""
    tasks = Tasks(engine_of(client))
    blocks = tasks.keep("load", _block, blocks_of(X, y, sample_weight).tuples)
    function = _squares if kind == "proportions" else _hits
    try:
        sums = tasks.reduce("score", function, blocks, common=(model,))
    finally:
        tasks.release()
    if sums is None:
        raise ValueError("X has no row; score needs at least one.")
    if kind != "proportions":
        hits, mass = sums
        return float(hits / mass)
    mass, total, square, residual = sums
    deviation = square - total**2 / mass
    # as in sklearn.metrics.r2_score: an output that does not vary scores 1 if it is met, else 0
    varies = deviation > np.finfo(np.float64).eps * square
    of_outputs = np.where(
        varies, 1 - residual / np.where(varies, deviation, 1), (residual == 0).astype(float)
    )
    return float(of_outputs.mean())


def _block(block: tuple[Any, ...], *, index: int) -> tuple[Any, ...]:
    X, y, *weights = block
    n_rows = X.shape[0]
    if y.shape[0] != n_rows:
        raise ValueError(
            f"Partition {index}: X has {n_rows} rows and y has {y.shape[0]}; they must have as "
            "many, partition by partition."
        )
    return X, y, check_weights(weights[0] if weights else None, n_rows)


def _hits(block: tuple[Any, ...], model: Any) -> tuple[float, float] | None:
    """Weight of the rows that are predicted exactly, and of all rows."""
    X, y, weights = block
    if not X.shape[0]:
        return None
    predicted = model.predict(X)
    if sparse.issparse(y) or sparse.issparse(predicted):
        wrong = sparse.csr_array(predicted) != sparse.csr_array(y)
        right = np.asarray(wrong.sum(axis=1)).ravel() == 0
    else:
        right = predicted == np.asarray(y)
        right = right.all(axis=1) if right.ndim == 2 else right
    return float(weights @ right), float(weights.sum())


def _squares(block: tuple[Any, ...], model: Any) -> tuple[float, Array, Array, Array] | None:
    """Weight, and weighted sums (K,) of y, of its square and of the squared residual."""
    X, y, weights = block
    if not X.shape[0]:
        return None
    y = y.toarray() if sparse.issparse(y) else np.asarray(y, np.float64)
    residual = y - model.predict(X)
    return float(weights.sum()), weights @ y, weights @ y**2, weights @ residual**2

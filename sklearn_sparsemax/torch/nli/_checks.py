"""Checks of pairs of sentences, labels and word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d


def pairs_of(X: Any, name: str) -> list[tuple[str, str]]:
    """Pairs of strings, from whatever holds them."""
    if isinstance(X, str) or not hasattr(X, "__len__"):
        raise TypeError(
            f"{name} is a {type(X).__name__}; a list of (premise, hypothesis) is needed."
        )
    rows = [*map(tuple, X.to_numpy() if hasattr(X, "to_numpy") else X)]
    if not rows:
        raise ValueError(f"{name} is empty; at least one pair (premise, hypothesis) is needed.")
    for i, row in enumerate(rows):
        if len(row) != 2:
            raise ValueError(
                f"{name}[{i}] has {len(row)} entries; a premise and a hypothesis are needed."
            )
        for kind, sentence in zip(("premise", "hypothesis"), row, strict=True):
            if not isinstance(sentence, str):
                raise TypeError(
                    f"The {kind} of {name}[{i}] is {sentence!r}, of type "
                    f"{type(sentence).__name__}; a string is needed."
                )
    return rows


def labels_of(X: Any, y: Any, X_name: str, y_name: str) -> np.ndarray:
    labels = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    if len(labels) != len(X):
        raise ValueError(f"{X_name} has {len(X)} pairs, but {y_name} has {len(labels)} classes.")
    return labels


def check_vectors(
    given: tuple[Sequence[str], ArrayLike] | None,
) -> tuple[Sequence[str], np.ndarray] | None:
    """Words and their vectors, one for each."""
    if given is None:
        return None
    if len(given) != 2:
        raise ValueError(f"vectors has {len(given)} entries; (words, vectors) is needed.")
    words, vectors = given[0], np.asarray(given[1])
    if vectors.ndim != 2 or len(vectors) != len(words):
        raise ValueError(
            f"vectors[1] has the shape {vectors.shape}; a row for each of the {len(words)} words "
            "in vectors[0] is needed."
        )
    if vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
        raise ValueError("vectors[1] must hold finite floating-point numbers.")
    return words, vectors

"""Compilation of all kernels ahead of their first use, for images and shared installations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from . import _kernels
from ._kernels.row_blocks import LEAST_COMPILED
from ._kernels.stand_in import nothing_stands_in
from ._typing import Array
from .activations import entmax_jvp, sparsemax_jvp
from .linear_model.classifier import EntmaxClassifier, SparsemaxClassifier
from .linear_model.multilabel import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)
from .linear_model.stochastic import SGDSparsemaxClassifier

__all__ = ["LOSSES", "compile_kernels"]

CLASSIFIERS: dict[str, tuple[type[Any], ...]] = {
    "sparsemax": (SparsemaxClassifier, SGDSparsemaxClassifier, MultilabelSparsemaxClassifier),
    "entmax": (EntmaxClassifier,),
    "softmax": (MultilabelSoftmaxClassifier,),
    "logistic": (MultilabelLogisticClassifier,),
    "binary_sparsemax": (MultilabelBinarySparsemaxClassifier,),
}
LOSSES = tuple(CLASSIFIERS)

N_CLASSES, N_FEATURES, N_ENTRIES = 8, 2000, 40
# Many enough that no step is left to NumPy or SciPy.
N_ROWS = LEAST_COMPILED // N_CLASSES
MANY_CLASSES = 300


def compile_kernels(losses: Sequence[str] | None = None) -> Path:
    """Compile the kernels that fits and predictions need, and keep them.

    The first fit after an installation compiles its kernels, which takes seconds. This function
    does it beforehand, for example while an image is built. It fits small models with sparse and
    dense features, in single and in double precision. Kernels that are in the cache already are
    not compiled again.

    Parameters
    ----------
    losses : sequence of str, default=None
        Losses whose kernels are compiled, by default all: "sparsemax", "entmax" (alpha = 1.5),
        "softmax", "logistic" and "binary_sparsemax".

    Returns
    -------
    folder : pathlib.Path
        Folder in which Numba keeps the kernels. It belongs to this version of the package, of
        Numba and of the processor. Another user needs the right to read it.

    Raises
    ------
    ValueError
        If a loss is unknown.
    OSError
        If no folder can be written. Set ``NUMBA_CACHE_DIR`` to one that can be.

    Examples
    --------
    >>> from sklearn_sparsemax import compile_kernels
    >>> folder = compile_kernels(["sparsemax"])  # doctest: +SKIP
    """
    losses = LOSSES if losses is None else losses
    unknown = [loss for loss in losses if loss not in CLASSIFIERS]
    if unknown:
        raise ValueError(f"losses={list(losses)!r} has {unknown[0]!r}; use {', '.join(LOSSES)}.")
    folder = _kernels.products.combine_dense.stats.cache_path
    if folder is None:
        raise OSError(
            "Compiled kernels cannot be kept, since no folder can be written. Set the environment "
            "variable NUMBA_CACHE_DIR to one that can be."
        )
    with nothing_stands_in():
        for dtype in (np.float64, np.float32):
            for X in _features(dtype):
                for loss in losses:
                    for classifier in CLASSIFIERS[loss]:
                        _use(classifier, X)
            if {"sparsemax", "entmax"} & set(losses):
                _transform(dtype, losses)
    return Path(folder)


def _features(dtype: type) -> Iterator[Any]:
    random = np.random.default_rng(0)
    n_entries = N_ROWS * N_ENTRIES
    data: Array = random.uniform(0.5, 1, n_entries).astype(dtype)
    columns = random.integers(N_FEATURES, size=n_entries, dtype=np.int32)
    indptr = np.arange(0, n_entries + 1, N_ENTRIES, dtype=np.int32)
    X = sparse.csr_array((data, columns, indptr), shape=(N_ROWS, N_FEATURES))
    X.sum_duplicates()
    yield X
    yield random.normal(size=(N_ROWS, 80)).astype(dtype)


def _use(classifier: type[Any], X: Any) -> None:
    """Fit a model and predict with it."""
    y = np.arange(X.shape[0]) % N_CLASSES
    is_multilabel = "Multilabel" in classifier.__name__
    targets = np.eye(N_CLASSES, dtype=int)[y] if is_multilabel else y
    model = classifier(alpha=1e-3, tol=0.1, random_state=0)
    model.fit(X, targets).predict_proba(X)


def _transform(dtype: type, losses: Sequence[str]) -> None:
    """Compute probabilities and products with their derivatives, with few and with many classes."""
    for n_outputs in (N_CLASSES, MANY_CLASSES):
        z: Array = np.zeros((LEAST_COMPILED // n_outputs + 1, n_outputs), dtype)
        if "sparsemax" in losses:
            sparsemax_jvp(z, z)
        if "entmax" in losses:
            entmax_jvp(z, z)

"""What is solved: data, the strength of the penalty, and whether rows have label sets.

y holds class codes (n,), or an indicator matrix (n, K) in CSR. The published files are read from
scikit-learn's data home (``SCIKIT_LEARN_DATA``), or from ``../shared/data`` beside the project.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

CACHE = Path(__file__).parent / ".cache"


class MissingDataError(Exception):
    """A published file is not in the data home."""


@dataclass(frozen=True)
class Problem:
    """Data and penalty.

    A `large` problem is run only if it is named. A fit that takes longer than `longest_fit` seconds
    is of no interest for so small a problem; `first_call` tells to measure also the first fit of a
    process, without a warm-up.
    """

    name: str
    load: Callable[[], tuple[Any, Any]]
    alpha: float
    label_sets: bool = False
    large: bool = False
    longest_fit: float = np.inf
    first_call: bool = False


def digits(dtype: type = np.float64) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(dtype), y


def part_of_digits(test: bool) -> tuple[Any, Any]:
    """Three quarters of the rows, or the others."""
    X, y = digits()
    is_test = np.random.default_rng(0).permutation(len(y)) < len(y) / 4
    rows = is_test if test else ~is_test
    return X[rows], y[rows]


def mnist(n_rows: int, dtype: type = np.float64, subset: str = "train") -> tuple[Any, Any]:
    with np.load(_published("mnist.npz")) as files:
        X, y = files[f"x_{subset}"][:n_rows], files[f"y_{subset}"][:n_rows]
    return X.reshape(len(X), -1).astype(dtype) / dtype(255), y.astype(np.int64)


def mnist_test() -> tuple[Any, Any]:
    """The 10,000 rows that are held out."""
    with np.load(_published("mnist.npz")) as files:
        X, y = files["x_test"], files["y_test"]
    return X.reshape(len(X), -1) / 255.0, y.astype(np.int64)


def rcv1_label_sets() -> tuple[Any, Any]:
    """The sample of RCV1: 22,490 documents, 47,236 words, sets of 101 topics."""
    return published_label_sets("train")


def published_label_sets(subset: str) -> tuple[Any, Any]:
    """A half of the sample of RCV1, "train" or "test"; that for the test has 5,123 documents."""
    from joblib import Memory

    folder = _published("sklearn_sparsemax")
    return Memory(CACHE, verbose=0).cache(_read_rcv1)(str(folder), subset)


def rcv1_classes(dtype: type = np.float64) -> tuple[Any, Any]:
    """The same documents, each with the first of its topics: 36 classes."""
    X, Y = rcv1_label_sets()
    Y.sort_indices()
    return X.astype(dtype), np.unique(Y.indices[Y.indptr[:-1]], return_inverse=True)[1]


def rcv1_classes_of_test() -> tuple[Any, Any]:
    """The documents for the test, without the few whose first topic no training row has."""
    _, Y = rcv1_label_sets()
    X, Y_test = published_label_sets("test")
    firsts = []
    for labels in (Y, Y_test):
        labels.sort_indices()
        firsts.append(labels.indices[labels.indptr[:-1]])
    known = np.unique(firsts[0])
    rows = np.isin(firsts[1], known)
    return X[rows], np.searchsorted(known, firsts[1][rows])


def rcv1_full_size(copies: int = 35) -> tuple[Any, Any]:
    """As many rows as the whole of RCV1: copies of the sample's, each without a fifth of its words.

    The rows have unit length again.
    """
    X, y = rcv1_classes()
    rng = np.random.default_rng(0)
    stacked = sparse.csr_array(sparse.vstack([X] * copies))
    row = np.repeat(np.arange(stacked.shape[0]), np.diff(stacked.indptr))
    kept = rng.random(stacked.nnz) >= 0.2
    data, indices, row = stacked.data[kept], stacked.indices[kept], row[kept]
    squares = np.bincount(row, data**2, minlength=stacked.shape[0])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=stacked.shape[0]))])
    entries = (data / np.sqrt(squares)[row], indices, indptr)
    return _with_int32(sparse.csr_array(entries, shape=stacked.shape)), np.tile(y, copies)


def emotions() -> tuple[Any, Any]:
    """The training half of Emotions, its features standardised: 391 songs, sets of 6 labels."""
    _published("sklearn_sparsemax")
    from sklearn_sparsemax.datasets import fetch_emotions

    X, Y = fetch_emotions(subset="train", return_X_y=True)
    X = np.asarray(X)
    return (X - X.mean(axis=0)) / X.std(axis=0), sparse.csr_array(Y)


def sparse_topics(
    n: int, d: int, K: int, words: int, dtype: type = np.float64, seed: int = 0
) -> tuple[Any, Any]:
    """Documents: unit rows of some `words` nonzeros, a third of them words of the row's class.

    Another seed gives other documents of the same classes.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(K, size=n)
    if n >= K > len(np.unique(y)):
        # each class has a row
        y[rng.permutation(n)[:K]] = np.arange(K)
    # frequencies of words fall as 1 / rank, as in text
    word = np.exp(rng.uniform(0, np.log(d), size=(n, words))).astype(np.int64) - 1
    own = rng.random((n, words)) < 1 / 3
    rank = np.exp(rng.uniform(0, np.log(d / 10), size=(n, words))).astype(np.int64)
    word = np.where(own, (rank * 7919 + y[:, None] * 104729) % d, word)
    entries = rng.exponential(size=word.size), (np.repeat(np.arange(n), words), word.ravel())
    X = sparse.csr_array(entries, shape=(n, d))
    X.sum_duplicates()
    norms = np.sqrt(X.multiply(X).sum(axis=1))
    X.data /= np.repeat(norms, np.diff(X.indptr))
    return _with_int32(X.astype(dtype)), y


def dense_clusters(n: int, d: int, K: int, dtype: type = np.float64) -> tuple[Any, Any]:
    """Standard normal rows around a centre for each class; the classes overlap."""
    rng = np.random.default_rng(0)
    y = rng.integers(K, size=n)
    X = rng.standard_normal((n, d))
    X += (rng.standard_normal((K, d)) * (3 / np.sqrt(d)))[y]
    return X.astype(dtype), y


def _published(name: str) -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    if "SCIKIT_LEARN_DATA" not in os.environ and beside.is_dir():
        os.environ["SCIKIT_LEARN_DATA"] = str(beside)
    from sklearn.datasets import get_data_home

    path = Path(get_data_home()) / name
    if not path.exists():
        raise MissingDataError(f"{name} is not in scikit-learn's data home; set SCIKIT_LEARN_DATA")
    return path


def _read_rcv1(folder: str, subset: str) -> tuple[Any, Any]:
    from sklearn_sparsemax.datasets import load_multilabel_file

    path = Path(folder) / f"rcv1_sample_{subset}.svm.bz2"
    labels = Path(folder) / "rcv1_sample_labels.txt"
    if not path.exists():
        raise MissingDataError(f"{path.name} is not in scikit-learn's data home")
    X, Y = load_multilabel_file(path, labels=labels, n_features=47236, return_X_y=True)
    return _with_int32(X), _with_int32(Y)


def _with_int32(matrix: Any) -> Any:
    """CSR with the index type that SciPy gives matrices of this size, and saga asks for."""
    entries = matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return sparse.csr_array(entries, shape=matrix.shape)


WIDE = partial(sparse_topics, d=200_000, K=5, words=100, n=20_000)
TOPICS_1500 = partial(sparse_topics, d=20_000, K=1_500, words=60, n=20_000)
TOPICS_10000 = partial(sparse_topics, d=30_000, K=10_000, words=60, n=50_000)

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("digits", digits, 1e-3, longest_fit=10, first_call=True),
        Problem("mnist-10k", partial(mnist, 10_000), 1e-4),
        Problem("mnist-60k", partial(mnist, 60_000), 1e-4),
        Problem("mnist-60k-float32", partial(mnist, 60_000, np.float32), 1e-4),
        Problem("rcv1-classes", rcv1_classes, 1e-5),
        Problem("rcv1-label-sets-1e-4", rcv1_label_sets, 1e-4, label_sets=True),
        Problem("rcv1-label-sets-1e-5", rcv1_label_sets, 1e-5, label_sets=True),
        Problem("rcv1-label-sets-1e-6", rcv1_label_sets, 1e-6, label_sets=True),
        Problem("wide", WIDE, 1e-4),
        Problem("many-classes", partial(dense_clusters, 20_000, 200, 1000), 1e-4),
        Problem("tall", partial(dense_clusters, 1_000_000, 20, 5), 1e-6),
        Problem("topics-1500", TOPICS_1500, 1e-5, large=True),
        Problem("topics-10000", TOPICS_10000, 1e-5, large=True),
        Problem("rcv1-full-size", rcv1_full_size, 1e-6, large=True),
    )
}

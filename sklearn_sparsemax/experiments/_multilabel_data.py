"""Problems for `multilabel`: the benchmarks of the paper, files of the user, or a simulation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

DATASETS = ("scene", "emotions", "birds", "cal500", "reuters")


@dataclass(frozen=True)
class Problem:
    """Two halves of a data set, without the rows that have no label."""

    name: str
    X_train: Any
    Y_train: Any
    X_test: Any
    Y_test: Any
    n_left_out: int


def sources(arguments: argparse.Namespace) -> list[Callable[[], Problem]]:
    """What loads each problem that is asked for; a name given twice is one."""
    if arguments.train is not None:
        return [partial(load_files, arguments.train, arguments.test, arguments.labels)]
    if arguments.datasets:
        return [partial(fetch, name) for name in dict.fromkeys(arguments.datasets)]
    return [make]


def fetch(name: str) -> Problem:
    """One of the paper's benchmarks."""
    from .. import datasets

    fetch = getattr(datasets, f"fetch_{name}")
    halves = [fetch(subset=subset, return_X_y=True) for subset in ("train", "test")]
    return prepare(name, *halves)


def make() -> Problem:
    """A problem that needs no file."""
    from sklearn.datasets import make_multilabel_classification

    X, Y = make_multilabel_classification(2000, n_classes=10, random_state=0)
    return prepare("simulated", (X[:1000], Y[:1000]), (X[1000:], Y[1000:]))


def load_files(train_file: str, test_file: str, labels: str | None) -> Problem:
    """Files of the user; a svmlight file may lack the last features or labels of the other."""
    from scipy import sparse

    from ..datasets import load_multilabel_file

    # "auto" could take the features of one file to start at 0, and those of the other at 1
    train, test = (
        load_multilabel_file(file, labels=labels, zero_based=False)
        for file in (train_file, test_file)
    )
    for part, names in (("data", "feature_names"), ("target", "target_names")):
        first, second = sorted((train[names], test[names]), key=len)
        resizable = sparse.issparse(train[part]) and sparse.issparse(test[part])
        if first != second and not (resizable and first == second[: len(first)]):
            raise ValueError(f"{train_file} and {test_file} differ in {names}")
        if resizable:
            for half in (train, test):
                half[part].resize((half[part].shape[0], len(second)))
    return prepare(Path(train_file).name, (train.data, train.target), (test.data, test.target))


def prepare(name: str, train: tuple[Any, Any], test: tuple[Any, Any]) -> Problem:
    """Leave out rows with no label, and standardise dense features."""
    import numpy as np
    from scipy import sparse
    from sklearn.preprocessing import StandardScaler

    halves = []
    for half, (X, Y) in (("training", train), ("test", test)):
        labelled = np.flatnonzero(np.asarray(Y.sum(axis=1)).ravel())
        if labelled.size == 0:
            raise ValueError(f"no row of the {half} half of {name} has a label")
        halves.append((X[labelled], Y[labelled]))
    (X_train, Y_train), (X_test, Y_test) = halves
    if not sparse.issparse(X_train):
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    n_left_out = train[1].shape[0] + test[1].shape[0] - Y_train.shape[0] - Y_test.shape[0]
    return Problem(name, X_train, Y_train, X_test, Y_test, n_left_out)

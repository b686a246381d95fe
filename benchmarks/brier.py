"""Brier scores of probabilities: raw, scaled, of a dense temperature, and of the logistic loss.

All choices are made on training rows, by the Brier score of 5 folds: alpha, and where there is one
the scale. "sparsemax" are the probabilities of `SparsemaxClassifier`, "scaled" those of
`CalibratedSparsemaxClassifierCV(method="brier")` around it, "temperature" softmax(s z) of the same
scores. "logistic" is `LogisticRegression`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import (
    CalibratedSparsemaxClassifierCV,
    EntmaxClassifier,
    SparsemaxClassifier,
    softmax,
    sparsemax,
)

from . import machine
from .clock import Clock
from .problems import digits, published_label_sets
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

N_FOLDS = 5
METHODS = ("sparsemax", "scaled", "temperature", "logistic")

NOTES = """\
Mean Brier score (sum over the classes) of test rows, times 100, over random splits into training
rows (two thirds) and test rows, with the standard error over the splits in brackets. In the second
line of a data set: the mean number of classes with a positive probability. The lowest score of a
line is bold. For rcv1, the training and test half of the sample are one split, and "logistic" is
`EntmaxClassifier(entmax_alpha=1)`, whose objective is that of `LogisticRegression`; the standard
error is that over the test rows.
"""


class Data(NamedTuple):
    """A data set, with the alphas to choose from, and the number of random splits."""

    load: Callable[[], Any]
    alphas: Sequence[float]
    n_splits: int = 20
    n_folds: int = N_FOLDS


def _rcv1() -> Any:
    """Both halves; the rows of the first one come first."""
    halves = []
    for subset in ("train", "test"):
        X, Y = published_label_sets(subset)
        Y.sort_indices()
        halves.append((X, Y.indices[Y.indptr[:-1]]))
    topics, counts = np.unique(halves[0][1], return_counts=True)
    known = [np.isin(y, topics[counts >= N_FOLDS]) for _, y in halves]
    return [(X[rows], y[rows]) for (X, y), rows in zip(halves, known, strict=True)]


DATA = {
    "digits": Data(digits, np.geomspace(1e-4, 0.1, 7)),
    "wine": Data(lambda: load_wine(return_X_y=True), np.geomspace(1e-3, 1, 7)),
    "breast cancer": Data(lambda: load_breast_cancer(return_X_y=True), np.geomspace(1e-4, 1, 9)),
    "rcv1": Data(_rcv1, np.geomspace(1e-6, 1e-3, 7), n_splits=1, n_folds=3),
}


def run(*, threads: int, out: Path, names: Sequence[str] = (), **_: Any) -> None:
    """Measure data set after data set; what is finished is written at once."""
    clock = Clock()
    for name, data in DATA.items():
        if names and name not in names:
            continue
        loaded = data.load()
        found = joblib.Parallel(n_jobs=threads if data.n_splits > 1 else 1)(
            joblib.delayed(of_split)(name, loaded, seed) for seed in range(data.n_splits)
        )
        rows = [
            {"data": name, "split": seed, **row}
            for seed, of_one in enumerate(found)
            for row in of_one
        ]
        clock.say(f"{name}: done")
        replace_rows(out / "brier.csv", rows, "data", machine.description(threads))
        write(out)


def of_split(name: str, loaded: Any, seed: int) -> list[Row]:
    """The Brier score of each method on the test rows of a split."""
    warnings.simplefilter("ignore")
    if name == "rcv1":
        (X, y), (X_test, y_test) = loaded
    else:
        X, y = loaded
        X, X_test, y, y_test = train_test_split(
            X, y, train_size=2 / 3, stratify=y, random_state=seed
        )
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
    data, rows = DATA[name], []
    folds = StratifiedKFold(data.n_folds, shuffle=True, random_state=seed)
    splits = list(folds.split(np.zeros(len(y)), y))
    classes = np.unique(y)
    targets, targets_test = (part[:, None] == classes for part in (y, y_test))
    held_out = np.concatenate([test for _, test in splits])
    # out-of-fold scores for each alpha
    scores = {
        alpha: _out_of_fold(SparsemaxClassifier(alpha, random_state=0), X, y, splits)
        for alpha in data.alphas
    }
    of_folds = targets[held_out]
    best: dict[str, tuple[float, float, float]] = {}
    for method, probabilities in (
        ("sparsemax", None),
        ("scaled", sparsemax),
        ("temperature", softmax),
    ):
        found = []
        for alpha, z in scores.items():
            if probabilities is None:
                found.append((_brier(sparsemax(z), of_folds), alpha, 1.0))
            else:
                found.append(_best_scale(probabilities, z, of_folds, alpha))
        best[method] = min(found)
    for method, (_, alpha, scale) in best.items():
        model = SparsemaxClassifier(alpha, random_state=0)
        if method == "scaled":
            p = (
                CalibratedSparsemaxClassifierCV(model, method="brier", cv=splits)
                .fit(X, y)
                .predict_proba(X_test)
            )
        else:
            z = _scores(model.fit(X, y), X_test)
            p = sparsemax(z) if method == "sparsemax" else softmax(scale * z)
        rows.append(_row(method, alpha, p, targets_test))
    found = []
    for alpha in data.alphas:
        p = _out_of_fold(_logistic(name, alpha, len(y)), X, y, splits, "predict_proba")
        found.append((_brier(p, of_folds), alpha))
    _, alpha = min(found)
    model = _logistic(name, alpha, len(y)).fit(X, y)
    rows.append(_row("logistic", alpha, model.predict_proba(X_test), targets_test))
    return rows


def _logistic(name: str, alpha: float, n_rows: int) -> Any:
    if name == "rcv1":
        return EntmaxClassifier(alpha, entmax_alpha=1, random_state=0)
    return LogisticRegression(C=1 / (alpha * n_rows), max_iter=2000)


def _out_of_fold(model: Any, X: Any, y: Any, splits: Any, method: str = "") -> np.ndarray:
    parts = []
    for train, test in splits:
        fitted = model.fit(X[train], y[train])
        parts.append(_scores(fitted, X[test]) if not method else getattr(fitted, method)(X[test]))
    return np.concatenate(parts)


def _scores(model: Any, X: Any) -> np.ndarray:
    z = model.decision_function(X)
    return np.column_stack([np.zeros_like(z), z]) if z.ndim == 1 else z


def _best_scale(
    probabilities: Any, z: np.ndarray, targets: np.ndarray, alpha: float
) -> tuple[float, float, float]:
    def brier(log_scale: float) -> float:
        return _brier(probabilities(np.exp(log_scale) * z), targets)

    found = minimize_scalar(brier, bounds=(np.log(0.02), np.log(50)), method="bounded")
    return float(found.fun), alpha, float(np.exp(found.x))


def _brier(p: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(np.sum((p - targets) ** 2, axis=1)))


def _row(method: str, alpha: float, p: np.ndarray, targets: np.ndarray) -> Row:
    of_rows = np.sum((p - targets) ** 2, axis=1)
    return {
        "method": method,
        "alpha": float(alpha),
        "brier": float(of_rows.mean()),
        "error": float(of_rows.std() / np.sqrt(of_rows.size)),
        "support": float((p > 0).sum(axis=1).mean()),
    }


def write(folder: Path) -> None:
    """``brier.md`` from ``brier.csv``."""
    rows = read_rows(folder / "brier.csv")
    if not rows:
        return
    body = []
    for name in dict.fromkeys(row["data"] for row in rows):
        scores, supports, means = [], [], []
        for method in METHODS:
            of_method = [row for row in rows if (row["data"], row["method"]) == (name, method)]
            found = np.array([row["brier"] for row in of_method])
            error = found.std(ddof=1) / np.sqrt(found.size) if found.size > 1 else 0
            means.append(found.mean())
            scores.append((found.mean(), error if found.size > 1 else of_method[0]["error"]))
            supports.append(np.mean([row["support"] for row in of_method]))
        cells = []
        for mean, error in scores:
            text = f"{100 * mean:.2f}"
            text = f"**{text}**" if mean <= min(means) * (1 + 1e-9) else text
            cells.append(f"{text} ({100 * error:.2f})")
        body.append([name, "Brier", *cells])
        body.append(["", "classes", *(f"{support:.2f}" for support in supports)])
    header = ["data", "", *METHODS]
    parts = ["# Brier scores", NOTES, "\n".join(origin_lines(folder, rows))]
    parts.append(markdown(header, body, left=2))
    (folder / "brier.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")

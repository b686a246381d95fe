"""Shortlists with a stated coverage, beside MAPIE's, on the same scores and the same splits.

Each classifier is fitted once. The rows that it has not seen are divided at random, many times,
into calibration rows and test rows. Every method gets the same scores z:
`CalibratedSparsemaxClassifierCV` as they are, MAPIE's LAC, APS and RAPS the probabilities
softmax(z).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, SparsemaxClassifier, softmax

from . import machine
from .clock import Clock
from .problems import dense_clusters, digits, published_label_sets
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

LEVELS = (0.8, 0.9, 0.95, 0.99)

NOTES = """\
Mean over the splits of the share of test rows whose class is in the shortlist, in percent, and in
brackets its standard error; then the mean size of the shortlist. The standard error is that of
independent splits, though the splits share their rows. A shortlist here is never empty: where a
classifier is right more often than the level, so is its shortlist. MAPIE's sets may be empty;
"empty" is their share in percent. The smallest mean size of a row is bold.
"""


class Data(NamedTuple):
    """Rows to fit, rows to divide, and the number of calibration rows."""

    X: Any
    y: np.ndarray
    X_unseen: Any
    y_unseen: np.ndarray
    n_calibration: int


def of_digits() -> Data:
    X, y = digits()
    X, X_unseen, y, y_unseen = train_test_split(X, y, train_size=600, random_state=0)
    return Data(X, y, X_unseen, y_unseen, 600)


def of_rcv1() -> Data:
    """Documents, each with the first of its topics, if this is a topic of the training half."""
    halves: list[Any] = []
    for subset in ("train", "test"):
        X, Y = published_label_sets(subset)
        Y.sort_indices()
        halves += [X, Y.indices[Y.indptr[:-1]]]
    X, y, X_unseen, y_unseen = halves
    known = np.isin(y_unseen, y)
    return Data(X, y, X_unseen[known], y_unseen[known], 1500)


def of_clusters() -> Data:
    X, y = dense_clusters(4000, 30, 20)
    X, X_unseen, y, y_unseen = train_test_split(X, y, train_size=2000, random_state=0)
    return Data(X, y, X_unseen, y_unseen, 1000)


DATA: dict[str, Callable[[], Data]] = {
    "digits": of_digits,
    "rcv1": of_rcv1,
    "clusters": of_clusters,
}

BASES: dict[str, Any] = {
    "SparsemaxClassifier": SparsemaxClassifier(),
    "LogisticRegression": LogisticRegression(solver="newton-cg"),
    "LinearSVC": make_pipeline(StandardScaler(with_mean=False), LinearSVC()),
}

# Coverage, mean size and share of empty sets, for each level.
Outcome = list[tuple[float, float, float]]


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose scores, or probabilities, are its features."""

    def __init__(self, classes: Any = None) -> None:
        self.classes = classes

    def fit(self, X: Any, y: Any) -> Given:
        self.classes_ = np.asarray(self.classes)
        self.n_features_in_ = X.shape[1]
        return self

    def decision_function(self, X: Any) -> Any:
        return X

    def predict_proba(self, X: Any) -> Any:
        return X

    def predict(self, X: Any) -> Any:
        return self.classes_[np.argmax(X, axis=1)]


def ours(entmax_alpha: float, model: Given, calibration: Any, test: Any) -> Outcome:
    calibrated = CalibratedSparsemaxClassifierCV(model, entmax_alpha=entmax_alpha, cv="prefit")
    calibrated.fit(*calibration)
    z, y = test
    sets = [calibrated.set_params(confidence_level=level).predict_support(z) for level in LEVELS]
    return _outcome(np.stack(sets, axis=-1), model.classes_, y)


def mapie(score: str, model: Given, calibration: Any, test: Any) -> Outcome:
    from mapie.classification import SplitConformalClassifier

    # a tenth of the calibration rows choose the regularisation of RAPS, too few for 0.99
    levels = [level for level in LEVELS if score != "raps" or level < 0.99]
    conformal = SplitConformalClassifier(
        model, confidence_level=levels, conformity_score=score, prefit=True, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        conformal.conformalize(softmax(calibration[0]), calibration[1])
        _, sets = conformal.predict_set(softmax(test[0]))
    return _outcome(sets, model.classes_, test[1])


METHODS: dict[str, Callable[[Given, Any, Any], Outcome]] = {
    "sparsemax": lambda *rows: ours(2, *rows),
    "entmax 1.5": lambda *rows: ours(1.5, *rows),
    "MAPIE LAC": lambda *rows: mapie("lac", *rows),
    "MAPIE APS": lambda *rows: mapie("aps", *rows),
    "MAPIE RAPS": lambda *rows: mapie("raps", *rows),
}


def _outcome(sets: np.ndarray, classes: np.ndarray, y: np.ndarray) -> Outcome:
    """From sets (n, K, levels)."""
    is_true = (y[:, None] == classes)[..., None]
    sizes = sets.sum(axis=1)
    covered = (sets & is_true).any(axis=1)
    return [
        (float(covered[:, j].mean()), float(sizes[:, j].mean()), float((sizes[:, j] == 0).mean()))
        for j in range(sets.shape[-1])
    ]


def run(
    *,
    threads: int,
    out: Path,
    names: Sequence[str] = (),
    n_splits: int = 200,
    n_mapie_splits: int = 40,
) -> None:
    """Measure data set after data set; what is finished is written at once."""
    clock = Clock()
    has_mapie = find_spec("mapie") is not None
    for name, load in DATA.items():
        if names and name not in names:
            continue
        data = load()
        rows: list[Row] = []
        for base, estimator in BASES.items():
            model = estimator.fit(data.X, data.y)
            z = np.asarray(model.decision_function(data.X_unseen), dtype=np.float64)
            scores = Given(model.classes_).fit(z, data.y_unseen)
            for method, measure in METHODS.items():
                is_ours = not method.startswith("MAPIE")
                if not (is_ours or has_mapie):
                    clock.say("MAPIE is not installed")
                    continue
                seeds = range(n_splits if is_ours else n_mapie_splits)
                try:
                    found = joblib.Parallel(n_jobs=threads)(
                        joblib.delayed(_of_split)(measure, scores, z, data, seed) for seed in seeds
                    )
                except ValueError as error:
                    # RAPS divides the rows of each class, and some classes have one row
                    clock.say(f"{name}, {base}: {method} failed, {error}")
                    continue
                rows += _rows(found, data=name, classifier=base, method=method)
                clock.say(f"{name}, {base}: {method}")
        replace_rows(out / "coverage.csv", rows, "data", machine.description(threads))
        write(out)


def _of_split(
    measure: Callable[[Given, Any, Any], Outcome], scores: Given, z: Any, data: Data, seed: int
) -> Outcome:
    order = np.random.default_rng(seed).permutation(len(z))
    calibration, test = order[: data.n_calibration], order[data.n_calibration :]
    y = data.y_unseen
    return measure(scores, (z[calibration], y[calibration]), (z[test], y[test]))


def _rows(found: Sequence[Outcome], **names: str) -> list[Row]:
    outcomes = np.array(found)
    return [
        {
            **names,
            "level": level,
            "splits": len(outcomes),
            "coverage": outcomes[:, j, 0].mean(),
            "error": outcomes[:, j, 0].std() / np.sqrt(len(outcomes)),
            "size": outcomes[:, j, 1].mean(),
            "empty": outcomes[:, j, 2].mean(),
        }
        for j, level in enumerate(LEVELS[: outcomes.shape[1]])
    ]


def write(folder: Path) -> None:
    """``coverage.md`` from ``coverage.csv``."""
    rows = read_rows(folder / "coverage.csv")
    if not rows:
        return
    parts = ["# Coverage", NOTES, "\n".join(origin_lines(folder, rows))]
    for name in dict.fromkeys(row["data"] for row in rows):
        of_data = [row for row in rows if row["data"] == name]
        methods = list(dict.fromkeys(row["method"] for row in of_data))
        parts += [f"## {name}", _table(of_data, methods)]
    (folder / "coverage.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _table(rows: Sequence[Row], methods: Sequence[str]) -> str:
    cases: dict[tuple[str, float], dict[str, Row]] = {}
    for row in rows:
        cases.setdefault((row["classifier"], row["level"]), {})[row["method"]] = row
    body = []
    for (classifier, level), found in cases.items():
        smallest = min(row["size"] for row in found.values())
        cells = []
        for method in methods:
            if method not in found:
                cells.append("")
                continue
            row = found[method]
            size = f"{row['size']:.2f}"
            size = f"**{size}**" if row["size"] <= smallest + 0.005 else size
            empty = f", {100 * row['empty']:.1f} empty" if row["empty"] > 0 else ""
            cells.append(f"{100 * row['coverage']:.1f} ({100 * row['error']:.2f}); {size}{empty}")
        body.append([classifier, f"{100 * level:g}", *cells])
    return markdown(["classifier", "level", *methods], body, left=1)

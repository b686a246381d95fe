"""Which loss for label sets? One recipe for five data sets, tuned on training rows alone.

Each of the five losses with one cut for all labels, and with a cut for each label. The penalty and
the cut are chosen together by shuffled folds: for each penalty, `TunedMultilabelThresholdCV` finds
the best cut and its score. This is done for micro-F1, and again for macro-F1 (the mean over the
labels, as in scikit-learn).

The training half itself is divided by repeated folds. In each, everything is chosen on the other
folds, and the score is that of the rows held out. Losses are compared by the means of these scores.
The test half has no influence on this; its score stands beside.

Dense features are standardised. Rows without a label are left out, as in the paper. The files are
read from scikit-learn's data home, or downloaded to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import joblib
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_sparsemax as package
from sklearn_sparsemax import TunedMultilabelThresholdCV, datasets

from . import machine
from .clock import Clock
from .problems import published_label_sets
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

LOSSES = {
    "logistic": package.MultilabelLogisticClassifier,
    "binary_sparsemax": package.MultilabelBinarySparsemaxClassifier,
    "softmax": package.MultilabelSoftmaxClassifier,
    "entmax15": package.MultilabelEntmaxClassifier,
    "sparsemax": package.MultilabelSparsemaxClassifier,
}
CUTS = {"one": False, "each label": True}
CRITERIA = {"micro": "f1_micro", "macro": "f1_macro"}


class Data(NamedTuple):
    """A name, penalties to choose from, and how the rows of the training half are divided."""

    name: str
    alphas: Sequence[float]
    inner_folds: int = 5
    outer_folds: int = 5
    repeats: int = 2


SMALL_ALPHAS = tuple(10.0 ** np.arange(-2, 0.6, 0.5))
DATA = (
    Data("scene", SMALL_ALPHAS),
    Data("emotions", SMALL_ALPHAS),
    Data("birds", SMALL_ALPHAS),
    Data("cal500", SMALL_ALPHAS, repeats=1),
    Data("rcv1", tuple(10.0 ** np.arange(-6, -3.9, 0.5)), inner_folds=3, outer_folds=3, repeats=1),
)

NOTES = """\
F1 in percent. "folds": mean over the folds of the training half that were held out, each with
everything chosen on the other rows, and in brackets the standard deviation over the folds. "test":
on the test half, with everything chosen on the training half. "cut": one for all labels, or one for
each. Each score is tuned for on its own. The best of a column is bold.
"""


class FitOnce(ClassifierMixin, BaseEstimator):
    """An estimator that is fitted once to the same rows, however often it is asked to.

    The cuts and scores of a loss are chosen among the same fits.
    """

    fits: ClassVar[dict[str, Any]] = {}

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()

    def fit(self, X: Any, y: Any) -> FitOnce:
        model = self.estimator[-1]
        key = joblib.hash((type(model).__name__, model.alpha, X, y))
        if key not in self.fits:
            self.fits[key] = self.estimator.fit(X, y)
        self.fitted_ = self.fits[key]
        self.classes_ = self.fitted_.classes_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.fitted_.predict_proba(X)


def halves(name: str) -> tuple[Any, Any, Any, Any]:
    """X and Y of the training rows and of the test rows that have a label."""
    found: list[Any] = []
    for subset in ("train", "test"):
        if name == "rcv1":
            X, Y = published_label_sets(subset)
            Y = Y.toarray()
        else:
            X, Y = getattr(datasets, f"fetch_{name}")(subset=subset, return_X_y=True)
        rows = Y.any(axis=1)
        found += [X[rows], Y[rows]]
    return tuple(found)


def tuned(
    loss: str, data: Data, X: Any, Y: np.ndarray, scoring: str, per_label: bool
) -> TunedMultilabelThresholdCV:
    """The best of the penalties, each with its best cut."""
    folds = KFold(data.inner_folds, shuffle=True, random_state=0)
    scaler = StandardScaler(with_mean=not sparse.issparse(X), with_std=not sparse.issparse(X))
    models = [
        TunedMultilabelThresholdCV(
            FitOnce(make_pipeline(scaler, LOSSES[loss](alpha, threshold=0, random_state=0))),
            scoring=scoring,
            per_label=per_label,
            cv=folds,
        ).fit(X, Y)
        for alpha in data.alphas
    ]
    return max(models, key=lambda model: model.best_score_)


def scores(
    loss: str, data: Data, X: Any, Y: np.ndarray, X_unseen: Any, Y_unseen: np.ndarray
) -> list[Row]:
    """F1 of rows that had no part in any choice, for each cut and criterion."""
    FitOnce.fits.clear()
    rows: list[Row] = []
    for criterion, scoring in CRITERIA.items():
        for cut, per_label in CUTS.items():
            model = tuned(loss, data, X, Y, scoring, per_label)
            predicted = model.predict(X_unseen)
            rows.append(
                {
                    "loss": loss,
                    "cut": cut,
                    "criterion": criterion,
                    "alpha": model.estimator_.estimator[-1].alpha,
                    "score": f1_score(Y_unseen, predicted, average=criterion, zero_division=0.0),
                }
            )
    FitOnce.fits.clear()
    return rows


def run(*, threads: int, out: Path, names: Sequence[str] = (), data: Sequence[Data] = DATA) -> None:
    """Measure data set after data set; what is finished is written at once."""
    clock = Clock()
    for each in (each for each in data if not names or each.name in names):
        X, Y, X_test, Y_test = halves(each.name)
        divided = RepeatedKFold(n_splits=each.outer_folds, n_repeats=each.repeats, random_state=1)
        tasks = [
            (loss, "folds", X[train], Y[train], X[held_out], Y[held_out])
            for loss in LOSSES
            for train, held_out in divided.split(Y)
        ] + [(loss, "test", X, Y, X_test, Y_test) for loss in LOSSES]
        found = joblib.Parallel(n_jobs=threads, batch_size=1)(
            joblib.delayed(scores)(loss, each, *arrays) for loss, _, *arrays in tasks
        )
        rows = [
            {"data": each.name, "rows": len(Y), "labels": Y.shape[1], "of": task[1], **row}
            for task, of_task in zip(tasks, found, strict=True)
            for row in of_task
        ]
        replace_rows(out / "recipe.csv", rows, "data", machine.description(threads))
        write(out)
        clock.say(f"{each.name}: {len(tasks)} times all cuts and scores")


def write(folder: Path) -> None:
    """``recipe.md`` from ``recipe.csv``."""
    rows = read_rows(folder / "recipe.csv")
    if not rows:
        return
    parts = ["# Losses for label sets", NOTES, "\n".join(origin_lines(folder, rows))]
    names = list(dict.fromkeys(row["data"] for row in rows))
    for name in names:
        of_data = [row for row in rows if row["data"] == name]
        facts = f"{of_data[0]['rows']:,} training rows with a label, {of_data[0]['labels']} labels."
        parts += [f"## {name}", facts, _table(of_data)]
    if len(names) > 1:
        parts += ["## Means over the data sets", _table_of_means(rows, names)]
    (folder / "recipe.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


COLUMNS = [(criterion, of) for criterion in CRITERIA for of in ("folds", "test")]
HEADER = ["loss", "cut", *(f"{criterion}-F1, {of}" for criterion, of in COLUMNS)]


def _table(rows: Sequence[Row]) -> str:
    cases = _cases(rows)
    means = {case: [100 * np.mean(values) for values in found] for case, found in cases.items()}
    spreads = {case: [100 * np.std(values) for values in found] for case, found in cases.items()}
    texts = {
        case: [
            f"{mean:.1f} ({spread:.1f})" if of == "folds" else f"{mean:.1f}"
            for mean, spread, (_, of) in zip(means[case], spreads[case], COLUMNS, strict=True)
        ]
        for case in cases
    }
    return _with_best(means, texts)


def _table_of_means(rows: Sequence[Row], names: Sequence[str]) -> str:
    by_data = [_cases([row for row in rows if row["data"] == name]) for name in names]
    means = {
        case: [100 * np.mean([np.mean(found[case][j]) for found in by_data]) for j in range(4)]
        for case in by_data[0]
    }
    return _with_best(means, {case: [f"{mean:.1f}" for mean in means[case]] for case in means})


def _cases(rows: Sequence[Row]) -> dict[tuple[str, str], list[list[float]]]:
    """Scores of each loss and cut, a list for each column."""
    return {
        (loss, cut): [
            [
                row["score"]
                for row in rows
                if (row["loss"], row["cut"], row["criterion"], row["of"])
                == (loss, cut, criterion, of)
            ]
            for criterion, of in COLUMNS
        ]
        for loss in LOSSES
        for cut in CUTS
    }


def _with_best(
    means: dict[tuple[str, str], list[float]], texts: dict[tuple[str, str], list[str]]
) -> str:
    best = np.max(list(means.values()), axis=0)
    body = [
        [
            *case,
            *(
                f"**{text}**" if round(mean, 1) == round(top, 1) else text
                for mean, top, text in zip(means[case], best, texts[case], strict=True)
            ),
        ]
        for case in means
    ]
    return markdown(HEADER, body, left=2)

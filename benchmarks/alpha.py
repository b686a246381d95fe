"""Which default of `alpha` loses least, against the best alpha of each data set.

The score is the mean over folds: accuracy, micro-F1 of label sets, or 1 minus the Jensen-Shannon
divergence of proportions, all in points of 100. The loss of a rule on a data set is the best score
of the grid minus the score of the rule. Features are left as they are where rows have unit length
or pixels have one scale, and for "raw" data. Elsewhere they are standardised.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets as shipped
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import scale

import sklearn_sparsemax as package
from sklearn_sparsemax.metrics import jensen_shannon_divergence

from . import machine
from .clock import Clock
from .problems import MissingDataError, mnist, rcv1_classes, rcv1_label_sets
from .streams import documentation
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

N_FOLDS = 4
# The weakest penalties need thousands of iterations to 1e-3, which change no score.
MAX_ITER = 200
GRID = tuple(10.0 ** np.arange(-6, 0.5, 0.5))
RULES: dict[str, Callable[[int], float]] = {
    "1e-2": lambda n: 1e-2,
    "3e-3": lambda n: 10**-2.5,
    "1e-3": lambda n: 1e-3,
    "3e-4": lambda n: 10**-3.5,
    "1e-4": lambda n: 1e-4,
    "1e-5": lambda n: 1e-5,
    "1/n": lambda n: 1 / n,
}

NOTES = """\
Points lost against the best alpha of a grid of half decades from 1e-6 to 1, by 4-fold
cross-validation with tol=1e-3. n is the number of training rows of a fold.
"""


class Data(NamedTuple):
    """A data set, and the estimators that it is for."""

    kind: str
    load: Callable[[], tuple[Any, Any]]


def some(load: Callable[[], tuple[Any, Any]], n_rows: int) -> Callable[[], tuple[Any, Any]]:
    """A random part of the rows."""

    def part() -> tuple[Any, Any]:
        X, y = load()
        rows = np.random.default_rng(0).permutation(X.shape[0])[:n_rows]
        X, y = X[rows], y[rows]
        if y.ndim == 1:  # folds need a few rows of each class
            counts = np.unique(y, return_counts=True)
            kept = np.isin(y, counts[0][counts[1] >= N_FOLDS])
            X, y = X[kept], y[kept]
        return X, y

    return part


def standardised(load: Callable[..., Any]) -> Callable[[], tuple[Any, Any]]:
    def scaled() -> tuple[Any, Any]:
        X, y = load(return_X_y=True)
        return scale(X), y

    return scaled


def generated(n_rows: int, n_classes: int, flip_y: float) -> Callable[[], tuple[Any, Any]]:
    return lambda: shipped.make_classification(
        n_rows, 40, n_informative=15, n_classes=n_classes, flip_y=flip_y, random_state=0
    )


def benchmark(name: str) -> Callable[[], tuple[Any, Any]]:
    """The training half of a multilabel benchmark, its rows without labels left out."""

    def load() -> tuple[Any, Any]:
        from sklearn_sparsemax import datasets

        try:
            X, Y = getattr(datasets, f"fetch_{name}")(
                subset="train", return_X_y=True, download_if_missing=False
            )
        except OSError as error:
            raise MissingDataError(str(error)) from error
        rows = Y.any(axis=1)
        return scale(X[rows]), Y[rows]

    return load


def proportions(n_rows: int, n_classes: int) -> Callable[[], tuple[Any, Any]]:
    from sklearn_sparsemax.datasets import make_label_proportions

    def scaled() -> tuple[Any, Any]:
        X, y = make_label_proportions(
            n_rows, n_classes=n_classes, n_features=100, normalize=True, random_state=0
        )
        return scale(X), y

    return scaled


DATA = {
    "iris": Data("classes", standardised(shipped.load_iris)),
    "iris, raw": Data("classes", lambda: shipped.load_iris(return_X_y=True)),
    "wine": Data("classes", standardised(shipped.load_wine)),
    "breast cancer": Data("classes", standardised(shipped.load_breast_cancer)),
    "digits": Data("classes", standardised(shipped.load_digits)),
    "digits, pixels": Data(
        "classes", lambda: (shipped.load_digits().data / 16, shipped.load_digits().target)
    ),
    "digits, 100 rows": Data("classes", some(standardised(shipped.load_digits), 100)),
    "generated, 300 rows": Data("classes", generated(300, 3, 0.05)),
    "generated, 3,000 rows": Data("classes", generated(3000, 5, 0.2)),
    "generated, 100,000 rows": Data("classes", generated(100_000, 5, 0.2)),
    "mnist, 500 rows": Data("classes", some(lambda: mnist(10_000), 500)),
    "mnist, 10,000 rows": Data("classes", lambda: mnist(10_000)),
    "rcv1, 500 rows": Data("classes", some(rcv1_classes, 500)),
    "rcv1, 3,000 rows": Data("classes", some(rcv1_classes, 3000)),
    "rcv1, 22,490 rows": Data("classes", some(rcv1_classes, 22_490)),
    "documentation, 500 rows": Data("classes", some(documentation, 500)),
    "documentation, 3,000 rows": Data("classes", some(documentation, 3000)),
    "documentation, all rows": Data("classes", documentation),
    "emotions": Data("label sets", benchmark("emotions")),
    "scene": Data("label sets", benchmark("scene")),
    "birds": Data("label sets", benchmark("birds")),
    "cal500": Data("label sets", benchmark("cal500")),
    "rcv1 label sets, 1,000 rows": Data("label sets", some(rcv1_label_sets, 1000)),
    "rcv1 label sets, 10,000 rows": Data("label sets", some(rcv1_label_sets, 10_000)),
    "proportions, 200 rows": Data("proportions", proportions(200, 5)),
    "proportions, 2,000 rows": Data("proportions", proportions(2000, 10)),
}
ESTIMATORS = {
    "classes": (package.SparsemaxClassifier,),
    "label sets": (
        package.MultilabelSparsemaxClassifier,
        package.MultilabelLogisticClassifier,
    ),
    "proportions": (package.SparsemaxRegressor, package.SoftmaxRegressor),
}


def score(kind: str, model: Any, X: Any, y: Any) -> float:
    predicted = model.predict(X)
    if kind == "classes":
        return 100 * accuracy_score(y, predicted)
    if kind == "label sets":
        return 100 * f1_score(y, predicted, average="micro", zero_division=0)
    return 100 * (1 - jensen_shannon_divergence(y, predicted))


def scores_of(kind: str, make: Any, X: Any, y: Any) -> dict[float, float]:
    """Mean score over the folds for each alpha of the grid and of the rules."""
    folds = StratifiedKFold if kind == "classes" else KFold
    splits = list(folds(N_FOLDS, shuffle=True, random_state=0).split(np.zeros(len_of(y)), y_of(y)))
    alphas = sorted({*GRID, *(rule(len(splits[0][0])) for rule in RULES.values())}, reverse=True)
    total = dict.fromkeys(alphas, 0.0)
    for train, test in splits:
        model = make(tol=1e-3, max_iter=MAX_ITER, warm_start=True, random_state=0)
        for alpha in alphas:
            model = clone(model).set_params(alpha=alpha)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X[train], y[train])
            total[alpha] += score(kind, model, X[test], y[test]) / N_FOLDS
    return total


def len_of(y: Any) -> int:
    return y.shape[0]


def y_of(y: Any) -> Any:
    return y if y.ndim == 1 else None


def run(*, threads: int, out: Path, data: dict[str, Data] | None = None, **_: Any) -> None:
    """Measure set after set; what is finished is written at once."""
    clock = Clock()
    for name, (kind, load) in (DATA if data is None else data).items():
        try:
            X, y = load()
        except MissingDataError as error:
            clock.say(f"{name}: skipped, {error}")
            continue
        rows: list[Row] = []
        for make in ESTIMATORS[kind]:
            found = scores_of(kind, make, X, y)
            n_train = len_of(y) - -(-len_of(y) // N_FOLDS)
            best = max(found, key=lambda alpha: found[alpha])
            losses = {
                rule: found[best] - found[min(found, key=lambda a: abs(np.log(a / of_n(n_train))))]
                for rule, of_n in RULES.items()
            }
            rows.append(
                {
                    "data": name,
                    "estimator": make.__name__,
                    "kind": kind,
                    "rows": len_of(y),
                    "best_alpha": best,
                    "best_score": round(found[best], 3),
                    **{rule: round(loss, 3) for rule, loss in losses.items()},
                }
            )
        clock.say(f"{name}: done")
        replace_rows(out / "alpha.csv", rows, "data", machine.description(threads))
    write(out)


def write(folder: Path) -> None:
    """``alpha.md`` from ``alpha.csv``."""
    rows = read_rows(folder / "alpha.csv")
    if not rows:
        return
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    summary = []
    for kind in [*kinds, "all"]:
        of_kind = [row for row in rows if kind in ("all", row["kind"])]
        for name, function in (("mean", np.mean), ("worst", np.max)):
            losses = (function([row[rule] for row in of_kind]) for rule in RULES)
            summary.append([kind, name, *(f"{loss:.2f}" for loss in losses)])
    body = [
        [
            row["data"],
            row["estimator"],
            f"{row['rows']:,}",
            f"{row['best_alpha']:.0e}",
            f"{row['best_score']:.1f}",
            *(f"{row[rule]:.1f}" for rule in RULES),
        ]
        for row in rows
    ]
    header = ["data", "estimator", "rows", "best alpha", "best score", *RULES]
    parts = [
        "# The default of alpha",
        NOTES,
        "\n".join(origin_lines(folder, rows)),
        markdown(["data", "loss", *RULES], summary, left=2),
        markdown(header, body, left=2),
    ]
    (folder / "alpha.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")

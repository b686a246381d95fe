"""Choice of alpha by cross-validation: a path, beside an exhaustive search over the same grid.

The data are divided into training rows and rows that are held out. `SparsemaxClassifierCV` chooses
one of 20 alphas by 5 folds of the training rows. `GridSearchCV` does so too, with the same
estimator, grid, folds, score and tolerance. `LogisticRegressionCV` gets the same grid as C =
1 / (alpha n), and one process for a fold; its folds are stopped at the limit of time.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, train_test_split

import sklearn_sparsemax as package

from . import machine
from .clock import Clock
from .problems import digits, mnist, mnist_test, published_label_sets
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

N_ALPHAS = 20
N_FOLDS = 5

NOTES = """\
Seconds to choose one of 20 alphas by 5 folds, and to fit all training rows in the end: the median
of the repeats, which take turns. With one thread, "CPU seconds" are those of the process, which do
not depend on what else the machine does; "times the path" is then their ratio. "held out" is the
score, in percent, on rows that had no part in the search, and in brackets its standard error: the
accuracy, or the micro-F1 for label sets (bootstrap). `LogisticRegressionCV` is measured on as many
folds as there are threads, and its seconds are those for 5 folds. ">" is a lower bound: the folds
were stopped at the limit of time.
"""


class Data(NamedTuple):
    """Training rows, and rows that are held out."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    label_sets: bool = False


def of_digits() -> Data:
    X, X_test, y, y_test = train_test_split(*digits(), train_size=0.7, random_state=0)
    return Data(X, y, X_test, y_test)


def of_mnist() -> Data:
    return Data(*mnist(10_000), *mnist_test())


def of_rcv1() -> Data:
    """Documents, each with the first of its topics, if this has five rows in the training half."""
    halves: list[Any] = []
    for subset in ("train", "test"):
        X, Y = published_label_sets(subset)
        Y.sort_indices()
        halves.append((X, Y.indices[Y.indptr[:-1]]))
    topics, counts = np.unique(halves[0][1], return_counts=True)
    known = [np.isin(y, topics[counts >= N_FOLDS]) for _, y in halves]
    return Data(*(part[rows] for half, rows in zip(halves, known, strict=True) for part in half))


def of_emotions() -> Data:
    from sklearn_sparsemax.datasets import fetch_emotions

    parts: list[Any] = []
    for subset in ("train", "test"):
        parts += fetch_emotions(subset=subset, return_X_y=True, download_if_missing=False)
    X, y, X_test, y_test = map(np.asarray, parts)
    mean, scale = X.mean(axis=0), X.std(axis=0)
    return Data((X - mean) / scale, y, (X_test - mean) / scale, y_test, True)


DATA: dict[str, Callable[[], Data]] = {
    "digits": of_digits,
    "mnist-10k": of_mnist,
    "rcv1": of_rcv1,
    "emotions": of_emotions,
}
# Where a search by LogisticRegressionCV is measured too.
WITH_LOGISTIC = ("rcv1",)


def run(
    *,
    repeats: int,
    threads: int,
    budget: float,
    out: Path,
    names: Sequence[str] = (),
    with_logistic: Sequence[str] = WITH_LOGISTIC,
) -> None:
    """Measure data set after data set; what is finished is written at once."""
    warnings.simplefilter("ignore")
    clock = Clock()
    for name, load in DATA.items():
        if names and name not in names:
            continue
        data = load()
        label = f"{name}, {threads} {'thread' if threads == 1 else 'threads'}"
        folds = (KFold if data.label_sets else StratifiedKFold)(
            N_FOLDS, shuffle=True, random_state=0
        )
        searches = {"path": _path, "GridSearchCV": _grid}
        # processes start, and load compiled code, before anything is measured
        few = slice(0, 400)
        alphas = _path(data._replace(X=data.X[few], y=data.y[few]), KFold(2), threads).alphas_
        for search in searches.values():
            search(data._replace(X=data.X[few], y=data.y[few]), KFold(2), threads, alphas)
        alphas = None
        rows: list[Row] = []
        for _ in range(repeats):
            for method, search in searches.items():
                start, used = time.perf_counter(), time.process_time()
                model = search(data, folds, threads, alphas)
                seconds, used = time.perf_counter() - start, time.process_time() - used
                alphas = getattr(model, "alphas_", alphas)
                clock.say(f"{name}: {method}, {seconds:.1f} s")
                rows.append({"data": label, "method": method, "seconds": seconds})
                if threads == 1:
                    rows[-1]["cpu"] = used
                rows[-1] |= _quality(model, data)
        if name in with_logistic:
            rows.append({"data": label, **_logistic(data, folds, alphas, threads, budget)})
            clock.say(f"{name}: LogisticRegressionCV, {rows[-1]['seconds']:.1f} s")
        replace_rows(out / "paths.csv", rows, "data", machine.description(threads))
        write(out)


def _path(data: Data, folds: Any, threads: int, alphas: Any = None) -> Any:
    make = (
        package.MultilabelSparsemaxClassifierCV
        if data.label_sets
        else package.SparsemaxClassifierCV
    )
    alphas = N_ALPHAS if alphas is None else alphas
    return make(alphas, cv=folds, n_jobs=threads, random_state=0).fit(data.X, data.y)


def _grid(data: Data, folds: Any, threads: int, alphas: Any) -> Any:
    make = package.MultilabelSparsemaxClassifier if data.label_sets else package.SparsemaxClassifier
    scoring = "f1_micro" if data.label_sets else None
    search = GridSearchCV(
        make(random_state=0), {"alpha": alphas}, cv=folds, n_jobs=threads, scoring=scoring
    )
    return search.fit(data.X, data.y)


def _quality(model: Any, data: Data) -> Row:
    """The choice, its score by the folds, and the score on the rows that are held out."""
    alpha = getattr(model, "alpha_", None) or model.best_params_["alpha"]
    predicted = model.predict(data.X_test)
    score, error = _score(np.asarray(data.y_test), np.asarray(predicted))
    return {
        "alpha": float(alpha),
        "by_folds": float(model.best_score_),
        "held_out": score,
        "error": error,
    }


def _score(y: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    if y.ndim == 1:
        right = y == predicted
        return float(right.mean()), float(right.std() / np.sqrt(right.size))
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(200):
        rows = rng.integers(len(y), size=len(y))
        drawn.append(f1_score(y[rows], predicted[rows], average="micro"))
    return float(f1_score(y, predicted, average="micro")), float(np.std(drawn))


def _logistic(data: Data, folds: Any, alphas: Any, threads: int, budget: float) -> Row:
    """Seconds of all folds, from those of the first ones side by side."""
    splits = list(folds.split(data.X, data.y))[:threads]
    context = multiprocessing.get_context("spawn")
    Cs = 1 / (np.asarray(alphas) * data.X.shape[0])
    workers = [
        context.Process(target=_one_fold, args=(data.X, data.y, split, Cs)) for split in splits
    ]
    start, used = time.perf_counter(), _seconds_of_children()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, budget - (time.perf_counter() - start)))
    seconds = time.perf_counter() - start
    stopped = any(worker.is_alive() for worker in workers)
    for worker in workers:
        worker.kill()
        worker.join()
    rounds = N_FOLDS / len(splits)
    return {
        "method": "LogisticRegressionCV",
        "seconds": rounds * seconds,
        "cpu": rounds * (_seconds_of_children() - used),
        "bound": "lower" if stopped else "folds alone",
    }


def _seconds_of_children() -> float:
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _one_fold(X: Any, y: Any, split: Any, Cs: np.ndarray) -> None:
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        LogisticRegressionCV(Cs=np.sort(Cs), cv=[split], refit=False).fit(X, y)


def write(folder: Path) -> None:
    """``paths.md`` from ``paths.csv``."""
    rows = read_rows(folder / "paths.csv")
    if not rows:
        return
    body = []
    for name in dict.fromkeys(row["data"] for row in rows):
        of_data: dict[str, list[Row]] = {}
        for row in rows:
            if row["data"] == name:
                of_data.setdefault(row["method"], []).append(row)
        unit = "cpu" if "cpu" in of_data["path"][0] else "seconds"
        ours = median(row[unit] for row in of_data["path"])
        for method, runs in of_data.items():
            seconds = median(row["seconds"] for row in runs)
            sign = "> " if runs[0].get("bound") == "lower" else ""
            cells = ["", "", ""]
            if "alpha" in runs[0]:
                row = runs[0]
                held_out = f"{100 * row['held_out']:.2f} ({100 * row['error']:.2f})"
                cells = [f"{row['alpha']:.2e}", f"{100 * row['by_folds']:.2f}", held_out]
            used = median(row[unit] for row in runs)
            cpu = f"{sign}{used:.1f}" if unit == "cpu" else ""
            times = f"{sign}{used / ours:.1f}"
            body.append([name, method, f"{sign}{seconds:.1f}", cpu, times, *cells])
    header = ["data", "search", "seconds", "CPU seconds", "times the path"]
    header += ["alpha", "by folds", "held out"]
    parts = ["# Choice of alpha", NOTES, "\n".join(origin_lines(folder, rows))]
    parts.append(markdown(header, body, left=2))
    (folder / "paths.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")

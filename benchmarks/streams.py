"""One pass over a stream, whose rows come in different orders: accuracy on test rows.

Streams are read in chunks of 100 rows, each row once. `SGDClassifier` gets the same chunks with
`shuffle=False`, since it would shuffle the rows of a call otherwise.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import SGDSparsemaxClassifier

from . import machine
from .clock import Clock
from .problems import MissingDataError, digits, mnist, rcv1_classes
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

CHUNK = 100
RUN = 100
ALPHA = 1e-4
SEEDS = (0, 1, 2)
ORDERS = ("shuffled", "runs", "sorted", "drifting")

NOTES = """\
Accuracy in per cent on held-out rows after one pass, alpha = 1e-4, means over three seeds.
Rows come

- shuffled: in random order;
- runs: 100 rows of the same class after each other, the runs in random order;
- sorted: all rows of a class after each other, class after class;
- drifting: shuffled, while the features turn slowly. The test rows are those of the end.

"documentation" are the docstrings of installed packages, to be told apart; "rcv1" has 36 topics.
"""


@cache
def documentation() -> tuple[Any, Any]:
    """The beginnings of docstrings, and the package of each; at most 700 of one package."""
    folder = Path(sysconfig.get_paths()["purelib"])
    rng = np.random.default_rng(0)
    texts: list[str] = []
    packages: list[str] = []
    for package in sorted(path for path in folder.iterdir() if (path / "__init__.py").exists()):
        own = []
        for path in sorted(package.rglob("*.py")):
            try:
                tree = ast.parse(path.read_text("utf-8"))
            except (SyntaxError, ValueError):
                continue
            nodes = (node for node in ast.walk(tree) if isinstance(node, Documented))
            own += [text[:300] for text in map(ast.get_docstring, nodes) if text and len(text) > 40]
        if len(own) >= 200:
            kept = rng.permutation(len(own))[:700]
            texts += [own[i] for i in kept]
            packages += [package.name] * len(kept)
    X = TfidfVectorizer(min_df=3, sublinear_tf=True).fit_transform(texts)
    return X.tocsr(), np.unique(packages, return_inverse=True)[1]


Documented = (ast.FunctionDef, ast.ClassDef)

STREAMS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "digits": digits,
    "mnist": lambda: mnist(10_000),
    "rcv1": rcv1_classes,
    "documentation": documentation,
}


def order_of(kind: str, y: Any, rng: np.random.Generator) -> Any:
    """Places of the rows in the stream."""
    rows = rng.permutation(len(y))
    if kind in ("shuffled", "drifting"):
        return rows
    by_class = rows[np.argsort(y[rows], kind="stable")]
    if kind == "sorted":
        return by_class
    ends = np.cumsum(np.bincount(y))
    runs = [
        run
        for of_class in np.split(by_class, ends[:-1])
        for run in np.split(of_class, range(RUN, len(of_class), RUN))
    ]
    return np.concatenate([runs[i] for i in rng.permutation(len(runs))])


def drifted(seed: int) -> tuple[Any, Any]:
    """Gaussian classes whose centres move to new places along the stream; the end comes last."""
    rng = np.random.default_rng(seed)
    n_classes, n_features = 10, 50
    start, end = rng.normal(size=(2, n_classes, n_features))
    y = rng.integers(n_classes, size=12_000)
    part = np.concatenate([np.linspace(0, 1, 10_000), np.ones(2_000)])[:, None]
    X = 0.8 * ((1 - part) * start[y] + part * end[y]) + rng.normal(size=(12_000, n_features)) * 2
    return X, y


def peers(seed: int) -> dict[str, Any]:
    theirs = {"alpha": ALPHA, "average": True, "shuffle": False, "random_state": seed}
    return {
        "SGDSparsemaxClassifier": SGDSparsemaxClassifier(alpha=ALPHA),
        "the same, average=False": SGDSparsemaxClassifier(alpha=ALPHA, average=False),
        "SGDClassifier, log_loss": SGDClassifier(loss="log_loss", **theirs),
        "SGDClassifier, modified_huber": SGDClassifier(loss="modified_huber", **theirs),
    }


def accuracies(X: Any, y: Any, X_test: Any, y_test: Any, seed: int) -> dict[str, float]:
    """Accuracy of each peer after one pass over the rows in their order."""
    found = {}
    classes = np.unique(np.concatenate([y, y_test]))
    for name, model in peers(seed).items():
        for first in range(0, len(y), CHUNK):
            rows = slice(first, first + CHUNK)
            model.partial_fit(X[rows], y[rows], classes=classes)
        found[name] = 100 * model.score(X_test, y_test)
    return found


def run(*, threads: int, out: Path, seeds: tuple[int, ...] = SEEDS, **_: Any) -> None:
    """Measure stream after stream; what is finished is written at once."""
    clock = Clock()
    for name, load in STREAMS.items():
        try:
            X, y = load()
        except MissingDataError as error:
            clock.say(f"{name}: skipped, {error}")
            continue
        rows: list[Row] = []
        for seed in seeds:
            X_train, X_test, y_train, y_test = train_test_split(
                X, y, test_size=0.3, random_state=seed
            )
            for kind in ORDERS[:3]:
                order = order_of(kind, y_train, np.random.default_rng(seed))
                found = accuracies(X_train[order], y_train[order], X_test, y_test, seed)
                rows += [_row(name, kind, seed, *item) for item in found.items()]
        clock.say(f"{name}: done")
        replace_rows(out / "streams.csv", rows, "stream", machine.description(threads))
    rows = []
    for seed in seeds:
        X, y = drifted(seed)
        found = accuracies(X[:10_000], y[:10_000], X[10_000:], y[10_000:], seed)
        rows += [_row("drifting clusters", "drifting", seed, *item) for item in found.items()]
    replace_rows(out / "streams.csv", rows, "stream", machine.description(threads))
    write(out)


def _row(stream: str, order: str, seed: int, model: str, accuracy: float) -> Row:
    return {
        "stream": stream,
        "order": order,
        "seed": seed,
        "model": model,
        "accuracy": round(accuracy, 3),
    }


def write(folder: Path) -> None:
    """``streams.md`` from ``streams.csv``."""
    rows = read_rows(folder / "streams.csv")
    if not rows:
        return
    cells: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        of_stream = cells.setdefault((row["stream"], row["order"]), {})
        of_stream.setdefault(row["model"], []).append(row["accuracy"])
    models = list(dict.fromkeys(row["model"] for row in rows))
    body = [
        [*key, *(f"{np.mean(by_model[model]):.1f}" for model in models)]
        for key, by_model in cells.items()
    ]
    parts = [
        "# Streams in different orders",
        NOTES,
        "\n".join(origin_lines(folder, rows)),
        markdown(["stream", "order", *models], body, left=2),
    ]
    (folder / "streams.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")

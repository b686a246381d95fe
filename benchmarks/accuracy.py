"""Seconds to test accuracy: whole fits by default stopping rules, at the best of a small grid."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.metrics import f1_score

from . import machine, problems
from .clock import Clock
from .learners import LEARNERS, OURS, Learner
from .report import Timing, longer_than, of_seconds, ratio
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

NOTES = """\
Each learner has a grid of four values of its own parameter, over three orders of magnitude. The
value is chosen by the score of a fifth of the training rows, which are held out; "at the edge" says
that the first or the last value is best. The chosen one is then fitted to all training rows, which
is timed, and scored on the test rows. The score is the share of right classes, in percent, or
micro-F1 for label sets. Everything else has the default of its library, the stopping rule too, but
intercepts are fitted and all threads used. "search": seconds of the fits of the whole grid to four
fifths of the rows. Medians over repeats, with the lowest and the highest in brackets. The last
column are multiples of the time of `SparsemaxClassifier`. A fit longer than the budget is given up;
"> 60" says that all values of the grid took longer.
"""
NEAR_THE_BEST = 0.5
WARM_UP_ROWS = 500

Part = Callable[[], tuple[Any, Any]]


class Data(NamedTuple):
    """Rows to learn from, and rows for the test. `large` data are run only if they are named."""

    name: str
    train: Part
    test: Part
    label_sets: bool = False
    large: bool = False


def _generated(name: str, train: Any, large: bool = False) -> Data:
    """Other documents of the same classes for the test."""
    return Data(name, train, partial(train, n=5_000, seed=1), large=large)


_mnist_test = partial(problems.mnist, 10_000, subset="test")
DATA = {
    data.name: data
    for data in (
        Data(
            "digits",
            partial(problems.part_of_digits, test=False),
            partial(problems.part_of_digits, test=True),
        ),
        Data("mnist-10k", partial(problems.mnist, 10_000), _mnist_test),
        Data("rcv1-classes", problems.rcv1_classes, problems.rcv1_classes_of_test),
        Data(
            "rcv1-label-sets",
            problems.rcv1_label_sets,
            partial(problems.published_label_sets, "test"),
            label_sets=True,
        ),
        _generated("wide", problems.WIDE),
        Data("mnist-60k", partial(problems.mnist, 60_000), _mnist_test, large=True),
        _generated("topics-1500", problems.TOPICS_1500, large=True),
        _generated("topics-10000", problems.TOPICS_10000, large=True),
        Data("rcv1-full-size", problems.rcv1_full_size, problems.rcv1_classes_of_test, large=True),
    )
}


class Learning:
    """Fits of a learner, in a process of its own."""

    def __init__(self, data: Data, learner: Learner) -> None:
        self.data = data
        self.learner = learner
        self.X, self.y = data.train()
        self.model: Any = None

    def describe(self) -> dict[str, Any]:
        """Sizes of the data."""
        X, y = self.X, self.y
        n_outputs = y.shape[1] if sparse.issparse(y) else len(np.unique(y))
        return {"rows": X.shape[0], "features": X.shape[1], "outputs": n_outputs}

    def warm_up(self) -> None:
        """A fit to few rows: imports and compilation. What goes wrong shows in the fits."""
        rows = slice(WARM_UP_ROWS)
        try:
            self._fit(self.learner.grid[-1], self.X[rows], self.y[rows])
            self._score(self.X[rows], self.y[rows])
        except ValueError:
            pass

    def validate(self, value: float) -> dict[str, float]:
        """Seconds of a fit to four fifths of the rows, and its score on the others."""
        held_out = np.random.default_rng(0).permutation(self.X.shape[0]) < self.X.shape[0] / 5
        seconds = self._fit(value, self.X[~held_out], self.y[~held_out])
        return {"seconds": seconds, "score": self._score(self.X[held_out], self.y[held_out])}

    def fit(self, value: float) -> float:
        """Seconds of a fit to all rows."""
        return self._fit(value, self.X, self.y)

    def test(self) -> float:
        """Score of the last fit."""
        return self._score(*self.data.test())

    def _fit(self, value: float, X: Any, y: Any) -> float:
        self.model = self.learner.estimator(value, self.data.label_sets)
        X = self._in_its_container(X)
        start = time.perf_counter()
        self.model.fit(X, y)
        return time.perf_counter() - start

    def _in_its_container(self, X: Any) -> Any:
        return sparse.csr_matrix(X) if sparse.issparse(X) and not self.learner.takes_arrays else X

    def _score(self, X: Any, y: Any) -> float:
        predicted = self.model.predict(self._in_its_container(X))
        if self.data.label_sets:
            return 100 * float(f1_score(y, predicted, average="micro", zero_division=0.0))
        return 100 * float(np.mean(predicted == y))


def run(
    chosen: Sequence[Data],
    learners: Sequence[Learner],
    *,
    repeats: int,
    threads: int,
    budget: float,
    out: Path,
    add: bool = False,
) -> None:
    """Measure data after data; with `add`, results of other learners are kept."""
    clock = Clock()
    for data in chosen:
        try:
            rows = _rows(data, learners, repeats, threads, budget, clock)
        except FailedError as error:
            clock.say(f"{data.name}: skipped, {error}")
            continue
        key = ["data", "learner"] if add else "data"
        replace_rows(out / "accuracy.csv", rows, key, machine.description(threads))
        write(out)


def _rows(
    data: Data,
    learners: Sequence[Learner],
    repeats: int,
    threads: int,
    budget: float,
    clock: Clock,
) -> list[Row]:
    """The grids first, then the chosen values in turn."""
    with Session(Learning, data, learners[0], threads=threads) as session:
        facts = session.call("describe")
    rows: list[Row] = []
    best: dict[str, float] = {}
    for learner in learners:
        reason = learner.why_not(data.label_sets)
        found = [{"phase": "skipped", "note": reason}]
        if reason is None:
            found = _search(data, learner, threads, budget)
            finished = [row for row in found if row["phase"] == "search"]
            if finished:
                best[learner.name] = max(finished, key=lambda row: row["score"])["value"]
        for row in found:
            clock.say(f"{data.name}: {learner.name}, {_in_words(row)}")
        rows += [{"data": data.name, "learner": learner.name, **facts, **row} for row in found]
    in_turn = [learner for learner in learners if learner.name in best]
    for repeat in range(repeats):
        turn = repeat % max(1, len(in_turn))
        for learner in in_turn[turn:] + in_turn[:turn]:
            row = _timed(data, learner, best[learner.name], threads, budget)
            clock.say(f"{data.name}: {learner.name}, {_in_words(row)}")
            rows.append({"data": data.name, "learner": learner.name, **facts, **row})
    return rows


def _search(data: Data, learner: Learner, threads: int, budget: float) -> list[Row]:
    """Scores of all values on the rows that are held out."""
    rows: list[Row] = []
    session: Session | None = None
    for value in learner.grid:
        row: Row = {"value": value}
        try:
            if session is None:
                session = Session(Learning, data, learner, threads=threads)
                session.call("warm_up", limit=budget)
            row |= {"phase": "search", **session.call("validate", limit=budget, value=value)}
        except OverBudgetError:
            session = None
            row |= {"phase": "over budget", "seconds": budget}
        except FailedError as error:
            row |= {"phase": "failed", "note": str(error)}
        rows.append(row)
    if session is not None:
        session.close()
    return rows


def _timed(data: Data, learner: Learner, value: float, threads: int, budget: float) -> Row:
    row: Row = {"phase": "timed", "value": value}
    try:
        with Session(Learning, data, learner, threads=threads) as session:
            session.call("warm_up")
            # more rows than in the search take a little longer
            row["seconds"] = session.call("fit", limit=2 * budget, value=value)
            row["score"] = session.call("test")
    except OverBudgetError:
        row |= {"phase": "over budget", "seconds": 2 * budget}
    except FailedError as error:
        row |= {"phase": "failed", "note": str(error)}
    return row


def _in_words(row: Row) -> str:
    if "score" in row:
        return f"{row['phase']} {row['value']:g}: {row['score']:.2f} in {row['seconds']:.3g} s"
    return row.get("note") or f"{row['value']:g}: more than {row['seconds']:g} s"


def write(folder: Path) -> None:
    """``accuracy.md`` from ``accuracy.csv``."""
    rows = read_rows(folder / "accuracy.csv")
    if not rows:
        return
    parts = ["# Seconds to test accuracy", NOTES, "\n".join(origin_lines(folder, rows))]
    for name in dict.fromkeys(row["data"] for row in rows):
        of_data = [row for row in rows if row["data"] == name]
        facts = of_data[0]
        parts += [
            f"## {name}",
            f"{facts['rows']:,} training rows, {facts['features']:,} features, "
            f"{facts['outputs']:,} outputs.",
            *_table(of_data),
        ]
    (folder / "accuracy.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _table(rows: Sequence[Row]) -> list[str]:
    fits = {
        name: [row for row in rows if row["learner"] == name]
        for name in LEARNERS
        if any(row["learner"] == name for row in rows)
    }
    timed = {name: [row for row in of if row["phase"] == "timed"] for name, of in fits.items()}
    seconds = {name: _seconds(fits[name], timed[name]) for name in fits}
    body, left_out = [], []
    for name, found in fits.items():
        if isinstance(seconds[name], str):
            left_out.append(f"{name} ({seconds[name]})")
            continue
        score = f"{_score(timed[name]):.1f}" if timed[name] else ""
        multiple = ratio(seconds[name], seconds.get(OURS, ""))
        cells = [score, str(seconds[name]), _search_seconds(found), multiple]
        body.append([name, _value(name, timed[name]), *cells])
    header = ["fit", "parameter", "score", "seconds", "search", "×"]
    parts = [markdown(header, body, left=2)]
    if left_out:
        parts.append("Left out: " + "; ".join(left_out) + ".")
    return parts + _near_the_best(timed, seconds)


def _seconds(fits: Sequence[Row], timed: Sequence[Row]) -> Timing | str:
    """Of fits to all rows; a bound if none ended in time; or why there is none."""
    if timed:
        return of_seconds([row["seconds"] for row in timed])
    over = [row["seconds"] for row in fits if row["phase"] == "over budget"]
    if over:
        return longer_than(max(over))
    return next(row["note"] for row in fits if "note" in row)


def _score(timed: Sequence[Row]) -> float:
    return median(row["score"] for row in timed)


def _value(name: str, timed: Sequence[Row]) -> str:
    if not timed:
        return ""
    grid, value = LEARNERS[name].grid, timed[0]["value"]
    edge = ", at the edge" if value in (min(grid), max(grid)) else ""
    return f"{LEARNERS[name].parameter}={value:g}{edge}"


def _search_seconds(fits: Sequence[Row]) -> str:
    phases = ("search", "over budget")
    total = sum(row["seconds"] for row in fits if row["phase"] in phases)
    is_bound = any(row["phase"] == "over budget" for row in fits)
    return f"{'> ' if is_bound else ''}{total:.3g}"


def _near_the_best(timed: dict[str, list[Row]], seconds: dict[str, Timing | str]) -> list[str]:
    """Who is nearly as good as the best, the fastest first."""
    scores = {name: _score(rows) for name, rows in timed.items() if rows}
    if not scores:
        return []
    best = max(scores.values())
    near = [name for name, score in scores.items() if score >= best - NEAR_THE_BEST]
    near.sort(key=lambda name: median(row["seconds"] for row in timed[name]))
    each = ", ".join(f"{name} ({seconds[name].median:.3g} s)" for name in near)  # type: ignore[union-attr]
    return [f"Within {NEAR_THE_BEST:g} points of the best score, the fastest first: {each}."]

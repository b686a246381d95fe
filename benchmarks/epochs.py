"""Stochastic descent: seconds of an epoch beside SGDClassifier, and how far epochs lead."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import machine
from .clock import Clock
from .objectives import objective
from .problems import MissingDataError, Problem, digits, emotions, mnist, rcv1_classes
from .report import of_seconds, ratio
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

ALPHA = 1e-4  # the default of all
TIMED = (
    Problem("mnist-60k", partial(mnist, 60_000), ALPHA),
    Problem("mnist-60k-float32", partial(mnist, 60_000, np.float32), ALPHA),
    Problem("rcv1-classes", rcv1_classes, ALPHA),
    Problem("rcv1-classes-float32", partial(rcv1_classes, np.float32), ALPHA),
)
FOLLOWED = (
    Problem("digits", digits, ALPHA),
    Problem("emotions", emotions, ALPHA, label_sets=True),
    Problem("mnist-10k", partial(mnist, 10_000), ALPHA),
    Problem("rcv1-classes", rcv1_classes, ALPHA),
)
EPOCHS = (1, 3, 5, 10, 20, 50, 100)
PEER = "SGDClassifier"
TIMED_EPOCHS = 5

NOTES = """\
A fifth of the seconds of a fit of 5 epochs, with all that a fit does but once; the median of
interleaved runs, each learner in a process of its own, with the lowest and the highest in brackets.
SGDClassifier has the loss "modified_huber" and one problem for each class; all else is at its
default, but that no fit ends early.
"""
PROGRESS = """\
The distance (F - F*) / F* of the objective from its minimum after `fit` with its defaults and so
many epochs, with `tol=None`; then after one pass of `partial_fit`. F* is proven to 1e-6.
"""


def _ours(problem: Problem, **options: Any) -> Any:
    from sklearn_sparsemax import SGDMultilabelSparsemaxClassifier, SGDSparsemaxClassifier

    options = {"alpha": problem.alpha, "random_state": 0, "tol": None, **options}
    if problem.label_sets:
        # every row has a label: no output for those that have none
        return SGDMultilabelSparsemaxClassifier(empty="drop", threshold=0.1, **options)
    return SGDSparsemaxClassifier(**options)


def fit(problem: Problem, X: Any, y: Any, n_epochs: int) -> Any:
    return _ours(problem, max_iter=n_epochs).fit(X, y)


def partial_fit(problem: Problem, X: Any, y: Any, n_epochs: int) -> Any:
    model = _ours(problem)
    classes = None if problem.label_sets else np.unique(y)
    for _ in range(n_epochs):
        model.partial_fit(X, y, classes=classes)
    return model


def peer(problem: Problem, X: Any, y: Any, n_epochs: int) -> Any:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(
        loss="modified_huber",
        alpha=problem.alpha,
        max_iter=n_epochs,
        tol=None,
        random_state=0,
        n_jobs=machine.thread_count(),
    ).fit(X, y)


LEARNERS = {"fit": fit, "partial_fit": partial_fit, PEER: peer}


class Learner:
    """One learner on one problem, in a process of its own."""

    def __init__(self, problem: Problem, name: str) -> None:
        warnings.simplefilter("ignore")
        self.problem, self.learn = problem, LEARNERS[name]
        self.X, self.y = problem.load()
        # imports, compilation, caches
        self.learn(problem, self.X, self.y, 1)

    def seconds(self) -> float:
        """Of an epoch."""
        start = time.perf_counter()
        self.learn(self.problem, self.X, self.y, TIMED_EPOCHS)
        return (time.perf_counter() - start) / TIMED_EPOCHS

    def value(self, n_epochs: int) -> float:
        """F after so many epochs."""
        model = self.learn(self.problem, self.X, self.y, n_epochs)
        return self._value(model)

    def minimum(self) -> float:
        from sklearn_sparsemax import MultilabelSparsemaxClassifier, SparsemaxClassifier

        options = {"alpha": self.problem.alpha, "tol": 1e-8}
        if self.problem.label_sets:
            return self._value(MultilabelSparsemaxClassifier(**options).fit(self.X, self.y))
        return self._value(SparsemaxClassifier(**options).fit(self.X, self.y))

    def _value(self, model: Any) -> float:
        n_outputs = self.y.shape[1] if self.problem.label_sets else len(model.classes_)
        coef, intercept = model.coef_[:n_outputs], model.intercept_[:n_outputs]
        return objective("sparsemax", self.X, self.y, self.problem.alpha, coef, intercept)


def run(
    *,
    repeats: int,
    threads: int,
    budget: float,
    out: Path,
    timed: Sequence[Problem] = TIMED,
    followed: Sequence[Problem] = FOLLOWED,
) -> None:
    """Time an epoch of each learner, and follow ours to the minimum."""
    clock = Clock()
    rows: list[Row] = []
    for problem in timed:
        rows += _time(problem, repeats, threads, budget, clock)
    for problem in followed:
        rows += _follow(problem, threads, budget, clock)
    rows = [{"table": f"epochs, {threads} threads", "threads": threads, **row} for row in rows]
    replace_rows(out / "epochs.csv", rows, "table", machine.description(threads))
    write(out)


def _time(problem: Problem, repeats: int, threads: int, budget: float, clock: Clock) -> list[Row]:
    sessions: dict[str, Session] = {}
    rows: list[Row] = []
    try:
        for name in LEARNERS:
            sessions[name] = Session(Learner, problem, name, threads=threads)
        for _ in range(repeats):
            for name, session in sessions.items():
                seconds = session.call("seconds", limit=budget)
                clock.say(f"{problem.name}: an epoch of {name}, {seconds:.3g} s")
                rows.append({"problem": problem.name, "learner": name, "seconds": seconds})
    except (FailedError, OverBudgetError, MissingDataError) as error:
        clock.say(f"{problem.name}: left out, {error}")
        rows = []
    finally:
        for session in sessions.values():
            session.close()
    return rows


def _follow(problem: Problem, threads: int, budget: float, clock: Clock) -> list[Row]:
    rows: list[Row] = []
    try:
        with Session(Learner, problem, "fit", threads=threads) as session:
            least = session.call("minimum", limit=budget)
            for n_epochs in EPOCHS:
                value = session.call("value", limit=budget, n_epochs=n_epochs)
                rows.append({"problem": problem.name, "learner": "fit", "epochs": n_epochs})
                rows[-1]["excess"] = value / least - 1
        with Session(Learner, problem, "partial_fit", threads=threads) as session:
            value = session.call("value", limit=budget, n_epochs=1)
            rows.append({"problem": problem.name, "learner": "partial_fit", "epochs": 1})
            rows[-1]["excess"] = value / least - 1
    except (FailedError, OverBudgetError, MissingDataError) as error:
        clock.say(f"{problem.name}: left out, {error}")
    for row in rows:
        clock.say(
            f"{problem.name}: {row['epochs']} epochs of {row['learner']}, {row['excess']:.1e}"
        )
    return rows


def write(folder: Path) -> None:
    """``epochs.md`` from ``epochs.csv``."""
    rows = read_rows(folder / "epochs.csv")
    if not rows:
        return
    timed, followed = [], []
    for threads in sorted({row["threads"] for row in rows}):
        of_threads = [row for row in rows if row["threads"] == threads]
        for problem in dict.fromkeys(row["problem"] for row in of_threads):
            of_problem = [row for row in of_threads if row["problem"] == problem]
            label = [problem, str(threads)]
            seconds = {
                name: [row["seconds"] for row in of_problem if _is(row, name, "seconds")]
                for name in LEARNERS
            }
            if all(seconds.values()):
                timings = [of_seconds(seconds[name]) for name in LEARNERS]
                ratios = [ratio(timing, timings[-1]) for timing in timings[:-1]]
                timed.append([*label, *map(str, timings), *ratios])
            excess = [f"{row['excess']:.1e}" for row in of_problem if "excess" in row]
            if excess:
                followed.append([*label, *excess])
    header = ["problem", "threads", *LEARNERS, *(f"{name} / {PEER}" for name in list(LEARNERS)[:2])]
    progress = ["problem", "threads", *map(str, EPOCHS), "one pass"]
    parts = ["# Epochs", NOTES, "\n".join(origin_lines(folder, rows)), markdown(header, timed, 2)]
    parts += [PROGRESS, markdown(progress, followed, 2)]
    (folder / "epochs.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _is(row: Row, learner: str, quantity: str) -> bool:
    return row["learner"] == learner and quantity in row

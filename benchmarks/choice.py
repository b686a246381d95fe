"""The default solver beside the best of ours, from rows that contradict each other to text.

A user who never names a solver should lose little. Whether dual ascent, L-BFGS or Newton's method
is the fastest depends on more than sizes: on how much rows contradict each other, on correlations
between features, and on the penalty.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize

from sklearn_sparsemax import MultilabelSparsemaxClassifier, SparsemaxClassifier

from . import machine
from .clock import Clock
from .problems import PROBLEMS
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

SOLVERS = ("auto", "sdca", "lbfgs", "newton-cg")
TOL = 1e-4
# A solver that takes so many times as long as the default, and some seconds, is stopped.
LIMIT, LEAST_LIMIT = 2, 2.0

NOTES = """\
Seconds of `SparsemaxClassifier(alpha, solver=...).fit` to a certified gap of 1e-4 of F(0, 0), in a
process that has loaded its compiled code. "> 9": stopped then, since the default had taken less
than half. The last column is the time of the default over that of the fastest.

- **normal**: standard normal features, and the largest of as many linear scores, with noise of the
  same size, is the class. **easy**: a tenth of the noise. **correlated**: the features are mixed,
  so that their covariance has eigenvalues 1, 1/4, 1/9, ...
- **documents**: unit rows of 40 words of falling frequency, with the same kind of classes.
- the others are the problems of `python -m benchmarks solvers`.
"""


@dataclass(frozen=True)
class Case:
    """Data, and strengths of the penalty."""

    name: str
    load: Callable[[], tuple[Any, Any]]
    alphas: tuple[float, ...]
    label_sets: bool = False


def normal(n: int, d: int, K: int, noise: float = 1.0, decay: float = 0.0) -> tuple[Any, Any]:
    """Features (n, d), and classes (n,) by the largest of K noisy linear scores."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    if decay:
        rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
        X = X * np.arange(1, d + 1) ** -decay @ rotation
        X /= X.std()
    return X, _classes(X, K, noise, rng)


def documents(n: int, d: int, K: int, noise: float, words: int = 40) -> tuple[Any, Any]:
    """Rows in CSR, and classes (n,) by the largest of K noisy linear scores."""
    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, d + 1)
    indices = rng.choice(d, size=n * words, p=frequency / frequency.sum())
    values = rng.uniform(0.5, 1.5, size=n * words)
    X = sparse.csr_array((values, indices, np.arange(0, n * words + 1, words)), shape=(n, d))
    X.sum_duplicates()
    X = sparse.csr_array(normalize(X))
    return X, _classes(X, K, noise, rng)


def _classes(X: Any, K: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    scores = X @ rng.standard_normal((X.shape[1], K))
    return (scores / scores.std() + noise * rng.standard_normal(scores.shape)).argmax(axis=1)


def _known(name: str, *alphas: float) -> Case:
    problem = PROBLEMS[name]
    return Case(name, problem.load, alphas or (problem.alpha,), problem.label_sets)


CASES = {
    case.name: case
    for case in (
        Case("normal, 200,000 x 100", partial(normal, 200_000, 100, 10), (1e-5, 1e-3)),
        Case("normal, 10,000 x 100", partial(normal, 10_000, 100, 10), (1e-5, 1e-3)),
        Case("normal, 20,000 x 500", partial(normal, 20_000, 500, 20), (1e-5, 1e-3)),
        Case("easy, 200,000 x 100", partial(normal, 200_000, 100, 10, 0.1), (1e-5, 1e-3)),
        Case(
            "correlated, 100,000 x 100",
            partial(normal, 100_000, 100, 10, decay=1.0),
            (1e-5, 1e-3),
        ),
        Case("documents, 50,000 x 5,000", partial(documents, 50_000, 5_000, 10, 1.5), (1e-6, 1e-5)),
        Case(
            "documents, 50,000 x 30,000",
            partial(documents, 50_000, 30_000, 20, 0.3),
            (1e-6, 1e-5, 1e-4),
        ),
        _known("digits", 1e-4, 1e-3, 1e-2),
        _known("mnist-10k", 1e-6, 1e-4, 1e-2),
        _known("mnist-60k"),
        _known("rcv1-classes", 1e-6, 1e-5, 1e-4),
        _known("rcv1-label-sets-1e-5"),
        _known("wide"),
        _known("many-classes"),
        _known("tall"),
    )
}


class Fits:
    """Fits to one set of rows."""

    def __init__(self, case: Case) -> None:
        self.X, self.y = case.load()
        self.estimator = MultilabelSparsemaxClassifier if case.label_sets else SparsemaxClassifier

    def seconds(self, alpha: float, solver: str) -> float:
        """Seconds of a certified fit, which the process has prepared with a short one."""
        model = self.estimator(alpha, solver=solver, tol=TOL, max_iter=10**6, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            start = time.perf_counter()
            model.fit(self.X, self.y)
            return time.perf_counter() - start

    def warm_up(self, alpha: float, solver: str) -> None:
        """A fit of two iterations, which loads or compiles what the others need."""
        self.estimator(alpha, solver=solver, max_iter=2).fit(self.X, self.y)


def run(names: Sequence[str], *, repeats: int, threads: int, budget: float, out: Path) -> None:
    """Measure the cases of these names, by default all."""
    clock = Clock()
    description = machine.description(threads)
    for case in [CASES[name] for name in names] if names else CASES.values():
        rows = []
        for alpha in case.alphas:
            rows += _measure(case, alpha, repeats, threads, budget)
        for row in rows:
            clock.say(f"{row['case']}, alpha={row['alpha']:g}: {row['solver']}, {_text(row)}")
        replace_rows(out / "choice.csv", rows, "case", description)
        write(out)


def _measure(case: Case, alpha: float, repeats: int, threads: int, budget: float) -> list[Row]:
    rows: list[Row] = []
    limit = budget
    for solver in SOLVERS:
        row: Row = {"case": case.name, "alpha": alpha, "solver": solver}
        try:
            with Session(Fits, case, threads=threads) as session:
                session.call("warm_up", limit=60 + budget, alpha=alpha, solver=solver)
                row["seconds"] = median(
                    session.call("seconds", limit=limit, alpha=alpha, solver=solver)
                    for _ in range(repeats)
                )
        except OverBudgetError:
            row["more_than"] = limit
        except FailedError as error:
            row["failed"] = str(error)
        if solver == "auto" and "seconds" in row:
            limit = min(budget, max(LEAST_LIMIT, LIMIT * row["seconds"]))
        rows.append(row)
    return rows


def write(folder: Path) -> None:
    """``choice.md`` from ``choice.csv``."""
    rows = read_rows(folder / "choice.csv")
    if not rows:
        return
    measured: dict[tuple[str, float], dict[str, Row]] = {}
    for row in rows:
        measured.setdefault((row["case"], row["alpha"]), {})[row["solver"]] = row
    body = []
    for (case, alpha), by_solver in measured.items():
        known = [row["seconds"] for row in by_solver.values() if "seconds" in row]
        auto = by_solver["auto"].get("seconds")
        ratio = "" if auto is None else f"{auto / min(known):.2f}"
        body.append([case, f"{alpha:g}", *(_text(by_solver[name]) for name in SOLVERS), ratio])
    parts = [
        "# The choice of the solver",
        NOTES,
        "\n".join(origin_lines(folder, rows)),
        markdown(["rows", "alpha", *SOLVERS, "auto / best"], body),
    ]
    (folder / "choice.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _text(row: Row) -> str:
    if "seconds" in row:
        return f"{row['seconds']:.3g}"
    return f"> {row['more_than']:.3g}" if "more_than" in row else row["failed"]

"""How seconds grow with the data: per iteration of a solver, and per pass over the data.

Documents of fixed mean length, with one of the number of rows, features, outputs or nonzeros in a
row varied at a time. The slope of the line through the logarithms is the exponent of the growth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from sklearn_sparsemax import SparsemaxClassifier
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax.losses import SparsemaxLoss

from . import machine
from .clock import Clock
from .competitors import COMPETITORS, Competitor
from .curves import exponent, is_measured
from .fitting import Fits
from .objectives import distributions
from .problems import Problem, sparse_topics
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

BASE = {"n": 20_000, "d": 10_000, "K": 20, "words": 50}
SWEEPS = {
    "n": (10_000, 20_000, 40_000, 80_000, 160_000),
    "d": (2_500, 5_000, 10_000, 20_000, 40_000, 80_000),
    "K": (5, 10, 20, 40, 80, 160, 320),
    "words": (25, 50, 100, 200, 400),
}
AXES = {"n": "rows", "d": "features", "K": "outputs", "words": "nonzeros"}
ALPHA = 1e-4
ITERATIONS = (2, 12)
PASSES = 5
PASS, FORWARD, BACKWARD = "pass: F and gradient", "pass: probabilities", "pass: the rest"

NOTES = """\
Seconds as one quantity grows, the others fixed: documents as in the problem "wide", with
20,000 rows, 10,000 features, 20 classes and 50 words in a row, some of them the same. Of a solver:
seconds of an iteration or epoch, as the difference of fits of 12 and of 2, divided by 10. Of a
pass: F and gradient at the coefficients of a short fit; the probabilities alone (`predict_proba`,
the forward product and the projection); and the rest, which is the backward product and what little
the loss adds. Left out is what is shorter than the noise at some size. The exponent is the slope in
the logarithms, by least squares through the medians.
"""


def passes_over_the_data(competitor: Competitor) -> bool:
    """Whether an iteration of its solver is one."""
    name = competitor.name
    if "newton" in name or name.endswith("/auto"):
        return False
    return competitor.certifies or name in (
        "LogisticRegression/lbfgs",
        "LogisticRegression/saga",
        "NumPy+SciPy",
    )


class Passes:
    """Seconds of the parts of a pass, near the coefficients that a solver passes through."""

    def __init__(self, problem: Problem) -> None:
        self.X, y = problem.load()
        self.model = SparsemaxClassifier(problem.alpha, solver="lbfgs", max_iter=10)
        self.model.fit(self.X, y)
        self.objective = Objective(self.X, distributions(y), SparsemaxLoss(), alpha=problem.alpha)
        self.coef = np.vstack([self.model.coef_.T, self.model.intercept_])

    def nonzeros(self) -> int:
        return self.X.nnz

    def seconds(self) -> dict[str, float]:
        """Seconds of a whole pass, of its forward half, and the difference."""
        whole = _median_seconds(partial(self.objective.value_and_gradient, self.coef))
        forward = _median_seconds(partial(self.model.predict_proba, self.X))
        return {PASS: whole, FORWARD: forward, BACKWARD: max(whole - forward, 0)}


def run(
    competitors: Sequence[Competitor] = tuple(COMPETITORS.values()),
    *,
    repeats: int,
    threads: int,
    budget: float,
    out: Path,
    sweeps: dict[str, Sequence[int]] = SWEEPS,
    base: dict[str, int] = BASE,
) -> None:
    """Measure every sweep; repeats go through all sizes in turn."""
    clock = Clock()
    competitors = [one for one in competitors if passes_over_the_data(one)]
    for axis, values in sweeps.items():
        rows: list[Row] = []
        for _ in range(repeats):
            for value in values:
                size = {**base, axis: value}
                problem = Problem(f"{axis} = {value:,}", partial(sparse_topics, **size), ALPHA)
                for row in _measure(problem, competitors, threads, budget, clock):
                    rows.append({"sweep": AXES[axis], "value": value, **size, **row})
                    clock.say(f"{problem.name}: {row['what']}, {row['seconds']:.3g} s")
        replace_rows(out / "growth.csv", rows, "sweep", machine.description(threads))
        write(out)


def _measure(
    problem: Problem,
    competitors: Sequence[Competitor],
    threads: int,
    budget: float,
    clock: Clock,
) -> list[Row]:
    """What was measured on one problem: seconds, and the nonzeros of X."""
    measured: dict[str, float] = {}
    with Session(Passes, problem, threads=threads) as session:
        nonzeros = session.call("nonzeros")
        measured |= session.call("seconds")
    for competitor in competitors:
        if competitor.why_not(label_sets=False, n_coefficients=1) is not None:
            continue
        try:
            with Session(Fits, problem, competitor, threads=threads) as session:
                session.call("warm_up")
                few, many = (
                    session.call("fit", limit=budget, max_iter=max_iter)["seconds"]
                    for max_iter in ITERATIONS
                )
        except (FailedError, OverBudgetError) as error:
            clock.say(f"{problem.name}: {competitor.name}, {error}")
        else:
            measured[competitor.name] = (many - few) / (ITERATIONS[1] - ITERATIONS[0])
    return [
        {"what": what, "seconds": seconds, "nonzeros": nonzeros}
        for what, seconds in measured.items()
    ]


def write(folder: Path) -> None:
    """``growth.md`` and the figure from ``growth.csv``."""
    rows = read_rows(folder / "growth.csv")
    if not rows:
        return
    curves = medians(rows)
    sweeps = list(curves)
    names = list(dict.fromkeys(name for sweep in curves.values() for name in sweep))
    body = [
        [name, *(_exponent_text(curves[sweep].get(name)) for sweep in sweeps)] for name in names
    ]
    parts = [
        "# Growth",
        NOTES,
        "\n".join(origin_lines(folder, rows)),
        markdown(["exponent of the seconds of", *sweeps], body),
    ]
    (folder / "growth.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")
    try:
        from .figures import draw_growth
    except ImportError:
        print("matplotlib is not installed: no figure")
    else:
        draw_growth(curves, folder / "growth.png")


def medians(rows: Sequence[Row]) -> dict[str, dict[str, np.ndarray]]:
    """For each sweep and quantity, sizes and median seconds (m, 2)."""
    curves: dict[str, dict[str, Any]] = {}
    order = ("sweep", "what", "value")
    known = {row["what"]: i for i, row in reversed(list(enumerate(rows)))}
    keyed = sorted(rows, key=lambda row: (row["sweep"], known[row["what"]], row["value"]))
    for (sweep, what, _), group in groupby(keyed, key=lambda row: [row[name] for name in order]):
        same = list(group)
        # words occur more than once in a row: there are fewer nonzeros than words
        size = same[0]["nonzeros"] if sweep == "nonzeros" else same[0]["value"]
        point = size, median(row["seconds"] for row in same)
        curves.setdefault(sweep, {}).setdefault(what, []).append(point)
    return {
        sweep: {what: np.array(points) for what, points in curve.items()}
        for sweep, curve in curves.items()
    }


def _exponent_text(curve: np.ndarray | None) -> str:
    return "" if curve is None or not is_measured(curve) else f"{exponent(curve):.2f}"


def _median_seconds(function: Callable[[], Any]) -> float:
    function()
    seconds = []
    for _ in range(PASSES):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return median(seconds)

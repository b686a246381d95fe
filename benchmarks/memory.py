"""Peak memory of a fit, beside what cannot be avoided: X, the coefficients and all scores."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy import sparse

from . import machine
from .clock import Clock
from .competitors import COMPETITORS, Competitor
from .fitting import Fits
from .problems import PROBLEMS, Problem
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

MAX_ITER = 5
MEASURED = ("mnist-60k", "mnist-60k-float32", "rcv1-classes", "wide", "many-classes", "tall")

NOTES = """\
Memory that a fit of 5 iterations adds, at its peak, to a process that has loaded the data and made
a small fit, in MiB. Then the same with X, as a multiple of X, the coefficients and the n x K
scores, the latter two in the type of X. Solvers that form the Hessian are left out.
"""


class Memory(Fits):
    """A fit whose peak is watched."""

    def measure(self) -> dict[str, Any]:
        self.warm_up()
        _forget_peak()
        before = _peak_bytes()
        self.fit(MAX_ITER)
        X, itemsize = self.X, self.X.dtype.itemsize
        parts = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
        bytes_of_X = sum(part.nbytes for part in parts)
        n_outputs = len(self.last.coef)
        return {
            "added": _peak_bytes() - before,
            "X": bytes_of_X,
            "coefficients": n_outputs * (X.shape[1] + 1) * itemsize,
            "scores": n_outputs * X.shape[0] * itemsize,
        }


def run(
    competitors: Sequence[Competitor] = tuple(COMPETITORS.values()),
    *,
    threads: int,
    budget: float,
    out: Path,
    problems: Sequence[Problem] = tuple(PROBLEMS[name] for name in MEASURED),
) -> None:
    """Measure each competitor on each problem, in a process of its own."""
    clock = Clock()
    for problem in problems:
        rows: list[Row] = []
        for competitor in competitors:
            if competitor.forms_hessian:
                continue
            row: Row = {"problem": problem.name, "competitor": competitor.name}
            rows.append(row)
            reason = competitor.why_not(problem.label_sets, n_coefficients=1)
            if reason is None:
                try:
                    with Session(Memory, problem, competitor, threads=threads) as session:
                        row |= session.call("measure", limit=budget)
                except (FailedError, OverBudgetError) as error:
                    reason = str(error)
            if reason is not None:
                row["note"] = reason
            outcome = reason or f"{row['added'] / 2**20:.0f} MiB"
            clock.say(f"{problem.name}: memory of {competitor.name}, {outcome}")
        replace_rows(out / "memory.csv", rows, "problem", machine.description(threads))
        write(out)


def write(folder: Path) -> None:
    """``memory.md`` from ``memory.csv``."""
    rows = read_rows(folder / "memory.csv")
    if not rows:
        return
    body = []
    for row in rows:
        if "added" in row:
            whole = row["X"] + row["coefficients"] + row["scores"]
            ratio = f"{(row['X'] + row['added']) / whole:.2f}"
            sizes = [f"{row[part] / 2**20:,.0f}" for part in ("X", "coefficients", "scores")]
            body.append([row["problem"], row["competitor"], *sizes, _mib(row["added"]), ratio])
        else:
            body.append([row["problem"], row["competitor"], "", "", "", row["note"], ""])
    header = ["problem", "fit", "X", "coefficients", "scores", "added", "ratio"]
    parts = ["# Memory", NOTES, "\n".join(origin_lines(folder, rows)), markdown(header, body, 2)]
    (folder / "memory.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _mib(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.0f}"


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _forget_peak() -> None:
    """Let the peak start again from what is resident; loading may have needed more. Linux only."""
    clear_refs = Path(f"/proc/{os.getpid()}/clear_refs")
    if clear_refs.exists():
        clear_refs.write_text("5")

"""From the fits of `solvers` to its tables: medians, ranges, ratios and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .competitors import COMPETITORS
from .tables import Row, digits, level_name, markdown, origin_lines, read_rows

OURS = "sklearn-sparsemax/auto"
# Ours for each loss.
OURS_OF_LOSS = {
    "sparsemax": OURS,
    **{
        loss: f"sklearn-sparsemax {loss}/auto"
        for loss in ("softmax", "entmax15", "logistic", "logistic, intercept penalised")
    },
}

NOTES = """\
Seconds of `fit` until (F - F*) / F* is at most the level, with F the objective that the method
itself minimises, evaluated in double precision by the benchmark, and F* its minimum. Medians over
interleaved repeats, with the lowest and the highest in brackets; without brackets, one fit.
"> 9": the longest fit that ended within the budget took 9 s and did not reach the level.
"stops at": the method ended by itself at that suboptimality. Times are those of the fewest
iterations, up to 10 %, that reach the level, or of a fit to a certified gap where that is faster.
The last columns are multiples: of the time of `sklearn-sparsemax/auto`, which minimises the
sparsemax loss, and of the time of this package with solver="auto" and the same loss.
"""


class Timing(NamedTuple):
    """Seconds to a level; `bound` says that it takes longer than `median`."""

    median: float
    lowest: float
    highest: float
    runs: int
    bound: bool = False

    def __str__(self) -> str:
        if self.bound:
            return f"> {digits(self.median)}"
        if self.runs == 1:
            return digits(self.median)
        return f"{digits(self.median)} ({digits(self.lowest)}–{digits(self.highest)})"


def left_out(fits: Sequence[Row]) -> str | None:
    """Why a competitor has no times, or None."""
    for row in fits:
        if row["phase"] in ("skipped", "failed"):
            return row["note"] if row["phase"] == "skipped" else f"failed, {row['note']}"
    return None


def timing(fits: Sequence[Row], level: float) -> Timing | str:
    """Seconds of one competitor on one problem to a level, or in words why there are none.

    Those of the fewest iterations, or of a fit to a certified gap where that is faster: with
    nothing but a number of iterations, a solver cannot know that it is time to stop or change.
    """
    by_gap = [
        certified(fits, row["level"])
        for row in fits
        if row["phase"] == "certified search" and row["suboptimality"] <= level
    ]
    by_iterations = _timing_by_iterations(fits, level)
    if isinstance(by_iterations, str) or by_iterations.bound:
        return min(by_gap, default=by_iterations)
    return min([by_iterations, *by_gap])


def _timing_by_iterations(fits: Sequence[Row], level: float) -> Timing | str:
    search = [row for row in fits if row["phase"] == "search"]
    met = [row for row in search if row["suboptimality"] <= level]
    if met:
        fewest = min(met, key=lambda row: row["max_iter"])
        timed = [
            row["seconds"]
            for row in fits
            if row["phase"] == "timed" and row["max_iter"] == fewest["max_iter"]
        ]
        return of_seconds(timed or [fewest["seconds"]])
    if not search:
        return longer_than(fits[0]["seconds"])
    longest = max(search, key=lambda row: row["max_iter"])
    if longest["n_iter"] < longest["max_iter"]:
        return f"stops at {longest['suboptimality']:.0e}"
    return longer_than(longest["seconds"])


def certified(fits: Sequence[Row], level: float) -> Timing | None:
    """Seconds until the duality gap is proven to be at most the level times the minimum."""
    fits = [row for row in fits if row.get("level") == level]
    timed = [row["seconds"] for row in fits if row["phase"] == "certified"]
    searched = [row["seconds"] for row in fits if row["phase"] == "certified search"]
    if timed or searched:
        return of_seconds(timed or searched)
    over = [row["seconds"] for row in fits if row["phase"] == "over budget"]
    return longer_than(over[0]) if over else None


def of_seconds(seconds: Sequence[float]) -> Timing:
    return Timing(median(seconds), min(seconds), max(seconds), len(seconds))


def longer_than(seconds: float) -> Timing:
    return Timing(seconds, seconds, seconds, 1, bound=True)


def ratio(theirs: Timing | str, ours: Timing | str) -> str:
    """How many times as long as ours."""
    if isinstance(theirs, str) or isinstance(ours, str) or ours.bound:
        return ""
    return f"{'> ' if theirs.bound else ''}{digits(theirs.median / ours.median)}"


def by_problem(rows: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """Rows by problem and competitor, these in the order of `COMPETITORS`."""
    known = list(COMPETITORS)
    grouped: dict[str, dict[str, list[Row]]] = {row["problem"]: {} for row in rows}
    for row in sorted(rows, key=lambda row: known.index(row["competitor"])):
        grouped[row["problem"]].setdefault(row["competitor"], []).append(row)
    return {problem: _from_the_lowest(competitors) for problem, competitors in grouped.items()}


def _from_the_lowest(competitors: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Suboptimalities of one problem, from the lowest objective that any fit has reached.

    That is the known minimum, unless it could not be computed in its time.
    """
    lowest: dict[str, float] = {}
    for fits in competitors.values():
        for row in fits:
            for objective in (row.get("minimum"), row.get("objective")):
                if objective is not None:
                    lowest[row["loss"]] = min(objective, lowest.get(row["loss"], objective))

    def corrected(row: Row) -> Row:
        if "minimum" not in row:
            return row
        minimum = lowest[row["loss"]]
        bound = row["minimum"] - row["gap"]
        row = {**row, "minimum": minimum, "gap": max(minimum - bound, 0)}
        if "objective" in row:
            row["suboptimality"] = row["objective"] / minimum - 1
        return row

    return {name: [corrected(row) for row in fits] for name, fits in competitors.items()}


def write(folder: Path) -> None:
    """``solvers.md`` and the figure from ``solvers.csv``."""
    rows = read_rows(folder / "solvers.csv")
    if not rows:
        return
    levels = [1e-2, 1e-3, 1e-4, 1e-5]
    parts = ["# Solvers", NOTES, "\n".join(origin_lines(folder, rows))]
    for problem, competitors in by_problem(rows).items():
        facts = next(row for fits in competitors.values() for row in fits)
        reasons = {name: left_out(fits) for name, fits in competitors.items()}
        competitors = {name: fits for name, fits in competitors.items() if not reasons[name]}
        parts += [
            f"## {problem}",
            f"{facts['rows']:,} rows, {facts['features']:,} features "
            f"({facts['nonzeros']:,} nonzeros, {facts['dtype']}), {facts['outputs']:,} outputs, "
            f"alpha = {facts['alpha']:g}.",
            _levels_table(competitors, levels),
            *_left_out(reasons),
            _minima(competitors),
        ]
        parts += _certified_table(competitors) + _first_calls(competitors)
    (folder / "solvers.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")
    try:
        from .figures import draw_solvers
    except ImportError:
        print("matplotlib is not installed: no figure")
    else:
        draw_solvers(by_problem(rows), folder / "solvers.png")


def _levels_table(competitors: dict[str, list[Row]], levels: Sequence[float]) -> str:
    compared = levels[1], levels[-1]

    def ratios(fits: list[Row], ours: str) -> list[str]:
        if ours not in competitors:
            return [""] * len(compared)
        return [ratio(timing(fits, level), timing(competitors[ours], level)) for level in compared]

    body = []
    for name, fits in competitors.items():
        loss = fits[0]["loss"]
        timings = [str(timing(fits, level)) for level in levels]
        body.append(
            [name, loss, *timings, *ratios(fits, OURS), *ratios(fits, OURS_OF_LOSS.get(loss, ""))]
        )
    header = ["fit", "loss", *map(level_name, levels)]
    header += [f"× at {level_name(level)}" for level in compared]
    header += [f"same loss × at {level_name(level)}" for level in compared]
    return markdown(header, body, left=2)


def _left_out(reasons: dict[str, str | None]) -> list[str]:
    """One sentence for all competitors that have the same reason."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        if reason is not None:
            names.setdefault(reason, []).append(name)
    if not names:
        return []
    return ["Left out: " + "; ".join(f"{', '.join(names[why])} ({why})" for why in names) + "."]


def _minima(competitors: dict[str, list[Row]]) -> str:
    minima = {
        row["loss"]: (row["minimum"], row["gap"])
        for fits in competitors.values()
        for row in fits
        if "minimum" in row
    }
    return (
        "Minima: "
        + "; ".join(
            f"{loss} {minimum:.10g}, proven to a relative {max(gap / minimum, 1e-15):.0e}"
            for loss, (minimum, gap) in minima.items()
        )
        + "."
    )


def _certified_table(competitors: dict[str, list[Row]]) -> list[str]:
    levels = sorted(
        {row["level"] for fits in competitors.values() for row in fits if "level" in row},
        reverse=True,
    )
    body = []
    for name, fits in competitors.items():
        timings = [certified(fits, level) for level in levels]
        if any(timings):
            body.append([name, *(str(t) if t else "" for t in timings)])
    if not body:
        return []
    title = "Seconds until the duality gap is proven to be at most that share of the minimum:"
    return [title, markdown(["fit", *(level_name(level) for level in levels)], body)]


def _first_calls(competitors: dict[str, list[Row]]) -> list[str]:
    body = []
    for name, fits in competitors.items():
        first = [row["seconds"] for row in fits if row["phase"] == "first call"]
        if first:
            body.append([name, str(of_seconds(first))])
    if not body:
        return []
    title = "The first call in a fresh process, to 1e-4, with compiled kernels already on disk:"
    return [title, markdown(["fit", "seconds"], body)]

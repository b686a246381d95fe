"""Seconds of every solver to the same relative suboptimality of its own objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from . import machine, report
from .clock import Clock
from .competitors import Competitor
from .fitting import Fits
from .problems import Problem
from .reference import Reference, References
from .search import Probe, first_to_meet, search
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, replace_rows

LEVELS = (1e-2, 1e-3, 1e-4, 1e-5)
CERTIFIED_LEVELS = (1e-3, 1e-5)
FIRST_CALL_LEVEL = 1e-4
AS_MANY_AS_IT_TAKES = 10**6


def run(
    problems: Sequence[Problem],
    competitors: Sequence[Competitor],
    *,
    repeats: int,
    threads: int,
    budget: float,
    reference_budget: float,
    references: Path,
    out: Path,
    add: bool = False,
) -> None:
    """Measure problem after problem; what is finished is written at once.

    Results replace all earlier ones of a problem, or, with `add`, those of the same competitors.
    """
    clock = Clock()
    for problem in problems:
        measurement = Measurement(
            problem,
            competitors,
            repeats=repeats,
            threads=threads,
            budget=min(budget, problem.longest_fit),
            reference_budget=reference_budget,
            references=references,
            clock=clock,
        )
        try:
            rows = measurement.rows()
        except FailedError as error:
            clock.say(f"{problem.name}: skipped, {error}")
            continue
        key = ["problem", "competitor"] if add else "problem"
        replace_rows(out / "solvers.csv", rows, key, machine.description(threads))
        report.write(out)


def find_minima(
    problems: Sequence[Problem],
    competitors: Sequence[Competitor],
    *,
    threads: int,
    budget: float,
    references: Path,
) -> None:
    """Compute and keep the minima of all losses, which need no quiet machine."""
    clock = Clock()
    for problem in problems:
        with Session(References, problem, references, threads=threads) as session:
            for loss in dict.fromkeys(
                competitor.loss
                for competitor in competitors
                if competitor.why_not(problem.label_sets, n_coefficients=1) is None
            ):
                minimum = session.call("minimum", loss=loss, budget=budget)
                relative = minimum.gap / minimum.objective
                clock.say(f"{problem.name}: minimum of {loss}, gap {relative:.1e} of it")


class Measurement:
    """One problem: the minima, then the search of each competitor, then interleaved repeats."""

    def __init__(
        self,
        problem: Problem,
        competitors: Sequence[Competitor],
        *,
        repeats: int,
        threads: int,
        budget: float,
        reference_budget: float,
        references: Path,
        clock: Clock,
    ) -> None:
        self.problem = problem
        self.competitors = competitors
        self.repeats = repeats
        self.threads = threads
        self.budget = budget
        self.reference_budget = reference_budget
        self.references = references
        self.clock = clock
        self.facts: dict[str, Any] = {}
        self.minima: dict[str, Reference] = {}
        self.at_zero: dict[str, float] = {}

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        running = self._prepare(rows)
        plans = {}
        for competitor in running:
            found = list(self._search(competitor))
            rows += found
            plans[competitor.name] = self._plan(found)
        for repeat in range(self.repeats):
            # each competitor has each place in the order once in a while
            turn = repeat % max(1, len(running))
            for competitor in running[turn:] + running[:turn]:
                rows += self._repeat(competitor, plans[competitor.name])
        return rows

    def _prepare(self, rows: list[Row]) -> list[Competitor]:
        """Facts and minima, and who can take part."""
        self._say("minima")
        with Session(References, self.problem, self.references, threads=self.threads) as session:
            self.facts = session.call("describe")
            n_outputs = self.facts["outputs"]
            size = (self.facts["features"] + 1) * n_outputs
            running = []
            for competitor in self.competitors:
                reason = competitor.why_not(self.problem.label_sets, size, n_outputs)
                if reason is None:
                    running.append(competitor)
                else:
                    self._say(f"{competitor.name}: skipped, {reason}")
                    rows.append(self._row(competitor, "skipped", note=reason))
            for loss in dict.fromkeys(competitor.loss for competitor in running):
                self.at_zero[loss] = session.call("at_zero", loss=loss)
                self.minima[loss] = session.call("minimum", loss=loss, budget=self.reference_budget)
                minimum = self.minima[loss]
                relative = minimum.gap / minimum.objective
                self._say(f"minimum of {loss} {minimum.objective:.10g}, gap {relative:.1e} of it")
        return running

    def _search(self, competitor: Competitor) -> Iterator[Row]:
        """Find the iterations that reach each level, and fit once to certified gaps."""
        rows: list[Row] = []
        runner = _Runner(self.problem, competitor, self.threads)
        try:
            search(partial(self._probe, runner, rows), LEVELS, self.budget)
            if competitor.certifies:
                self._certify(runner, rows)
        except FailedError as error:
            self._say(f"{competitor.name}: failed, {error}")
            rows.append(self._row(competitor, "failed", note=str(error)))
        finally:
            runner.close()
        yield from rows

    def _probe(self, runner: _Runner, rows: list[Row], max_iter: int) -> Probe | None:
        row = self._fit(runner, rows, "search", max_iter=max_iter)
        if row["phase"] == "over budget":
            return None
        return Probe(max_iter, row["seconds"], row["suboptimality"], row["n_iter"] < max_iter)

    def _certify(self, runner: _Runner, rows: list[Row]) -> None:
        """One fit to each certified level; what takes too long for one does for the finer."""
        phase = "certified search"
        for level in CERTIFIED_LEVELS:
            if phase == "over budget":
                rows.append(self._row(runner.competitor, phase, seconds=self.budget, level=level))
            else:
                phase = self._fit(runner, rows, phase, level=level)["phase"]

    def _plan(self, found: Sequence[Row]) -> list[Row]:
        """The fits to repeat: one for each level that was met, unless it took long."""
        probes = [
            Probe(row["max_iter"], row["seconds"], row["suboptimality"], False)
            for row in found
            if row["phase"] == "search"
        ]
        plan: dict[int, Row] = {}
        for level in LEVELS:
            probe = first_to_meet(probes, level)
            if probe is not None and probe.seconds <= self.budget / 4:
                plan[probe.max_iter] = {"phase": "timed", "max_iter": probe.max_iter}
        repeats = list(plan.values())
        first = first_to_meet(probes, FIRST_CALL_LEVEL)
        if self.problem.first_call and first is not None:
            repeats.insert(0, {"phase": "first call", "max_iter": first.max_iter})
        return repeats + [
            {"phase": "certified", "level": row["level"]}
            for row in found
            if row["phase"] == "certified search" and row["seconds"] <= self.budget / 4
        ]

    def _repeat(self, competitor: Competitor, plan: Sequence[Row]) -> list[Row]:
        rows: list[Row] = []
        if not plan:
            return rows
        runner = _Runner(self.problem, competitor, self.threads)
        try:
            for fit in plan:
                self._fit(runner, rows, **fit)
        except FailedError as error:
            self._say(f"{competitor.name}: failed, {error}")
        finally:
            runner.close()
        return rows

    def _fit(
        self,
        runner: _Runner,
        rows: list[Row],
        phase: str,
        *,
        max_iter: int = AS_MANY_AS_IT_TAKES,
        level: float | None = None,
    ) -> Row:
        """One fit, with its row: to a number of iterations, or to a certified level."""
        competitor = runner.competitor
        minimum = self.minima[competitor.loss].objective
        # tol is in units of F(0, 0), a level in units of the minimum
        tol = 0.0 if level is None else level * minimum / self.at_zero[competitor.loss]
        asked = {"max_iter": max_iter, "tol": tol, "level": level}
        task = f"max_iter={max_iter}" if level is None else f"gap {level:g}"
        try:
            answer = runner.fit(self.budget, max_iter, tol, cold=phase == "first call")
        except OverBudgetError:
            row = self._row(competitor, "over budget", seconds=self.budget, **asked)
            self._say(f"{competitor.name}: {task}, more than {self.budget:g} s")
        else:
            suboptimality = answer["objective"] / minimum - 1
            row = self._row(competitor, phase, **asked, **answer, suboptimality=suboptimality)
            self._say(
                f"{competitor.name}: {task}, {answer['seconds']:.3g} s, "
                f"suboptimality {suboptimality:.1e}"
            )
        rows.append(row)
        return row

    def _row(self, competitor: Competitor, phase: str, **values: Any) -> Row:
        minimum = self.minima.get(competitor.loss)
        known = {} if minimum is None else {"minimum": minimum.objective, "gap": minimum.gap}
        names = {"problem": self.problem.name, "competitor": competitor.name}
        return {**names, "loss": competitor.loss, "phase": phase, **values, **known, **self.facts}

    def _say(self, message: str) -> None:
        self.clock.say(f"{self.problem.name}: {message}")


class _Runner:
    """The session of a competitor: started when needed, and again after it was killed."""

    def __init__(self, problem: Problem, competitor: Competitor, threads: int) -> None:
        self.problem = problem
        self.competitor = competitor
        self.threads = threads
        self.session: Session | None = None
        self.warm = False

    def fit(self, budget: float, max_iter: int, tol: float, *, cold: bool) -> dict[str, Any]:
        if self.session is None:
            self.session = Session(Fits, self.problem, self.competitor, threads=self.threads)
            self.warm = False
        if not (self.warm or cold):
            self.session.call("warm_up")
            self.warm = True
        try:
            answer = self.session.call("fit", limit=budget, max_iter=max_iter, tol=tol)
        except OverBudgetError:
            self.session = None
            raise
        answer["objective"] = self.session.call("judge")
        return answer

    def close(self) -> None:
        if self.session is not None:
            self.session.close()

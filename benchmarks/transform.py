"""The activation alone, and as a layer: seconds for a whole array of standard normal scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from . import machine
from .clock import Clock
from .competitors.transforms import LAYERS, TRANSFORMS, Library, missing
from .objectives import entmax15, sparsemax
from .report import of_seconds, ratio
from .sessions import FailedError, OverBudgetError, Session
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

# What ours is called, for each activation that libraries are compared in.
OURS = {"sparsemax": "sklearn-sparsemax", "entmax15": "sklearn-sparsemax entmax15"}
ACTIVATIONS = {"sparsemax": sparsemax, "entmax15": entmax15}
LEAST_CALLS = 3
LEAST_SECONDS = 1.0

EACH = """\
Each library runs in a process of its own. A run is the median of at least 3 calls and 1 s, after
half as long that is not counted; given is the median of interleaved runs, with the lowest and the
highest in brackets.
"""
OF_TRANSFORM = """\
Time to transform an array of standard normal scores along its last axis, the result in a new
array of the library's own kind; conversion between libraries is not counted.
"""
OF_LAYER = """\
Forward and backward in PyTorch, along the last axis, of standard normal scores. The second shape
is that of the attention scores of 64 sequences of 512 words with 12 heads.
"""


class Comparison(NamedTuple):
    """Libraries that do the same to the same arrays."""

    title: str
    notes: str
    libraries: dict[str, Library]
    shapes: tuple[tuple[int, int], ...]
    dtypes: tuple[str, ...]


COMPARISONS = {
    "transform": Comparison(
        "Transform",
        OF_TRANSFORM + EACH,
        TRANSFORMS,
        (
            (500_000, 5),
            (100_000, 10),
            (50_000, 30),
            (20_000, 100),
            (10_000, 300),
            (10_000, 1000),
            (500, 32_000),
        ),
        ("float32", "float64"),
    ),
    "layer": Comparison(
        "Layer",
        OF_LAYER + EACH,
        LAYERS,
        ((10_000, 1000), (64 * 12 * 512, 512)),
        ("float32",),
    ),
}


class Transform:
    """What one library does, in a process of its own."""

    def __init__(self, comparison: str, name: str) -> None:
        self.make, _, self.activation = COMPARISONS[comparison].libraries[name]
        self.asked: tuple[Any, ...] = ()
        self.timed: Any = None

    def check(self) -> None:
        """Fail if the result is not that of the activation that the library claims to compute."""
        scores = np.random.default_rng(0).standard_normal((20, 7))
        if self.activation in ACTIVATIONS:
            expected = ACTIVATIONS[self.activation](scores)
            np.testing.assert_allclose(np.asarray(self.make(scores)()), expected, atol=1e-12)

    def seconds(self, shape: Sequence[int], dtype: str) -> float:
        """Median of calls, after some that are not counted.

        Memory that a machine has not used for long comes slowly, for the first calls.
        """
        if self.asked != (shape, dtype):
            self.asked = (shape, dtype)
            rng = np.random.default_rng(0)
            self.timed = self.make(rng.standard_normal(shape, dtype=np.dtype(dtype).type))
        begun = time.perf_counter()
        self.timed()
        while time.perf_counter() < begun + LEAST_SECONDS / 2:
            self.timed()
        seconds: list[float] = []
        begun = time.perf_counter()
        while len(seconds) < LEAST_CALLS or time.perf_counter() < begun + LEAST_SECONDS:
            start = time.perf_counter()
            self.timed()
            seconds.append(time.perf_counter() - start)
        return median(seconds)


def run(
    *,
    repeats: int,
    threads: int,
    budget: float,
    out: Path,
    comparison: str = "transform",
    shapes: Sequence[tuple[int, int]] | None = None,
) -> None:
    """Measure all libraries on all shapes, in turn."""
    _, _, libraries, all_shapes, dtypes = COMPARISONS[comparison]
    clock = Clock()
    sessions: dict[str, Session] = {}
    rows: list[Row] = []
    try:
        for name, library in libraries.items():
            reason = missing(library)
            if reason is None:
                try:
                    sessions[name] = Session(Transform, comparison, name, threads=threads)
                    sessions[name].call("check")
                except FailedError as error:
                    reason = f"failed: {error}"
                    if name in sessions:
                        sessions.pop(name).close()
            if reason is not None:
                clock.say(f"{name}: skipped, {reason}")
                rows.append({"transform": name, "note": reason})
        for dtype in dtypes:
            for shape in all_shapes if shapes is None else shapes:
                for _ in range(repeats):
                    rows += _turn(sessions, shape, dtype, budget, clock)
    finally:
        for session in sessions.values():
            session.close()
    rows = [{"table": comparison, **row} for row in rows]
    file = out / f"{comparison}.csv"
    replace_rows(file, rows, "table", machine.description(threads))
    _write(out, comparison)


def _turn(
    sessions: dict[str, Session], shape: tuple[int, int], dtype: str, budget: float, clock: Clock
) -> list[Row]:
    """One run of each library."""
    rows: list[Row] = []
    for name, session in list(sessions.items()):
        row = {"transform": name, "rows": shape[0], "columns": shape[1], "dtype": dtype}
        try:
            row["seconds"] = session.call("seconds", limit=budget, shape=shape, dtype=dtype)
        except (FailedError, OverBudgetError) as error:
            row["note"] = str(error)
            session.close()
            del sessions[name]
        outcome = f"{row['seconds']:.3g} s" if "seconds" in row else row["note"]
        clock.say(f"{shape[0]} x {shape[1]} {dtype}: {name}, {outcome}")
        rows.append(row)
    return rows


def write(folder: Path) -> None:
    """Tables and figures of both comparisons, from their CSV files."""
    for comparison in COMPARISONS:
        _write(folder, comparison)


def _write(folder: Path, comparison: str) -> None:
    rows = read_rows(folder / f"{comparison}.csv")
    if not seconds_by_case(rows):
        return
    title, description, *_ = COMPARISONS[comparison]
    parts = [f"# {title}", description, "\n".join(origin_lines(folder, rows)), *_tables(rows)]
    notes = [f"- {row['transform']}: {row['note']}" for row in rows if "note" in row]
    (folder / f"{comparison}.md").write_text(
        "\n\n".join(part.strip() for part in (*parts, "\n".join(notes)) if part) + "\n"
    )
    try:
        from .figures import draw_transform
    except ImportError:
        print("matplotlib is not installed: no figure")
    else:
        draw_transform(seconds_by_case(rows), folder / f"{comparison}.png")


def seconds_by_case(rows: Sequence[Row]) -> dict[tuple[int, int, str], dict[str, list[float]]]:
    """Seconds of the runs by (rows, columns, dtype) and transform."""
    cases: dict[tuple[int, int, str], dict[str, list[float]]] = {}
    for row in rows:
        if "seconds" in row:
            case = cases.setdefault((row["rows"], row["columns"], row["dtype"]), {})
            case.setdefault(row["transform"], []).append(row["seconds"])
    return cases


def _ours(name: str) -> str:
    """Our function that a library is compared with."""
    libraries = {
        key: lib for comparison in COMPARISONS.values() for key, lib in comparison.libraries.items()
    }
    activation = libraries[name][2] if name in libraries else ""
    return OURS.get(activation, OURS["sparsemax"])


def _tables(rows: Sequence[Row]) -> list[str]:
    """Multiples of ours, then milliseconds with their ranges."""
    cases = seconds_by_case(rows)
    names = list(dict.fromkeys(name for case in cases.values() for name in case))
    multiples, milliseconds = [], []
    for (n, K, dtype), case in cases.items():
        timings = [
            of_seconds([1e3 * s for s in case[name]]) if name in case else "" for name in names
        ]
        label = [f"{n:,} x {K:,}", dtype]
        ours = [timings[names.index(ours)] if ours in names else "" for ours in map(_ours, names)]
        multiples.append([*label, *map(ratio, timings, ours)])
        milliseconds.append([*label, *map(str, timings)])
    header = ["rows x columns", "dtype", *names]
    return [
        "Multiples of the time of ours for the same activation, the sparsemax where there is none:",
        markdown(header, multiples, left=2),
        "Milliseconds:",
        markdown(header, milliseconds, left=2),
    ]

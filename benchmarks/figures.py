"""The figures of the results, in the style of the site, `docs/matplotlibrc`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

if "MPLBACKEND" not in os.environ:
    mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullFormatter, NullLocator

from .curves import exponent, is_measured
from .tables import Row

COLOURS = {
    "auto": "black",
    "lbfgs": "#0072b2",
    "sdca": "#d55e00",
    "sgd": "#6a3d9a",
    "newton-cg": "#cc79a7",
    "newton-cholesky": "#009e73",
    "saga": "#e69f00",
    "SGDClassifier": "#8c564b",
    "NumPy+SciPy": "#777777",
    "PyTorch+entmax": "#56b4e9",
    "primal": "#882255",
    "dual": "#44aa99",
}
FAMILIES = {
    "sklearn-sparsemax": {"linestyle": "-", "linewidth": 2.2, "marker": None, "zorder": 3},
    "LogisticRegression": {"linestyle": "--", "linewidth": 1.3, "marker": "o"},
}
# Fits of our losses other than sparsemax, "sklearn-sparsemax <loss>".
LOSS_MARKERS = {
    "entmax15": "^",
    "softmax": "v",
    "logistic": "D",
    "logistic, intercept penalised": "P",
}
OTHERS = {"linestyle": ":", "linewidth": 1.6, "marker": "s"}
LOWEST = 1e-7
STYLE = Path(__file__).parents[1] / "docs" / "matplotlibrc"


def style(name: str) -> dict[str, Any]:
    """Line style of a competitor."""
    family, _, algorithm = name.rpartition("/")
    owner, _, loss = family.partition(" ")
    marker = {"marker": LOSS_MARKERS[loss]} if loss else {}
    return {
        **FAMILIES.get(owner, OTHERS),
        **marker,
        "color": COLOURS.get(algorithm, "#333333"),
        "markersize": 4 if loss else 3,
        "label": name,
    }


OURS, PEER, OTHER = "#D55E00", "#0072B2", "#BBBBBB"
# The distance from the minimum at which the best peer is chosen.
GOAL = 1e-3


@mpl.rc_context(fname=STYLE)
def draw_solvers(problems: dict[str, dict[str, list[Row]]], path: Path) -> None:
    """Suboptimality against seconds, one panel for each problem.

    Our default solver is bold. The peer that is first at the goal has a colour, and both have their
    names beside their curves. All others are grey: the tables have their figures.
    """
    columns = min(3, len(problems))
    n_rows = -(-len(problems) // columns)
    figure, panels = plt.subplots(
        n_rows, columns, figsize=(4.0 * columns, 3.1 * n_rows), sharey=True, squeeze=False
    )
    for axes in panels.flat[len(problems) :]:
        axes.set_axis_off()
    for axes, (problem, competitors) in zip(panels.flat, problems.items(), strict=False):
        curves = {
            name: _curve([row for row in fits if row["phase"] == "search"])
            for name, fits in competitors.items()
        }
        _draw_problem(axes, {name: curve for name, curve in curves.items() if len(curve)})
        of = next(iter(competitors.values()))[0]
        size = f"{of['rows']:,.0f} × {of['features']:,.0f}, {of['outputs']:.0f} outputs"
        axes.set_title(f"{problem}: {size}", fontsize=9.5)
    for axes in panels[:, 0]:
        axes.set_ylabel("(F − F*) / F*")
    figure.supxlabel("seconds of a whole fit", fontsize=11)
    _save(figure, path)


def _draw_problem(axes: Any, curves: dict[str, np.ndarray]) -> None:
    ours = "sklearn-sparsemax/auto"
    peers = {name: curve for name, curve in curves.items() if not name.startswith("sklearn-")}
    best = min(peers, key=lambda name: _seconds_to(peers[name], GOAL), default=None)
    for name, curve in curves.items():
        if name not in (ours, best):
            dotted = "-" if name.startswith("sklearn-") else ":"
            axes.loglog(*curve.T, color=OTHER, linewidth=1, linestyle=dotted)
    if best is not None:
        axes.loglog(*peers[best].T, color=PEER, linewidth=2)
        axes.text(0.98, 0.97, best, color=PEER, ha="right", va="top", transform=axes.transAxes)
    if ours in curves:
        axes.loglog(*curves[ours].T, color=OURS, linewidth=3)
        axes.text(
            0.02, 0.03, "sklearn-sparsemax", color=OURS, weight="bold", transform=axes.transAxes
        )
    axes.axhline(GOAL, color="#555555", linewidth=0.8)
    # room for the names above and below the curves
    axes.set_ylim(LOWEST / 20, 60)
    axes.set_yticks([1, 1e-2, 1e-4, 1e-6])
    axes.xaxis.set_minor_formatter(NullFormatter())


def _seconds_to(curve: np.ndarray, goal: float) -> float:
    """Seconds until a curve (m, 2) is at a goal, or infinity."""
    reached = curve[curve[:, 1] <= goal, 0]
    return float(reached.min()) if reached.size else np.inf


def _curve(fits: Sequence[Row]) -> np.ndarray:
    """Seconds and suboptimality (m, 2) of fits with more and more iterations."""
    points = sorted((row["max_iter"], row["seconds"], row["suboptimality"]) for row in fits)
    return np.array([(seconds, max(value, LOWEST)) for _, seconds, value in points])


def _label_ends(axes: Any, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write a text at the right of each line's end (its logarithm), none upon another."""
    low, high = np.log10(axes.get_ylim())
    lowest = -np.inf
    for end, text, colour in sorted(ends):
        lowest = max((end - low) / (high - low), lowest + 0.055)
        place = {"transform": axes.transAxes, "va": "center", "fontsize": 8}
        axes.text(1.01, lowest, text, color=colour, **place)


def _grid(n_panels: int, width: float, height: float) -> tuple[Any, list[Any]]:
    """At least one panel more than asked for, which holds the legend."""
    columns = min(4, n_panels + 1)
    n_rows = -(-(n_panels + 1) // columns)
    figure, axes = plt.subplots(
        n_rows, columns, figsize=(width * columns, height * n_rows), layout="constrained"
    )
    return figure, list(np.atleast_1d(axes).ravel())


def _legend_beside(figure: Any, spare: Sequence[Any], lines: dict[str, Any]) -> None:
    for axes in spare:
        axes.set_axis_off()
    spare[0].legend(lines.values(), lines.keys(), loc="center left", frameon=False, fontsize=9)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=130)
    plt.close(figure)


TRANSFORM_COLOURS = {
    "sklearn-sparsemax": "black",
    "entmax.sparsemax": "#d55e00",
    "jaxopt simplex": "#e69f00",
    "optax simplex": "#cc79a7",
    "entmax.sparsemax_bisect": "#009e73",
    "sklearn-sparsemax entmax15": "#555555",
    "entmax.entmax15": "#f0a070",
    "torch.softmax": "#56b4e9",
    "scipy softmax": "#0072b2",
    "ndarray.copy": "#bbbbbb",
}


@mpl.rc_context(fname=STYLE)
def draw_transform(cases: dict[tuple[int, int, str], dict[str, list[float]]], path: Path) -> None:
    """Bars of seconds for each shape, one panel for each type."""
    dtypes = list(dict.fromkeys(dtype for *_, dtype in cases))
    colours = {
        name: colour
        for name, colour in TRANSFORM_COLOURS.items()
        if any(name in by_name for by_name in cases.values())
    }
    figure, panels = plt.subplots(
        1, len(dtypes), figsize=(6.5 * len(dtypes), 4.2), sharey=True, layout="constrained"
    )
    width = 0.85 / len(colours)
    for axes, dtype in zip(np.atleast_1d(panels), dtypes, strict=True):
        shapes = [case for case in cases if case[2] == dtype]
        for j, (name, colour) in enumerate(colours.items()):
            at = [i for i, shape in enumerate(shapes) if name in cases[shape]]
            heights = [np.median(cases[shapes[i]][name]) for i in at]
            axes.bar(
                np.array(at) + (j - (len(colours) - 1) / 2) * width,
                heights,
                width,
                color=colour,
                label=name,
            )
        axes.set_yscale("log")
        axes.set_xticks(range(len(shapes)), [f"{n:,}\nx {K:,}" for n, K, _ in shapes], fontsize=8)
        axes.set_title(dtype)
        axes.grid(axis="y", alpha=0.25, linewidth=0.6)
        axes.set_axisbelow(True)
    panels = np.atleast_1d(panels)
    panels[0].set_ylabel("seconds")
    figure.legend(
        *panels[-1].get_legend_handles_labels(), loc="outside right center", frameon=False
    )
    _save(figure, path)


PASS_STYLES = {
    "pass: F and gradient": {"color": "black", "linewidth": 2.2},
    "pass: probabilities": {"color": "#999999", "linewidth": 1.4},
    "pass: the rest": {"color": "#009e73", "linewidth": 1.4},
}


@mpl.rc_context(fname=STYLE)
def draw_growth(curves: dict[str, dict[str, np.ndarray]], path: Path) -> None:
    """Seconds against each size, with the exponents beside the ends of the lines."""
    figure, panels = _grid(len(curves), width=4.4, height=3.6)
    lines: dict[str, Any] = {}
    for axes, (sweep, by_name) in zip(panels, curves.items(), strict=False):
        ends = []
        for name, curve in by_name.items():
            if not is_measured(curve):
                continue
            look = {**PASS_STYLES[name], "label": name} if name in PASS_STYLES else style(name)
            (line,) = axes.loglog(*curve.T, **look)
            lines.setdefault(name, line)
            ends.append((np.log10(curve[-1, 1]), f"{exponent(curve):.2f}", line.get_color()))
        sizes = next(iter(by_name.values()))[:, 0]
        axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], fontsize=8)
        axes.xaxis.set_minor_locator(NullLocator())
        _label_ends(axes, ends)
        axes.set_title(f"{sweep}, with exponents", fontsize=11)
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.set_xlabel(sweep)
        axes.set_ylabel("seconds of a pass or iteration")
    _legend_beside(figure, panels[len(curves) :], lines)
    _save(figure, path)

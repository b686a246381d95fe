"""The figure of activation functions: on a line of scores, and on a plane of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ._activation_functions import ELEMENTWISE, SIMPLEX, Activation, curve

__all__ = ["draw"]

# Okabe and Ito's colours, for colour-blind readers. The dashes differ too, for prints in grey and
# for lines that lie on each other.
STYLES: dict[str, dict[str, Any]] = {
    "sigmoid": {"color": "#0072B2", "linestyle": "-"},
    "ReLU": {"color": "#000000", "linestyle": "-", "linewidth": 3.5, "alpha": 0.35},
    "PoLU, n = 1": {"color": "#E69F00", "linestyle": "-"},
    "PoLU, n = 2": {"color": "#D55E00", "linestyle": (0, (4, 2))},
    "Swish": {"color": "#009E73", "linestyle": (0, (6, 1.5, 1, 1.5))},
    "softmax": {"color": "#0072B2", "linestyle": (0, (4, 2))},
    "entmax 1.5": {"color": "#009E73", "linestyle": (0, (6, 1.5, 1, 1.5))},
    "sparsemax": {"color": "#D55E00", "linestyle": "-"},
}
# Scores from -END to END are drawn.
END = 4.0
# A larger difference between neighbouring points of a curve is a jump, and is left open.
JUMP = 0.2


def draw(path: Path) -> None:
    """Draw all functions: elementwise above, maps to probabilities in the middle and below.

    Parameters
    ----------
    path : Path
        Where to save the figure; the extension tells the format.
    """
    figure = Figure(figsize=(8, 9.6), layout="constrained")
    parts: Any = figure.subfigures(3, 1, height_ratios=[1.15, 1, 1.1])
    top, middle, bottom = parts
    top.suptitle("Functions of one score x")
    _draw_curves(top, ELEMENTWISE, ("f(x)", "derivative f′(x)"), "score x")
    middle.suptitle("Maps to the probabilities of two classes")
    _draw_curves(
        middle,
        SIMPLEX,
        ("probability of class 1", "its derivative"),
        "score of class 1 minus score of class 2",
    )
    bottom.suptitle("Maps to the probabilities of three classes; the score of class 3 is 0")
    _draw_planes(bottom)
    figure.savefig(path, dpi=150)


def _draw_curves(
    figure: Any, functions: tuple[Activation, ...], titles: tuple[str, str], label: str
) -> None:
    """Values on the left, derivatives on the right."""
    x = np.linspace(-END, END, 801)
    both = figure.subplots(1, 2)
    for function in functions:
        for axes, y in zip(both, curve(function, x), strict=True):
            y[1:][np.abs(np.diff(y)) > JUMP] = np.nan
            axes.plot(x, y, **{"linewidth": 1.8, **STYLES[function.name]}, label=function.name)
    for axes, title in zip(both, titles, strict=True):
        axes.set(title=title, xlabel=label, xlim=(-END, END))
        axes.grid(alpha=0.3)
    both[0].legend(loc="upper left", handlelength=3)


def _draw_planes(figure: Any) -> None:
    """Probability of the first of three classes as bands of colour; exact zeros hatched."""
    line = np.linspace(-END, END, 401)
    first, second = np.meshgrid(line, line)
    scores = np.stack([first, second, np.zeros_like(first)], axis=-1)
    row = figure.subplots(1, len(SIMPLEX), sharey=True)
    for axes, function in zip(row, SIMPLEX, strict=True):
        p = function.value(scores)[..., 0]
        bands = axes.contourf(first, second, p, np.linspace(0, 1, 11), cmap="cividis")
        if (p == 0).any():
            axes.contourf(first, second, p == 0, [0.5, 1.5], colors="white", hatches=["///"])
            axes.text(-2.2, 2.6, "exactly 0", ha="center", va="center", backgroundcolor="white")
        if (p == 1).any():
            axes.contour(first, second, p == 1, [0.5], colors="black", linestyles="dotted")
            axes.text(3, -2, "exactly 1", ha="center", va="center", rotation=90)
        axes.set(title=function.name, xlabel="score of class 1", aspect="equal")
    row[0].set_ylabel("score of class 2")
    figure.colorbar(bands, ax=row, shrink=0.9, label="probability of class 1")

"""
Sparsemax compared with softmax
===============================

Sparsemax compared with softmax, for two classes and for three.

    python examples/plot_sparsemax_softmax.py [FILE]

Left: the probability of the first of two classes, against the difference of their scores.
Middle and right: scores of three classes, as small dots in the plane of the probability simplex
(the triangle). A line joins each dot to its probabilities. The softmax moves every dot to the
interior. The sparsemax moves it to the nearest point of the triangle, mostly on an edge or in a
corner.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection

from sklearn_sparsemax import softmax, sparsemax

DEFAULT_FILE = Path(__file__).resolve().parents[1] / "docs" / "images" / "sparsemax_softmax.png"

# Okabe and Ito's colours, for colour-blind readers. The markers differ too, for prints in grey.
BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
SUPPORT_STYLES = {
    3: {"color": BLUE, "marker": "o", "s": 12, "label": "three classes with positive probability"},
    2: {"color": ORANGE, "marker": "D", "s": 18, "label": "two"},
    1: {"color": VERMILION, "marker": "s", "s": 50, "label": "one"},
}

# The points of the plane where one class has the probability 1.
CORNERS = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])


def score_lattice(radius: float = 1.3, spacing: float = 1 / 6) -> np.ndarray:
    """Scores (n, 3) on a triangular lattice around zero, up to a radius."""
    steps = np.arange(-12, 13) * spacing
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    scores = np.column_stack([a, b, -a - b])
    return scores[np.linalg.norm(scores, axis=1) < radius]


def draw_two_classes(ax: plt.Axes) -> None:
    t = np.linspace(-3, 3, 601)
    scores = np.column_stack([t, np.zeros_like(t)])
    for start, stop in [(-3, -1), (1, 3)]:
        ax.axvspan(start, stop, color=VERMILION, alpha=0.1, linewidth=0)
    ax.plot(t, softmax(scores)[:, 0], color=BLUE, linestyle="--", linewidth=2)
    ax.plot(t, sparsemax(scores)[:, 0], color=VERMILION, linewidth=2)
    ax.text(-2.85, 0.17, "softmax", color=BLUE)
    ax.text(0.5, 0.9, "sparsemax", color=VERMILION, ha="right")
    ax.text(-2, 0.5, "sparsemax\nexactly 0", color=VERMILION, ha="center", va="center")
    ax.text(2, 0.5, "sparsemax\nexactly 1", color=VERMILION, ha="center", va="center")
    ax.set(
        title="Two classes",
        xlabel="score of the first class less that of the second",
        ylabel="probability of the first class",
        xlim=(-3, 3),
        xticks=range(-3, 4),
        yticks=[0, 0.5, 1],
    )
    ax.spines[["top", "right"]].set_visible(False)


def draw_three_classes(ax: plt.Axes, transform) -> None:
    scores = score_lattice()
    probabilities = transform(scores)
    # a shift changes neither map: adding 1/3 moves the scores into the plane of the simplex
    start, end = (scores + 1 / 3) @ CORNERS, probabilities @ CORNERS
    ax.add_patch(plt.Polygon(CORNERS, facecolor="0.94", edgecolor="0.2", linewidth=1))
    ax.add_collection(LineCollection(np.stack([start, end], axis=1), colors="0.7", linewidths=0.5))
    ax.scatter(*start.T, s=3, color="0.5", linewidths=0, label="scores")
    size = (probabilities > 0).sum(axis=1)
    for support, style in SUPPORT_STYLES.items():
        ax.scatter(*end[size == support].T, zorder=3, linewidths=0, **style)
    ax.set_title(f"Three classes, {transform.__name__}")
    ax.set_aspect("equal")
    ax.set_axis_off()


def main(file: Path) -> None:
    with mpl.rc_context({"font.size": 10, "axes.titlesize": 11}):
        fig, axes = plt.subplots(
            1, 3, figsize=(10, 3.6), layout="constrained", gridspec_kw={"width_ratios": [1.1, 1, 1]}
        )
        draw_two_classes(axes[0])
        draw_three_classes(axes[1], softmax)
        draw_three_classes(axes[2], sparsemax)
        fig.legend(
            *axes[2].get_legend_handles_labels(),
            loc="lower center",
            bbox_to_anchor=(0.69, 0),
            columnspacing=1.2,
            handletextpad=0.2,
            ncols=4,
            frameon=False,
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        # no version of matplotlib in the file: the same picture is then the same file
        fig.savefig(file, dpi=200, metadata={"Software": None})
    plt.close(fig)
    print(f"wrote {file}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE)

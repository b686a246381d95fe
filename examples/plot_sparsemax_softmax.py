"""
Sparsemax beside softmax
========================

Both functions turn scores into probabilities. The softmax makes all of them positive. The sparsemax
sets small ones to exactly 0.

Left: the probability of the first of two classes, against the difference of their scores. Middle
and right: scores of three classes, as small dots in the plane of the probability simplex (the
triangle). A line joins each dot to its probabilities. The softmax moves every dot to the interior.
The sparsemax moves it to the nearest point of the triangle, mostly on an edge or in a corner.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

from sklearn_sparsemax import softmax, sparsemax

BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
# The points of the plane where one class has the probability 1
CORNERS = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])

# %%
# Two classes
# -----------
# The sparsemax is a straight line between exact 0 and exact 1.


def draw_two_classes(ax):
    t = np.linspace(-3, 3, 601)
    scores = np.column_stack([t, np.zeros_like(t)])
    for start, stop in [(-3, -1), (1, 3)]:
        ax.axvspan(start, stop, color=VERMILION, alpha=0.1, linewidth=0)
    ax.plot(t, softmax(scores)[:, 0], color=BLUE, linestyle="--")
    ax.plot(t, sparsemax(scores)[:, 0], color=VERMILION)
    ax.text(-2.85, 0.17, "softmax", color=BLUE)
    ax.text(0.45, 0.9, "sparsemax", color=VERMILION, ha="right")
    ax.text(-2, 0.5, "exactly 0", color=VERMILION, ha="center")
    ax.text(2, 0.5, "exactly 1", color=VERMILION, ha="center")
    ax.set(
        title="Two classes",
        xlabel="difference of the two scores",
        ylabel="probability of the first class",
        xlim=(-3, 3),
        xticks=range(-3, 4),
        yticks=[0, 0.5, 1],
    )
    ax.grid(visible=False)


# %%
# Three classes
# -------------
# The sparsemax is the Euclidean projection onto the simplex: the nearest point.


def draw_three_classes(ax, transform):
    steps = np.arange(-12, 13) / 6
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    scores = np.column_stack([a, b, -a - b])
    scores = scores[np.linalg.norm(scores, axis=1) < 1.3]
    probabilities = transform(scores)
    # a shift changes neither map: adding 1/3 moves the scores into the plane of the simplex
    start, end = (scores + 1 / 3) @ CORNERS, probabilities @ CORNERS
    ax.add_patch(plt.Polygon(CORNERS, facecolor="0.94", edgecolor="0.2", linewidth=1))
    ax.add_collection(LineCollection(np.stack([start, end], axis=1), colors="0.7", linewidths=0.5))
    ax.scatter(*start.T, s=3, color="0.5", linewidths=0)
    n_positive = (probabilities > 0).sum(axis=1)
    for n, colour, marker, size in [
        (3, BLUE, "o", 12),
        (2, ORANGE, "D", 18),
        (1, VERMILION, "s", 50),
    ]:
        rows = n_positive == n
        if rows.any():
            ax.scatter(*end[rows].T, s=size, color=colour, marker=marker, linewidths=0, zorder=3)
    ax.set_title(f"Three classes, {transform.__name__}")
    ax.set_aspect("equal")
    ax.set_axis_off()


figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.6), width_ratios=[1.1, 1, 1])
draw_two_classes(axes[0])
draw_three_classes(axes[1], softmax)
draw_three_classes(axes[2], sparsemax)
below = {"y": -0.02, "va": "top", "ha": "center"}
axes[1].text(0.5, s="three classes possible", color=BLUE, transform=axes[1].transAxes, **below)
for x, text, colour in [
    (0.08, "three,", BLUE),
    (0.3, "two,", "#9a6a00"),
    (0.7, "one class possible", VERMILION),
]:
    axes[2].text(x, s=text, color=colour, transform=axes[2].transAxes, **below)
plt.show()

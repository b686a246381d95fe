"""
Activation functions compared
=============================

Which functions give exact zeros, and where do their derivatives vanish? The first row shows four
functions of one score with their derivatives (dashed). The second row shows three maps from scores
to probabilities, for two classes: they depend on the difference of the scores only.

The page :doc:`/science/activations` has a table of their ranges, zeros, saturation and cost.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from sklearn_sparsemax import (
    entmax,
    entmax_jacobian,
    softmax,
    softmax_jacobian,
    sparsemax,
    sparsemax_jacobian,
)

x = np.linspace(-4, 4, 801)

# %%
# Functions of one score
# ----------------------
# PoLU is the power linear unit, here with the power 1: ``x`` for ``x >= 0`` and
# ``1 / (1 - x) - 1`` below.

negative = np.minimum(x, 0)
scalar = {
    "sigmoid": (expit(x), expit(x) * expit(-x)),
    "ReLU": (np.maximum(x, 0), np.where(x > 0, 1.0, 0.0)),
    "PoLU": (
        np.where(x >= 0, x, 1 / (1 - negative) - 1),
        np.where(x >= 0, 1, (1 - negative) ** -2),
    ),
    "Swish": (x * expit(x), expit(x) * (1 + x * expit(-x))),
}

# %%
# Maps to probabilities
# ---------------------
# The probability of the first of two classes, and its derivative by the score difference.

scores = np.column_stack([x, np.zeros_like(x)])
maps = {
    "softmax": (softmax(scores), softmax_jacobian(scores)),
    "entmax, alpha = 1.5": (entmax(scores), entmax_jacobian(scores)),
    "sparsemax": (sparsemax(scores), sparsemax_jacobian(scores)),
}
print("score differences with probability exactly 0")
for name, (p, _) in maps.items():
    zero = x[p[:, 0] == 0]
    print(f"{name:20} {f'x <= {zero.max():.2f}' if zero.size else 'none'}")

# %%
# The sparsemax reaches 0 and 1 first. Its derivative jumps there, that of the entmax does not.

figure = plt.figure(figsize=(10, 5.6))
panels = figure.subplot_mosaic([[*"aaabbbcccddd"], [*"eeeeffffgggg"]])
curves = scalar | {name: (p[:, 0], jacobian[:, 0, 0]) for name, (p, jacobian) in maps.items()}
for (name, (value, slope)), axes in zip(curves.items(), panels.values(), strict=True):
    slope = np.where(np.abs(np.diff(slope, append=slope[-1])) > 0.2, np.nan, slope)
    axes.plot(x, value, color="#0072B2")
    axes.plot(x, slope, color="#D55E00", linestyle="--", linewidth=1.6)
    zero = x[value == 0]
    if zero.size > 1:
        axes.axvspan(zero.min(), zero.max(), color="#0072B2", alpha=0.12, linewidth=0)
        axes.text(zero.mean(), 0.5, "exactly 0", color="#0072B2", ha="center")
    axes.set(title=name, xticks=[-4, -2, 0, 2, 4], ylim=(-0.35, 1.35))
panels["a"].text(0.2, 1.05, "value", color="#0072B2", ha="right")
panels["a"].text(4, 0.1, "slope", color="#D55E00", ha="right")
figure.supxlabel("score, or difference of two scores", fontsize=11)
plt.show()

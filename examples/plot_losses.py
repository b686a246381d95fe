"""
Losses and their margins
========================

A loss says how badly scores fit the true class. Here are five losses for two classes, against the
lead of the true class over the other one.

The sparsemax loss is exactly 0 from a lead of 1 on, like the hinge loss of a support vector
machine. This lead is its *margin*: training no longer pulls at such a row. Unlike the hinge loss,
it is smooth. The entmax loss with alpha = 1.5 has the margin 2. The softmax loss (cross-entropy)
has none: it pulls at every row for ever.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_sparsemax import entmax_loss, softmax_loss, sparsemax_loss

lead = np.linspace(-3, 4, 701)
scores = np.column_stack([lead, np.zeros_like(lead)])
true_class = np.zeros(len(lead), dtype=int)

losses = {
    "softmax": softmax_loss(scores, true_class, reduction="none"),
    "entmax 1.5": entmax_loss(scores, true_class, reduction="none"),
    "sparsemax": sparsemax_loss(scores, true_class, reduction="none"),
    "hinge": np.maximum(1 - lead, 0),
}

# %%
# Where does each loss become exactly 0?

for name, loss in losses.items():
    zero = lead[loss == 0]
    print(f"{name:12} {f'0 from a lead of {zero.min():.2f} on' if zero.size else 'never 0'}")

# %%
# The slope of each loss is the pull on the scores. For the three losses of this package it is
# minus the probability of the wrong class.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
colours = {
    "softmax": "#0072B2",
    "entmax 1.5": "#009E73",
    "sparsemax": "#D55E00",
    "hinge": "#777777",
}
for name, loss in losses.items():
    look = {"color": colours[name], "linestyle": ":" if name == "hinge" else "-"}
    left.plot(lead, loss, **look)
    right.plot(lead, -np.gradient(loss, lead), **look)
left.text(2.2, 0.23, "softmax", color=colours["softmax"])
left.text(-1.4, 0.9, "sparsemax", color=colours["sparsemax"], ha="right")
left.text(-2.0, 3.15, "hinge", color=colours["hinge"])
right.text(2.1, 0.16, "softmax", color=colours["softmax"])
for axes, tip, place in [(left, (0.6, 0.2), (1.3, 1.1)), (right, (1.35, 0.08), (1.8, 0.42))]:
    arrow = {"arrowstyle": "-", "color": colours["entmax 1.5"]}
    axes.annotate("entmax 1.5", tip, place, color=colours["entmax 1.5"], arrowprops=arrow)
right.text(-1.1, 0.62, "sparsemax", color=colours["sparsemax"], ha="right")
right.text(1.08, 0.9, "hinge", color=colours["hinge"])
left.set(title="Loss", xlabel="lead of the true class", ylabel="loss", ylim=(-0.1, 3.5))
right.set(title="Pull on the scores", xlabel="lead of the true class", ylabel="minus the slope")
plt.show()

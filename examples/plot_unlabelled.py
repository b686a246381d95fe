"""
Rows without labels
===================

A row may have no label at all. The parameter ``empty`` of the estimators for label sets says what
such a row means. Here, the rows on the left have no label, those on the right have one or two.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_sparsemax import MultilabelSparsemaxClassifier

rng = np.random.default_rng(0)
X = np.sort(rng.uniform(-3, 3, size=(150, 1)), axis=0)
first = X[:, 0] + rng.normal(scale=0.4, size=150) > 0
second = X[:, 0] + rng.normal(scale=0.4, size=150) > 1.5
Y = np.column_stack([first, second]).astype(int)
print(f"{np.mean(Y.sum(axis=1) == 0):.0%} of the rows have no label")

# %%
# With "null", the mass of such rows goes to a virtual output, "none of them": on the left, both
# labels are ruled out. With "drop", these rows are left out, so that the labels share a total
# probability of 1 everywhere.

x = np.linspace(-3, 3, 301)[:, None]
figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for axes, empty in zip(panels, ["null", "drop"], strict=True):
    p = MultilabelSparsemaxClassifier(alpha=0.01, empty=empty).fit(X, Y).predict_proba(x)
    axes.plot(x, p[:, 0], color="#0072B2")
    axes.plot(x, p[:, 1], color="#D55E00")
    axes.plot(x, 1 - p.sum(axis=1), color="#777777", linestyle=":")
    axes.set(title=f'empty="{empty}"', xlabel="feature")
    print(
        f"{empty}: total probability on the left {p[0].sum():.2f}, on the right {p[-1].sum():.2f}"
    )
panels[0].set_ylabel("probability")
panels[0].text(-2.6, 0.9, "no label", color="#777777")
panels[0].text(0.95, 0.93, "first label", color="#0072B2")
panels[0].text(1.7, 0.17, "second label", color="#D55E00")
plt.show()

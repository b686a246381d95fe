"""
A stream that drifts
====================

:class:`~sklearn_sparsemax.SGDSparsemaxClassifier` learns from rows as they arrive. Here the
classes of a simulated stream turn in the plane. One model learns from all rows. Another one is
replaced by a new one in regular intervals, so that it forgets the past. Each chunk is predicted
before it is learnt: the accuracies are those of unseen rows.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_sparsemax import SGDSparsemaxClassifier

N_CLASSES, N_CHUNKS, ROWS = 6, 120, 200
rng = np.random.default_rng(0)


def chunk(i):
    """Rows around six centres on a circle, which stands still, turns, and stands still again."""
    turned = np.clip((i - 40) / 40, 0, 1) * np.pi / 2
    y = rng.integers(N_CLASSES, size=ROWS)
    angle = 2 * np.pi * y / N_CLASSES + turned
    X = 3 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(size=(ROWS, 2))
    return X, y


# %%
# ``partial_fit`` takes the classes at its first call, since a chunk may lack some of them.

classes = np.arange(N_CLASSES)
lasting, renewed = SGDSparsemaxClassifier(), SGDSparsemaxClassifier()
accuracies = {"all rows": [], "renewed every 10 chunks": []}
possible = []
for i in range(N_CHUNKS):
    X, y = chunk(i)
    if i:
        accuracies["all rows"].append(lasting.score(X, y))
        accuracies["renewed every 10 chunks"].append(renewed.score(X, y))
        possible.append((renewed.predict_proba(X) > 0).sum(axis=1).mean())
    lasting.partial_fit(X, y, classes=classes)
    if i % 10 == 9:
        renewed = SGDSparsemaxClassifier()
    renewed.partial_fit(X, y, classes=classes)
for name, values in accuracies.items():
    print(f"{name:24} before {np.mean(values[:38]):.3f}, drift {np.mean(values[40:80]):.3f}")

# %%
# During the drift, the model of all rows falls behind. It recovers slowly, since old rows still
# count. A model that is renewed follows.

figure, axes = plt.subplots(figsize=(9, 3.8))
axes.axvspan(40, 80, color="#eeeeee", linewidth=0)
axes.text(60, 0.02, "the classes turn", ha="center", color="#555555")
for (name, values), colour in zip(accuracies.items(), ["#D55E00", "#0072B2"], strict=True):
    smooth = np.convolve(values, np.ones(5) / 5, mode="valid")
    axes.plot(np.arange(3, 3 + len(smooth)), smooth, color=colour)
    axes.text(N_CHUNKS + 1, smooth[-1], name, color=colour, va="center")
axes.set(xlabel=f"chunk of {ROWS} rows", ylabel="accuracy on the next chunk", ylim=(0, 1))
plt.show()

"""
Shortlists of digits
====================

A classifier that you can trust says which digits an image may be, and how often it is wrong about
that. :class:`~sklearn_sparsemax.CalibratedSparsemaxClassifierCV` holds out some rows and chooses
the length of the shortlists, such that 99 % of them contain the true digit.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, SparsemaxClassifier
from sklearn_sparsemax.plotting import SupportSizeDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.4, random_state=1)

classifier = CalibratedSparsemaxClassifierCV(
    SparsemaxClassifier(), confidence_level=0.99, random_state=0
).fit(X_train, y_train)
report = classifier.coverage(X_test, y_test)
print(f"coverage {report['coverage']:.3f}, mean length {report['mean_size']:.2f}")

# %%
# Images, with the digits that remain
# -----------------------------------
# The most doubtful images come first. The height of a bar is the probability. The true digit is
# blue.

p = classifier.predict_proba(X_test)
n_possible = (p > 0).sum(axis=1)
rows = (
    np.argsort(-n_possible, kind="stable")[:6].tolist()
    + np.flatnonzero(n_possible == 1)[:2].tolist()
)
figure, panels = plt.subplots(2, len(rows), figsize=(11, 3.4), height_ratios=[1.2, 1])
for (above, below), row in zip(panels.T, rows, strict=True):
    above.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    above.set_axis_off()
    possible = np.flatnonzero(p[row])
    colours = ["#0072B2" if digit == y_test[row] else "#999999" for digit in possible]
    below.bar(range(len(possible)), p[row, possible], color=colours)
    below.set(
        ylim=(0, 1),
        yticks=[0, 1] if row == rows[0] else [],
        xlim=(-0.7, max(len(possible) - 0.3, 2)),
    )
    below.set_xticks(range(len(possible)), possible)
    below.grid(visible=False)
panels[1, 0].set_ylabel("probability")
plt.show()

# %%
# How long are the shortlists?
# ----------------------------
# Three of four images have a shortlist of one digit or two.

SupportSizeDisplay.from_estimator(classifier, X_test, y_test)
plt.show()

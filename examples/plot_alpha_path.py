"""
A path of penalties
===================

:class:`~sklearn_sparsemax.SparsemaxClassifierCV` fits one ``alpha`` after the other, from strong to
weak penalties, each from the one before. Cross-validation chooses among them.
:class:`~sklearn_sparsemax.plotting.AlphaPathDisplay` shows the mean score over the folds.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import SparsemaxClassifier, SparsemaxClassifierCV
from sklearn_sparsemax.plotting import AlphaPathDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.5, random_state=0)

classifier = SparsemaxClassifierCV(random_state=0).fit(X_train, y_train)
print(f"alpha {classifier.alpha_:.2g}, accuracy of the folds {classifier.best_score_:.3f}")
print(f"accuracy of the test rows {classifier.score(X_test, y_test):.3f}")

AlphaPathDisplay.from_estimator(classifier)
plt.show()

# %%
# What the penalty does to the shortlist
# --------------------------------------
# A strong penalty draws the scores together: more classes stay possible, and the true one is rarely
# missing. So the penalty is also a choice between short and safe lists. To choose their safety
# directly, see :ref:`sphx_glr_auto_examples_plot_coverage.py`.

alphas = 10.0 ** np.arange(-5, 0.1, 0.5)
sizes, covered = [], []
for alpha in alphas:
    p = SparsemaxClassifier(alpha=alpha).fit(X_train, y_train).predict_proba(X_test)
    sizes.append((p > 0).sum(axis=1).mean())
    covered.append(100 * np.mean(p[np.arange(len(p)), y_test] > 0))

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
left.semilogx(alphas, sizes, "o-")
left.set(title="possible digits, mean", xlabel="alpha", ylim=(0, 10.5))
right.semilogx(alphas, covered, "o-")
right.set(title="true digit possible, %", xlabel="alpha")
for axes in (left, right):
    axes.axvline(classifier.alpha_, color="#D55E00", linewidth=1.5)
left.text(classifier.alpha_ * 1.2, 9.5, "chosen by accuracy", color="#D55E00")
plt.show()

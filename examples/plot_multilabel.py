"""
Label sets and their thresholds
===============================

Label sets are an indicator matrix. A grid search chooses the penalty. Inside it,
:class:`~sklearn_sparsemax.TunedMultilabelThresholdCV` chooses the decision threshold by
cross-validation. Both use the training rows only.

The data are generated. For a benchmark of the paper, call
``sklearn_sparsemax.datasets.fetch_emotions(return_X_y=True)``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import MultilabelSparsemaxClassifier, TunedMultilabelThresholdCV

X, Y = make_multilabel_classification(
    n_samples=1000, n_features=60, n_classes=10, n_labels=2, length=150, random_state=0
)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)

model = TunedMultilabelThresholdCV(
    make_pipeline(StandardScaler(), MultilabelSparsemaxClassifier()), random_state=0
)
alphas = {"estimator__multilabelsparsemaxclassifier__alpha": [0.01, 0.1, 1.0, 10.0]}
search = GridSearchCV(model, alphas, scoring="f1_micro").fit(X_train, Y_train)
tuned = search.best_estimator_
print("alpha", *search.best_params_.values(), "threshold", np.round(tuned.best_threshold_, 3))

# %%
# The threshold matters
# ---------------------
# The curve is the score of the test rows for each cut. The line is the cut that cross-validation
# has chosen without them. At 0, all labels with a positive probability are predicted.

p = tuned.predict_proba(X_test)
cuts = np.linspace(0, 0.6, 61)
scores = [f1_score(Y_test, p > cut, average="micro") for cut in cuts]
at_cut = f1_score(Y_test, tuned.predict(X_test), average="micro")
print(f"micro-F1 of the test rows: {scores[0]:.3f} at 0, {at_cut:.3f} at the chosen threshold")

figure, axes = plt.subplots()
axes.plot(cuts, scores)
axes.axvline(tuned.best_threshold_, color="#D55E00", linewidth=1.5)
axes.text(tuned.best_threshold_ + 0.01, min(scores), "chosen", color="#D55E00")
axes.set(xlabel="threshold", ylabel="micro-F1 of the test rows")
plt.show()

# %%
# Rows and labels
# ---------------
# Blank cells are labels that are ruled out: their probability is exactly 0. A circle marks a true
# label.

rows = slice(0, 30)
figure, axes = plt.subplots(figsize=(10, 3.8))
shown = np.ma.masked_equal(p[rows].T, 0)
image = axes.imshow(shown, cmap="viridis_r", vmin=0, vmax=1, aspect="auto")
labels, columns = np.nonzero(Y_test[rows].T)
axes.scatter(columns, labels, s=60, facecolors="none", edgecolors="#D55E00", linewidths=1.5)
axes.set(xlabel="test row", ylabel="label", yticks=range(10))
axes.grid(visible=False)
figure.colorbar(image, ax=axes, label="probability", fraction=0.03)
plt.show()

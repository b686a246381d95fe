"""
Regions of one, two and three classes
=====================================

The three species of iris, in the plane of the probability simplex.
:class:`~sklearn_sparsemax.plotting.SimplexDisplay` shows where one, two and three classes are
possible, and where the flowers lie. A stronger penalty draws the scores together, so that more
classes stay possible.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import SparsemaxClassifier
from sklearn_sparsemax.plotting import SimplexDisplay

iris = load_iris()
X, y = iris.data, iris.target_names[iris.target]

figure, panels = plt.subplots(1, 2, figsize=(10, 4.6))
for alpha, axes in zip([0.3, 0.003], panels, strict=True):
    classifier = make_pipeline(StandardScaler(), SparsemaxClassifier(alpha=alpha)).fit(X, y)
    SimplexDisplay.from_estimator(classifier, X, y, ax=axes)
    n_possible = (classifier.predict_proba(X) > 0).sum(axis=1)
    axes.set_title(f"alpha = {alpha}")
    print(f"alpha {alpha}: {n_possible.mean():.2f} species are possible on average")
plt.show()

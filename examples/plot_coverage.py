"""
Coverage: asked for, and observed
=================================

The guarantee of :class:`~sklearn_sparsemax.CalibratedSparsemaxClassifierCV` holds for any
classifier with scores. Here it is checked for a logistic regression and for a sparsemax classifier
that are both too simple for their data, a simulation with 20 overlapping classes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, SparsemaxClassifier
from sklearn_sparsemax.plotting import CoverageDisplay

X, y = make_classification(
    6000, n_features=30, n_informative=20, n_classes=20, class_sep=1.5, random_state=0
)

# %%
# A model is fitted once. Then the other rows are divided at random into rows for the calibration
# and rows for the test, twenty times. One calibration serves all levels: the level may be changed
# afterwards.

X_fit, X_rest, y_fit, y_rest = train_test_split(X, y, train_size=0.4, random_state=0)
levels = [0.8, 0.9, 0.95]
for model in (LogisticRegression(max_iter=1000), SparsemaxClassifier()):
    model.fit(X_fit, y_fit)
    print(f"{type(model).__name__}: accuracy {model.score(X_rest, y_rest):.3f}")
    covered, sizes = [], []
    for seed in range(20):
        X_cal, X_test, y_cal, y_test = train_test_split(X_rest, y_rest, random_state=seed)
        calibrated = CalibratedSparsemaxClassifierCV(model, cv="prefit").fit(X_cal, y_cal)
        reports = [
            calibrated.set_params(confidence_level=level).coverage(X_test, y_test)
            for level in levels
        ]
        covered.append([report["coverage"] for report in reports])
        sizes.append([report["mean_size"] for report in reports])
    for level, coverage, size in zip(levels, np.mean(covered, 0), np.mean(sizes, 0), strict=True):
        print(f"  {level:.2f}: covered {coverage:.3f}, {size:.1f} classes on average")

# %%
# The observed coverage follows the level that was asked for. Its price is the length of the
# shortlists. This picture is for the last of the twenty divisions.

CoverageDisplay.from_estimator(calibrated, X_test, y_test)
plt.gcf().set_size_inches(10, 3.8)
plt.show()

"""
Label sets and their thresholds
===============================

Multilabel classification: fit, choose the threshold, and see which labels are ruled out.

    python examples/plot_multilabel.py [FILE]

Label sets are an indicator matrix. The features are anything that scikit-learn takes. A grid search
chooses the penalty. Inside it, cross-validation chooses the decision threshold. Both use the
training rows only. To use your own data, replace the first lines of `main`. For a benchmark of the
paper, call `sklearn_sparsemax.datasets.fetch_emotions(return_X_y=True)` there.
"""

from __future__ import annotations

import sys

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import MultilabelSparsemaxClassifier, TunedMultilabelThresholdCV

N_ROWS_SHOWN = 40


def main(file: str = "multilabel.png") -> None:
    X, Y = make_multilabel_classification(
        n_samples=1000, n_features=60, n_classes=10, n_labels=2, length=150, random_state=0
    )
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)

    model = TunedMultilabelThresholdCV(
        make_pipeline(StandardScaler(), MultilabelSparsemaxClassifier()), random_state=0
    )
    alphas = {"estimator__multilabelsparsemaxclassifier__alpha": [0.01, 0.1, 1.0, 10.0]}
    search = GridSearchCV(model, alphas, scoring="f1_micro").fit(X_train, Y_train)

    best = search.best_estimator_
    probabilities = best.predict_proba(X_test)
    micro_f1 = f1_score(Y_test, best.predict(X_test), average="micro")
    ruled_out = probabilities == 0
    (alpha,) = search.best_params_.values()
    print(f"alpha {alpha:g}, threshold {best.best_threshold_:.3f}")
    print(f"micro-F1 on the test rows: {micro_f1:.3f}")
    print(
        f"labels ruled out: {ruled_out.mean():.0%} of all; "
        f"of those, {1 - Y_test[ruled_out].mean():.1%} are indeed absent"
    )
    plot(probabilities[:N_ROWS_SHOWN], Y_test[:N_ROWS_SHOWN], best.best_threshold_, file)


def plot(probabilities: np.ndarray, Y: np.ndarray, threshold: float, file: str) -> None:
    """Draw the probabilities of some rows, zeros in white. Mark the true and predicted labels."""
    figure, axes = plt.subplots(figsize=(10, 4.2), layout="constrained")
    shown = np.ma.masked_equal(probabilities.T, 0)
    image = axes.imshow(shown, cmap="YlGnBu", vmin=0, vmax=shown.max(), aspect="auto")
    row, label = np.nonzero(Y)
    axes.scatter(row, label, marker="o", s=14, c="black", label="true label")
    row, label = np.nonzero(probabilities >= threshold)
    axes.scatter(
        row, label, marker="s", s=80, facecolors="none", edgecolors="#D55E00", label="predicted"
    )
    axes.set(
        xlabel="test row",
        ylabel="label",
        yticks=range(Y.shape[1]),
        title="Probabilities of the labels; white is exactly 0",
    )
    figure.colorbar(image, label="probability")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(file, dpi=150)
    print(f"wrote {file}")


if __name__ == "__main__":
    main(*sys.argv[1:2])

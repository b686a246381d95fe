"""
Label proportions
=================

Label proportions: predict how much of each label a document holds.

    python examples/plot_label_proportions.py [FILE]

The targets are rows that sum to 1: shares of topics in a document, votes of annotators, parts of
a mixture. Both regressors predict such rows. Those of the sparsemax contain exact zeros, for the
labels that are ruled out. To use your own data, replace the first line of `main`.
"""

from __future__ import annotations

import sys

import numpy as np
from matplotlib import pyplot as plt
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_sparsemax import SoftmaxRegressor, SparsemaxRegressor
from sklearn_sparsemax.datasets import make_label_proportions
from sklearn_sparsemax.metrics import jensen_shannon_divergence, neg_jensen_shannon_scorer

N_ROWS_SHOWN = 8


def main(file: str = "label_proportions.png") -> None:
    X, Y = make_label_proportions(
        1200, n_classes=10, length=1000, proportions="random", normalize=True, random_state=0
    )
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)

    predictions = {}
    for name, regressor in (("sparsemax", SparsemaxRegressor()), ("softmax", SoftmaxRegressor())):
        alphas = {"alpha": 10.0 ** np.arange(-7, -1)}
        search = GridSearchCV(regressor, alphas, scoring=neg_jensen_shannon_scorer)
        predictions[name] = search.fit(X_train, Y_train).predict(X_test)
        divergence = jensen_shannon_divergence(Y_test, predictions[name])
        labels = (predictions[name] > 0).sum(axis=1).mean()
        print(
            f"{name:9}  alpha {search.best_params_['alpha']:g}  Jensen-Shannon divergence "
            f"{divergence:.4f}  labels with a positive share {labels:.2f}"
        )
    print(f"truth{'':56}labels with a positive share {(Y_test > 0).sum(axis=1).mean():.2f}")
    plot(Y_test, predictions, file)


def plot(Y: np.ndarray, predictions: dict[str, np.ndarray], file: str) -> None:
    """Draw the true and predicted shares of the documents with most labels, as stacked bars."""
    rows = np.argsort(-(Y > 0).sum(axis=1), kind="stable")[:N_ROWS_SHOWN]
    panels = {"true shares": Y, **predictions}
    figure, axes = plt.subplots(
        1, len(panels), figsize=(10, 3.6), sharey=True, layout="constrained"
    )
    colours = plt.get_cmap("tab10").colors
    for panel, (title, shares) in zip(axes, panels.items(), strict=True):
        left = np.zeros(rows.size)
        for label in range(Y.shape[1]):
            width = shares[rows, label]
            panel.barh(range(rows.size), width, left=left, color=colours[label], label=str(label))
            left += width
        panel.set(title=title, xlabel="share", xlim=(0, 1))
    axes[0].set(ylabel="document", yticks=range(rows.size))
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, title="label", loc="outside lower center", ncols=Y.shape[1], frameon=False
    )
    figure.savefig(file, dpi=150)
    print(f"wrote {file}")


if __name__ == "__main__":
    main(*sys.argv[1:2])

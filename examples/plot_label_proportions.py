"""
Label proportions
=================

The target of a row is a distribution: shares of topics in a document, votes of annotators, parts of
a mixture. Two regressors predict such rows. Those of the sparsemax contain exact zeros, for the
labels that are ruled out.

The documents are simulated as in the paper of Martins & Astudillo (2016). The page
:doc:`/science/label_proportions` has its whole experiment.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_sparsemax import SoftmaxRegressor, SparsemaxRegressor
from sklearn_sparsemax.datasets import make_label_proportions
from sklearn_sparsemax.metrics import jensen_shannon_divergence, neg_jensen_shannon_scorer

X, Y = make_label_proportions(
    1200, n_classes=10, length=1000, proportions="random", normalize=True, random_state=0
)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)

predictions = {}
for name, regressor in [("sparsemax", SparsemaxRegressor()), ("softmax", SoftmaxRegressor())]:
    alphas = {"alpha": 10.0 ** np.arange(-7, -1)}
    search = GridSearchCV(regressor, alphas, scoring=neg_jensen_shannon_scorer)
    predictions[name] = search.fit(X_train, Y_train).predict(X_test)
    divergence = jensen_shannon_divergence(Y_test, predictions[name])
    n_labels = (predictions[name] > 0).sum(axis=1).mean()
    print(f"{name:9}  Jensen-Shannon divergence {divergence:.4f}, labels {n_labels:.2f}")
print(f"truth{'':37} labels {(Y_test > 0).sum(axis=1).mean():.2f}")

# %%
# The eight documents with most labels, as stacked bars. The softmax spreads a part of each bar over
# labels that the document does not have.

rows = np.argsort(-(Y_test > 0).sum(axis=1), kind="stable")[:8]
figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), sharey=True)
colours = plt.get_cmap("tab10").colors
for axes, (title, shares) in zip(panels, [("truth", Y_test), *predictions.items()], strict=True):
    left = np.zeros(rows.size)
    for label in range(10):
        axes.barh(range(8), shares[rows, label], left=left, color=colours[label])
        left += shares[rows, label]
        for i, row in enumerate(rows):
            if shares[row, label] > 0.12:
                middle = left[i] - shares[row, label] / 2
                axes.text(middle, i, label, color="white", ha="center", va="center", fontsize=8)
    axes.set(title=title, xlabel="share", xlim=(0, 1), yticks=range(8))
    axes.grid(visible=False)
panels[0].set_ylabel("document")
panels[0].invert_yaxis()
plt.show()

"""
How sparse should probabilities be?
===================================

:class:`~sklearn_sparsemax.EntmaxClassifier` is fitted to half of scikit-learn's digits, for five
values of ``entmax_alpha``: from the softmax (1) to the sparsemax (2). Accuracy and Brier score of
the other half hardly change. The number of digits that are still possible, that is, have a positive
probability, falls from ten to less than two.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import EntmaxClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.5, random_state=0)
one_hot = np.eye(10)[y_test]

entmax_alphas = [1, 1.25, 1.5, 1.75, 2]
probabilities, sizes, coverages = [], [], []
print("entmax_alpha  accuracy  Brier score  possible digits  true digit possible")
for entmax_alpha in entmax_alphas:
    model = EntmaxClassifier(alpha=1e-3, entmax_alpha=entmax_alpha).fit(X_train, y_train)
    p = model.predict_proba(X_test)
    accuracy = model.score(X_test, y_test)
    brier = np.mean(np.sum((p - one_hot) ** 2, axis=1))
    size = np.mean(np.sum(p > 0, axis=1))
    covered = np.mean(p[one_hot == 1] > 0)
    print(f"{entmax_alpha:12g}  {accuracy:8.3f}  {brier:11.3f}  {size:15.2f}  {covered:19.3f}")
    probabilities.append(p)
    sizes.append(size)
    coverages.append(100 * covered)

# %%
# The picture shows an image that may be three digits for the sparsemax, and what each classifier
# says of it. Zeros are white.

doubtful = np.flatnonzero(np.sum(probabilities[-1] > 0, axis=1) == 3)
row = doubtful[probabilities[-1][doubtful].max(axis=1).argmin()]

figure, panels = plt.subplots(1, 4, figsize=(12, 3.4), width_ratios=(0.7, 1.6, 1, 1))
panels[0].imshow(X_test[row].reshape(8, 8), cmap="gray_r")
panels[0].set(title="a doubtful digit")
panels[0].set_axis_off()
shown = np.ma.masked_equal([p[row] for p in probabilities], 0)
image = panels[1].imshow(shown, cmap="viridis_r", vmin=0, vmax=1, aspect="auto")
panels[1].set(title="its probabilities", xlabel="digit", ylabel="entmax_alpha", xticks=range(10))
panels[1].set_yticks(range(5), [f"{alpha:g}" for alpha in entmax_alphas])
panels[1].grid(visible=False)
figure.colorbar(image, ax=panels[1], fraction=0.05)
for axes, values, title in [
    (panels[2], sizes, "possible digits, mean"),
    (panels[3], coverages, "true digit possible, %"),
]:
    axes.plot(entmax_alphas, values, "o-")
    axes.set(title=title, xlabel="entmax_alpha", xticks=[1, 1.5, 2])
panels[2].set_ylim(bottom=0)
plt.show()

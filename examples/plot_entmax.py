"""
How sparse should probabilities be?
===================================

How sparse should probabilities be? Digits, from the softmax to the sparsemax.

    python examples/plot_entmax.py [FILE]

`EntmaxClassifier` is fitted for five values of `entmax_alpha`. For the test rows, the script prints
the accuracy, the Brier score, and how many digits are still possible, that is, have a positive
probability. The figure shows these numbers, and what the classifiers say of one doubtful digit.
"""

from __future__ import annotations

import sys

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import EntmaxClassifier

ENTMAX_ALPHAS = (1, 1.25, 1.5, 1.75, 2)


def main(file: str = "entmax.png") -> None:
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.5, random_state=0)
    one_hot = np.eye(10)[y_test]

    print("entmax_alpha  accuracy  Brier score  possible digits  true digit possible")
    probabilities, sizes, coverages = [], [], []
    for entmax_alpha in ENTMAX_ALPHAS:
        model = EntmaxClassifier(alpha=1e-3, entmax_alpha=entmax_alpha).fit(X_train, y_train)
        p = model.predict_proba(X_test)
        accuracy = np.mean(model.predict(X_test) == y_test)
        brier = np.mean(np.sum((p - one_hot) ** 2, axis=1))
        size = np.mean(np.sum(p > 0, axis=1))
        covered = np.mean(p[one_hot == 1] > 0)
        print(f"{entmax_alpha:12g}  {accuracy:8.3f}  {brier:11.3f}  {size:15.2f}  {covered:19.3f}")
        probabilities.append(p)
        sizes.append(size)
        coverages.append(100 * covered)

    # three digits are possible for the sparsemax, and the most likely one is the least certain
    doubtful = np.flatnonzero(np.sum(probabilities[-1] > 0, axis=1) == 3)
    row = doubtful[probabilities[-1][doubtful].max(axis=1).argmin()]
    plot(X_test[row], [p[row] for p in probabilities], sizes, coverages, file)


def plot(
    pixels: np.ndarray,
    probabilities: list[np.ndarray],
    sizes: list[float],
    coverages: list[float],
    file: str,
) -> None:
    """Draw a digit, its probabilities for each alpha, and the means over the test rows."""
    figure, panels = plt.subplots(
        1, 4, figsize=(12, 3.4), layout="constrained", width_ratios=(0.7, 1.6, 1, 1)
    )
    panels[0].imshow(pixels.reshape(8, 8), cmap="gray_r")
    panels[0].set_axis_off()
    panels[0].set_title("a doubtful digit", fontsize=11, loc="left")

    shown = np.ma.masked_equal(np.array(probabilities), 0)
    image = panels[1].imshow(shown, cmap="YlGnBu", vmin=0, vmax=1, aspect="auto")
    panels[1].set_xticks(range(10))
    panels[1].set_yticks(range(len(ENTMAX_ALPHAS)), [f"{alpha:g}" for alpha in ENTMAX_ALPHAS])
    panels[1].set_xlabel("digit")
    panels[1].set_ylabel("entmax_alpha")
    panels[1].set_title("its probabilities; zeros are white", fontsize=11, loc="left")
    figure.colorbar(image, ax=panels[1], fraction=0.05)

    for axes, values, title in (
        (panels[2], sizes, "possible digits, mean"),
        (panels[3], coverages, "true digit possible, %"),
    ):
        axes.plot(ENTMAX_ALPHAS, values, "o-", color="#0072b2")
        axes.set_xlabel("entmax_alpha")
        axes.set_title(title, fontsize=11, loc="left")
        axes.grid(alpha=0.3, linewidth=0.6)
    panels[2].set_ylim(bottom=0)
    figure.savefig(file, dpi=130)
    print(f"wrote {file}")


if __name__ == "__main__":
    main(*sys.argv[1:])

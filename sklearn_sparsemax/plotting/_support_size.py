"""`SupportSizeDisplay`: how many classes keep a positive probability."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Array, Matrix
from ._axes import (
    BLUE,
    ORANGE,
    VERMILION,
    check_labels,
    check_probabilities,
    legend_above,
    new_axes,
)

__all__ = ["SupportSizeDisplay"]


class SupportSizeDisplay:
    """Share of rows by the number of classes with a positive probability, and by what is true.

    A bar has up to three parts: the most probable class is right; the true class is another one
    with a positive probability; the true class has the probability 0.

    Parameters
    ----------
    sizes : ndarray of shape (n_samples,)
        Number of classes with a positive probability.
    is_right : ndarray of bool of shape (n_samples,)
        Whether the most probable class is the true one.
    is_possible : ndarray of bool of shape (n_samples,)
        Whether the true class has a positive probability.
    n_classes : int
        Number of classes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where `plot` has drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_sparsemax import SparsemaxClassifier
    >>> from sklearn_sparsemax.plotting import SupportSizeDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = SparsemaxClassifier(alpha=1e-3).fit(X[:900] / 16, y[:900])
    >>> display = SupportSizeDisplay.from_estimator(classifier, X[900:] / 16, y[900:])
    >>> display.shares().sum(axis=1).round(3)
    array([0.938, 0.04 , 0.022])
    """

    def __init__(
        self, *, sizes: Array, is_right: Array, is_possible: Array, n_classes: int
    ) -> None:
        self.sizes = sizes
        self.is_right = is_right
        self.is_possible = is_possible
        self.n_classes = n_classes

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Matrix, y: ArrayLike, *, ax: Any = None, **options: Any
    ) -> Self:
        """Draw for the rows of X.

        Parameters
        ----------
        estimator : estimator instance
            Fitted classifier with `predict_proba` and `classes_`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the bars, :meth:`matplotlib.axes.Axes.bar`.

        Returns
        -------
        display : SupportSizeDisplay
            The display, drawn.
        """
        p = estimator.predict_proba(X)
        return cls.from_predictions(y, p, classes=estimator.classes_, ax=ax, **options)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Draw for probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Class labels.
        y_prob : array-like of shape (n_samples, n_classes)
            Probabilities.
        classes : array-like of shape (n_classes,), default=None
            Sorted class labels; None takes those in `y_true`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the bars, :meth:`matplotlib.axes.Axes.bar`.

        Returns
        -------
        display : SupportSizeDisplay
            The display, drawn.
        """
        p = check_probabilities(y_prob)
        sizes = (p > 0).sum(axis=1)
        if not sizes.all():
            raise ValueError(
                f"Row {sizes.argmin()} of y_prob has no positive value; each row must have one."
            )
        codes, labels = check_labels(y_true, p, classes)
        display = cls(
            sizes=sizes,
            is_right=p.argmax(axis=1) == codes,
            is_possible=p[np.arange(len(p)), codes] > 0,
            n_classes=labels.size,
        )
        return display.plot(ax=ax, **options)

    def shares(self) -> Array:
        """Shares of the rows, shape (3, m), for sizes 1 ... m.

        Returns
        -------
        shares : ndarray of shape (3, max(sizes))
            First row: the most probable class is right; second: the true class is another possible
            one; third: it has the probability 0.
        """
        outcomes = np.where(self.is_right, 0, np.where(self.is_possible, 1, 2))
        counts = np.zeros((3, int(self.sizes.max())))
        np.add.at(counts, (outcomes, self.sizes - 1), 1)
        return counts / self.sizes.size

    def plot(self, *, ax: Any = None, **options: Any) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the bars, :meth:`matplotlib.axes.Axes.bar`.

        Returns
        -------
        display : SupportSizeDisplay
            The display.
        """
        axes = new_axes(ax)
        shares = 100 * self.shares()
        sizes = np.arange(1, shares.shape[1] + 1)
        bottom = np.zeros(sizes.size)
        parts = (
            ("most probable class is right", BLUE, ""),
            ("true class is another possible one", ORANGE, "//"),
            ("true class has probability 0", VERMILION, "xx"),
        )
        for share, (label, colour, hatch) in zip(shares, parts, strict=True):
            style = {"color": colour, "hatch": hatch, "edgecolor": "white", **options}
            axes.bar(sizes, share, bottom=bottom, label=f"{label}: {share.sum():.1f} %", **style)
            bottom += share
        axes.set_ylim(0, 1.05 * shares.sum(axis=0).max())
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(f"classes with a positive probability, of {self.n_classes}")
        axes.set_ylabel("rows, %")
        legend_above(axes)
        self.ax_, self.figure_ = axes, axes.figure
        return self

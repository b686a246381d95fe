"""`ProbabilityHeatmapDisplay`: rows by classes, with the zeros left blank."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Array, Matrix
from ._axes import VERMILION, check_labels, check_probabilities, new_axes, outline

__all__ = ["ProbabilityHeatmapDisplay"]

# More names than this are not readable beside each other.
MOST_NAMES = 30


class ProbabilityHeatmapDisplay:
    """Probabilities of rows and classes as colours; exact zeros are blank.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Probabilities.
    classes : ndarray of shape (n_classes,)
        Class labels.
    codes : ndarray of shape (n_samples,), default=None
        Place of the true class of each row among the classes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where `plot` has drawn.
    figure_ : matplotlib Figure
        Its figure.
    image_ : matplotlib AxesImage
        The colours.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import SparsemaxClassifier
    >>> from sklearn_sparsemax.plotting import ProbabilityHeatmapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = SparsemaxClassifier().fit(X, y)
    >>> display = ProbabilityHeatmapDisplay.from_estimator(classifier, X[::5], y[::5])
    >>> display.probabilities.shape
    (30, 3)
    """

    def __init__(self, *, probabilities: Array, classes: Array, codes: Array | None = None) -> None:
        self.probabilities = probabilities
        self.classes = classes
        self.codes = codes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Matrix,
        y: ArrayLike | None = None,
        *,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Draw for the rows of X, in their order.

        Parameters
        ----------
        estimator : estimator instance
            Fitted classifier with `predict_proba` and `classes_`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,), default=None
            Class labels, which are marked.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the colours, :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : ProbabilityHeatmapDisplay
            The display, drawn.
        """
        p = estimator.predict_proba(X)
        return cls.from_predictions(y, p, classes=estimator.classes_, ax=ax, **options)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike | None,
        y_prob: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Draw for probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or None
            Class labels, which are marked.
        y_prob : array-like of shape (n_samples, n_classes)
            Probabilities.
        classes : array-like of shape (n_classes,), default=None
            Sorted class labels; None takes those in `y_true`, or numbers.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the colours, :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : ProbabilityHeatmapDisplay
            The display, drawn.
        """
        p = check_probabilities(y_prob)
        codes = None
        if y_true is not None:
            codes, labels = check_labels(y_true, p, classes)
        else:
            labels = np.arange(p.shape[1]) if classes is None else np.asarray(classes)
        return cls(probabilities=p, classes=labels, codes=codes).plot(ax=ax, **options)

    def plot(self, *, ax: Any = None, **options: Any) -> Self:
        """Draw the colours.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the colours, :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : ProbabilityHeatmapDisplay
            The display.
        """
        n_rows, n_classes = self.probabilities.shape
        height = np.clip(0.08 * n_classes + 1, 4, 9)
        axes = new_axes(ax, figsize=(np.clip(0.16 * n_rows + 2, 4, 12), height))
        shown = np.ma.masked_equal(self.probabilities.T, 0)
        style = {"vmin": 0, "vmax": 1, "aspect": "auto", "interpolation": "nearest", **options}
        style.setdefault("cmap", _colours())
        self.image_ = axes.imshow(shown, **style)
        axes.figure.colorbar(self.image_, ax=axes, label="probability; blank: exactly 0")
        if self.codes is not None:
            size = np.clip(4000 / max(n_rows, n_classes), 4, 40)
            marks = {"facecolors": "none", "edgecolors": VERMILION, "linewidths": 1.2}
            marks["path_effects"] = [outline()]
            axes.scatter(np.arange(n_rows), self.codes, s=size, label="true class", **marks)
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
        if n_classes <= MOST_NAMES:
            axes.set_yticks(range(n_classes), [str(label) for label in self.classes])
        axes.set_xlabel("row")
        axes.set_ylabel("class")
        self.ax_, self.figure_ = axes, axes.figure
        return self


def _colours() -> Any:
    """Colours from visible to dark: the smallest probability is not white, as 0 is."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    return ListedColormap(mpl.colormaps["YlGnBu"](np.linspace(0.2, 1, 256)))

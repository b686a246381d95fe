"""`SimplexDisplay`: scores of three classes, and where one, two or three of them are possible."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from .._typing import Array, Matrix
from ..activations import entmax
from ._axes import BLUE, MARKERS, ORANGE, VERMILION, check_labels, new_axes

__all__ = ["SimplexDisplay"]

# The points of the plane where one class has the probability 1.
CORNERS = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])
GRID_POINTS = 400


class SimplexDisplay:
    """Scores of three classes as points of a plane, with the regions of one, two and three classes.

    A common shift of the three scores changes nothing, so that they are a point of a plane. The
    triangle is the simplex of probabilities, with a corner for each class. The sparsemax moves a
    point to the nearest point of the triangle.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, 3)
        Scores of the classes.
    classes : ndarray of shape (3,)
        Class labels.
    codes : ndarray of shape (n_samples,), default=None
        Place of the true class of each row among the classes.
    entmax_alpha : float, default=2
        The alpha of the entmax that makes probabilities of the scores.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where `plot` has drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import SparsemaxClassifier
    >>> from sklearn_sparsemax.plotting import SimplexDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = SparsemaxClassifier().fit(X, y)
    >>> display = SimplexDisplay.from_estimator(classifier, X, y)
    >>> display.scores.shape
    (150, 3)
    """

    def __init__(
        self,
        *,
        scores: Array,
        classes: Array,
        codes: Array | None = None,
        entmax_alpha: float = 2,
    ) -> None:
        self.scores = scores
        self.classes = classes
        self.codes = codes
        self.entmax_alpha = entmax_alpha

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
        """Draw for the rows of X.

        Parameters
        ----------
        estimator : estimator instance
            Fitted classifier of three classes with `decision_function`. If it has an
            `entmax_alpha` or a `scale_`, they count.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,), default=None
            Class labels, which decide the markers.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the markers, :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : SimplexDisplay
            The display, drawn.
        """
        scale = getattr(estimator, "scale_", 1)
        if np.ndim(scale) > 0 or not 0 < scale < np.inf:
            raise ValueError(
                f"scale_ is {scale}; a positive, finite number is needed to draw scaled scores."
            )
        scores = scale * estimator.decision_function(X)
        return cls.from_predictions(
            y,
            scores,
            classes=estimator.classes_,
            entmax_alpha=getattr(estimator, "entmax_alpha", 2),
            ax=ax,
            **options,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike | None,
        y_score: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        entmax_alpha: float = 2,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Draw for scores.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or None
            Class labels, which decide the markers.
        y_score : array-like of shape (n_samples, 3)
            Finite scores of the classes.
        classes : array-like of shape (3,), default=None
            Sorted class labels; None takes those in `y_true`, or numbers.
        entmax_alpha : float, default=2
            The alpha of the entmax that makes probabilities of the scores.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the markers, :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : SimplexDisplay
            The display, drawn.
        """
        scores = check_array(y_score, dtype=np.float64, input_name="y_score")
        if scores.shape[1] != 3:
            raise ValueError(
                f"The scores have the shape {scores.shape}; three classes are needed, "
                "(n_samples, 3)."
            )
        codes = None
        if y_true is not None:
            codes, labels = check_labels(y_true, scores, classes)
        else:
            labels = np.arange(3) if classes is None else np.asarray(classes)
        display = cls(scores=scores, classes=labels, codes=codes, entmax_alpha=entmax_alpha)
        return display.plot(ax=ax, **options)

    def points(self) -> Array:
        """Places of the scores in the plane.

        Returns
        -------
        points : ndarray of shape (n_samples, 2)
            Scores whose sum is 1, after a common shift, as weights of the corners.
        """
        return _in_plane(self.scores)

    def plot(self, *, ax: Any = None, **options: Any) -> Self:
        """Draw the regions, the triangle and the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the markers, :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : SimplexDisplay
            The display.
        """
        axes = new_axes(ax, figsize=(6.4, 5.4))
        points = self.points()
        low = np.minimum(points.min(axis=0), CORNERS.min(axis=0)) - 0.15
        high = np.maximum(points.max(axis=0), CORNERS.max(axis=0)) + 0.15
        self._draw_regions(axes, low, high)
        axes.plot(*CORNERS[[0, 1, 2, 0]].T, color="black", linewidth=1.2)
        places = (((0, 5), "center"), ((-5, -9), "right"), ((5, -9), "left"))
        for corner, label, (offset, side) in zip(CORNERS, self.classes, places, strict=True):
            place = {"xytext": offset, "textcoords": "offset points", "ha": side}
            axes.annotate(str(label), corner, fontweight="bold", **place)
        codes = np.zeros(len(points), dtype=int) if self.codes is None else self.codes
        for k in range(3 if self.codes is not None else 1):
            style = {
                "color": (BLUE, ORANGE, VERMILION)[k],
                "marker": MARKERS[k],
                "s": 16,
                "linewidths": 0.4,
                "edgecolors": "white",
                "label": str(self.classes[k]),
                **options,
            }
            axes.scatter(*points[codes == k].T, **style)
        if self.codes is not None:
            axes.legend(title="true class", frameon=True)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        self.ax_, self.figure_ = axes, axes.figure
        return self

    def _draw_regions(self, axes: Any, low: Array, high: Array) -> None:
        x, y = (np.linspace(low[j], high[j], GRID_POINTS) for j in range(2))
        plane = np.stack(np.meshgrid(x, y), axis=-1)
        sizes = (entmax(_scores_of(plane), self.entmax_alpha) > 0).sum(axis=-1)
        greys = {"levels": [0.5, 1.5, 2.5, 3.5], "colors": ["#ffffff", "#e4e4e4", "#c4c4c4"]}
        axes.contourf(x, y, sizes, **greys)
        axes.set_title(
            "classes with a positive probability: white 1, light grey 2, grey 3", fontsize=9
        )


def _in_plane(scores: Array) -> Array:
    """The point sum_k z_k c_k of the plane, for scores shifted to the sum 1."""
    shifted = scores - (scores.sum(axis=-1, keepdims=True) - 1) / 3
    return shifted @ CORNERS


def _scores_of(points: Array) -> Array:
    """Scores with the sum 1 of points of the plane: barycentric coordinates."""
    with_one = np.column_stack([CORNERS, np.ones(3)])
    ones = np.ones((*points.shape[:-1], 1))
    return np.concatenate([points, ones], axis=-1) @ np.linalg.inv(with_one)

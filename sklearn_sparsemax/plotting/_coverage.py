"""`CoverageDisplay`: the coverage that was asked for, that which is observed, and its price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from .._typing import Array, Matrix
from ._axes import BLUE, GREY, VERMILION, legend_above, new_axes

__all__ = ["CoverageDisplay"]

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)


class CoverageDisplay:
    """Observed coverage, and mean number of classes, for several levels of confidence.

    Parameters
    ----------
    confidence_levels : ndarray of shape (n_levels,)
        What was asked for.
    coverages : ndarray of shape (n_levels,)
        Share of rows whose true class has a positive probability.
    mean_sizes : ndarray of shape (n_levels,)
        Mean number of classes with a positive probability.
    n_rows : int
        Number of rows on which both were observed.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        Where `plot` has drawn: the coverage, and the mean sizes.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, SparsemaxClassifier
    >>> from sklearn_sparsemax.plotting import CoverageDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = CalibratedSparsemaxClassifierCV(SparsemaxClassifier(), random_state=0)
    >>> classifier = classifier.fit(X[:1200] / 16, y[:1200])
    >>> display = CoverageDisplay.from_estimator(classifier, X[1200:] / 16, y[1200:])
    >>> display.confidence_levels
    array([0.5 , 0.6 , 0.7 , 0.8 , 0.85, 0.9 , 0.95, 0.99])
    """

    def __init__(
        self, *, confidence_levels: Array, coverages: Array, mean_sizes: Array, n_rows: int
    ) -> None:
        self.confidence_levels = confidence_levels
        self.coverages = coverages
        self.mean_sizes = mean_sizes
        self.n_rows = n_rows

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Matrix,
        y: ArrayLike,
        *,
        confidence_levels: Sequence[float] = LEVELS,
        axes: Any = None,
        **options: Any,
    ) -> Self:
        """Draw for rows that had no part in the fit.

        Parameters
        ----------
        estimator : CalibratedSparsemaxClassifierCV
            Fitted with `method="coverage"`. It is not changed.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels.
        confidence_levels : sequence of float
            The levels; one that the calibration rows are too few for is an error.
        axes : two matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the lines, :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : CoverageDisplay
            The display, drawn.
        """
        model = clone(estimator, safe=False)
        model.__dict__.update(estimator.__dict__)
        reports = [
            model.set_params(confidence_level=level).coverage(X, y) for level in confidence_levels
        ]
        display = cls(
            confidence_levels=np.array(confidence_levels),
            coverages=np.array([report["coverage"] for report in reports]),
            mean_sizes=np.array([report["mean_size"] for report in reports]),
            n_rows=np.size(y),
        )
        return display.plot(axes=axes, **options)

    def plot(self, *, axes: Any = None, **options: Any) -> Self:
        """Draw both curves.

        Parameters
        ----------
        axes : two matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the lines, :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : CoverageDisplay
            The display.
        """
        if axes is None:
            axes = new_axes(None, ncols=2, figsize=(8.5, 3.8))
        of_coverage, of_size = axes
        levels = self.confidence_levels
        # of so many rows, two standard deviations around the level
        spread = 2 * np.sqrt(levels * (1 - levels) / self.n_rows)
        band = {"color": GREY, "alpha": 0.3, "linewidth": 0}
        name = f"± 2 standard deviations of {self.n_rows} rows"
        of_coverage.fill_between(levels, levels - spread, levels + spread, label=name, **band)
        of_coverage.plot(levels, levels, color="black", linestyle="--", linewidth=1, label="asked")
        line = {"color": BLUE, "marker": "o", **options}
        of_coverage.plot(levels, self.coverages, **{"label": "observed", **line})
        of_coverage.set_xlabel("confidence level")
        of_coverage.set_ylabel("true class is possible, share of rows")
        legend_above(of_coverage)
        of_size.plot(levels, self.mean_sizes, **{**line, "color": VERMILION, "marker": "s"})
        of_size.set_xlabel("confidence level")
        of_size.set_ylabel("possible classes, mean")
        of_size.set_ylim(0, 1.08 * float(np.max(self.mean_sizes)))
        self.axes_, self.figure_ = np.array([of_coverage, of_size]), of_coverage.figure
        return self

"""`AlphaPathDisplay`: the score of each strength of the penalty, and which one was chosen."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .._typing import Array
from ._axes import BLUE, GREY, VERMILION, legend_above, new_axes

__all__ = ["AlphaPathDisplay"]


class AlphaPathDisplay:
    """Scores of the folds along a path of alphas.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths of the penalty.
    scores : ndarray of shape (n_folds, n_alphas)
        Score of each fold.
    alpha : float
        The chosen strength.
    score_name : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where `plot` has drawn.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import SparsemaxClassifierCV
    >>> from sklearn_sparsemax.plotting import AlphaPathDisplay
    >>> classifier = SparsemaxClassifierCV(random_state=0).fit(*load_iris(return_X_y=True))
    >>> display = AlphaPathDisplay.from_estimator(classifier)
    >>> display.scores.shape
    (5, 20)
    """

    def __init__(
        self, *, alphas: Array, scores: Array, alpha: float, score_name: str = "score"
    ) -> None:
        self.alphas = alphas
        self.scores = scores
        self.alpha = alpha
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, score_name: str | None = None, ax: Any = None, **options: Any
    ) -> Self:
        """Draw what a search has found.

        Parameters
        ----------
        estimator : estimator instance
            Fitted estimator with `alphas_`, `alpha_` and `scores_`.
        score_name : str, default=None
            One of the keys of `scores_`; None takes the one that has chosen.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the line, :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : AlphaPathDisplay
            The display, drawn.
        """
        name = next(iter(estimator.scores_)) if score_name is None else score_name
        if name not in estimator.scores_:
            raise ValueError(f"score_name is {name!r}; scores_ has {list(estimator.scores_)}.")
        scores = estimator.scores_[name]
        if scores.ndim == 3:
            # those of the chosen sparsity
            values = np.ravel(estimator.entmax_alphas).tolist()
            scores = scores[values.index(estimator.entmax_alpha_)]
        display = cls(
            alphas=estimator.alphas_, scores=scores, alpha=estimator.alpha_, score_name=name
        )
        return display.plot(ax=ax, **options)

    def plot(self, *, ax: Any = None, **options: Any) -> Self:
        """Draw the mean of the folds with its standard error, and the folds.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For the line, :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : AlphaPathDisplay
            The display.
        """
        axes = new_axes(ax)
        n_folds = len(self.scores)
        mean = self.scores.mean(axis=0)
        error = self.scores.std(axis=0, ddof=min(1, n_folds - 1)) / np.sqrt(n_folds)
        for fold in self.scores:
            axes.plot(self.alphas, fold, color=GREY, linewidth=0.6, alpha=0.7)
        band = {"color": BLUE, "alpha": 0.2, "linewidth": 0, "label": "± one standard error"}
        axes.fill_between(self.alphas, mean - error, mean + error, **band)
        line = {"color": BLUE, "marker": "o", "markersize": 3, "label": "mean of the folds"}
        axes.plot(self.alphas, mean, **{**line, **options})
        best = mean.argmax()
        axes.axhline(
            mean[best] - error[best],
            color="black",
            linestyle=":",
            linewidth=1,
            label="one standard error below the best",
        )
        chosen = f"chosen: {self.alpha:.3g}"
        axes.axvline(self.alpha, color=VERMILION, linestyle="--", linewidth=1.2, label=chosen)
        axes.set_xscale("log")
        axes.set_xlabel("alpha, strength of the penalty")
        axes.set_ylabel(self.score_name)
        legend_above(axes, n_columns=2)
        self.ax_, self.figure_ = axes, axes.figure
        return self

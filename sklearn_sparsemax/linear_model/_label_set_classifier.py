"""Classifiers of label sets, or of classes where y has one dimension."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .. import _arrays
from .._compat import Interval, StrOptions, fit_context
from .._kernels import array_rows
from .._problem.objective import NUMBERS_PER_BLOCK
from .._typing import Array, Matrix
from ._classes import Encoded
from ._classifier import LinearClassifier
from ._label_sets import LabelSetEncoder, holds_label_sets
from ._texts import described

if TYPE_CHECKING:
    # what the mixin stands beside
    Beside = LinearClassifier
else:
    Beside = object


class LabelSetMixin(Beside):
    """Label sets, for a `LinearClassifier`: y decides between their encoder and that of classes.

    `threshold_` is the cut above which a label is predicted.
    """

    # Whether rows arrive in pieces.
    _of_stream: ClassVar[bool] = False

    _y_options: ClassVar[dict[str, Any]] = {"multi_output": True}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "threshold": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
    }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    @described()
    def fit(self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        %(X_fit)s
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the label sets: 1 where a row has the label, else 0.
            One-dimensional class labels, of at least two classes, make the estimator a classifier
            with one class for each row.
        %(sample_weight)s

        %(fit_results)s
        """
        return self._fit(X, y, sample_weight)

    def _encoder_of(self, y: Matrix, given: Any) -> Any:
        if not holds_label_sets(y):
            return super()._encoder_of(y, given)
        # of y as given: validation makes CSR of every sparse container
        container = type(given) if sparse.issparse(given) else np.asarray
        empty = getattr(self, "empty", None)
        return LabelSetEncoder(
            y.shape[1], self._loss, container, empty=empty, of_stream=self._of_stream
        )

    def _adopt(self, encoder: Any) -> None:
        super()._adopt(encoder)
        self.multilabel_ = isinstance(encoder, LabelSetEncoder)
        self._forget_threshold()

    def _forget_threshold(self) -> None:
        self.__dict__.pop("threshold_", None)

    def _complete(self, X: Matrix, encoded: Encoded) -> None:
        if self.multilabel_:
            self.threshold_ = self._cut(X, encoded.n_labels, encoded.weights)

    def _cut(self, X: Matrix, n_labels: Array, weights: Array) -> float:
        """The given threshold, or the cut that predicts as many labels as the rows of X have.

        Of all probabilities, only as many of the largest as rows have labels are kept, while
        blocks of rows pass by: the n x K probabilities are never held at once.
        """
        if self.threshold != "auto":
            return float(self.threshold)
        if not _arrays.is_numpy(weights):
            return self._cut_of_arrays(X, n_labels, weights)
        label_mass = float(weights @ n_labels)
        values, masses = np.zeros(1), np.full(1, 2 * label_mass + 1)
        block_rows = max(1, NUMBERS_PER_BLOCK // self.coef_.shape[0])
        for first in range(0, X.shape[0], block_rows):
            rows = slice(first, first + block_rows)
            p = self._encoder.probabilities(self._linear(X[rows]))
            row, label = np.nonzero((p > values[-1]) & (weights[rows, None] > 0))
            values = np.concatenate([values, p[row, label]])
            masses = np.concatenate([masses, weights[rows][row]])
            order = np.argsort(-values)
            above = np.cumsum(masses[order]) - masses[order]
            order = order[above <= label_mass * (1 + 1e-12)]
            values, masses = values[order], masses[order]
        # the last value is the first too many, with its ties; 0 if all the support is few enough
        cut = values[-1]
        larger = values[values > cut]
        return float((larger[-1] + cut) / 2 if cut > 0 and larger.size else cut)

    def _cut_of_arrays(self, X: Any, n_labels: Any, weights: Any) -> float:
        """The same cut, over arrays of another library than NumPy."""
        xp = _arrays.namespace(X)
        label_mass = float(weights @ n_labels)
        values = xp.zeros(1, dtype=X.dtype, device=X.device)
        masses = _arrays.filled(1, 2 * label_mass + 1, weights)
        for rows in array_rows.row_ranges(X.shape[0], self.coef_.shape[0]):
            p = self._encoder.probabilities(self._linear(X[rows, :]))
            chosen = (p > values[-1]) & (weights[rows, None] > 0)
            of_rows = xp.broadcast_to(weights[rows, None], p.shape)
            values = xp.concat([values, p[chosen]])
            masses = xp.concat([masses, of_rows[chosen]])
            order = xp.argsort(values, descending=True, stable=True)
            values, masses = xp.take(values, order), xp.take(masses, order)
            above = xp.cumulative_sum(masses) - masses
            few = above <= label_mass * (1 + 1e-12)
            values, masses = values[few], masses[few]
        cut = float(values[-1])
        larger = values[values > cut]
        return (float(larger[-1]) + cut) / 2 if cut > 0 and larger.shape[0] else cut

    @described()
    def decision_function(self, X: Matrix) -> Array:
        """Scores of the labels.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        scores : ndarray of shape (n_samples, n_labels)
            W x + b. After fitting classes, as in :class:`SparsemaxClassifier`.
        """
        return super().decision_function(X)

    @described()
    def predict_proba(self, X: Matrix) -> Array:
        """Probabilities of the labels.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        p : ndarray of shape (n_samples, n_labels)
            Probabilities, in the type of X. After fitting classes, of shape
            (n_samples, n_classes) with rows that sum to 1.
        """
        return super().predict_proba(X)

    @described()
    def predict(self, X: Matrix) -> Matrix:
        """Predict label sets: the labels whose probability exceeds `threshold_`.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        y : {ndarray, sparse matrix} of shape (n_samples, n_labels)
            Indicator matrix of integers, of the container type of the y of `fit`. After
            fitting classes, the most probable class of each row, of shape (n_samples,).
        """
        scores = self._scores(X, "predict")
        return self._decoder().predict(scores, getattr(self, "threshold_", None))


class LabelSetClassifier(LabelSetMixin, LinearClassifier):
    """Label sets from a loss. A subclass binds the loss."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LinearClassifier._parameter_constraints,
        **LabelSetMixin._parameter_constraints,
    }


class DistributionOverLabels(LabelSetClassifier):
    """Label sets as distributions, which a row with no label lacks."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LabelSetClassifier._parameter_constraints,
        "empty": [StrOptions({"null", "drop", "uniform"})],
    }

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        threshold: float | str = "auto",
        empty: str = "null",
        fit_intercept: bool = True,
        class_weight: dict[int, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.threshold = threshold
        self.empty = empty
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose


class IndependentLabels(LabelSetClassifier):
    """Label sets whose labels have a loss and a probability each."""

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        threshold: float | str = "auto",
        fit_intercept: bool = True,
        class_weight: dict[int, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.threshold = threshold
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

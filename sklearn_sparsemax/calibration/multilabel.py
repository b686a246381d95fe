"""`CalibratedMultilabelClassifierCV`: label sets that miss few labels, with a guarantee."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval, StrOptions, fit_context
from .._persistence import VersionedPickleMixin
from .._typing import Array, Matrix
from ..model_selection._folds import Fold, fit_and_respond, label_responses
from ..model_selection._targets import check_targets
from ._splits import splits_of

__all__ = ["CalibratedMultilabelClassifierCV"]


class CalibratedMultilabelClassifierCV(
    VersionedPickleMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Predict label sets that miss at most a stated share of the labels, on average.

    A label is predicted where its score, or probability, is at least `threshold_`. Rows that the
    classifier has not been fitted to choose the threshold: the highest for which the expected
    false-negative rate of a new row, the share of its labels that are not predicted, is at most
    `false_negative_rate`. This holds whatever the classifier and the data, if calibration rows and
    new rows are exchangeable (conformal risk control).

    Parameters
    ----------
    estimator : estimator instance
        Multilabel classifier with `predict_proba` or `decision_function`, fitted or not.
    false_negative_rate : float, default=0.1
        Largest expected share of the labels of a row that are missed, between 0 and 1. It may be
        changed after the fit: predictions follow at once.
    response_method : {"auto", "decision_function", "predict_proba", "support"}, default="auto"
        What is compared with the threshold. "support" is the largest scale s at which a label is in
        the support of sparsemax(s z), for the scores z of `decision_function`: the labels of a row
        compete. "auto" takes this for classifiers of this package that learn one distribution over
        all labels. Else it takes the scores, or the probabilities of an estimator without scores.
        Probabilities are no good choice where they may be exactly 0 for labels that a row has: at
        a threshold of 0, all labels are predicted.
    cv : int, float, cross-validation splitter, iterable or "prefit", default=None
        How to find rows that the classifier has not been fitted to, as for
        :class:`CalibratedSparsemaxClassifierCV`: None holds out a fifth of the rows, or more if
        `false_negative_rate` needs more.
    n_jobs : int, default=None
        Number of folds to fit in parallel. None means 1 unless in a
        :func:`joblib.parallel_config` context, -1 all processors.
    random_state : int, RandomState instance or None, default=None
        Draws the rows that are held out.

    Attributes
    ----------
    estimator_ : estimator instance
        The fitted classifier.
    threshold_ : float
        A label is predicted where its response is at least this.
    n_calibration_rows_ : int
        Number of rows that have chosen the threshold.
    n_features_in_ : int
        Number of features seen by `fit`, if `estimator_` knows it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `estimator_` knows them.

    See Also
    --------
    TunedMultilabelThresholdCV : The threshold with the best F1, or another score.
    CalibratedSparsemaxClassifierCV : The same idea for one class a row.

    Notes
    -----
    Let R(t) be the mean over n calibration rows of the share of their labels whose response is
    below t; a row with no label misses nothing. The threshold is the largest t with
    (n R(t) + 1) / (n + 1) <= false_negative_rate. It exists for n >= 1 / false_negative_rate - 1.

    References
    ----------
    Angelopoulos, Bates, Fisch, Lei & Schuster (2024), "Conformal Risk Control", ICLR.
    https://arxiv.org/abs/2208.02814

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import (
    ...     CalibratedMultilabelClassifierCV,
    ...     MultilabelBinarySparsemaxClassifier,
    ... )
    >>> X, Y = make_multilabel_classification(1000, n_classes=6, random_state=0)
    >>> classifier = CalibratedMultilabelClassifierCV(
    ...     MultilabelBinarySparsemaxClassifier(), false_negative_rate=0.05, random_state=0
    ... ).fit(X[:500], Y[:500])
    >>> report = classifier.risk(X[500:], Y[500:])
    >>> round(report["false_negative_rate"], 3), round(report["mean_size"], 2)
    (0.034, 4.21)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = {
        "estimator": "no_validation",
        "false_negative_rate": [Interval(Real, 0, 1, closed="neither")],
        "response_method": [StrOptions({"auto", "decision_function", "predict_proba", "support"})],
        "cv": ["cv_object", StrOptions({"prefit"}), Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        false_negative_rate: float = 0.1,
        response_method: str = "auto",
        cv: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.false_negative_rate = false_negative_rate
        self.response_method = response_method
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        return tags

    # The estimator is validated by its own fit.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Matrix, y: Matrix) -> Self:
        """Fit the classifier, and choose the threshold by rows that it has not been fitted to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the label sets. An array of two classes is a single label, the
            second class.

        Returns
        -------
        self : CalibratedMultilabelClassifierCV
            The fitted estimator.

        Raises
        ------
        TypeError
            If `estimator` lacks the method that gives the responses.
        ValueError
            If y or a parameter is not as stated, or there are too few rows for
            `false_negative_rate`.
        NotFittedError
            If `cv="prefit"` and `estimator` is not fitted.
        """
        X, y = indexable(X, y)
        targets = check_targets(y)
        n_rows, n_labels = targets.indicator.shape
        self._response = self._response_of(n_labels)
        self._container = targets.container
        splits = splits_of(self, X, y, n_rows, _rows_needed(self.false_negative_rate))
        if splits is None:
            check_is_fitted(self.estimator)
        of_rows = [(None, np.arange(n_rows))] if splits is None else splits
        folds = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_and_respond)(
                self.estimator if train is None else clone(self.estimator),
                X,
                targets,
                train,
                test,
                {},
                self._response,
                keep=True,
                progress=None,
            )
            for train, test in of_rows
        )
        several = len(folds) > 1
        fitted = clone(self.estimator).fit(X, targets.given) if several else folds[0].estimator
        self.estimator_ = fitted
        for attribute in ("n_features_in_", "feature_names_in_"):
            if hasattr(fitted, attribute):
                setattr(self, attribute, getattr(fitted, attribute))
        self._calibrate(folds)
        return self

    def _response_of(self, n_labels: int) -> tuple[str, str, int]:
        """The method, the rule and the number of labels of `label_responses`."""
        wanted = self.response_method
        if wanted == "auto" and n_labels > 1 and _labels_compete(self.estimator):
            wanted = "support"
        methods = {
            "auto": ["decision_function", "predict_proba"],
            "support": ["decision_function"],
        }.get(wanted, [wanted])
        rule = "sparsemax_support" if wanted == "support" else "threshold"
        if rule == "sparsemax_support" and n_labels == 1:
            raise ValueError(
                "response_method='support' always predicts the only label of y; at least two are "
                "needed."
            )
        for method in methods:
            if hasattr(self.estimator, method):
                return method, rule, n_labels
        raise TypeError(
            f"estimator={self.estimator!r} has no {' or '.join(methods)}; responses of the labels "
            "are needed."
        )

    def _calibrate(self, folds: list[Fold]) -> None:
        """Learn the responses of present labels, and what missing one costs its row."""
        responses, costs = [], []
        for fold in folds:
            indicator = fold.indicator.tocsr()
            sizes = np.diff(indicator.indptr)
            rows = np.repeat(np.arange(sizes.size), sizes)
            responses.append(fold.responses[rows, indicator.indices])
            costs.append(1.0 / sizes[rows])
        present = np.concatenate(responses).astype(np.float64)
        order = np.argsort(present)
        self._present = present[order]
        # what it costs in all to miss every present label of a lower response
        self._cost_below = np.cumsum(np.concatenate(costs)[order])
        self.n_calibration_rows_ = sum(fold.rows.size for fold in folds)
        # too few rows are an error of the fit
        self._threshold()

    @property
    def threshold_(self) -> float:
        """The response from which on a label is predicted."""
        if not hasattr(self, "_present"):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'threshold_' yet"
            )
        return self._threshold()

    def _threshold(self) -> float:
        rate, n = float(self.false_negative_rate), self.n_calibration_rows_
        if not 0 < rate < 1:
            raise ValueError(f"false_negative_rate is {rate:g}; it must be between 0 and 1.")
        budget = rate * (n + 1) * (1 + 1e-12) - 1
        if budget < 0:
            raise ValueError(
                f"false_negative_rate={rate:g} needs at least {_rows_needed(rate)} rows for the "
                f"calibration; there are {n}. Give more rows, hold out more by cv, or raise "
                "false_negative_rate."
            )
        # a cut at the m-th response misses all that are lower than it, not those equal to it
        first_equal = np.searchsorted(self._present, self._present, side="left")
        missed = np.concatenate([[0.0], self._cost_below])[first_equal]
        allowed = np.flatnonzero(missed <= budget)
        if self._present.size == 0 or self._cost_below[-1] <= budget:
            # missing every label is allowed
            return np.inf
        return float(self._present[allowed[-1]])

    def predict(self, X: Matrix) -> Matrix:
        """Predict label sets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.

        Returns
        -------
        y : {ndarray, CSR matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of integers: dense, CSR array or CSR matrix as the y of `fit`; classes
            if that had one dimension.
        """
        predicted = self._predicted(X)
        return self._container.hold(predicted)

    def _predicted(self, X: Matrix) -> Array:
        check_is_fitted(self)
        return label_responses(self.estimator_, X, *self._response) >= self.threshold_

    @property
    def classes_(self) -> Any:
        """Classes, as `estimator_` gives them."""
        return self.estimator_.classes_

    def risk(self, X: Matrix, y: Matrix) -> dict[str, float]:
        """How many labels are missed, and how many are predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features of rows that had no part in the fit.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label sets.

        Returns
        -------
        report : dict
            "false_negative_rate", the mean share of the labels of a row that are missed, and
            "mean_size", the mean number of labels that are predicted.
        """
        predicted = self._predicted(X)
        actual = check_targets(y).indicator.toarray() > 0
        sizes = actual.sum(axis=1)
        missed = (actual & ~predicted).sum(axis=1)
        rates = np.divide(missed, sizes, out=np.zeros(sizes.size), where=sizes > 0)
        return {
            "false_negative_rate": float(rates.mean()),
            "mean_size": float(predicted.sum(axis=1).mean()),
        }


def _rows_needed(rate: float) -> int:
    """The least number of calibration rows for which a threshold exists."""
    return max(int(np.ceil((1 / rate - 1) * (1 - 1e-11))), 1)


def _labels_compete(estimator: Any) -> bool:
    """Whether a classifier of this package, maybe in a pipeline, shares out one probability."""
    if isinstance(estimator, Pipeline):
        return _labels_compete(estimator.steps[-1][1])
    if isinstance(estimator, FrozenEstimator):
        return _labels_compete(estimator.estimator)
    loss = getattr(estimator, "_loss", None)
    return not getattr(loss, "independent_outputs", True)

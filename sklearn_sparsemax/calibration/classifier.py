"""`CalibratedSparsemaxClassifierCV`: the scale of a classifier's scores, and so its zeros."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._compat import Interval, StrOptions, fit_context, safe_indexing
from .._persistence import VersionedPickleMixin
from .._typing import Array, Matrix
from .._validation import check_no_label_lists, check_unmasked
from ._quantiles import conformal_quantile, rows_needed
from ._scales import best_scale, brier_loss, loss_of_scorer
from ._splits import splits_of
from ._supports import distances, scale_of_bound, scaled_entmax

__all__ = ["CalibratedSparsemaxClassifierCV"]


def _estimator_has_decision_function(self: Any) -> bool:
    # the AttributeError of the wrapped estimator names what is missing, and why
    _ = getattr(self, "estimator_", self.estimator).decision_function
    return True


class CalibratedSparsemaxClassifierCV(
    VersionedPickleMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Calibrate the zeros of sparse probabilities around any classifier with scores.

    The probabilities are sparsemax(s z), for the scores z of the classifier and one number, the
    scale s. The larger s is, the fewer classes keep a positive probability. Rows that the
    classifier has not been fitted to choose s:

    - With `method="coverage"`, the classes with a positive probability contain the true class with
      a probability of at least `confidence_level`. This holds whatever the classifier and the
      data, if calibration rows and new rows are exchangeable (split conformal prediction). The
      probability is over calibration and new rows together, and below
      confidence_level + 1 / (n + 1) for n calibration rows without ties.
    - With `method="brier"`, the Brier score of the probabilities is as low as possible. Any other
      scorer of probabilities may be named, or given.

    Parameters
    ----------
    estimator : estimator instance
        Classifier with `decision_function`, fitted or not: one of this package, a
        :class:`~sklearn.linear_model.LogisticRegression`, a support vector machine, a pipeline.
    method : {"coverage", "brier"}, str or callable, default="coverage"
        What the scale is chosen for. The name of a scorer of `predict_proba`, or a scorer
        `scorer(estimator, X, y)`, is maximised. It should be proper, and finite where a true class
        has the probability 0, which the logarithmic loss is not.
    confidence_level : float, default=0.9
        The probability with which the true class is to be among those with a positive probability,
        between 0 and 1. It may be changed after the fit: predictions follow at once. Only for
        `method="coverage"`.
    class_conditional : bool, default=False
        Whether the guarantee holds for the rows of each class by themselves, with a scale for each
        class. It needs more rows: as many of each class as otherwise in all. Only for
        `method="coverage"`.
    entmax_alpha : float, default=2
        Above 1 and up to 50: the probabilities are the entmax of s z instead. The support is that
        of other norms of score differences, and 2 is the sparsemax.
    cv : int, float, cross-validation splitter, iterable or "prefit", default=None
        How to find rows that the classifier has not been fitted to.

        - None: a fifth of the rows, drawn at random, or more if `confidence_level` needs more, but
          at most half. The classifier is fitted to the others.
        - A float between 0 and 1: this fraction of the rows.
        - An int: that many shuffled folds. Each row is held out once, and the classifier is fitted
          again to all rows in the end. This uses the rows better, but the guarantee is then
          approximate: the scores of the last fit are only similar to those of the folds.
        - A splitter, or an iterable of (train, test) indices. A single split is like a float.
        - "prefit": `estimator` is fitted already, and all rows given to `fit`, which must be
          others, are for the calibration. None means the same for a
          :class:`~sklearn.frozen.FrozenEstimator`, which a clone keeps.
    n_jobs : int, default=None
        Number of folds to fit in parallel. None means 1 unless in a
        :func:`joblib.parallel_config` context, -1 all processors.
    random_state : int, RandomState instance or None, default=None
        Draws the rows that are held out.

    Attributes
    ----------
    estimator_ : estimator instance
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    scale_ : float or ndarray of shape (n_classes,)
        The scale, from 0 (all classes keep a positive probability) to infinity (the largest scores
        alone do). One for each class if `class_conditional=True`.
    n_calibration_rows_ : int
        Number of rows that have chosen the scale.
    n_features_in_ : int
        Number of features seen by `fit`, if `estimator_` knows it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `estimator_` knows them.

    See Also
    --------
    sklearn.calibration.CalibratedClassifierCV : Dense probabilities, calibrated in other ways.
    TunedMultilabelThresholdCV : The decision threshold of label sets.

    Notes
    -----
    Class k is in the support of sparsemax(s z) if and only if s D_k < 1, where D_k is the sum over
    all classes of max(z_j - z_k, 0). So conformal prediction with the nonconformity score D is
    nothing but a choice of s: the inverse of a quantile of the D of the true classes. With
    `class_conditional=True`, class k is compared with its own quantile, the class with the largest
    score is always kept, and the scale of a row is the smallest of those of the classes that it
    keeps.

    Sample weights are refused: weighted rows are not exchangeable.

    References
    ----------
    Campos, Farinhas, Zerva, Figueiredo & Martins (2025), "Sparse Activations as Conformal
    Predictors", AISTATS. https://arxiv.org/abs/2502.14773

    Vovk, Gammerman & Shafer (2005), "Algorithmic Learning in a Random World", Springer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, SparsemaxClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
    >>> classifier = CalibratedSparsemaxClassifierCV(
    ...     SparsemaxClassifier(alpha=1e-2), confidence_level=0.99, random_state=0
    ... ).fit(X, y)
    >>> [labels.tolist() for labels in classifier.predict_set(X_test[31:34])]
    [[7], [6], [8, 3, 1]]
    >>> report = classifier.coverage(X_test, y_test)
    >>> round(report["coverage"], 3), round(report["mean_size"], 2)
    (0.989, 1.29)

    Another level, without another fit:

    >>> report = classifier.set_params(confidence_level=0.98).coverage(X_test, y_test)
    >>> round(report["coverage"], 3), round(report["mean_size"], 2)
    (0.976, 1.07)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = {
        "estimator": "no_validation",
        "method": [str, callable],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "class_conditional": ["boolean"],
        "entmax_alpha": [Interval(Real, 1, 50, closed="right")],
        "cv": ["cv_object", StrOptions({"prefit"}), Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        method: str = "coverage",
        confidence_level: float = 0.9,
        class_conditional: bool = False,
        entmax_alpha: float = 2,
        cv: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.confidence_level = confidence_level
        self.class_conditional = class_conditional
        self.entmax_alpha = entmax_alpha
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        return tags

    # The estimator is validated by its own fit.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Matrix, y: ArrayLike) -> Self:
        """Fit the classifier, and choose the scale by rows that it has not been fitted to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.
        y : array-like of shape (n_samples,)
            Class labels, of at least two classes.

        Returns
        -------
        self : CalibratedSparsemaxClassifierCV
            The fitted estimator.

        Raises
        ------
        TypeError
            If `estimator` is not a classifier with `decision_function`.
        ValueError
            If y or a parameter is not as stated, there are too few rows for `confidence_level`, or
            all scores are equal.
        NotFittedError
            If `cv="prefit"` and `estimator` is not fitted.
        """
        self._check_estimator()
        check_no_label_lists(y)
        check_unmasked(y, "y", "value")
        X, y = indexable(X, y)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return self._fit(X, np.asarray(y))

    def _fit(self, X: Matrix, y: Array) -> Self:
        needed = rows_needed(self.confidence_level) if self.method == "coverage" else 1
        splits = splits_of(self, X, y, y.size, needed, strata=y)
        if splits is None:
            check_is_fitted(self.estimator)
            self.estimator_ = self.estimator
            folds = [(self.estimator.classes_, _scores(self.estimator, X), y)]
        else:
            fitted = Parallel(n_jobs=self.n_jobs)(
                delayed(_fit)(clone(self.estimator), X, y, train, test) for train, test in splits
            )
            folds = [(model.classes_, scores, y[test]) for model, scores, test in fitted]
            self.estimator_ = fitted[0][0] if len(splits) == 1 else clone(self.estimator).fit(X, y)
        self.classes_ = self.estimator_.classes_
        for attribute in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, attribute):
                setattr(self, attribute, getattr(self.estimator_, attribute))
        self._calibrate(folds)
        return self

    def _check_estimator(self) -> None:
        if not is_classifier(self.estimator):
            raise TypeError(
                f"estimator is {self.estimator!r}; a classifier is needed, since classes are what "
                "gets a probability."
            )
        if not hasattr(self.estimator, "decision_function"):
            raise TypeError(
                f"estimator is {self.estimator!r}, which has no decision_function; scores are "
                "needed, since a scale of probabilities has no meaning."
            )

    def _calibrate(self, folds: list[tuple[Array, Array, Array]]) -> None:
        """Learn from held-out scores: of each fold the classes, scores (m, K) and labels (m,)."""
        scores = np.vstack([self._in_order(classes, z) for classes, z, _ in folds])
        labels = np.concatenate([labels for *_, labels in folds])
        codes = np.searchsorted(self.classes_, labels).clip(max=self.classes_.size - 1)
        known = self.classes_[codes] == labels
        if not np.any(scores != scores[:, :1]):
            raise ValueError(
                f"decision_function of {self.estimator!r} gives all classes the same score in all "
                "rows for the calibration; no scale changes that."
            )
        self.n_calibration_rows_ = labels.size
        if self.method != "coverage":
            if self.method == "brier":
                loss = brier_loss(codes, known, self.classes_.size)
            else:
                loss = loss_of_scorer(self.method, self.classes_, labels, known)
            self._scale: float | None = best_scale(loss, scores, self.entmax_alpha)
            return
        self._scale = None
        of_all = distances(scores, self.entmax_alpha)
        # no scale covers a class that the classifier does not know
        self._distances = np.where(known, of_all[np.arange(codes.size), codes], np.inf)
        self._codes = np.where(known, codes, -1)
        self._scale_of_coverage()

    def _in_order(self, classes: Array, scores: Array) -> Array:
        """Scores in the order of `classes_`; -inf for a class that a fold has not seen."""
        if np.array_equal(classes, self.classes_):
            return scores
        ordered = np.full((len(scores), self.classes_.size), -np.inf)
        ordered[:, np.searchsorted(self.classes_, classes)] = scores
        return ordered

    @property
    def scale_(self) -> Any:
        """The factor of the scores, one for all classes or one for each."""
        if not hasattr(self, "_scale"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'scale_' yet")
        return self._scale_of_coverage() if self._scale is None else self._scale

    def _scale_of_coverage(self) -> float | Array:
        level = float(self.confidence_level)
        if not 0 < level < 1:
            raise ValueError(f"confidence_level is {level:g}; it must be between 0 and 1.")
        if not self.class_conditional:
            return scale_of_bound(conformal_quantile(self._distances, level))
        return np.array(
            [
                scale_of_bound(
                    conformal_quantile(
                        self._distances[self._codes == k], level, f" of the class {label!r}"
                    )
                )
                for k, label in enumerate(self.classes_.tolist())
            ]
        )

    @available_if(_estimator_has_decision_function)
    def decision_function(self, X: Matrix) -> Array:
        """Scores of the classes, as `estimator_` returns them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Scores, not scaled.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def predict(self, X: Matrix) -> Array:
        """Class with the largest score.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        check_is_fitted(self)
        return self.classes_[_scores(self.estimator_, X).argmax(axis=1)]

    def predict_proba(self, X: Matrix) -> Array:
        """Probabilities of the classes, with exact zeros.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities; rows sum to 1.
        """
        check_is_fitted(self)
        scores, scale = _scores(self.estimator_, X), self.scale_
        if np.ndim(scale) == 0:
            return scaled_entmax(scores, scale, self.entmax_alpha)
        with np.errstate(invalid="ignore"):
            kept = distances(scores, self.entmax_alpha) * scale < 1
        kept |= scores == scores.max(axis=1, keepdims=True)
        scale_of_row = np.where(kept, scale, np.inf).min(axis=1, keepdims=True)
        masked = np.where(kept, scores, -np.inf)
        p = scaled_entmax(masked, scale_of_row, self.entmax_alpha)
        # with a scale of 0, the classes that are left out would share
        p[~kept] = 0
        return p / p.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Matrix) -> Array:
        """Logarithms of the probabilities, -inf where the probability is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Natural logarithms.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict_support(self, X: Matrix) -> Array:
        """Classes with a positive probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        support : ndarray of bool of shape (n_samples, n_classes)
            True where the probability is positive: at least once in each row.
        """
        return self.predict_proba(X) > 0

    def predict_set(self, X: Matrix) -> list[Array]:
        """Labels of the classes with a positive probability, the most probable first.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        sets : list of ndarray
            For each row the labels, at least one.
        """
        p = self.predict_proba(X)
        order = np.argsort(-p, axis=1, kind="stable")
        sizes = (p > 0).sum(axis=1)
        return [self.classes_[row[:size]] for row, size in zip(order, sizes, strict=True)]

    def coverage(self, X: Matrix, y: ArrayLike) -> dict[str, float]:
        """How often the true class keeps a positive probability, and how many classes do.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features of rows that had no part in the fit.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        report : dict
            "coverage", the share of rows whose true class has a positive probability, and
            "mean_size", the mean number of classes that have.
        """
        support = self.predict_support(X)
        is_true = np.asarray(column_or_1d(y))[:, None] == self.classes_
        covered = (support & is_true).any(axis=1)
        return {
            "coverage": float(covered.mean()),
            "mean_size": float(support.sum(axis=1).mean()),
        }


def _fit(model: Any, X: Matrix, y: Array, train: Array, test: Array) -> tuple[Any, Array, Array]:
    """The model fitted to some rows, and the scores of others."""
    model.fit(safe_indexing(X, train), y[train])
    return model, _scores(model, safe_indexing(X, test)), test


def _scores(model: Any, X: Matrix) -> Array:
    """Scores (n, K) in double precision; those of two classes become 0 and the score."""
    scores = np.asarray(model.decision_function(X), dtype=np.float64)
    if scores.ndim == 1:
        scores = np.column_stack([np.zeros_like(scores), scores])
    n_classes = len(model.classes_)
    if scores.shape[1] != n_classes:
        raise ValueError(
            f"decision_function of {model!r} has {scores.shape[1]} columns for {n_classes} "
            "classes; one score for each class is needed."
        )
    if np.isnan(scores).any():
        raise ValueError(f"decision_function of {model!r} returned NaN.")
    return scores

"""`TunedMultilabelThresholdCV`: decision thresholds of label sets, by cross-validation.

Data flow of a fit::

    one fit per fold -> responses of the held-out rows -> candidate cuts
                     -> score of every candidate on every fold -> best cut, or cuts

Scores that depend on the labels only through sums over them (micro- and macro-averaged F1,
precision, recall, Jaccard) are computed from counts, for all candidates at once; any other
scorer is called on the predictions of each candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from time import perf_counter
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone

# scikit-learn documents _safe_indexing for such use, its leading underscore notwithstanding.
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_array, check_is_fitted

from .._compat import Interval, StrOptions, fit_context
from .._persistence import VersionedPickleMixin
from .._typing import Array, Matrix
from ..losses.targets import check_indicator

__all__ = ["TunedMultilabelThresholdCV"]

DEFAULT_CUTS = 100
PAPER_SCALES = np.arange(1.0, 5.5, 0.5)

# Sums of the same numbers in another order differ by less; a smaller gain is none.
ROUNDING = 1e-12


def _estimator_has(method: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        # the AttributeError of the wrapped estimator names what is missing, and why
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class TunedMultilabelThresholdCV(
    VersionedPickleMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Choose the decision threshold of a multilabel classifier by cross-validation.

    The counterpart of :class:`~sklearn.model_selection.TunedThresholdClassifierCV` for label
    sets. The wrapped classifier is fitted once per fold, whatever the number of candidates;
    the candidate with the best mean score over the folds is kept, and the classifier is
    fitted again on all rows.

    Parameters
    ----------
    estimator : estimator instance
        Multilabel classifier with `predict_proba` or `decision_function`, fitted or not.
        Both forms of scikit-learn are understood: one array of shape (n_samples, n_labels),
        and a list of one (n_samples, n_classes) array per label.
    scoring : str or callable, default="f1_micro"
        What to maximise: the name of a scikit-learn scorer, a scorer made by
        :func:`~sklearn.metrics.make_scorer`, or a callable `scorer(estimator, X, y)`. It
        must score predicted labels; `estimator` offers `predict` alone.
    rule : {"threshold", "sparsemax_support"}, default="threshold"
        Which labels are predicted. "threshold": those whose response is at least the cut,
        `response >= threshold`; possibly none, possibly all. "sparsemax_support": those in
        the support of sparsemax(s z), where z are the scores of `decision_function` and the
        scale s is what is tuned; at least one, and fewer the greater s. It needs two labels
        or more.
    thresholds : int or array-like of shape (n_thresholds,), default=None
        Candidate cuts, or candidate scales with `rule="sparsemax_support"`. An int n: n
        quantiles, from the lowest to the highest, of the responses held out by the folds,
        among the labels that are present. That is where scores such as F1 have their
        maxima: with a cut between two present labels, raising it to the next present one
        only removes wrong labels. With `per_label=True`, quantiles of each label, besides
        the best cut for all labels and infinity, which never predicts the label. An array
        is used as it is, sorted. None stands for 100, and for 1, 1.5, ..., 5, the scales of
        the paper, with `rule="sparsemax_support"`. The paper's thresholds for softmax
        probabilities are `np.arange(1, 11) / n_labels`.
    per_label : bool, default=False
        Whether to choose a cut for each label rather than a single one; see Notes.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        Method whose output is compared with the cuts. "auto" is `predict_proba` if
        `estimator` has it, else `decision_function`; with `rule="sparsemax_support"` it is
        `decision_function`.
    cv : int, float, cross-validation splitter, iterable or "prefit", default=None
        How to divide the rows.

        - None or an int: that many folds, 5 by default, *shuffled* by `random_state`, since
          published multilabel files are often sorted; stratified for a single label.
        - A float between 0 and 1: a single split that holds out this fraction of the rows.
        - A splitter, or an iterable of (train, test) indices. Rows may be held out more
          than once, or never.
        - "prefit": `estimator` is fitted already, and the rows given to `fit`, which must
          be others, choose the threshold alone. Needs `refit=False`.
    refit : bool, default=True
        Whether to fit on all rows in the end. With False, `cv` must be "prefit" or a single
        split, whose fit is kept.
    n_jobs : int, default=None
        Number of folds to fit in parallel. None means 1 unless in a
        :func:`joblib.parallel_config` context, -1 all processors.
    random_state : int, RandomState instance or None, default=None
        Shuffles the rows when `cv` is None or a number. Pass an int for the same threshold
        from the same data.
    verbose : int, default=0
        Whether to print the time of every fit and the score as it rises.

    Attributes
    ----------
    estimator_ : estimator instance
        The fitted classifier that predicts.
    best_threshold_ : float or ndarray of shape (n_labels,)
        The chosen cut, or scale; one for each label if `per_label=True`. Of equally good
        ones, the lowest.
    best_score_ : float
        Mean score over the folds with `best_threshold_`.
    cv_results_ : dict of ndarrays
        Every candidate and its scores:

        - "thresholds" (n_thresholds,): the candidates, sorted;
        - "fold_scores" (n_folds, n_thresholds): the score of each on each fold;
        - "scores" (n_thresholds,): the means over the folds.

        With `per_label=True` all three have a further, last axis of n_labels: the scores
        are then those of label sets predicted with this candidate for this label and
        `best_threshold_` for the others.
    classes_ : ndarray or list of ndarrays
        As of `estimator_`.
    n_features_in_ : int
        Number of features seen by `fit`, if `estimator_` knows it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if `estimator_` knows them.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : For binary classifiers.
    sparsemax_support : The support of the sparsemax.

    Notes
    -----
    With `per_label=True`, the cuts are chosen jointly by cyclic coordinate ascent: from the
    best single cut, each label in turn takes its best candidate given the cuts of the
    others, until none can gain. The score on the held-out rows is thus never below that of
    the single cut. For a score that is a mean over labels, such as "f1_macro", the result
    is the best of all combinations. So it is for "f1_micro" with a single split: a ratio of
    sums over labels that no single change can raise is at its maximum. With several folds,
    the mean of such ratios, it is a combination that no change of one label's cut improves.

    F1, precision, recall and Jaccard scores with micro or macro average, and
    :func:`~sklearn_sparsemax.metrics.f1_of_mean_precision_recall`, are computed from counts:
    from their names, and from scorers made of these functions. Their value for a single
    label is that label's. Other scorers are called once per candidate and fold; with
    `per_label=True`, for each label as well and several times, which takes long for many
    labels.

    Metadata such as `sample_weight` or `groups` reach `estimator`, the scorer and the
    splitter by scikit-learn's metadata routing, if it is enabled.

    References
    ----------
    Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
    and Multi-Label Classification", ICML, section 4.2. https://arxiv.org/abs/1602.02068

    Fan & Lin (2007), "A Study on Threshold Selection for Multi-label Classification".

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import f1_score
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from sklearn_sparsemax.model_selection import TunedMultilabelThresholdCV
    >>> X, Y = make_multilabel_classification(600, n_classes=8, random_state=0)
    >>> classifier = OneVsRestClassifier(LogisticRegression(C=0.1))
    >>> tuned = TunedMultilabelThresholdCV(classifier, random_state=0).fit(X[:300], Y[:300])
    >>> round(tuned.best_threshold_, 2)
    0.29
    >>> untuned = classifier.fit(X[:300], Y[:300])
    >>> round(f1_score(Y[300:], untuned.predict(X[300:]), average="micro"), 3)
    0.523
    >>> round(f1_score(Y[300:], tuned.predict(X[300:]), average="micro"), 3)
    0.558

    The rule of the paper for sparsemax, and a cut for each label:

    >>> tuned.set_params(rule="sparsemax_support").fit(X, Y).cv_results_["thresholds"]
    array([1. , 1.5, 2. , 2.5, 3. , 3.5, 4. , 4.5, 5. ])
    >>> tuned.set_params(rule="threshold", per_label=True).fit(X, Y).best_threshold_.shape
    (8,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = {
        "estimator": "no_validation",
        "scoring": [str, callable],
        "rule": [StrOptions({"threshold", "sparsemax_support"})],
        "thresholds": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "per_label": ["boolean"],
        "response_method": [StrOptions({"auto", "predict_proba", "decision_function"})],
        "cv": ["cv_object", StrOptions({"prefit"}), Interval(Real, 0, 1, closed="neither")],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: str | Callable[..., float] = "f1_micro",
        rule: str = "threshold",
        thresholds: int | ArrayLike | None = None,
        per_label: bool = False,
        response_method: str = "auto",
        cv: Any = None,
        refit: bool = True,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.rule = rule
        self.thresholds = thresholds
        self.per_label = per_label
        self.response_method = response_method
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

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
    def fit(self, X: Matrix, y: Matrix, **params: Any) -> Self:
        """Choose the threshold, and fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the label sets, 1 where a row has the label, else 0; sparse
            ones stay sparse. An array of two classes is a single label, the second class.
        **params : dict
            Metadata for the `fit` of `estimator`, the scorer and the splitter, such as
            `sample_weight` and `groups`, according to their requests.

        Returns
        -------
        self : TunedMultilabelThresholdCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If y or a parameter is not as stated, no row has a label, or a response or a
            score is NaN.
        TypeError
            If `estimator` lacks the method that gives the responses.
        NotFittedError
            If `cv="prefit"` and `estimator` is not fitted.
        """
        if params and not get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"fit was given {sorted(params)}, which needs metadata routing: call "
                "sklearn.set_config(enable_metadata_routing=True), and request it, for instance "
                "by estimator.set_fit_request(sample_weight=True)."
            )
        X, y = indexable(X, y)
        targets = _check_targets(y)
        n_labels = targets.indicator.shape[1]
        method = self._method(n_labels)
        scorer = self._scorer()
        routed = process_routing(self, "fit", **params)
        splits = self._splits(X, targets, routed.splitter.split)

        folds = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_and_respond)(
                self.estimator if train is None else clone(self.estimator),
                X,
                targets,
                train,
                test,
                routed.estimator.fit,
                (method, self.rule, n_labels),
                keep=not self.refit,
                progress=f"split {number} of {len(splits)}" if self.verbose else None,
            )
            for number, (train, test) in enumerate(splits, start=1)
        )
        scores = _scores(scorer, folds, X, targets, routed.scorer.score)
        self._tune(folds, scores)

        if self.refit:
            self.estimator_ = clone(self.estimator)
            self.estimator_.fit(X, targets.given, **routed.estimator.fit)
        else:
            self.estimator_ = folds[0].estimator
        self._response = (method, self.rule, n_labels)
        self._container = targets.container
        for attribute in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, attribute):
                setattr(self, attribute, getattr(self.estimator_, attribute))
        return self

    def predict(self, X: Matrix) -> Matrix:
        """Predict label sets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.

        Returns
        -------
        y : {ndarray, CSR matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of integers: dense, CSR array or CSR matrix as the y of `fit`;
            classes if that had one dimension.
        """
        check_is_fitted(self, "estimator_")
        responses = _label_responses(self.estimator_, X, *self._response)
        return self._container.hold(responses >= self.best_threshold_)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Matrix) -> Any:
        """Probabilities, as `estimator_` gives them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.

        Returns
        -------
        p : ndarray of shape (n_samples, n_labels), or a list of n_labels ndarrays
            Probabilities.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: Matrix) -> Any:
        """Logarithms of the probabilities, as `estimator_` gives them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_labels), or a list of n_labels ndarrays
            Natural logarithms.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Matrix) -> Array:
        """Scores, as `estimator_` gives them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as `estimator` takes them.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_labels)
            Scores.
        """
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    @property
    def classes_(self) -> Any:
        """Classes, as `estimator_` gives them."""
        return self.estimator_.classes_

    def get_metadata_routing(self) -> MetadataRouter:
        """Where `fit` sends metadata.

        Returns
        -------
        routing : MetadataRouter
            To the `fit` of `estimator`, the `split` of `cv` and the scorer.
        """
        return (
            MetadataRouter(owner=type(self).__name__)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
            .add(
                scorer=self._scorer(),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        )

    def _scorer(self) -> Callable[..., float]:
        from sklearn.metrics import check_scoring

        return check_scoring(self.estimator, scoring=self.scoring)

    def _method(self, n_labels: int) -> str:
        """Name of the method that gives the responses."""
        methods = ["predict_proba", "decision_function"]
        if self.rule == "sparsemax_support":
            if n_labels == 1:
                raise ValueError(
                    "rule='sparsemax_support' always predicts the only label of y, whatever the "
                    "scale; at least two are needed."
                )
            if self.response_method == "predict_proba":
                raise ValueError(
                    "rule='sparsemax_support' scales the scores of decision_function; "
                    "response_method must be 'auto' or 'decision_function', not 'predict_proba'."
                )
            methods = ["decision_function"]
        elif self.response_method != "auto":
            methods = [self.response_method]
        for method in methods:
            if hasattr(self.estimator, method):
                return method
        raise TypeError(
            f"estimator={self.estimator!r} has no {' or '.join(methods)}, which "
            f"rule={self.rule!r} with response_method={self.response_method!r} needs."
        )

    def _splits(self, X: Matrix, targets: _Targets, params: dict[str, Any]) -> list[Any]:
        """Pairs of the rows to fit and the rows to hold out; (None, all rows) for "prefit"."""
        from sklearn.model_selection import (
            KFold,
            ShuffleSplit,
            StratifiedKFold,
            StratifiedShuffleSplit,
            check_cv,
        )

        n_rows, n_labels = targets.indicator.shape
        if isinstance(self.cv, str):
            if self.refit:
                raise ValueError("cv='prefit' keeps the fitted estimator; it needs refit=False.")
            check_is_fitted(self.estimator)
            return [(None, np.arange(n_rows))]

        single_label = n_labels == 1
        if self.cv is None or isinstance(self.cv, Integral):
            folds = StratifiedKFold if single_label else KFold
            n_folds = 5 if self.cv is None else self.cv
            cv = folds(n_folds, shuffle=True, random_state=self.random_state)
        elif isinstance(self.cv, Real):
            split = StratifiedShuffleSplit if single_label else ShuffleSplit
            cv = split(1, test_size=self.cv, random_state=self.random_state)
        else:
            cv = check_cv(self.cv)
        label = np.diff(targets.indicator.indptr)  # of the only one, per row
        splits = list(cv.split(X, label if single_label else targets.given, **params))
        if len(splits) > 1 and not self.refit:
            raise ValueError(
                f"refit=False needs cv='prefit' or a single split; cv={self.cv!r} has "
                f"{len(splits)}."
            )
        if single_label:
            # else the single column of predict_proba could belong to either class
            for number, (train, _) in enumerate(splits, start=1):
                if np.unique(label[train]).size < 2:
                    raise ValueError(
                        f"The rows to fit of split {number} hold one class of the only label; "
                        "both are needed."
                    )
        return splits

    def _tune(self, folds: list[_Fold], scores: _Scores) -> None:
        cuts = self._candidates(folds)
        fold_scores = self._check_scores(scores.single(cuts))
        means = fold_scores.mean(axis=0)
        best = means.argmax()
        threshold, score = cuts[best], means[best]
        if self.verbose:
            print(f"best single cut {threshold:g}: score {score:.6g}")
        if self.per_label:
            cuts = self._label_candidates(folds, cuts, threshold)
            chosen = (cuts >= threshold).argmax(axis=0)
            fold_scores = self._ascend(scores.profile(cuts), cuts.shape, len(folds), chosen)
            means = fold_scores.mean(axis=0)
            threshold, score = cuts[chosen, np.arange(chosen.size)], means[chosen[0], 0]
        self.best_threshold_ = threshold if self.per_label else float(threshold)
        self.best_score_ = float(score)
        self.cv_results_ = {"thresholds": cuts, "fold_scores": fold_scores, "scores": means}

    def _candidates(self, folds: list[_Fold]) -> Array:
        """Candidates for all labels (C,), sorted, each once."""
        thresholds = self._thresholds()
        if isinstance(thresholds, Integral):
            responses = np.concatenate([label for fold in folds for label in fold.present()])
            if responses.size == 0:
                raise ValueError(
                    f"thresholds={thresholds} asks for quantiles of the responses of labels that "
                    "are present, but no row held out has a label."
                )
            return np.unique(_quantiles(responses, int(thresholds)))
        cuts = np.asarray(thresholds, dtype=np.float64)
        if cuts.ndim != 1 or cuts.size == 0 or np.isnan(cuts).any():
            raise ValueError(
                f"thresholds={self.thresholds!r} must be an int, or numbers in one dimension, at "
                "least one and none NaN."
            )
        if self.rule == "sparsemax_support" and not (cuts > 0).all():
            raise ValueError(
                f"thresholds holds {cuts.min():g}; scales, which rule='sparsemax_support' takes, "
                "must be positive."
            )
        return np.unique(cuts)

    def _label_candidates(self, folds: list[_Fold], cuts: Array, best: float) -> Array:
        """Candidates for each label (C, K), sorted; `best` is among those of every label."""
        n_labels = folds[0].responses.shape[1]
        n_cuts = self._thresholds()
        if not isinstance(n_cuts, Integral):
            return np.tile(cuts[:, None], n_labels)
        held_out = zip(*(fold.present() for fold in folds), strict=True)
        columns = [
            _quantiles(responses, int(n_cuts)) if responses.size else np.full(n_cuts, np.inf)
            for responses in map(np.concatenate, held_out)
        ]
        extra = np.repeat([[best], [np.inf]], n_labels, axis=1)
        return np.sort(np.vstack([np.column_stack(columns), extra]), axis=0)

    def _thresholds(self) -> Any:
        if self.thresholds is not None:
            return self.thresholds
        return PAPER_SCALES if self.rule == "sparsemax_support" else DEFAULT_CUTS

    def _ascend(
        self,
        profile: Callable[[int, Array], Array],
        shape: tuple[int, int],
        n_folds: int,
        chosen: Array,
    ) -> Array:
        """Cyclic coordinate ascent from the candidates `chosen` (K,), which it moves.

        Returns the fold scores (F, C, K) of the last pass, in which nothing moved.
        """
        fold_scores = np.empty((n_folds, *shape))
        passes, moved = 0, True
        while moved:
            passes, moved = passes + 1, False
            for label in range(shape[1]):
                fold_scores[:, :, label] = self._check_scores(profile(label, chosen))
                means = fold_scores[:, :, label].mean(axis=0)
                best = means.argmax()
                if means[best] > means[chosen[label]] + ROUNDING:
                    chosen[label], moved = best, True
            if self.verbose:
                print(f"pass {passes} over the labels: score {means[chosen[-1]]:.6g}")
        return fold_scores

    def _check_scores(self, scores: Array) -> Array:
        if np.isnan(scores).any():
            raise ValueError(f"scoring={self.scoring!r} gave NaN, which cannot be maximised.")
        return scores


class _Container(NamedTuple):
    """What label sets were given as, and are returned as."""

    classes: Array | None = None  # both, where the label sets are a 1-D array of classes
    sparse: type | None = None

    def hold(self, labels: Array) -> Matrix:
        """Boolean label sets (n, K) in this container."""
        if self.classes is not None:
            return self.classes[labels[:, 0].astype(int)]
        labels = labels.astype(int)
        return labels if self.sparse is None else self.sparse(labels)


class _Targets(NamedTuple):
    given: Matrix
    indicator: Matrix  # CSR (n, K)
    container: _Container


def _check_targets(y: Any) -> _Targets:
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None.")
    y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
    if sparse.issparse(y):
        form = sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
        return _Targets(y, check_indicator(y, name="y"), _Container(sparse=form))
    if y.ndim == 2:
        return _Targets(y, check_indicator(y, name="y"), _Container())
    check_classification_targets(y)
    classes = np.unique(y)
    if classes.size != 2:
        raise ValueError(
            f"y has one dimension and {classes.size} class(es). Only binary classification is "
            "supported for such y; label sets are an indicator matrix of shape (n_samples, "
            "n_labels)."
        )
    indicator = sparse.csr_array((y == classes[1])[:, None])
    return _Targets(y, indicator, _Container(classes=classes))


class _Fold(NamedTuple):
    """What is known of the rows held out by one split."""

    responses: Array  # (n, K)
    indicator: Matrix  # CSC (n, K)
    rows: Array
    estimator: Any

    def rows_of_labels(self) -> list[Array]:
        """Rows where the label is present, for each label."""
        return np.split(self.indicator.indices, self.indicator.indptr[1:-1])

    def present(self) -> list[Array]:
        """Responses where the label is present, for each label."""
        return [self.responses[rows, label] for label, rows in enumerate(self.rows_of_labels())]


def _fit_and_respond(
    estimator: Any,
    X: Matrix,
    targets: _Targets,
    train: Array | None,
    test: Array,
    fit_params: dict[str, Any],
    response: tuple[str, str, int],
    *,
    keep: bool,
    progress: str | None,
) -> _Fold:
    start = perf_counter()
    if train is not None:
        n_rows = targets.indicator.shape[0]
        fit_params = _params_of_rows(fit_params, train, n_rows)
        y_train = _safe_indexing(targets.given, train)
        estimator.fit(_safe_indexing(X, train), y_train, **fit_params)
    responses = _label_responses(estimator, _safe_indexing(X, test), *response)
    if progress is not None:
        print(f"{progress}: {perf_counter() - start:.2f} s")
    indicator = targets.indicator[test].tocsc()
    return _Fold(responses, indicator, test, estimator if keep else None)


def _params_of_rows(params: dict[str, Any], rows: Array, n_rows: int) -> dict[str, Any]:
    """Metadata of some rows; what has no entry for each row is passed on as it is."""
    return {
        name: _safe_indexing(value, rows) if np.shape(value)[:1] == (n_rows,) else value
        for name, value in params.items()
    }


def _label_responses(estimator: Any, X: Matrix, method: str, rule: str, n_labels: int) -> Array:
    """Responses (n, K), to be compared with cuts: a label is predicted if it is at least its cut.

    scikit-learn's classifiers return an array of one column per label, or a list of arrays of
    one column per class; and for a single label, maybe the column of its presence alone.
    """
    response = getattr(estimator, method)(X)
    if isinstance(response, list):
        # a class that the training rows lack has no column
        present = [np.flatnonzero(np.asarray(classes) == 1) for classes in estimator.classes_]
        columns = [
            of_classes[:, column[0]] if column.size else np.zeros(of_classes.shape[0])
            for of_classes, column in zip(response, present, strict=True)
        ]
        response = np.column_stack(columns)
    elif sparse.issparse(response):
        raise TypeError(
            f"{method} of {estimator!r} returned a {type(response).__name__}; a dense array is "
            "needed."
        )
    response = np.asarray(response)
    if response.dtype.kind != "f":
        response = response.astype(np.float64)
    if n_labels == 1 and response.ndim == 1:
        response = response[:, None]
    elif n_labels == 1 and response.shape[1] == 2:
        response = response[:, 1:]
    if response.ndim != 2 or response.shape[1] != n_labels:
        raise ValueError(
            f"{method} of {estimator!r} returned an array of shape {response.shape}; one column "
            f"for each of the {n_labels} labels of y is needed."
        )
    if np.isnan(response).any():
        raise ValueError(f"{method} of {estimator!r} returned NaN.")
    return _largest_scales(response) if rule == "sparsemax_support" else response


def _largest_scales(scores: Array) -> Array:
    """Largest scale s at which a label is in the support of sparsemax(s z), from scores (n, K).

    The support are the labels j with sum_k max(z_k - z_j, 0) < 1 / s (Proposition 1 of the
    paper), so that the rule of the paper is a cut of the inverse of this sum.
    """
    scores = scores.astype(np.float64)
    order = np.argsort(-scores, axis=1)
    # from one label to the next lower, every higher one adds the gap between the two
    descending = np.take_along_axis(scores, order, axis=1)
    gaps = descending[:, :-1] - descending[:, 1:]
    excess = np.zeros_like(scores)
    np.cumsum(gaps * np.arange(1, scores.shape[1]), axis=1, out=excess[:, 1:])
    with np.errstate(divide="ignore"):
        # the next number below, for the inequality is strict: the limit itself is too large
        scales = np.nextafter(1 / excess, 0)
    responses = np.empty_like(scores)
    np.put_along_axis(responses, order, scales, axis=1)
    return responses


def _quantiles(values: Array, n: int) -> Array:
    """Values evenly spaced by rank, n of them, from the lowest to the highest."""
    ranks = np.linspace(0, values.size - 1, n).round().astype(int)
    return np.sort(values)[ranks].astype(np.float64)


class _Scores(Protocol):
    """Scores of the folds (F, C) for candidate cuts, which are sorted."""

    def single(self, cuts: Array) -> Array:
        """Each cut (C,) for all labels."""

    def profile(self, cuts: Array) -> Callable[[int, Array], Array]:
        """Each cut (C, K) of a label, the others at the candidates `chosen` (K,)."""


def _scores(
    scorer: Callable[..., float],
    folds: list[_Fold],
    X: Matrix,
    targets: _Targets,
    params: dict[str, Any],
) -> _Scores:
    metric = _label_sum_metric(scorer)
    if metric is None or not set(params) <= {"sample_weight"}:
        return _CalledScores(scorer, folds, X, targets, params)
    weights = params.get("sample_weight")
    weights = np.ones(targets.indicator.shape[0]) if weights is None else np.asarray(weights)
    return _CountedScores(metric, folds, weights)


class _CalledScores:
    """Scores by calling a scorer on the predictions of each candidate."""

    def __init__(
        self,
        scorer: Callable[..., float],
        folds: list[_Fold],
        X: Matrix,
        targets: _Targets,
        params: dict[str, Any],
    ) -> None:
        n_rows = targets.indicator.shape[0]
        self.scorer = scorer
        self.folds = folds
        self.container = targets.container
        self.data = [
            (
                _safe_indexing(X, fold.rows),
                _safe_indexing(targets.given, fold.rows),
                _params_of_rows(params, fold.rows, n_rows),
            )
            for fold in folds
        ]

    def single(self, cuts: Array) -> Array:
        return np.array(
            [
                [self._score(fold, self.folds[fold].responses >= cut) for cut in cuts]
                for fold in range(len(self.folds))
            ]
        )

    def profile(self, cuts: Array) -> Callable[[int, Array], Array]:
        def scores_of(label: int, chosen: Array) -> Array:
            # quantiles may coincide
            values, candidate = np.unique(cuts[:, label], return_inverse=True)
            scores = np.empty((len(self.folds), values.size))
            for number, fold in enumerate(self.folds):
                labels = fold.responses >= cuts[chosen, np.arange(chosen.size)]
                for i, value in enumerate(values):
                    labels[:, label] = fold.responses[:, label] >= value
                    scores[number, i] = self._score(number, labels)
            return scores[:, candidate]

        return scores_of

    def _score(self, fold: int, labels: Array) -> float:
        X, y, params = self.data[fold]
        try:
            return self.scorer(_Predictions(self.container.hold(labels)), X, y, **params)
        except (AttributeError, ValueError) as error:
            raise ValueError(
                f"scoring={self.scorer!r} could not score predicted labels: {error}"
            ) from error


class _Predictions(BaseEstimator):
    """Stands in for a fitted estimator before a scorer."""

    def __init__(self, predictions: Matrix) -> None:
        self.predictions = predictions

    def fit(self, X: Matrix, y: Matrix) -> Self:
        return self

    def predict(self, X: Matrix) -> Matrix:
        return self.predictions

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _LabelSumMetric(NamedTuple):
    """A score of label sets that depends on the labels only through sums over them.

    `terms` gives what is summed (m, ..., K), from counts (..., K) of the rows where a label is
    rightly predicted, predicted and present; `value` the score (...) from the sums (m, ...)
    and the number of labels.
    """

    terms: Callable[[Array, Array, Array], Array]
    value: Callable[[Array, int], Array]


def _label_sum_metric(scorer: Any) -> _LabelSumMetric | None:
    """The metric of a scorer if it is such a score, else None.

    What a scorer calls is read from attributes that scikit-learn keeps private. Should they
    go, every scorer is called, which is slower and gives the same.
    """
    from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

    from ..metrics import f1_of_mean_precision_recall

    function = getattr(scorer, "_score_func", None)
    options = dict(getattr(scorer, "_kwargs", {}))
    if getattr(scorer, "_sign", None) != 1 or scorer._response_method != "predict":
        return None
    undefined = options.pop("zero_division", "warn")
    undefined = 0.0 if undefined == "warn" else undefined
    average = options.pop("average", None)
    options.pop("pos_label", None)  # of binary targets alone
    if options or undefined not in (0, 1):
        return None

    def divide(numerator: Array, denominator: Array) -> Array:
        out = np.full(np.broadcast(numerator, denominator).shape, float(undefined))
        return np.divide(numerator, denominator, out=out, where=denominator > 0)

    if function is f1_of_mean_precision_recall and average is None:

        def mean_precision_recall(right: Array, predicted: Array, present: Array) -> Array:
            return np.stack([divide(right, predicted), divide(right, present)])

        def f1_of_means(sums: Array, n_labels: int) -> Array:
            precision, recall = sums / n_labels
            total = precision + recall
            return np.divide(
                2 * precision * recall, total, out=np.zeros_like(total), where=total > 0
            )

        return _LabelSumMetric(mean_precision_recall, f1_of_means)

    # numerator and denominator
    ratios: dict[Any, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
        f1_score: lambda right, predicted, present: (2 * right, predicted + present),
        jaccard_score: lambda right, predicted, present: (right, predicted + present - right),
        precision_score: lambda right, predicted, present: (right, predicted),
        recall_score: lambda right, predicted, present: (right, present),
    }
    if function not in ratios:
        return None
    ratio = ratios[function]
    if average == "micro":
        return _LabelSumMetric(
            lambda *counts: np.stack(np.broadcast_arrays(*ratio(*counts))),
            lambda sums, n_labels: divide(*sums),
        )
    if average == "macro":
        return _LabelSumMetric(
            lambda *counts: divide(*ratio(*counts))[None],
            lambda sums, n_labels: sums[0] / n_labels,
        )
    return None


class _CountedScores:
    """Scores from the counts of each label, for all candidates at once."""

    def __init__(self, metric: _LabelSumMetric, folds: list[_Fold], weights: Array) -> None:
        self.metric = metric
        self.folds = folds
        self.weights = weights

    def single(self, cuts: Array) -> Array:
        n_labels = self.folds[0].responses.shape[1]
        terms = self._terms(np.broadcast_to(cuts[:, None], (cuts.size, n_labels)))
        return self.metric.value(terms.sum(axis=-1), n_labels)

    def profile(self, cuts: Array) -> Callable[[int, Array], Array]:
        n_labels = cuts.shape[1]
        terms = self._terms(cuts)

        def scores_of(label: int, chosen: Array) -> Array:
            current = terms[:, :, chosen, np.arange(n_labels)]
            others = current.sum(axis=-1) - current[:, :, label]
            return self.metric.value(others[:, :, None] + terms[:, :, :, label], n_labels)

        return scores_of

    def _terms(self, cuts: Array) -> Array:
        """Terms of the metric (m, F, C, K) at the cuts (C, K) of each label."""
        return np.stack(
            [
                self.metric.terms(*_counts(fold, cuts, self.weights[fold.rows]))
                for fold in self.folds
            ],
            axis=1,
        )


def _counts(fold: _Fold, cuts: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Weight of the rows where a label is rightly predicted, predicted (C, K), present (K,)."""
    n_cuts, n_labels = cuts.shape
    right, predicted = np.empty((2, n_cuts, n_labels))
    present = np.empty(n_labels)
    for label, rows in enumerate(fold.rows_of_labels()):
        # a response that reaches r cuts predicts the label at the first r of them
        reached = np.searchsorted(cuts[:, label], fold.responses[:, label], side="right")
        predicted[:, label] = _tail_sums(reached, weights, n_cuts)
        right[:, label] = _tail_sums(reached[rows], weights[rows], n_cuts)
        present[label] = weights[rows].sum()
    return right, predicted, present


def _tail_sums(reached: Array, weights: Array, n_cuts: int) -> Array:
    """Weight of the entries that reach more than c cuts, for c = 0 ... n_cuts - 1."""
    totals = np.bincount(reached, weights=weights, minlength=n_cuts + 1)
    return totals[:0:-1].cumsum()[::-1]

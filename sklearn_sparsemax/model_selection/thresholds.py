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
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval, StrOptions, fit_context
from .._persistence import VersionedPickleMixin
from .._typing import Array, Matrix
from ._candidates import candidates, label_candidates
from ._folds import Fold, fit_and_respond, label_responses
from ._scores import Scores, scores_of
from ._splits import splits_of
from ._targets import check_targets

__all__ = ["TunedMultilabelThresholdCV"]

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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
        targets = check_targets(y)
        n_labels = targets.indicator.shape[1]
        method = self._method(n_labels)
        scorer = self._scorer()
        routed = process_routing(self, "fit", **params)
        splits = splits_of(self, X, targets, routed.splitter.split)

        folds = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_and_respond)(
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
        scores = scores_of(scorer, folds, X, targets, routed.scorer.score)
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
        responses = label_responses(self.estimator_, X, *self._response)
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

    def _tune(self, folds: list[Fold], scores: Scores) -> None:
        cuts = candidates(self.thresholds, self.rule, folds)
        fold_scores = self._check_scores(scores.single(cuts))
        means = fold_scores.mean(axis=0)
        best = means.argmax()
        threshold, score = cuts[best], means[best]
        if self.verbose:
            print(f"best single cut {threshold:g}: score {score:.6g}")
        if self.per_label:
            cuts = label_candidates(self.thresholds, self.rule, folds, cuts, threshold)
            chosen = (cuts >= threshold).argmax(axis=0)
            fold_scores = self._ascend(scores.profile(cuts), cuts.shape, len(folds), chosen)
            means = fold_scores.mean(axis=0)
            threshold, score = cuts[chosen, np.arange(chosen.size)], means[chosen[0], 0]
        self.best_threshold_ = threshold if self.per_label else float(threshold)
        self.best_score_ = float(score)
        self.cv_results_ = {"thresholds": cuts, "fold_scores": fold_scores, "scores": means}

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

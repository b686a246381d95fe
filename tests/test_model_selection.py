"""TunedMultilabelThresholdCV against searches written out, with scikit-learn's own scorers."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    f1_score,
    fbeta_score,
    get_scorer,
    hamming_loss,
    jaccard_score,
    make_scorer,
    precision_score,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_sparsemax import sparsemax_support
from sklearn_sparsemax.metrics import f1_of_mean_precision_recall_scorer
from sklearn_sparsemax.model_selection import TunedMultilabelThresholdCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")

FOLDS = KFold(3)


def one_vs_rest(C=1.0):
    return OneVsRestClassifier(LogisticRegression(C=C))


@pytest.fixture(scope="module")
def problem():
    return make_multilabel_classification(90, n_features=8, n_classes=4, n_labels=2, random_state=1)


class Responses(ClassifierMixin, BaseEstimator):
    """Responds with the columns of X, so that a test can choose the responses."""

    def __init__(self, log=None):
        self.log = log

    def fit(self, X, Y, sample_weight=None):
        self.classes_ = np.arange(np.shape(Y)[-1])
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        self.weight_ = sample_weight
        return self

    def decision_function(self, X):
        return np.asarray(X)

    def predict(self, X):
        return (np.asarray(X) > 0).astype(int)


def random_problem(seed, n_rows=30, n_labels=3, noise=1.0):
    """Responses that rank the labels imperfectly, with ties, on scales that differ by label."""
    rng = np.random.default_rng(seed)
    Y = (rng.uniform(size=(n_rows, n_labels)) < [0.5, 0.3, 0.15][:n_labels]).astype(int)
    X = (Y + noise * rng.normal(size=Y.shape)).round(1) * [1.0, 2.0, 0.5][:n_labels]
    return X, Y


def score_on_folds(scoring, X, Y, cuts, splits):
    """Mean over the folds of the scorer's value when column k of X is cut at cuts[k]."""
    scorer = get_scorer(scoring)

    class Cut(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.greater_equal(X, cuts).astype(int)

        def __sklearn_is_fitted__(self):
            return True

    return np.mean([scorer(Cut(), X[test], Y[test]) for _, test in splits])


# --- one cut --------------------------------------------------------------------------------

COUNTED = [
    *[f"{name}_{average}" for name in ("f1", "precision", "recall", "jaccard")
      for average in ("micro", "macro")],
    f1_of_mean_precision_recall_scorer,
    make_scorer(f1_score, average="macro", zero_division=1.0),
    make_scorer(precision_score, average="micro", zero_division=1),
    make_scorer(jaccard_score, average="macro"),
]  # fmt: skip
CALLED = [
    "accuracy",
    "f1_samples",
    "f1_weighted",
    make_scorer(hamming_loss, greater_is_better=False),
    make_scorer(fbeta_score, beta=2.0, average="micro"),
    make_scorer(f1_score, average="macro", labels=[0, 2]),
    make_scorer(f1_score, average="micro", greater_is_better=False),
]


@pytest.mark.parametrize("scoring", COUNTED + CALLED, ids=str)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_fold_scores_are_those_of_the_scorer(scoring, container):
    X, Y = random_problem(0)
    cuts = np.linspace(-1, 3, 9)
    tuned = TunedMultilabelThresholdCV(Responses(), scoring=scoring, thresholds=cuts, cv=FOLDS)
    results = tuned.fit(X, container(Y)).cv_results_
    expected = [
        [score_on_folds(scoring, X, Y, cut, [split]) for cut in cuts] for split in FOLDS.split(X)
    ]
    assert_array_equal(results["thresholds"], cuts)
    assert_allclose(results["fold_scores"], expected, rtol=0, atol=1e-15)
    assert_allclose(results["scores"], np.mean(expected, axis=0), rtol=0, atol=1e-15)
    assert tuned.best_threshold_ == cuts[results["scores"].argmax()]
    assert tuned.best_score_ == results["scores"].max()


def test_search_written_out(problem):
    X, Y = problem
    cuts = np.linspace(0, 1, 21)
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), thresholds=cuts, cv=FOLDS).fit(X, Y)
    held_out = [
        (one_vs_rest().fit(X[train], Y[train]).predict_proba(X[test]), Y[test])
        for train, test in FOLDS.split(X)
    ]
    means = [np.mean([f1_score(y, p >= cut, average="micro") for p, y in held_out]) for cut in cuts]
    assert tuned.best_threshold_ == cuts[np.argmax(means)]
    assert tuned.best_score_ == pytest.approx(max(means), abs=1e-15)
    p = one_vs_rest().fit(X, Y).predict_proba(X)
    assert_array_equal(tuned.predict(X), p >= tuned.best_threshold_)


def test_named_scores_and_scorers_given_as_functions_agree(problem):
    X, Y = problem

    def micro_f1(estimator, X, y):
        return f1_score(y, estimator.predict(X), average="micro")

    named, called = (
        TunedMultilabelThresholdCV(one_vs_rest(), scoring=scoring, cv=FOLDS).fit(X, Y)
        for scoring in ("f1_micro", micro_f1)
    )
    assert named.best_threshold_ == called.best_threshold_
    assert_allclose(
        named.cv_results_["fold_scores"], called.cv_results_["fold_scores"], rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("scoring", ["f1_micro", "f1_macro", "jaccard_micro"])
@pytest.mark.parametrize("seed", range(5))
def test_enough_quantiles_hold_the_best_of_all_cuts(scoring, seed):
    X, Y = random_problem(seed)
    splits = [(np.arange(0), np.arange(len(X)))]
    tuned = TunedMultilabelThresholdCV(
        Responses().fit(X, Y), scoring=scoring, thresholds=Y.sum(), cv="prefit", refit=False
    ).fit(X, Y)
    every_cut = np.append(np.unique(X), np.inf)
    best = max(score_on_folds(scoring, X, Y, cut, splits) for cut in every_cut)
    assert tuned.best_score_ == pytest.approx(best, abs=1e-15)


def test_number_of_quantiles():
    X, Y = random_problem(0)
    tuned = TunedMultilabelThresholdCV(Responses(), thresholds=5, random_state=0).fit(X, Y)
    present = np.sort(X[Y == 1])
    cuts = tuned.cv_results_["thresholds"]
    assert cuts.size == 5
    assert cuts[0] == present[0]
    assert cuts[-1] == present[-1]
    assert np.isin(cuts, present).all()


def test_of_equally_good_cuts_the_lowest_wins():
    X = np.array([[0.0], [1.0]] * 10)
    tuned = TunedMultilabelThresholdCV(Responses(), thresholds=[0.9, 0.5, 0.1, 0.5])
    tuned.fit(X, X.astype(int))
    assert_array_equal(tuned.cv_results_["thresholds"], [0.1, 0.5, 0.9])
    assert_array_equal(tuned.cv_results_["scores"], [1.0, 1.0, 1.0])
    assert tuned.best_threshold_ == 0.1


def test_a_label_is_predicted_at_its_cut_exactly():
    X = np.array([[0.5, 0.0], [np.nextafter(0.5, 0), 0.5]])
    Y = np.array([[1, 0], [0, 1]])
    tuned = TunedMultilabelThresholdCV(
        Responses().fit(X, Y), thresholds=[0.5], cv="prefit", refit=False
    ).fit(X, Y)
    assert tuned.best_score_ == 1.0
    assert_array_equal(tuned.predict(X), Y)


def test_float32_responses_are_compared_as_they_are():
    X = np.array([[0.1, 0.3], [0.2, 0.1], [0.3, 0.2]], dtype=np.float32)
    Y = np.array([[0, 1], [1, 0], [1, 0]])
    tuned = TunedMultilabelThresholdCV(
        Responses().fit(X, Y), per_label=True, cv="prefit", refit=False
    ).fit(X, Y)
    assert tuned.best_score_ == 1.0
    assert_array_equal(tuned.predict(X), Y)


class CountsFits(LogisticRegression):
    fits: list[int] = []

    def fit(self, X, y, sample_weight=None):
        self.fits.append(len(X))
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("per_label", [False, True])
def test_one_fit_per_fold_and_one_in_the_end(problem, per_label):
    X, Y = problem
    CountsFits.fits.clear()
    TunedMultilabelThresholdCV(
        ClassifierChain(CountsFits(), order=[0, 1, 2, 3]), per_label=per_label, cv=3
    ).fit(X, Y)
    assert CountsFits.fits == [60] * 4 * 3 + [90] * 4


# --- a cut for each label -------------------------------------------------------------------

SMALL = [-0.2, 0.3, 0.6, 1.1]


@pytest.mark.parametrize("scoring", ["f1_macro", "jaccard_macro"])
@pytest.mark.parametrize("seed", range(2))
def test_cuts_of_a_mean_over_labels_are_the_best_combination(scoring, seed):
    X, Y = random_problem(seed)
    splits = list(FOLDS.split(X))
    tuned = TunedMultilabelThresholdCV(
        Responses(), scoring=scoring, thresholds=SMALL, per_label=True, cv=splits
    ).fit(X, Y)
    best = max(score_on_folds(scoring, X, Y, cuts, splits) for cuts in product(SMALL, repeat=3))
    assert tuned.best_score_ == pytest.approx(best, abs=1e-14)
    reached = score_on_folds(scoring, X, Y, tuned.best_threshold_, splits)
    assert reached == pytest.approx(best, abs=1e-14)


@pytest.mark.parametrize("scoring", ["f1_micro", "precision_micro", "jaccard_micro"])
@pytest.mark.parametrize("seed", range(3))
def test_cuts_of_a_ratio_of_sums_are_the_best_combination_of_a_single_split(scoring, seed):
    X, Y = random_problem(seed, noise=2.0)
    splits = [(np.arange(15), np.arange(15, 30))]
    tuned = TunedMultilabelThresholdCV(
        Responses(), scoring=scoring, thresholds=SMALL, per_label=True, cv=splits
    ).fit(X, Y)
    best = max(score_on_folds(scoring, X, Y, cuts, splits) for cuts in product(SMALL, repeat=3))
    assert tuned.best_score_ == pytest.approx(best, abs=1e-14)


@pytest.mark.parametrize(
    "scoring", ["f1_micro", "accuracy", "f1_samples", f1_of_mean_precision_recall_scorer], ids=str
)
@pytest.mark.parametrize("seed", range(2))
def test_no_change_of_one_cut_improves_any_score(scoring, seed):
    X, Y = random_problem(seed, noise=2.0)
    splits = list(FOLDS.split(X))
    tuned = TunedMultilabelThresholdCV(
        Responses(), scoring=scoring, thresholds=6, per_label=True, cv=splits
    ).fit(X, Y)
    chosen, results = tuned.best_threshold_, tuned.cv_results_
    reached = score_on_folds(scoring, X, Y, chosen, splits)
    assert tuned.best_score_ == pytest.approx(reached, abs=1e-14)
    assert reached >= clone(tuned).set_params(per_label=False).fit(X, Y).best_score_ - 1e-14
    assert results["thresholds"].shape == results["scores"].shape == (8, 3)
    assert results["fold_scores"].shape == (3, 8, 3)
    for label in range(3):
        for cut, score in zip(
            results["thresholds"][:, label], results["scores"][:, label], strict=True
        ):
            cuts = np.where(np.arange(3) == label, cut, chosen)
            assert score == pytest.approx(score_on_folds(scoring, X, Y, cuts, splits), abs=1e-14)
            assert score <= reached + 1e-12


@pytest.mark.parametrize("scoring", ["f1_micro", "f1_macro"])
def test_counting_and_calling_choose_the_same_cuts(problem, scoring):
    X, Y = problem
    called = make_scorer(
        lambda y, p: f1_score(y, p, average=scoring.removeprefix("f1_"), zero_division=0)
    )
    one, other = (
        TunedMultilabelThresholdCV(
            one_vs_rest(), scoring=s, thresholds=7, per_label=True, cv=FOLDS
        ).fit(X, Y)
        for s in (scoring, called)
    )
    assert_array_equal(one.best_threshold_, other.best_threshold_)
    for key in ("thresholds", "fold_scores", "scores"):
        assert_allclose(one.cv_results_[key], other.cv_results_[key], rtol=0, atol=1e-14)


def test_labels_on_different_scales_need_a_cut_each():
    rng = np.random.default_rng(0)
    Y = rng.integers(0, 2, (200, 2))
    X = (Y + rng.uniform(-0.4, 0.4, Y.shape)) * [1, 100]
    tuned = TunedMultilabelThresholdCV(Responses(), per_label=True, random_state=0).fit(X, Y)
    assert tuned.best_score_ == 1.0
    assert_array_equal(tuned.predict(X), Y)
    assert tuned.set_params(per_label=False).fit(X, Y).best_score_ < 0.95


@pytest.mark.filterwarnings("ignore:Label .* is present in all training examples")
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_labels_never_and_always_present(problem, container):
    X, Y = problem
    Y = Y.copy()
    Y[:, 0], Y[:, 1] = 0, 1
    tuned = TunedMultilabelThresholdCV(GaussianOfSparse(), per_label=True, random_state=0)
    labels = tuned.fit(X, container(Y)).predict(X)
    labels = labels.toarray() if sparse.issparse(labels) else labels
    assert not labels[:, 0].any()
    assert labels[:, 1].all()


class GaussianOfSparse(OneVsRestClassifier):
    """Its probabilities of labels never and always present are 0 and 1."""

    def __init__(self):
        super().__init__(GaussianNB())


def test_a_label_that_only_costs_is_never_predicted():
    rng = np.random.default_rng(0)
    Y = np.column_stack([rng.integers(0, 2, 60), np.zeros(60, int)])
    X = np.column_stack([Y[:, 0], rng.uniform(2, 3, size=60)])
    tuned = TunedMultilabelThresholdCV(Responses(), per_label=True, random_state=0).fit(X, Y)
    assert_array_equal(tuned.best_threshold_, [1.0, np.inf])
    assert tuned.best_score_ == 1.0


# --- the rule of the paper ------------------------------------------------------------------


def scores_with_ties(seed):
    """Differences are multiples of 1/4, so that labels lie exactly at the threshold."""
    return np.random.default_rng(seed).integers(-8, 9, (300, 5)) / 4


@pytest.mark.parametrize("scores", [scores_with_ties, lambda s: np.random.default_rng(s).normal(
    size=(300, 5)) * 2], ids=["ties", "normal"])  # fmt: skip
@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 2.0, 4.0, 16.0])
def test_support_rule_is_the_support_of_the_sparsemax(scores, scale):
    Z = scores(0)
    Y = sparsemax_support(scale * Z).astype(int)
    tuned = TunedMultilabelThresholdCV(
        Responses().fit(Z, Y), rule="sparsemax_support", thresholds=[scale], cv="prefit",
        refit=False,
    ).fit(Z, Y)  # fmt: skip
    assert tuned.best_score_ == 1.0
    assert_array_equal(tuned.predict(Z), Y)
    # a shift of the scores changes nothing, however large
    assert_array_equal(tuned.predict(Z + 2.0**20), sparsemax_support(scale * (Z + 2.0**20)))


def test_support_rule_finds_the_scale():
    Z = np.random.default_rng(1).normal(size=(400, 6))
    Y = sparsemax_support(2.5 * Z).astype(int)
    tuned = TunedMultilabelThresholdCV(Responses(), rule="sparsemax_support").fit(Z, Y)
    assert_array_equal(tuned.cv_results_["thresholds"], [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5])
    assert tuned.best_threshold_ == 2.5
    assert tuned.best_score_ == 1.0


def test_support_rule_with_quantiles_and_a_scale_for_each_label():
    Z = np.random.default_rng(1).normal(size=(400, 6))
    scales = np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    Y = np.column_stack([sparsemax_support(s * Z)[:, k] for k, s in enumerate(scales)]).astype(int)
    tuned = TunedMultilabelThresholdCV(
        Responses(), rule="sparsemax_support", per_label=True, random_state=0
    ).fit(Z, Y)
    assert_array_equal(tuned.best_threshold_, scales)
    tuned.set_params(thresholds=50, per_label=False).fit(Z, Y)
    assert 9 < tuned.cv_results_["thresholds"].size <= 50
    assert (tuned.predict(Z).sum(axis=1) > 0).all()


# --- what classifiers return ----------------------------------------------------------------


@pytest.mark.parametrize("estimator", [
    RandomForestClassifier(5, max_depth=3, random_state=0),
    MultiOutputClassifier(GaussianNB()),
    ClassifierChain(LogisticRegression()),
    make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)),
    make_pipeline(StandardScaler(), one_vs_rest()),
    OneVsRestClassifier(LinearSVC()),
])  # fmt: skip
def test_any_classifier_of_label_sets(problem, estimator):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(estimator, random_state=0).fit(X, Y)
    if hasattr(estimator, "predict_proba"):
        responses = clone(estimator).fit(X, Y).predict_proba(X)
        if isinstance(responses, list):
            responses = np.column_stack([p[:, 1] for p in responses])
    else:
        responses = clone(estimator).fit(X, Y).decision_function(X)
    assert_array_equal(tuned.predict(X), responses >= tuned.best_threshold_)
    assert tuned.predict(X).dtype.kind == "i"
    assert tuned.best_score_ > 0.5


def test_classes_that_a_fold_lacks_have_no_column():
    """scikit-learn's lists then hold arrays of one column, of either class."""
    X = np.arange(12.0)[:, None]
    Y = np.column_stack([np.arange(12) < 6, np.arange(12) >= 6, np.arange(12) % 2]).astype(int)
    forest = RandomForestClassifier(3, random_state=0)
    first = forest.fit(X[:6], Y[:6])
    assert [p.shape[1] for p in first.predict_proba(X)] == [1, 1, 2]
    tuned = TunedMultilabelThresholdCV(
        first, thresholds=[0.5], cv="prefit", refit=False, scoring="accuracy"
    ).fit(X, Y)
    assert_array_equal(tuned.predict(X)[:, :2], [[1, 0]] * 12)


def test_response_method(problem):
    X, Y = problem
    fit = {
        method: TunedMultilabelThresholdCV(
            one_vs_rest(), response_method=method, thresholds=[0.0], cv=FOLDS
        ).fit(X, Y)
        for method in ("auto", "predict_proba", "decision_function")
    }
    scores = one_vs_rest().fit(X, Y).decision_function(X)
    assert fit["auto"].predict(X).all()
    assert fit["predict_proba"].predict(X).all()
    assert_array_equal(fit["decision_function"].predict(X), scores >= 0)


def test_delegated_methods(problem):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0)
    with pytest.raises(NotFittedError):
        tuned.predict(X)
    with pytest.raises(NotFittedError):
        tuned.predict_proba(X)
    tuned.fit(X, Y)
    fitted = one_vs_rest().fit(X, Y)
    assert_array_equal(tuned.predict_proba(X), fitted.predict_proba(X))
    assert_array_equal(tuned.decision_function(X), fitted.decision_function(X))
    assert_array_equal(tuned.classes_, fitted.classes_)
    assert not hasattr(tuned, "predict_log_proba")
    assert not hasattr(
        TunedMultilabelThresholdCV(OneVsRestClassifier(LinearSVC())), "predict_proba"
    )
    chain = TunedMultilabelThresholdCV(ClassifierChain(LogisticRegression()), random_state=0)
    chain.fit(X, Y)
    assert_array_equal(chain.predict_log_proba(X), np.log(chain.predict_proba(X)))


# --- what label sets are given as -----------------------------------------------------------


@pytest.mark.parametrize("container", [
    np.asarray, lambda Y: Y.astype(bool), lambda Y: Y.astype(np.uint8), lambda Y: Y.astype(float),
    np.ndarray.tolist, pd.DataFrame,
])  # fmt: skip
def test_dense_label_sets(problem, container):
    X, Y = problem
    expected = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0).fit(X, Y)
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0).fit(X, container(Y))
    assert tuned.best_threshold_ == expected.best_threshold_
    labels = tuned.predict(X)
    assert isinstance(labels, np.ndarray)
    assert labels.dtype.kind == "i"
    assert_array_equal(labels, expected.predict(X))


@pytest.mark.parametrize(("container", "returned"), [
    (sparse.csr_array, sparse.csr_array),
    (sparse.csr_matrix, sparse.csr_matrix),
    (sparse.csc_array, sparse.csr_array),
    (sparse.coo_matrix, sparse.csr_matrix),
])  # fmt: skip
def test_sparse_label_sets(problem, container, returned):
    X, Y = problem
    expected = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0).fit(X, Y)
    given = container(Y)
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0).fit(X, given)
    assert tuned.best_threshold_ == expected.best_threshold_
    labels = tuned.predict(X)
    assert type(labels) is returned
    assert labels.dtype.kind == "i"
    assert_array_equal(labels.toarray(), expected.predict(X))
    assert_array_equal(given.toarray(), Y)
    assert tuned.score(X, given) == expected.score(X, Y)


def test_sparse_label_sets_reach_the_classifier_sparse(problem):
    X, Y = problem

    class NeedsSparse(Responses):
        def fit(self, X, Y):
            assert isinstance(Y, sparse.csr_array)
            return super().fit(X, Y)

    Y = sparse.csr_array(Y)
    explicit_zeros = Y.copy()
    explicit_zeros.data[:5] = 0
    for labels in (Y, explicit_zeros):
        dense = labels.toarray()
        tuned = TunedMultilabelThresholdCV(NeedsSparse(), random_state=0).fit(X[:, :4], labels)
        assert tuned.best_score_ == (
            TunedMultilabelThresholdCV(Responses(), random_state=0).fit(X[:, :4], dense).best_score_
        )


@pytest.mark.parametrize("X_container", [
    np.asarray, sparse.csr_matrix, sparse.csr_array, sparse.coo_array, np.ndarray.tolist
])  # fmt: skip
def test_containers_of_features(problem, X_container):
    X, Y = problem
    expected = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0).fit(X, Y)
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), random_state=0).fit(X_container(X), Y)
    assert tuned.best_threshold_ == pytest.approx(expected.best_threshold_, rel=1e-6)


def test_feature_names(problem):
    X, Y = problem
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(8)])
    tuned = TunedMultilabelThresholdCV(make_pipeline(StandardScaler(), one_vs_rest())).fit(frame, Y)
    assert tuned.n_features_in_ == 8
    assert_array_equal(tuned.feature_names_in_, frame.columns)


@pytest.mark.parametrize("estimator", [
    LogisticRegression(), one_vs_rest(), MultiOutputClassifier(LogisticRegression()),
    OneVsRestClassifier(LinearSVC()),
], ids=str)  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_a_single_label(problem, estimator):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(estimator, random_state=0).fit(X, Y[:, [0]])
    binary = TunedMultilabelThresholdCV(LogisticRegression(), random_state=0).fit(X, Y[:, 0])
    labels = tuned.predict(X)
    assert labels.shape == (len(X), 1)
    assert binary.predict(X).shape == (len(X),)
    # of the only label, not of both its values
    final = clone(estimator).fit(X, Y[:, [0]])
    if isinstance(estimator, OneVsRestClassifier) and not hasattr(estimator, "predict_proba"):
        responses = final.decision_function(X)
    else:
        p = final.predict_proba(X)
        responses = (p[0] if isinstance(p, list) else p)[:, 1]
        assert tuned.best_threshold_ == binary.best_threshold_
        assert_array_equal(labels[:, 0], binary.predict(X))
    assert_array_equal(labels[:, 0], responses >= tuned.best_threshold_)


def test_a_single_label_is_the_binary_problem_of_scikit_learn(problem):
    X, Y = problem
    names = np.where(Y[:, 0] == 1, "yes", "no")
    cuts = np.linspace(0.2, 0.8, 13)
    tuned = TunedMultilabelThresholdCV(
        LogisticRegression(), scoring="accuracy", thresholds=cuts, cv=FOLDS
    ).fit(X, names)
    assert_array_equal(tuned.classes_, ["no", "yes"])
    assert set(tuned.predict(X)) == {"no", "yes"}
    theirs = FixedThresholdClassifier(
        LogisticRegression(), threshold=tuned.best_threshold_, pos_label="yes"
    )
    assert_array_equal(tuned.predict(X), theirs.fit(X, names).predict(X))


# --- folds ----------------------------------------------------------------------------------


def test_default_folds_are_five_and_shuffled():
    """A file sorted by label would else leave each label out of the fit that is to find it."""
    Y = np.repeat(np.eye(5, dtype=int), 12, axis=0)
    X = Y + np.random.default_rng(0).normal(scale=0.1, size=Y.shape)
    tuned = TunedMultilabelThresholdCV(one_vs_rest(C=100.0), random_state=0).fit(X, Y)
    assert tuned.cv_results_["fold_scores"].shape[0] == 5
    assert tuned.best_score_ == 1.0
    again = clone(tuned).fit(X, Y)
    assert_array_equal(tuned.cv_results_["fold_scores"], again.cv_results_["fold_scores"])
    splits = KFold(5, shuffle=True, random_state=0).split(X)
    by_hand = clone(tuned).set_params(cv=splits).fit(X, Y)
    assert_array_equal(tuned.cv_results_["fold_scores"], by_hand.cv_results_["fold_scores"])


@pytest.mark.parametrize(("cv", "n_folds"), [
    (None, 5), (3, 3), (0.25, 1), (KFold(4), 4), (RepeatedKFold(n_splits=2, n_repeats=3), 6),
    ([(np.arange(60), np.arange(60, 90)), (np.arange(90) < 40, np.arange(90) >= 70)], 2),
], ids=str)  # fmt: skip
def test_ways_to_divide_the_rows(problem, cv, n_folds):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), cv=cv, random_state=0).fit(X, Y)
    assert tuned.cv_results_["fold_scores"].shape[0] == n_folds
    assert_array_equal(tuned.estimator_.predict(X), one_vs_rest().fit(X, Y).predict(X))


def test_without_refit_the_only_fit_is_kept(problem):
    X, Y = problem
    split = [(np.arange(60), np.arange(60, 90))]
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), cv=split, refit=False).fit(X, Y)
    fitted = one_vs_rest().fit(X[:60], Y[:60])
    assert_array_equal(tuned.predict_proba(X), fitted.predict_proba(X))


def test_prefit(problem):
    X, Y = problem
    fitted = one_vs_rest().fit(X[:60], Y[:60])
    tuned = TunedMultilabelThresholdCV(fitted, cv="prefit", refit=False).fit(X[60:], Y[60:])
    assert tuned.estimator_ is fitted
    split = [(np.arange(60), np.arange(60, 90))]
    same = TunedMultilabelThresholdCV(one_vs_rest(), cv=split, refit=False).fit(X, Y)
    assert tuned.best_threshold_ == same.best_threshold_
    assert tuned.best_score_ == same.best_score_


@pytest.mark.slow
def test_folds_in_parallel(problem):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), cv=FOLDS, n_jobs=2).fit(X, Y)
    assert tuned.best_threshold_ == (
        TunedMultilabelThresholdCV(one_vs_rest(), cv=FOLDS).fit(X, Y).best_threshold_
    )


def test_verbose(problem, capsys):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), cv=FOLDS, per_label=True, verbose=1)
    tuned.fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [f"split {i} of 3" for i in (1, 2, 3)]
    assert lines[3].startswith("best single cut")
    assert lines[-1].endswith(f"score {tuned.best_score_:.6g}")
    tuned.set_params(verbose=0).fit(X, Y)
    assert capsys.readouterr().out == ""


# --- metadata -------------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("score", ["f1", "called"])
def test_sample_weight_reaches_the_fit_and_the_scorer(problem, score):
    X, Y = problem
    weight = np.random.default_rng(0).uniform(0.1, 3, len(X))
    base = MultiOutputClassifier(GaussianNB().set_fit_request(sample_weight=True))
    function = f1_score if score == "f1" else lambda *y, **options: f1_score(*y, **options)
    scoring = make_scorer(function, average="micro").set_score_request(sample_weight=True)
    cuts = np.linspace(0.1, 0.9, 9)
    tuned = TunedMultilabelThresholdCV(base, scoring=scoring, thresholds=cuts, cv=FOLDS)
    tuned.fit(X, Y, sample_weight=weight)

    def responses(fit_rows, rows):
        fitted = [
            GaussianNB().fit(X[fit_rows], y, sample_weight=weight[fit_rows]) for y in Y[fit_rows].T
        ]
        return np.column_stack([model.predict_proba(X[rows])[:, 1] for model in fitted])

    expected = [
        [
            f1_score(Y[test], p >= cut, average="micro", sample_weight=weight[test])
            for cut in cuts
        ]
        for train, test in FOLDS.split(X)
        for p in [responses(train, test)]
    ]  # fmt: skip
    assert_allclose(tuned.cv_results_["fold_scores"], expected, rtol=0, atol=1e-14)
    everything = np.arange(len(X))
    assert_array_equal(tuned.predict(X), responses(everything, everything) >= tuned.best_threshold_)


@pytest.mark.usefixtures("routing")
def test_sample_weight_for_the_fit_alone(problem):
    X, Y = problem
    weight = np.arange(1.0, 91.0)
    base = Responses().set_fit_request(sample_weight=True)
    scoring = get_scorer("f1_micro").set_score_request(sample_weight=False)
    tuned = TunedMultilabelThresholdCV(base, scoring=scoring, cv=FOLDS, per_label=True)
    tuned.fit(X[:, :4], Y, sample_weight=weight)
    assert_array_equal(tuned.estimator_.weight_, weight)
    unweighted = TunedMultilabelThresholdCV(Responses(), cv=FOLDS, per_label=True)
    unweighted.fit(X[:, :4], Y)
    assert_array_equal(tuned.best_threshold_, unweighted.best_threshold_)


@pytest.mark.usefixtures("routing")
def test_groups_reach_the_splitter(problem):
    X, Y = problem
    groups = np.arange(90) % 7
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), cv=GroupKFold(3)).fit(X, Y, groups=groups)
    splits = list(GroupKFold(3).split(X, Y, groups))
    expected = TunedMultilabelThresholdCV(one_vs_rest(), cv=splits).fit(X, Y)
    assert_array_equal(tuned.cv_results_["fold_scores"], expected.cv_results_["fold_scores"])


@pytest.mark.usefixtures("routing")
def test_unrequested_metadata(problem):
    X, Y = problem
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
        TunedMultilabelThresholdCV(Responses()).fit(X[:, :4], Y, sample_weight=np.ones(90))
    with pytest.raises(TypeError, match="nonsense"):
        TunedMultilabelThresholdCV(Responses()).fit(X[:, :4], Y, nonsense=1)


def test_metadata_without_routing(problem):
    X, Y = problem
    with pytest.raises(ValueError, match=r"\['sample_weight'\].*enable_metadata_routing=True"):
        TunedMultilabelThresholdCV(one_vs_rest()).fit(X, Y, sample_weight=np.ones(90))


# --- bad input ------------------------------------------------------------------------------

Y_GOOD = np.array([[0, 1], [1, 0]] * 10)


@pytest.mark.parametrize(("Y", "message"), [
    (Y_GOOD * 2, "y holds the value 2"),
    (Y_GOOD - 0.5, "y holds the value -0.5"),
    (sparse.csr_array(Y_GOOD * 3), "y holds the value 3"),
    (np.where(Y_GOOD, np.nan, 0.0), "Input y contains NaN"),
    (np.arange(20) % 3, r"y has one dimension and 3 class\(es\).*indicator matrix"),
    (np.ones(20), r"y has one dimension and 1 class\(es\)"),
    (np.linspace(0, 1, 20), "Unknown label type: continuous"),
    (Y_GOOD * 0, "no row held out has a label"),
    (Y_GOOD[:, :1] * 0, "split 1 hold one class of the only label"),
    (Y_GOOD[:-1], "inconsistent numbers of samples"),
    (None, "the target y is None"),
])  # fmt: skip
def test_bad_label_sets(Y, message):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match=message):
        TunedMultilabelThresholdCV(Responses()).fit(X, Y)


class Returns(Responses):
    def __init__(self, response=None):
        self.response = response

    def decision_function(self, X):
        return self.response(X)


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"estimator": Ridge()}, TypeError, r"Ridge\(\) has no predict_proba or decision_function"),
    ({"response_method": "predict_proba"}, TypeError, "has no predict_proba, which"),
    ({"response_method": "predict"}, ValueError, "'response_method' parameter"),
    ({"rule": "sparsemax_support", "response_method": "predict_proba"}, ValueError,
     "must be 'auto' or 'decision_function'"),
    ({"rule": "sparsemax_support", "estimator": DummyClassifier()}, TypeError,
     "has no decision_function"),
    ({"rule": "argmax"}, ValueError, "'rule' parameter"),
    ({"rule": "sparsemax_support", "thresholds": [0.0, 1.0]}, ValueError, "thresholds holds 0;"),
    ({"thresholds": 0}, ValueError, "'thresholds' parameter"),
    ({"thresholds": []}, ValueError, r"thresholds=\[\] must be"),
    ({"thresholds": [[0.1, 0.2]]}, ValueError, "one dimension"),
    ({"thresholds": [0.1, np.nan]}, ValueError, "none NaN"),
    ({"scoring": "f1_mikro"}, ValueError, "f1_mikro"),
    ({"scoring": "roc_auc"}, ValueError, "could not score predicted labels"),
    ({"scoring": "f1"}, ValueError, "could not score predicted labels: .*multilabel"),
    ({"scoring": lambda *_: np.nan}, ValueError, "gave NaN"),
    ({"scoring": None}, ValueError, "'scoring' parameter"),
    ({"cv": 1}, ValueError, "'cv' parameter|k-fold"),
    ({"cv": 1.5}, ValueError, "'cv' parameter"),
    ({"cv": 21}, ValueError, "n_splits=21"),
    ({"cv": "prefit"}, ValueError, "needs refit=False"),
    ({"cv": "prefit", "refit": False}, NotFittedError, "not fitted"),
    ({"cv": 3, "refit": False}, ValueError, "cv=3 has 3"),
    ({"estimator": Returns(lambda X: X[:, :1])}, ValueError, r"shape \(4, 1\).*2 labels"),
    ({"estimator": Returns(lambda X: X * np.nan)}, ValueError, "returned NaN"),
    ({"estimator": Returns(sparse.csr_array)}, TypeError, "returned a csr_array"),
])  # fmt: skip
def test_bad_parameters(parameters, error, message):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(error, match=message):
        TunedMultilabelThresholdCV(**{"estimator": Responses(), **parameters}).fit(X, Y_GOOD)


def test_support_of_a_single_label_is_refused():
    X = np.random.default_rng(0).normal(size=(20, 1))
    with pytest.raises(ValueError, match="always predicts the only label"):
        TunedMultilabelThresholdCV(Responses(), rule="sparsemax_support").fit(X, Y_GOOD[:, :1])


# --- as a scikit-learn estimator ------------------------------------------------------------


def test_pickle_and_grid_search(problem):
    X, Y = problem
    tuned = TunedMultilabelThresholdCV(one_vs_rest(), thresholds=9, random_state=0)
    search = GridSearchCV(
        tuned, {"per_label": [False, True]}, cv=2,
        scoring="f1_micro",
    ).fit(X, Y)  # fmt: skip
    restored = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(restored.predict(X), search.predict(X))
    assert cross_val_score(tuned, X, Y, scoring="f1_micro", cv=2).shape == (2,)


def test_tuning_pays_where_labels_are_rare():
    X, Y = make_multilabel_classification(
        600, n_features=30, n_classes=20, n_labels=2, random_state=0
    )
    tuned = TunedMultilabelThresholdCV(one_vs_rest(0.01), random_state=0).fit(X[:400], Y[:400])
    untuned = tuned.estimator_
    scores = [f1_score(Y[400:], m.predict(X[400:]), average="micro") for m in (untuned, tuned)]
    assert scores[1] > scores[0] + 0.05


# The cut is fixed at that of the estimator: several checks hold predictions against
# decision_function > 0 or probability > 1/2, which a tuned threshold is there to replace.
@parametrize_with_checks(
    [
        TunedMultilabelThresholdCV(one_vs_rest(), thresholds=[0.5]),
        TunedMultilabelThresholdCV(
            OneVsRestClassifier(LinearSVC()),
            thresholds=[0.0],
            scoring="accuracy",
            per_label=True,
            cv=2,
        ),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


CHECKS_OF_UNTUNED_CUTS = {"check_classifiers_train", "check_classifier_multioutput"}


@parametrize_with_checks([TunedMultilabelThresholdCV(one_vs_rest(), cv=2)])
def test_scikit_learn_checks_of_tuned_cuts(estimator, check):
    if getattr(check, "func", check).__name__ in CHECKS_OF_UNTUNED_CUTS:
        pytest.skip("holds predictions against decision_function > 0")
    check(estimator)

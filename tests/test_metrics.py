"""The metrics against SciPy, scikit-learn, brute force and arithmetic done by hand."""

from __future__ import annotations

import pickle
import warnings
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.spatial.distance import jensenshannon
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    f1_score,
    make_scorer,
    mean_squared_error,
    precision_score,
    recall_score,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier

from sklearn_sparsemax import metrics
from sklearn_sparsemax.metrics import (
    f1_of_mean_precision_recall,
    jensen_shannon_divergence,
    mean_sparsemax_loss,
    precision_at_k,
    precision_at_k_scorer,
    proportions_mean_squared_error,
)

SPARSE = [sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_matrix]


def random_proportions(rng, n_samples, n_outputs):
    """Rows on the simplex, about half of whose entries are exactly zero."""
    P = rng.exponential(size=(n_samples, n_outputs)) * rng.integers(0, 2, (n_samples, n_outputs))
    P[:, 0] += P.sum(axis=1) == 0
    return P / P.sum(axis=1, keepdims=True)


def random_indicator(rng, n_samples, n_outputs):
    return rng.integers(0, 2, (n_samples, n_outputs))


@st.composite
def proportion_pairs(draw):
    """Two matrices of proportions of small integers, so that zeros and equal rows are common."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 6)))
    counts = arrays(np.int64, shape, elements=st.integers(0, 3))
    pair = []
    for _ in range(2):
        N = draw(counts)
        N[:, 0] += N.sum(axis=1) == 0
        pair.append(N / N.sum(axis=1, keepdims=True))
    return pair


@st.composite
def ranked_indicators(draw):
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    Y = draw(arrays(np.int64, shape, elements=st.integers(0, 1)))
    scores = draw(arrays(np.float64, shape, elements=st.sampled_from([-np.inf, 0.0, 0.5, 1.0])))
    return Y, scores, draw(st.integers(1, shape[1]))


class GivenProportions(RegressorMixin, BaseEstimator):
    """Predicts its features, shrunk towards the uniform distribution."""

    def __init__(self, shrinkage=0.0):
        self.shrinkage = shrinkage

    def fit(self, X, Y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return (1 - self.shrinkage) * X + self.shrinkage / X.shape[1]


# --- proportions ---------------------------------------------------------------------------------


@given(proportion_pairs())
def test_jensen_shannon_is_the_squared_distance_of_scipy(pair):
    P, Q = pair
    with np.errstate(invalid="ignore"):  # SciPy takes the root of -1e-17 for nearly equal rows
        expected = np.nan_to_num(jensenshannon(P, Q, axis=1)) ** 2
    assert_allclose(jensen_shannon_divergence(P, Q), expected.mean(), rtol=1e-12, atol=1e-15)


@given(proportion_pairs())
def test_jensen_shannon_is_symmetric_bounded_and_zero_between_equals(pair):
    P, Q = pair
    divergence = jensen_shannon_divergence(P, Q)
    assert divergence == jensen_shannon_divergence(Q, P)
    assert 0 <= divergence <= np.log(2) * (1 + 1e-15)
    assert jensen_shannon_divergence(P, P) == 0


def test_jensen_shannon_of_disjoint_supports_is_log_2():
    assert_allclose(jensen_shannon_divergence([[0.5, 0.5, 0]], [[0, 0, 1]]), np.log(2), rtol=1e-15)


def test_jensen_shannon_by_hand():
    # m = (3/4, 1/4): (log(4/3) + log(2/3) / 2 + log(2) / 2) / 2
    expected = (np.log(4 / 3) + np.log(2 / 3) / 2 + np.log(2) / 2) / 2
    assert_allclose(jensen_shannon_divergence([[1, 0]], [[0.5, 0.5]]), expected, rtol=1e-15)


def test_mean_squared_error_by_hand():
    # The rows contribute (0.01 + 0.01) and 2, over two rows of two outputs.
    P, Q = [[0.5, 0.5], [1, 0]], [[0.6, 0.4], [0, 1]]
    assert_allclose(proportions_mean_squared_error(P, Q), 2.02 / 4, rtol=1e-15)


@given(proportion_pairs())
def test_mean_squared_error_is_that_of_scikit_learn(pair):
    P, Q = pair
    assert_allclose(
        proportions_mean_squared_error(P, Q), mean_squared_error(P, Q), rtol=1e-12, atol=1e-17
    )


@pytest.mark.parametrize("metric", [jensen_shannon_divergence, proportions_mean_squared_error])
@pytest.mark.parametrize("container", SPARSE)
def test_sparse_proportions_equal_dense(metric, container):
    rng = np.random.default_rng(0)
    P, Q = random_proportions(rng, 40, 7), random_proportions(rng, 40, 7)
    expected = metric(P, Q)
    for pair in [(container(P), container(Q)), (container(P), Q), (P, container(Q))]:
        assert_allclose(metric(*pair), expected, rtol=1e-13)


@pytest.mark.parametrize("metric", [jensen_shannon_divergence, proportions_mean_squared_error])
def test_sparse_duplicates_and_explicit_zeros_are_read_and_left_alone(metric):
    # Row 0 is (0.25 + 0.25, 0, 0.5) with an explicit zero.
    P = sparse.csr_array(
        (np.array([0.25, 0.25, 0.0, 0.5, 1.0]), [0, 0, 1, 2, 1], [0, 4, 5]), shape=(2, 3)
    )
    Q = np.array([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]])
    assert_allclose(metric(P, Q), metric(P.toarray(), Q), rtol=1e-15)
    assert P.nnz == 5


@pytest.mark.parametrize("metric", [jensen_shannon_divergence, proportions_mean_squared_error])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float32])
def test_one_hot_proportions_of_any_dtype(metric, container, dtype):
    P, Q = np.eye(3)[[0, 1, 2, 2]], np.eye(3)[[0, 2, 2, 1]]
    assert metric(container(P.astype(dtype)), container(Q.astype(dtype))) == metric(P, Q) > 0


def test_float32_rounding_of_many_outputs_is_accepted():
    P = np.random.default_rng(0).exponential(size=(20, 20_000)).astype(np.float32)
    P /= P.sum(axis=1, keepdims=True)
    P[:, :2_000] *= np.float32(1 + 4e-5)
    deviation = np.abs(P.sum(axis=1, dtype=np.float64) - 1).max()
    assert 1e-6 < deviation < 20_000 * np.finfo(np.float32).eps
    assert jensen_shannon_divergence(P, P) == 0
    with pytest.raises(ValueError, match="must sum to 1"):
        jensen_shannon_divergence(P.astype(np.float64), P)


@pytest.mark.parametrize("metric", [jensen_shannon_divergence, proportions_mean_squared_error])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[0.5, 0.5], [0.5, 0.4]], r"row of {} must sum to 1 \(within 1e-06\), got 0.9 in row 1"),
        ([[0.5, 0.5], [0.0, 0.0]], r"row of {} must sum to 1 \(within 1e-06\), got 0.0 in row 1"),
        ([[1.5, -0.5], [1, 0]], r"{} must be non-negative, got -0.5 in row 0"),
        ([[0.5, 0.5, 0.0], [1, 0, 0]], r"P_true and P_pred must have the same shape"),
        ([[np.nan, 0.5], [1, 0]], r"{} contains NaN"),
    ],
)
def test_proportions_are_validated(metric, container, bad, message):
    good = [[0.5, 0.5], [1.0, 0.0]]
    with pytest.raises(ValueError, match=message.format("P_true")):
        metric(container(bad), good)
    with pytest.raises(ValueError, match=message.format("P_pred")):
        metric(good, container(bad))


def test_proportions_within_1e_6_are_accepted():
    P = [[0.5, 0.5 + 9e-7]]
    assert jensen_shannon_divergence(P, P) == 0
    with pytest.raises(ValueError, match="must sum to 1"):
        jensen_shannon_divergence([[0.5, 0.5 + 2e-6]], P)


# --- F1 of mean precision and mean recall --------------------------------------------------------


def test_f1_of_means_by_hand():
    # Label 0: precision 1, recall 1/2. Label 1: precision 1/3, recall 1. Means 2/3 and 3/4.
    Y_true, Y_pred = [[1, 0], [1, 0], [0, 1]], [[1, 1], [0, 1], [0, 1]]
    assert_allclose(f1_of_mean_precision_recall(Y_true, Y_pred), 12 / 17, rtol=1e-15)


@pytest.mark.parametrize("zero_division", [0.0, 1.0, np.nan])
def test_f1_of_means_from_the_scores_of_scikit_learn(zero_division):
    rng = np.random.default_rng(1)
    Y_true, Y_pred = random_indicator(rng, 30, 5), random_indicator(rng, 30, 5)
    Y_true[:, 0] = 0  # a label that never occurs
    Y_pred[:, 1] = 0  # a label that is never predicted
    options = {"average": "macro", "zero_division": zero_division}
    P, R = (score(Y_true, Y_pred, **options) for score in (precision_score, recall_score))
    assert_allclose(
        f1_of_mean_precision_recall(Y_true, Y_pred, zero_division=zero_division),
        2 / (1 / P + 1 / R),
        rtol=1e-13,
    )


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_f1_of_means_is_at_least_the_mean_of_f1s(seed, n_outputs):
    rng = np.random.default_rng(seed)
    Y_true, Y_pred = (random_indicator(rng, 8, n_outputs) for _ in range(2))
    averaged = f1_score(Y_true, Y_pred, average="macro", zero_division=0)
    assert f1_of_mean_precision_recall(Y_true, Y_pred, zero_division=0) >= averaged - 1e-14


@pytest.mark.parametrize("container", SPARSE)
def test_f1_of_means_sparse_equals_dense(container):
    rng = np.random.default_rng(2)
    Y_true, Y_pred = random_indicator(rng, 30, 5), random_indicator(rng, 30, 5)
    expected = f1_of_mean_precision_recall(Y_true, Y_pred)
    for pair in [
        (container(Y_true), container(Y_pred)),
        (container(Y_true), Y_pred),
        (Y_true, container(Y_pred)),
    ]:
        assert f1_of_mean_precision_recall(*pair) == expected


def test_f1_of_means_takes_class_labels():
    y_true, y_pred = ["a", "a", "b", "c"], ["a", "b", "b", "c"]
    # Precisions 1, 1/2, 1 and recalls 1/2, 1, 1: both means are 5/6.
    assert_allclose(f1_of_mean_precision_recall(y_true, y_pred), 5 / 6, rtol=1e-15)


def test_f1_of_means_without_a_hit_is_zero():
    assert f1_of_mean_precision_recall([[1, 0]] * 2, [[0, 1]] * 2, zero_division=0) == 0


def test_f1_of_means_warns_once_for_each_undefined_mean():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f1_of_mean_precision_recall([[1, 0], [1, 0]], [[1, 0], [1, 0]])
    assert [w.category for w in caught] == [UndefinedMetricWarning] * 2
    assert all("zero_division" in str(w.message) for w in caught)


def test_f1_of_means_reports_a_different_number_of_labels():
    with pytest.raises(ValueError, match="different numbers of labels"):
        f1_of_mean_precision_recall([[1, 0], [0, 1]], [[1, 0, 1], [0, 1, 1]])


# --- precision at k ------------------------------------------------------------------------------


def test_precision_at_k_by_hand():
    Y = [[1, 0, 1, 0], [0, 1, 0, 0]]
    scores = [[0.6, 0.4, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4]]
    # k = 3, row 0: label 0, then one of labels 2 and 3: (1 + 1/2) / 3. Row 1: 1/3.
    assert precision_at_k(Y, scores, 1) == 0.5
    assert_allclose(precision_at_k(Y, scores, 3), (0.5 + 1 / 3) / 2, rtol=1e-15)
    assert precision_at_k(Y, scores, 4) == (2 / 4 + 1 / 4) / 2


@given(ranked_indicators())
def test_precision_at_k_is_the_mean_over_all_orders_of_the_labels(problem):
    Y, scores, k = problem
    precisions = []
    for order in map(list, permutations(range(Y.shape[1]))):
        # A stable sort takes tied labels in the order in which they stand.
        ranked = np.argsort(-scores[:, order], axis=1, kind="stable")[:, :k]
        precisions.append(np.take_along_axis(Y[:, order], ranked, axis=1).mean())
    assert_allclose(precision_at_k(Y, scores, k), np.mean(precisions), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("container", SPARSE)
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64])
def test_precision_at_k_sparse_equals_dense(container, dtype):
    rng = np.random.default_rng(3)
    Y, scores = random_indicator(rng, 50, 6).astype(dtype), random_proportions(rng, 50, 6)
    for k in (1, 3, 6):
        assert precision_at_k(container(Y), scores, k) == precision_at_k(Y, scores, k)


@pytest.mark.parametrize(
    ("Y", "scores", "k", "error", "message"),
    [
        ([[1, 0]], [[1.0, 0.0]], 0, ValueError, "k must be from 1 to .* 2, got 0"),
        ([[1, 0]], [[1.0, 0.0]], 3, ValueError, "k must be from 1 to .* 2, got 3"),
        ([[1, 0]], [[1.0, 0.0]], 1.0, TypeError, "k must be an integer, got 1.0"),
        ([[1, 0]], [[1.0, 0.0]], True, TypeError, "k must be an integer, got True"),
        ([[1, 0], [0, 2]], np.eye(2), 1, ValueError, "Y_true .* 0 and 1, got 2 in row 1, column 1"),
        ([[1, 0]], [[np.nan, 0.0]], 1, ValueError, "scores holds NaN"),
        ([[1, 0]], [[1.0, 0.0, 0.0]], 1, ValueError, r"same shape, got \(1, 2\) and \(1, 3\)"),
        ([[1, 0]], [1.0], 1, ValueError, r"same shape, got \(1, 2\) and \(1,\)"),
        ([[1, 0]], sparse.csr_array([[1.0, 0.0]]), 1, TypeError, "dense data is required"),
    ],
)
def test_precision_at_k_is_validated(Y, scores, k, error, message):
    with pytest.raises(error, match=message):
        precision_at_k(Y, scores, k)


# --- sparsemax loss ------------------------------------------------------------------------------


def test_sparsemax_loss_of_classes_by_hand():
    # Two classes at distance t from the wrong side: 0 if t < -1, (t + 1)^2 / 4 if |t| <= 1, else t.
    m = [-3.0, 0.5, 4.0]
    assert_allclose(
        mean_sparsemax_loss(["no", "no", "no"], m, labels=["no", "yes"]),
        (0 + 2.25 / 4 + 4) / 3,
        rtol=1e-15,
    )
    assert_allclose(mean_sparsemax_loss([1, 0, 1], m), (3 + 2.25 / 4 + 0) / 3, rtol=1e-15)
    # Uniform scores over K classes: 1/2 (1 - 1/K).
    assert_allclose(mean_sparsemax_loss([2, 0, 1], np.zeros((3, 3))), 1 / 3, rtol=1e-15)


def test_sparsemax_loss_of_label_sets_by_hand():
    # Uniform over two of three labels against uniform scores: (1/2 - 1/3) / 2.
    assert_allclose(mean_sparsemax_loss([[1, 1, 0]], np.zeros((1, 3))), 1 / 12, rtol=1e-15)
    assert mean_sparsemax_loss([[1, 1, 0]], [[1.0, 1.0, 0.0]]) == 0


def test_sparsemax_loss_of_one_hot_rows_is_that_of_classes():
    rng = np.random.default_rng(4)
    y, Z = np.append(rng.integers(0, 4, 20), range(4)), rng.normal(size=(24, 4))
    expected = mean_sparsemax_loss(y, Z)
    for rows in [np.eye(4, dtype=int)[y], np.eye(4)[y], sparse.csr_array(np.eye(4, dtype=bool)[y])]:
        assert_allclose(mean_sparsemax_loss(rows, Z), expected, rtol=1e-14)


def test_sparsemax_loss_of_proportions_vanishes_at_their_own_scores():
    P = random_proportions(np.random.default_rng(5), 20, 6)
    assert_allclose(mean_sparsemax_loss(P, P + 3), 0, atol=1e-14)
    assert mean_sparsemax_loss(P, np.roll(P, 1, axis=1)) > 0.01


@pytest.mark.parametrize("container", SPARSE)
def test_sparsemax_loss_sparse_equals_dense(container):
    rng = np.random.default_rng(6)
    Y, P, Z = random_indicator(rng, 30, 5), random_proportions(rng, 30, 5), rng.normal(size=(30, 5))
    Y[:, 2] |= Y.sum(axis=1) == 0
    for targets in (Y, P):
        assert_allclose(
            mean_sparsemax_loss(container(targets), Z), mean_sparsemax_loss(targets, Z), rtol=1e-13
        )


@pytest.mark.parametrize(
    ("y", "Z", "labels", "message"),
    [
        ([0, 0], [1.0, 2.0], None, "y_true holds 1 classes but .* scores for 2. Give all classes"),
        ([0, 1], np.zeros((2, 3)), [0, 1], "labels holds 2 classes but .* scores for 3"),
        ([0, 1], [1.0, 2.0], [1, 0], r"labels must be sorted .* got \[1, 0\]"),
        (["a", "z"], [1.0, 2.0], ["a", "b"], r"classes that labels does not: \['z'\]"),
        ([0, 1, 1], [1.0, 2.0], None, "y_true has 3 rows but pred_decision has 2"),
        ([0.5, 1.5], [1.0, 2.0], None, "Unknown label type: continuous"),
        ([[1, 0], [0, 0]], np.zeros((2, 2)), None, "Row 1 of y_true has no label"),
        ([[1, 0], [0, 2]], np.zeros((2, 2)), None, "y_true must hold only 0 and 1, got 2 in row 1"),
        ([[0.5, 0.4]], np.zeros((1, 2)), None, "every row of y_true must sum to 1"),
        ([[1, 0]], np.zeros((1, 3)), None, "y_true and pred_decision must have the same shape"),
        ([0, 1], [1.0, np.inf], None, "pred_decision contains infinity"),
    ],
)
def test_sparsemax_loss_is_validated(y, Z, labels, message):
    with pytest.raises(ValueError, match=message):
        mean_sparsemax_loss(y, Z, labels=labels)


# --- weights -------------------------------------------------------------------------------------


def weighted_cases():
    rng = np.random.default_rng(7)
    P, Q, Y = (f(rng, 12, 4) for f in (random_proportions, random_proportions, random_indicator))
    Y[:, 0] |= Y.sum(axis=1) == 0
    y = np.append(rng.integers(0, 4, 8), range(4))
    return {
        "jensen_shannon": (jensen_shannon_divergence, P, Q),
        "mean_squared_error": (proportions_mean_squared_error, P, Q),
        "f1_of_means": (f1_of_mean_precision_recall, Y, random_indicator(rng, 12, 4)),
        "precision_at_k": (lambda Y, s, **kw: precision_at_k(Y, s, 2, **kw), Y, Q),
        "sparsemax_loss_classes": (
            lambda y, Z, **kw: mean_sparsemax_loss(y, Z, labels=range(4), **kw),
            y,
            rng.normal(size=(12, 4)),
        ),
        "sparsemax_loss_label_sets": (mean_sparsemax_loss, Y, rng.normal(size=(12, 4))),
    }


@pytest.mark.parametrize("case", weighted_cases())
def test_weights_are_repeated_rows(case):
    metric, true, predicted = weighted_cases()[case]
    repeats = np.array([0, 1, 2, 3, 0, 1, 1, 5, 1, 0, 2, 1])
    expected = metric(np.repeat(true, repeats, axis=0), np.repeat(predicted, repeats, axis=0))
    assert_allclose(metric(true, predicted, sample_weight=repeats), expected, rtol=1e-13)
    assert_allclose(metric(true, predicted, sample_weight=repeats / 7), expected, rtol=1e-13)
    assert metric(true, predicted) != pytest.approx(expected)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "sample_weight has 1 values for 2 rows"),
        ([1.0, -1.0], "sample_weight must be non-negative .* from -1.0 to 1.0"),
        ([0.0, 0.0], "at least one positive value"),
        ([1.0, np.nan], "sample_weight contains NaN"),
    ],
)
def test_weights_are_validated(weights, message):
    P = np.eye(2)
    for metric in (
        jensen_shannon_divergence,
        proportions_mean_squared_error,
        lambda Y, s, **kw: precision_at_k(Y, s, 1, **kw),
    ):
        with pytest.raises(ValueError, match=message):
            metric(P, P, sample_weight=weights)


# --- scorers -------------------------------------------------------------------------------------


def test_every_public_name_exists_and_every_scorer_is_public():
    scorers = {name for name in vars(metrics) if name.endswith("_scorer")} - {"make_scorer"}
    assert scorers <= set(metrics.__all__) <= set(vars(metrics))


def test_scorers_of_proportions_in_a_grid_search():
    P = random_proportions(np.random.default_rng(8), 30, 4)
    search = GridSearchCV(
        GivenProportions(),
        {"shrinkage": [0.0, 0.3]},
        scoring={
            "jsd": metrics.neg_jensen_shannon_scorer,
            "mse": metrics.neg_proportions_mean_squared_error_scorer,
            "sklearn": "neg_mean_squared_error",
        },
        refit="jsd",
        cv=3,
    ).fit(P, P)
    assert search.best_params_ == {"shrinkage": 0.0}
    assert search.best_score_ == 0
    assert search.cv_results_["mean_test_jsd"][1] < 0
    assert_allclose(
        search.cv_results_["mean_test_mse"], search.cv_results_["mean_test_sklearn"], rtol=1e-12
    )


@pytest.mark.parametrize(("container", "n_classes"), [(np.asarray, 4), (sparse.csr_matrix, 2)])
def test_scorers_of_label_sets_in_a_grid_search(container, n_classes):
    X, Y = make_multilabel_classification(
        80, n_classes=n_classes, allow_unlabeled=False, random_state=0
    )
    classifier = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    search = GridSearchCV(
        classifier,
        {"estimator__C": [1e-4, 1.0]},
        scoring={
            "micro": "f1_micro",
            "macro": metrics.f1_of_mean_precision_recall_scorer,
            "at_1": precision_at_k_scorer(1),
            "loss": metrics.neg_sparsemax_loss_scorer,
        },
        refit="macro",
        cv=3,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        search.fit(X, container(Y))
    fitted = search.best_estimator_
    assert search.best_params_ == {"estimator__C": 1.0}
    for name, expected in {
        "macro": f1_of_mean_precision_recall(Y, fitted.predict(X)),
        "at_1": precision_at_k(Y, fitted.decision_function(X), 1),
        "loss": -mean_sparsemax_loss(Y, fitted.decision_function(X)),
    }.items():
        assert_allclose(search.scorer_[name](fitted, X, container(Y)), expected, rtol=1e-12)


def test_precision_at_k_scorer_reads_the_list_of_probabilities_of_a_forest():
    X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    P = np.column_stack([p[:, 1] for p in forest.predict_proba(X)])
    assert precision_at_k_scorer(2)(forest, X, Y) == precision_at_k(Y, P, 2)
    proba_scorer = precision_at_k_scorer(2, response_method="predict_proba")
    assert proba_scorer(forest, X, Y) == precision_at_k(Y, P, 2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparsemax_loss_scorer_of_classes(n_classes):
    X, y = load_iris(return_X_y=True)
    kept = y >= 3 - n_classes
    X, y = X[kept], np.array(["setosa", "versicolor", "virginica"])[y[kept]]
    search = GridSearchCV(
        LogisticRegression(max_iter=1000),
        {"C": [1e-3, 1.0]},
        scoring=metrics.neg_sparsemax_loss_scorer,
        cv=3,
    ).fit(X, y)
    assert search.best_params_ == {"C": 1.0}
    Z = search.decision_function(X)
    assert search.score(X, y) == -mean_sparsemax_loss(y, Z)
    if n_classes == 2:
        assert_allclose(
            search.score(X, y), -mean_sparsemax_loss(y, np.column_stack([-Z / 2, Z / 2]))
        )


def test_sparsemax_loss_scorer_names_the_classes_a_fold_lacks():
    X, y = load_iris(return_X_y=True)
    classifier = LogisticRegression(max_iter=1000).fit(X, y)
    with pytest.raises(ValueError, match="Give all classes in labels"):
        metrics.neg_sparsemax_loss_scorer(classifier, X[:60], y[:60])
    scorer = make_scorer(
        mean_sparsemax_loss,
        greater_is_better=False,
        response_method="decision_function",
        labels=classifier.classes_,
    )
    expected = -mean_sparsemax_loss(np.eye(3)[y[:60]], classifier.decision_function(X[:60]))
    assert_allclose(scorer(classifier, X[:60], y[:60]), expected)


@pytest.mark.parametrize(
    "scorer",
    [
        metrics.neg_jensen_shannon_scorer,
        metrics.neg_proportions_mean_squared_error_scorer,
        metrics.f1_of_mean_precision_recall_scorer,
        metrics.neg_sparsemax_loss_scorer,
        precision_at_k_scorer(2),
    ],
    ids=lambda scorer: scorer._score_func.__name__,
)
def test_scorers_are_picklable_and_take_weights(scorer):
    restored = pickle.loads(pickle.dumps(scorer))
    assert repr(restored) == repr(scorer)
    P = random_proportions(np.random.default_rng(9), 20, 4)
    X, Y = make_multilabel_classification(40, n_classes=4, allow_unlabeled=False, random_state=1)
    if "proportions" in repr(scorer) or "jensen" in repr(scorer):
        estimator, X, Y = GivenProportions(0.2).fit(P, P), P, P
    else:
        estimator = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(X[:20], Y[:20])
    half = np.arange(len(X)) % 2
    assert restored(estimator, X, Y) == scorer(estimator, X, Y)
    assert_allclose(
        restored(estimator, X, Y, sample_weight=half),
        scorer(estimator, X[half == 1], Y[half == 1]),
        rtol=1e-12,
    )

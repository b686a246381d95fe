"""Label sets."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from problems import Problem, primal, primal_gradient, probabilities, to_dense
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import (
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    SparsemaxClassifier,
)
from sklearn_sparsemax._problem import candidates, intercept, objective
from sklearn_sparsemax.datasets import fetch_birds, fetch_emotions
from sklearn_sparsemax.linear_model import _label_set_classifier
from sklearn_sparsemax.metrics import (
    f1_of_mean_precision_recall_scorer,
    neg_sparsemax_loss_scorer,
    precision_at_k_scorer,
)

pytestmark = pytest.mark.filterwarnings("error")

CLASSIFIERS = {
    "sparsemax": MultilabelSparsemaxClassifier,
    "softmax": MultilabelSoftmaxClassifier,
    "logistic": MultilabelLogisticClassifier,
}
every_loss = pytest.mark.parametrize("loss", CLASSIFIERS)
simplex_losses = pytest.mark.parametrize("loss", ["sparsemax", "softmax"])

SPARSE = [
    *(sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.lil_array),
    *(sparse.dok_array, sparse.bsr_array, sparse.dia_array),
    *(sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.lil_matrix),
    *(sparse.dok_matrix, sparse.bsr_matrix, sparse.dia_matrix),
]


def label_sets(n_rows=40, n_labels=4, n_empty=0, seed=0):
    """Features, and an indicator matrix of the labels that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3)) * [1, 3, 0.3] + [0, 2, 0]
    scores = (X - [0, 2, 0]) @ rng.normal(size=(3, n_labels)) + rng.normal(size=(n_rows, n_labels))
    Y = (scores > 0.7).astype(int)
    Y[np.arange(n_rows), scores.argmax(axis=1)] = 1
    Y[rng.permutation(n_rows)[:n_empty]] = 0
    return X, Y


def distributions(loss, Y):
    """Targets as a textbook writes them: Y / |Y|, with one more column for rows with no label."""
    if loss == "logistic":
        return Y.astype(float)
    empty = Y.sum(axis=1, keepdims=True) == 0
    Y = np.hstack([Y, empty]) if empty.any() else Y
    return Y / Y.sum(axis=1, keepdims=True)


def allowed_gap(loss, Y):
    """The default tolerance, 1e-4 F(0, 0), or rounding where the all-zero model is the minimum."""
    problem = Problem(np.zeros((len(Y), 1)), distributions(loss, Y), loss, 1, None, False)
    return max(1e-4 * primal(problem, np.zeros(problem.shape)), 3e-15)


def assert_same_model(one, other, atol=1e-7):
    np.testing.assert_allclose(one.coef_, other.coef_, atol=atol)
    np.testing.assert_allclose(one.intercept_, other.intercept_, atol=atol)


# Against independent implementations


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10])
@pytest.mark.parametrize("n_empty", [0, 8])
@pytest.mark.parametrize("fit_intercept", [True, False])
@every_loss
def test_minimum_of_the_textbook_objective(loss, fit_intercept, n_empty, alpha):
    X, Y = label_sets(n_empty=n_empty)
    weights = np.random.default_rng(1).exponential(size=len(X))
    problem = Problem(X, distributions(loss, Y), loss, alpha, weights, fit_intercept)
    naive = minimize(
        lambda w: primal(problem, w.reshape(problem.shape)),
        np.zeros(problem.shape).ravel(),
        jac=lambda w: primal_gradient(problem, w.reshape(problem.shape)).ravel(),
        method="BFGS",
        options={"gtol": 1e-9, "maxiter": 10_000},
    )
    fitted = CLASSIFIERS[loss](alpha=alpha, fit_intercept=fit_intercept, tol=1e-9)
    fitted.fit(X, Y, sample_weight=weights)
    assert fitted.objective_ == pytest.approx(naive.fun, abs=1e-9)
    coef = naive.x.reshape(problem.shape)
    p = probabilities(loss, problem.scores(coef))[:, : Y.shape[1]]
    np.testing.assert_allclose(fitted.predict_proba(X), p, atol=1e-5)
    np.testing.assert_allclose(fitted.coef_.T, coef[: X.shape[1]], atol=1e-4)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_independent_labels_are_one_logistic_regression_each(weighted, fit_intercept):
    X, Y = label_sets(n_empty=5)
    weights = np.random.default_rng(1).exponential(size=len(X)) if weighted else np.ones(len(X))
    alpha = 0.02
    fitted = MultilabelLogisticClassifier(alpha=alpha, fit_intercept=fit_intercept, tol=1e-10)
    fitted.fit(X, Y, sample_weight=weights)
    # OneVsRestClassifier passes no weights on without metadata routing
    for k, y in enumerate(Y.T):
        reference = LogisticRegression(
            C=1 / (alpha * weights.sum()), fit_intercept=fit_intercept, tol=1e-10, max_iter=10_000
        ).fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(fitted.coef_[k], reference.coef_[0], atol=1e-5)
        np.testing.assert_allclose(fitted.intercept_[k], reference.intercept_[0], atol=1e-5)
    if not weighted:
        reference = OneVsRestClassifier(reference).fit(X, Y)
        np.testing.assert_allclose(fitted.predict_proba(X), reference.predict_proba(X), atol=1e-6)
        halves = fitted.set_params(threshold=0.5).fit(X, Y).predict(X)
        np.testing.assert_array_equal(halves, reference.predict(X))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_label_a_row_with_softmax_is_multinomial_logistic_regression(fit_intercept):
    X, Y = label_sets()
    y = Y.argmax(axis=1)
    alpha = 0.03
    reference = LogisticRegression(
        C=1 / (alpha * len(y)), fit_intercept=fit_intercept, tol=1e-10, max_iter=10_000
    ).fit(X, y)
    fitted = MultilabelSoftmaxClassifier(alpha=alpha, fit_intercept=fit_intercept, tol=1e-10)
    fitted.fit(X, np.eye(Y.shape[1], dtype=int)[y])
    np.testing.assert_allclose(fitted.predict_proba(X), reference.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(fitted.coef_, reference.coef_, atol=1e-5)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_label_a_row_with_sparsemax_is_the_classifier(fit_intercept):
    X, Y = label_sets()
    y = Y.argmax(axis=1)
    options = {"alpha": 0.03, "fit_intercept": fit_intercept, "tol": 1e-10}
    reference = SparsemaxClassifier(**options).fit(X, y)
    fitted = MultilabelSparsemaxClassifier(**options).fit(X, np.eye(Y.shape[1], dtype=int)[y])
    assert_same_model(fitted, reference)
    np.testing.assert_allclose(fitted.predict_proba(X), reference.predict_proba(X), atol=1e-7)


@pytest.mark.parametrize("n_empty", [0, 8])
@pytest.mark.parametrize("alpha", [1e-4, 1])
@every_loss
def test_mean_prediction_is_mean_target(loss, alpha, n_empty):
    X, Y = label_sets(n_empty=n_empty)
    weights = np.random.default_rng(1).exponential(size=len(X))
    fitted = CLASSIFIERS[loss](alpha=alpha, solver="lbfgs").fit(X, Y, sample_weight=weights)
    np.testing.assert_allclose(
        np.average(fitted.predict_proba(X), axis=0, weights=weights),
        np.average(distributions(loss, Y), axis=0, weights=weights)[: Y.shape[1]],
        atol=1e-9,
    )


# Rows with no label


@simplex_losses
def test_null_output_takes_the_mass_of_rows_with_no_label(loss):
    X, Y = label_sets(n_empty=8)
    fitted = CLASSIFIERS[loss](alpha=0.01, tol=1e-9).fit(X, Y)
    assert fitted.coef_.shape == (5, 3)
    assert fitted.n_labels_ == len(fitted.classes_) == 4
    for matrix in (fitted.decision_function(X), fitted.predict_proba(X), fitted.predict(X)):
        assert matrix.shape == Y.shape
    scores = X @ fitted.coef_.T + fitted.intercept_
    np.testing.assert_allclose(fitted.decision_function(X), scores[:, :4])
    p = probabilities(loss, scores)
    np.testing.assert_allclose(fitted.predict_proba(X), p[:, :4], atol=1e-12)
    assert (p[:, 4] > 0.1).any()
    # a further column of Y says the same
    empty = Y.sum(axis=1, keepdims=True) == 0
    spelled_out = CLASSIFIERS[loss](alpha=0.01, tol=1e-9).fit(X, np.hstack([Y, empty]))
    assert_same_model(fitted, spelled_out)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@simplex_losses
def test_without_rows_with_no_label_there_is_no_null_output(loss, container):
    X, Y = label_sets()
    models = [CLASSIFIERS[loss](empty=empty).fit(X, container(Y)) for empty in EMPTY]
    for model in models:
        assert model.coef_.shape == (4, 3)
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        np.testing.assert_array_equal(model.coef_, models[0].coef_)
        assert model.threshold_ == models[0].threshold_


EMPTY = ["null", "drop", "uniform"]


@pytest.mark.parametrize("empty", EMPTY)
@simplex_losses
def test_rows_with_no_label_and_no_weight_are_no_rows(loss, empty):
    X, Y = label_sets(n_empty=8)
    has_label = Y.any(axis=1)
    fitted = CLASSIFIERS[loss](alpha=0.01, tol=1e-9, empty=empty)
    fitted.fit(X, Y, sample_weight=has_label)
    without = clone(fitted).fit(X[has_label], Y[has_label])
    assert fitted.coef_.shape == (4, 3)
    assert_same_model(fitted, without)
    assert fitted.threshold_ == pytest.approx(without.threshold_)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [True, False])
@simplex_losses
def test_dropped_rows(loss, weighted, container):
    X, Y = label_sets(n_empty=8)
    weights = np.random.default_rng(1).exponential(size=len(X)) if weighted else np.ones(len(X))
    has_label = Y.any(axis=1)
    dropped = CLASSIFIERS[loss](alpha=0.01, tol=1e-9, empty="drop")
    dropped.fit(X, container(Y), sample_weight=weights)
    without = CLASSIFIERS[loss](alpha=0.01, tol=1e-9)
    without.fit(X[has_label], container(Y[has_label]), sample_weight=weights[has_label])
    assert_same_model(dropped, without)
    assert dropped.threshold_ == pytest.approx(without.threshold_)
    assert dropped.objective_ == pytest.approx(without.objective_)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@simplex_losses
def test_uniform_rows(loss, container):
    X, Y = label_sets(n_empty=8)
    filled = Y + (Y.sum(axis=1, keepdims=True) == 0)
    uniform = CLASSIFIERS[loss](alpha=0.01, tol=1e-9, empty="uniform").fit(X, container(Y))
    spelled_out = CLASSIFIERS[loss](alpha=0.01, tol=1e-9).fit(X, container(filled))
    assert_same_model(uniform, spelled_out)
    # the threshold counts labels, of which those rows have none
    assert uniform.predict(X).sum() == Y.sum() < filled.sum()


@simplex_losses
def test_all_rows_without_label(loss):
    X, Y = label_sets(n_empty=40)
    with pytest.raises(ValueError, match="empty='drop' leaves no row to fit; use empty='null'"):
        CLASSIFIERS[loss](empty="drop").fit(X, Y)
    null = CLASSIFIERS[loss](empty="null").fit(X, Y)
    assert null.coef_.shape == (5, 3)
    assert not null.predict(X).any()


def test_independent_labels_have_no_parameter_for_rows_without():
    assert "empty" not in MultilabelLogisticClassifier().get_params()


# Sets at the edge of what a set can be


def edge_cases():
    _, Y = label_sets()
    yield "a row with all labels", np.vstack([np.ones((1, 4), int), Y[1:]])
    never = Y.copy()
    never[:, 2] = 0
    never[:, 0] |= ~never.any(axis=1)
    yield "a label never present", never
    always = Y.copy()
    always[:, 2] = 1
    yield "a label always present", always
    yield "rows with no label", label_sets(n_empty=8)[1]
    yield "no label at all", 0 * Y
    yield "all labels", 0 * Y + 1
    yield "one label", Y[:, [1]]
    yield "one label, always", np.ones((len(Y), 1), dtype=int)
    yield "one label, never", np.zeros((len(Y), 1), dtype=int)
    yield "one row", Y[:1]


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("Y", [pytest.param(Y, id=name) for name, Y in edge_cases()])
@every_loss
def test_edge_cases_are_certified(loss, Y, fit_intercept, solver):
    X, _ = label_sets()
    X = X[: len(Y)]
    for alpha in (1e-6, 1):
        options = {"alpha": alpha, "fit_intercept": fit_intercept, "solver": solver}
        fitted = CLASSIFIERS[loss](**options).fit(X, Y)
        for numbers in (fitted.coef_, fitted.intercept_, fitted.decision_function(X)):
            assert np.isfinite(numbers).all()
        assert 0 <= fitted.dual_gap_ <= allowed_gap(loss, Y)
        p = fitted.predict_proba(X)
        assert p.shape == Y.shape
        assert ((p >= 0) & (p <= 1)).all()
        assert fitted.predict(X).shape == Y.shape
    if solver == "lbfgs":
        in_csr = clone(fitted).fit(X, sparse.csr_array(Y))
        np.testing.assert_array_equal(in_csr.coef_, fitted.coef_)
        np.testing.assert_array_equal(in_csr.predict(X).toarray(), fitted.predict(X))


def test_independent_labels_of_which_one_is_always_present():
    rng = np.random.default_rng(0)
    for n_rows in range(20, 60):
        X, Y = rng.normal(size=(n_rows, 3)), (rng.random((n_rows, 4)) < 0.4).astype(int)
        Y[:, 2] = 1
        fitted = MultilabelLogisticClassifier().fit(X, Y)
        assert 0 <= fitted.dual_gap_ <= allowed_gap("logistic", Y)


@pytest.mark.parametrize("n_labels", [1, 4])
@simplex_losses
def test_all_labels_on_all_rows(loss, n_labels):
    for n_rows in range(20, 60):
        X, _ = label_sets(n_rows)
        fitted = CLASSIFIERS[loss]().fit(X, np.ones((n_rows, n_labels), dtype=int))
        np.testing.assert_allclose(fitted.predict_proba(X), 1 / n_labels)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_one_label_is_a_binary_problem(loss, container):
    """Scores of label and null output are +-s / 2: twice the penalty of the binary classifier."""
    X, Y = label_sets()
    y = Y[:, 1]
    factor = 1 if loss == "logistic" else 2
    fitted = CLASSIFIERS[loss](alpha=0.02, tol=1e-10).fit(X, container(y[:, None]))
    binary = CLASSIFIERS[loss](alpha=0.02 / factor, tol=1e-10).fit(X, y)
    assert fitted.coef_.shape == (factor, 3)
    assert fitted.predict_proba(X).shape == fitted.decision_function(X).shape == (40, 1)
    np.testing.assert_allclose(
        fitted.predict_proba(X)[:, 0], binary.predict_proba(X)[:, 1], atol=1e-6
    )
    np.testing.assert_array_equal(
        to_dense(fitted.set_params(threshold=0.5).fit(X, container(y[:, None])).predict(X))[:, 0],
        binary.predict(X),
    )


# Containers


@pytest.mark.parametrize("container", SPARSE, ids=lambda container: container.__name__)
def test_sparse_containers_come_back(container):
    X, Y = label_sets(n_empty=8)
    dense = MultilabelSparsemaxClassifier().fit(X, Y)
    fitted = MultilabelSparsemaxClassifier().fit(X, container(Y))
    predicted = fitted.predict(X)
    assert type(predicted) is container
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted.toarray(), dense.predict(X))
    np.testing.assert_array_equal(fitted.coef_, dense.coef_)
    assert fitted.threshold_ == dense.threshold_


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@every_loss
def test_types_of_indicators(loss, container, dtype):
    X, Y = label_sets(n_empty=8)
    expected = CLASSIFIERS[loss]().fit(X, Y)
    fitted = CLASSIFIERS[loss]().fit(X, container(Y.astype(dtype)))
    np.testing.assert_array_equal(fitted.coef_, expected.coef_)
    predicted = fitted.predict(X)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(to_dense(predicted), expected.predict(X))


@every_loss
def test_lists_and_data_frames(loss):
    pandas = pytest.importorskip("pandas")
    X, Y = label_sets(n_empty=8)
    expected = CLASSIFIERS[loss]().fit(X, Y)
    for indicator in (Y.tolist(), pandas.DataFrame(Y, columns=list("abcd")).astype(bool)):
        fitted = CLASSIFIERS[loss]().fit(X, indicator)
        assert type(fitted.predict(X)) is np.ndarray
        np.testing.assert_array_equal(fitted.coef_, expected.coef_)
    frame = pandas.DataFrame(X, columns=list("xyz"))
    assert list(expected.fit(frame, Y).feature_names_in_) == ["x", "y", "z"]


@every_loss
def test_stored_zeros_are_no_labels_and_y_is_left_alone(loss):
    X, Y = label_sets()
    stored = sparse.csr_array(np.ones_like(Y))
    stored.data[:] = Y.ravel()
    before = stored.copy()
    fitted = CLASSIFIERS[loss]().fit(X, stored)
    np.testing.assert_array_equal(fitted.coef_, CLASSIFIERS[loss]().fit(X, Y).coef_)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(before, name))


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@every_loss
def test_sparse_features(loss, container):
    X, Y = label_sets(n_empty=8)
    dense = CLASSIFIERS[loss](alpha=0.01, tol=1e-8).fit(X, Y)
    fitted = CLASSIFIERS[loss](alpha=0.01, tol=1e-8).fit(container(X), sparse.csr_array(Y))
    np.testing.assert_allclose(
        fitted.predict_proba(container(X)), dense.predict_proba(X), atol=1e-6
    )
    np.testing.assert_array_equal(fitted.predict(container(X)).toarray(), dense.predict(X))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_single_precision_is_kept(loss, container):
    X, Y = label_sets(n_empty=8)
    single = container(X.astype(np.float32))
    fitted = CLASSIFIERS[loss](alpha=0.01).fit(single, Y)
    assert fitted.coef_.dtype == fitted.intercept_.dtype == np.float64
    for method in ("decision_function", "predict_proba"):
        assert getattr(fitted, method)(single).dtype == np.float32
        assert getattr(fitted, method)(X).dtype == np.float64
    expected = CLASSIFIERS[loss](alpha=0.01).fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(single), expected, atol=1e-3)
    assert fitted.predict(single).sum() == Y.sum()


# The threshold


def label_mass(fitted, X, weights, threshold):
    return weights @ (fitted.predict_proba(X) > threshold).sum(axis=1)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("n_empty", [0, 8])
@every_loss
def test_auto_threshold_predicts_as_many_labels_as_there_are(loss, n_empty, weighted):
    X, Y = label_sets(n_rows=100, n_empty=n_empty)
    weights = np.random.default_rng(1).integers(3, size=len(X)) if weighted else np.ones(len(X))
    fitted = CLASSIFIERS[loss](alpha=0.1).fit(X, Y, sample_weight=weights)
    present = weights @ Y.sum(axis=1)
    predicted = weights @ fitted.predict(X).sum(axis=1)
    # no further label fits in
    p = fitted.predict_proba(X)
    next_label = np.where((p <= fitted.threshold_) & (weights[:, None] > 0), p, 0).max()
    assert predicted <= present < label_mass(fitted, X, weights, np.nextafter(next_label, 0))
    if not weighted:
        assert predicted == present


@pytest.mark.parametrize("numbers", [1, 10, 64])
@every_loss
def test_auto_threshold_of_blocks(loss, numbers, monkeypatch):
    X, Y = label_sets(n_rows=100, n_empty=8)
    weights = np.random.default_rng(1).integers(3, size=len(X))
    whole = CLASSIFIERS[loss](alpha=0.1).fit(X, Y, sample_weight=weights)
    monkeypatch.setattr(_label_set_classifier, "NUMBERS_PER_BLOCK", numbers)
    blocks = CLASSIFIERS[loss](alpha=0.1).fit(X, Y, sample_weight=weights)
    assert blocks.threshold_ == pytest.approx(whole.threshold_, abs=1e-12)


@every_loss
def test_auto_threshold_where_the_labels_are_separated(loss):
    codes = np.arange(40) % 4
    X, Y = 10 * np.eye(4)[codes], np.eye(4, dtype=int)[codes]
    fitted = CLASSIFIERS[loss](alpha=1e-6).fit(X, Y)
    assert 0.1 < fitted.threshold_ < 0.9
    np.testing.assert_array_equal(fitted.predict(X), Y)
    # with no positive probability but those of the labels, there is nothing to cut
    unpenalised = MultilabelSparsemaxClassifier(alpha=0, solver="lbfgs").fit(X, Y)
    np.testing.assert_array_equal(unpenalised.predict_proba(X), Y)
    assert unpenalised.threshold_ == 0


@pytest.mark.parametrize("threshold", [0, 0.1, 0.5])
@every_loss
def test_given_threshold(loss, threshold):
    X, Y = label_sets(n_empty=8)
    fitted = CLASSIFIERS[loss](alpha=0.1, threshold=threshold).fit(X, Y)
    assert fitted.threshold_ == threshold
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict_proba(X) > threshold)
    if threshold == 0:
        np.testing.assert_array_equal(fitted.predict(X), fitted.predict_support(X))
        assert (loss == "sparsemax") == (not fitted.predict(X).all())


@pytest.mark.parametrize("threshold", [-0.1, 1, 1.5, np.nan, "best", None])
def test_threshold_out_of_range(threshold):
    X, Y = label_sets()
    with pytest.raises(ValueError, match="The 'threshold' parameter"):
        MultilabelSparsemaxClassifier(threshold=threshold).fit(X, Y)


@every_loss
def test_logarithms_of_zeros(loss):
    X, Y = label_sets(n_empty=8)
    fitted = CLASSIFIERS[loss](alpha=0.1).fit(X, Y)
    p, log_p = fitted.predict_proba(X), fitted.predict_log_proba(X)
    np.testing.assert_array_equal(np.isneginf(log_p), p == 0)
    np.testing.assert_allclose(np.exp(log_p), p)


# Weights


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 2: 0.25}])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_weights_are_repetitions(loss, container, class_weight):
    X, Y = label_sets(n_empty=8)
    counts = np.random.default_rng(2).integers(4, size=len(X))
    options = {"alpha": 0.01, "tol": 1e-10, "class_weight": class_weight}
    weighted = CLASSIFIERS[loss](**options).fit(X, container(Y), sample_weight=2.5 * counts)
    repeated = CLASSIFIERS[loss](**options).fit(
        np.repeat(X, counts, axis=0), container(np.repeat(Y, counts, axis=0))
    )
    assert_same_model(weighted, repeated)
    assert weighted.threshold_ == pytest.approx(repeated.threshold_, abs=1e-9)


@every_loss
def test_class_weight_of_a_row_is_the_mean_over_its_labels(loss):
    X, Y = label_sets(n_empty=8)
    given = {0: 3.0, 2: 0.25, np.int64(3): 0}
    table = np.array([3, 1, 0.25, 0])
    by_hand = [table[row == 1].mean() if row.any() else 1 for row in Y]
    weights = np.random.default_rng(1).exponential(size=len(X))
    options = {"alpha": 0.01, "tol": 1e-10}
    fitted = CLASSIFIERS[loss](**options, class_weight=given).fit(X, Y, sample_weight=weights)
    expected = CLASSIFIERS[loss](**options).fit(X, Y, sample_weight=weights * by_hand)
    assert_same_model(fitted, expected)
    assert fitted.threshold_ == pytest.approx(expected.threshold_)


@every_loss
def test_balanced_weights_are_inverse_to_the_weight_of_the_rows_with_a_label(loss):
    X, Y = label_sets(n_empty=8)
    Y[:, 3] = 0
    weights = np.random.default_rng(1).exponential(size=len(X))
    totals = weights @ Y
    given = {k: totals.sum() / (4 * totals[k]) for k in range(3)}  # a label never present: 1
    options = {"alpha": 0.01, "tol": 1e-10}
    balanced = CLASSIFIERS[loss](**options, class_weight="balanced")
    by_hand = CLASSIFIERS[loss](**options, class_weight=given)
    for model in (balanced, by_hand):
        model.fit(X, Y, sample_weight=weights)
    # the scores of the absent label have no finite minimum, but all probabilities have
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-7)
    np.testing.assert_allclose(balanced.coef_[:3], by_hand.coef_[:3], atol=1e-6)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({4: 1.0}, r"names the label 4; the labels are the columns of y, 0 \.\.\. 3"),
        ({-1: 1.0}, "names the label -1"),
        ({"rain": 1.0}, "names the label 'rain'"),
        ({0: -1.0}, "gives the label 0 the weight -1.0; it must be a finite number, 0 or more"),
        ({0: np.inf}, "the weight inf"),
        ({0: np.nan}, "the weight nan"),
        ({0: "much"}, "the weight 'much'"),
        ({0: 0, 1: 0, 2: 0, 3: 0}, "sample_weight, times class weights if any, is zero for every"),
        ("even", "The 'class_weight' parameter"),
    ],
)
@every_loss
def test_wrong_class_weight(loss, class_weight, message):
    X, Y = label_sets()
    with pytest.raises(ValueError, match=message):
        CLASSIFIERS[loss](class_weight=class_weight).fit(X, Y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.full(40, -1.0), "sample_weight holds -1; weights must be finite and 0 or more"),
        (np.full(40, np.inf), "sample_weight holds inf"),
        (np.ones(39), r"sample_weight has the shape \(39,\); it must be \(40,\)"),
        (np.zeros(40), "zero for every row"),
    ],
)
@every_loss
def test_wrong_weights(loss, weights, message):
    X, Y = label_sets(n_empty=8)
    with pytest.raises(ValueError, match=message):
        CLASSIFIERS[loss]().fit(X, Y, sample_weight=weights)


# Other errors


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("value", [2, -1, 0.5])
@every_loss
def test_values_other_than_0_and_1(loss, value, container):
    X, Y = label_sets()
    Y = Y.astype(float)
    Y[3, 1] = value
    with pytest.raises(
        ValueError, match=rf"y holds the value {value}; an indicator matrix .* holds only 0 and 1"
    ):
        CLASSIFIERS[loss]().fit(X, container(Y))


def with_entry(value):
    Y = label_sets()[1].astype(type(value))
    Y[3, 1] = value
    return Y


@pytest.mark.parametrize(
    ("Y", "message"),
    [
        (with_entry(np.nan), "contains NaN"),
        (sparse.csr_array(with_entry(np.nan)), "contains NaN"),
        (with_entry(np.inf), "infinity"),
        (with_entry(1j), "Complex data"),
        (np.full((40, 4), "rain"), "could not convert string to float"),
        (np.ones((39, 4), dtype=int), "inconsistent numbers of samples"),
        (np.ones((40, 2, 2), dtype=int), "dim 3"),
        (np.full(40, 1), "holds only one class, 1"),
        (np.linspace(0, 1, 40), "Unknown label type: continuous"),
        (np.empty((40, 0)), "0 feature"),
        (None, "requires y to be passed"),
    ],
    ids=[
        "nan",
        "sparse nan",
        "inf",
        "complex",
        "strings",
        "rows",
        "three axes",
        "one class",
        "continuous",
        "no labels",
        "none",
    ],
)
@every_loss
def test_wrong_targets(loss, Y, message):
    X, _ = label_sets()
    with pytest.raises(ValueError, match=message):
        CLASSIFIERS[loss]().fit(X, Y)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_score_of_another_number_of_labels(loss, container):
    X, Y = label_sets()
    fitted = CLASSIFIERS[loss]().fit(X, container(Y))
    assert fitted.score(X, container(Y)) == (to_dense(fitted.predict(X)) == Y).all(axis=1).mean()
    with pytest.raises(ValueError, match=r"inconsistent shapes|same shape|different number"):
        fitted.score(X, container(Y[:, :3]))


@every_loss
def test_features_of_another_shape(loss):
    X, Y = label_sets()
    fitted = CLASSIFIERS[loss]().fit(X, Y)
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(ValueError, match="expecting 3 features"):
            getattr(fitted, method)(X[:, :2])


# Classes: one-dimensional y


@pytest.mark.parametrize("n_classes", [2, 4])
@every_loss
def test_one_dimensional_y_is_a_classification(loss, n_classes):
    X, Y = label_sets(n_labels=n_classes)
    names = np.array(["fog", "hail", "rain", "snow"])[:n_classes]
    y = names[Y.argmax(axis=1)]
    fitted = CLASSIFIERS[loss](alpha=0.01).fit(X, y)
    assert not fitted.multilabel_
    np.testing.assert_array_equal(fitted.classes_, names)
    p, scores = fitted.predict_proba(X), fitted.decision_function(X)
    assert p.shape == (40, n_classes)
    assert scores.shape == ((40,) if n_classes == 2 else (40, n_classes))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p >= 0).all()
    expected = scores > 0 if n_classes == 2 else scores.argmax(axis=1)
    np.testing.assert_array_equal(fitted.predict(X), names[expected.astype(int)])
    assert fitted.score(X, y) > 0.6


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_sparsemax_of_classes_is_the_classifier(n_classes, class_weight):
    X, Y = label_sets(n_labels=n_classes)
    y = Y.argmax(axis=1)
    options = {"alpha": 0.01, "class_weight": class_weight}
    fitted = MultilabelSparsemaxClassifier(**options).fit(X, y)
    expected = SparsemaxClassifier(**options).fit(X, y)
    np.testing.assert_array_equal(fitted.coef_, expected.coef_)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(fitted, method)(X), getattr(expected, method)(X))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_logistic_regressions_of_classes(loss, n_classes):
    X, Y = label_sets(n_labels=n_classes)
    y = Y.argmax(axis=1)
    reference = LogisticRegression(C=1 / (0.02 * len(y)), tol=1e-10, max_iter=10_000)
    if loss == "logistic" and n_classes > 2:
        reference = OneVsRestClassifier(reference)
    fitted = CLASSIFIERS[loss](alpha=0.02, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(
        fitted.predict_proba(X), reference.fit(X, y).predict_proba(X), atol=1e-6
    )


@every_loss
def test_a_column_of_classes_is_raveled_with_the_warning_of_scikit_learn(loss):
    X, Y = label_sets()
    y = Y.argmax(axis=1)
    with pytest.warns(match="column-vector y was passed when a 1d array was expected"):
        column = CLASSIFIERS[loss]().fit(X, y[:, None])
    np.testing.assert_array_equal(column.coef_, CLASSIFIERS[loss]().fit(X, y).coef_)


@pytest.mark.parametrize("warm_start", [True, False])
@every_loss
def test_refit_with_y_of_another_kind(loss, warm_start):
    X, Y = label_sets(n_empty=8)
    kinds = [Y, Y.argmax(axis=1), sparse.csc_array(Y[:, :3]), Y[:, 0], Y[:, [0]], Y]
    refitted = CLASSIFIERS[loss](alpha=0.01, tol=1e-9, warm_start=warm_start)
    for y in kinds:
        fresh = CLASSIFIERS[loss](alpha=0.01, tol=1e-9).fit(X, y)
        refitted.fit(X, y)
        assert refitted.multilabel_ == fresh.multilabel_
        np.testing.assert_array_equal(refitted.classes_, fresh.classes_)
        for method in ("predict_proba", "decision_function", "predict_support"):
            np.testing.assert_allclose(
                getattr(refitted, method)(X), getattr(fresh, method)(X), atol=1e-5
            )
        assert type(refitted.predict(X)) is type(fresh.predict(X))
        np.testing.assert_array_equal(to_dense(refitted.predict(X)), to_dense(fresh.predict(X)))


@every_loss
def test_warm_start(loss):
    X, Y = label_sets(n_empty=8)
    cold = CLASSIFIERS[loss](solver="lbfgs", tol=1e-6).fit(X, Y)
    warm = clone(cold).set_params(warm_start=True).fit(X, Y)
    assert warm.fit(X, Y).n_iter_ == 0 < cold.n_iter_
    # as many labels, and one output less where there is a null output
    has_label = Y.any(axis=1)
    again = warm.fit(X[has_label], Y[has_label])
    np.testing.assert_allclose(
        again.predict_proba(X), cold.fit(X[has_label], Y[has_label]).predict_proba(X), atol=0.01
    )


# Among scikit-learn's tools


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_scorers_in_a_grid_search_over_a_pipeline(loss, container):
    X, Y = label_sets(n_rows=90)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), CLASSIFIERS[loss]()),
        {f"{CLASSIFIERS[loss].__name__.lower()}__alpha": [1e-3, 0.1, 1000.0]},
        scoring={
            "micro": "f1_micro",
            "macro": f1_of_mean_precision_recall_scorer,
            "loss": neg_sparsemax_loss_scorer,
            "first": precision_at_k_scorer(1),
        },
        refit="micro",
        cv=3,
        error_score="raise",
    ).fit(X, container(Y))
    assert search.best_index_ != 2
    assert search.best_score_ == search.cv_results_["mean_test_micro"].max()
    assert search.score(X, container(Y)) == f1_score(
        container(Y), search.predict(X), average="micro"
    )


@pytest.mark.parametrize("n_labels", [2, 4])
@pytest.mark.parametrize("scoring", ["average_precision", "roc_auc", "f1_samples"])
@every_loss
def test_scorers_of_probabilities(loss, scoring, n_labels):
    X, Y = label_sets(n_labels=n_labels)
    classifier = CLASSIFIERS[loss](alpha=0.01)
    scores = cross_val_score(classifier, X, Y, cv=2, scoring=scoring, error_score="raise")
    fitted = clone(classifier).fit(X[20:], Y[20:])
    expected = {
        "average_precision": lambda: average_precision_score(
            Y[:20], fitted.decision_function(X[:20])
        ),
        "roc_auc": lambda: roc_auc_score(Y[:20], fitted.decision_function(X[:20])),
        "f1_samples": lambda: f1_score(Y[:20], fitted.predict(X[:20]), average="samples"),
    }[scoring]()
    assert scores[0] == pytest.approx(expected)


@pytest.mark.parametrize("n_labels", [2, 4])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@every_loss
def test_cross_validated_predictions(loss, method, n_labels):
    X, Y = label_sets(n_labels=n_labels)
    classifier = CLASSIFIERS[loss](alpha=0.01)
    out_of_fold = cross_val_predict(classifier, X, Y, cv=2, method=method)
    fitted = clone(classifier).fit(X[20:], Y[20:])
    np.testing.assert_array_equal(out_of_fold[:20], getattr(fitted, method)(X[:20]))


@pytest.mark.parametrize("container", [np.asarray, sparse.csc_matrix])
@every_loss
def test_pickle(loss, container):
    X, Y = label_sets(n_empty=8)
    fitted = CLASSIFIERS[loss](threshold=0.2).fit(X, container(Y))
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert type(again.predict(X)) is type(fitted.predict(X))


# Many labels


@every_loss
def test_no_dense_matrix_of_rows_by_labels(loss, monkeypatch):
    """Neither Y nor the scores of all rows are held: memory stays below a quarter of either."""
    n_rows, n_labels = 20_000, 200
    X = sparse.random(n_rows, 5, density=0.3, format="csr", random_state=0)
    Y = sparse.random(n_rows, n_labels, density=0.01, format="csr", random_state=1)
    Y.data[:] = 1  # one row in eight has no label
    for module in (objective, _label_set_classifier):
        monkeypatch.setattr(module, "NUMBERS_PER_BLOCK", 2**15)
    monkeypatch.setattr(candidates, "NUMBERS_AT_A_TIME", 2**15)
    monkeypatch.setattr(intercept, "MAX_NEWTON_STEPS", 2)  # more take time, not memory
    classifier = CLASSIFIERS[loss](alpha=1e-3, solver="lbfgs", tol=0.9)
    classifier.fit(X, Y)  # loads or compiles the kernels, which takes memory too
    tracemalloc.start()
    classifier.fit(X, Y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < n_rows * n_labels * 8 / 4
    assert classifier.threshold_ > 0


# Real data


@pytest.mark.parametrize("fetch", [fetch_emotions, fetch_birds])
@every_loss
def test_benchmarks(loss, fetch, data_home):
    X, Y = fetch(subset="train", return_X_y=True, data_home=data_home, download_if_missing=False)
    X = StandardScaler().fit_transform(X)
    fitted = CLASSIFIERS[loss](alpha=0.1).fit(X, Y)
    for numbers in (fitted.coef_, fitted.intercept_):
        assert np.isfinite(numbers).all()
    assert 0 <= fitted.dual_gap_ <= allowed_gap(loss, Y)
    n_null = int(loss != "logistic" and fetch is fetch_birds)
    assert fitted.coef_.shape == (Y.shape[1] + n_null, X.shape[1])
    problem = Problem(X, distributions(loss, Y), loss, 0.1)
    coef = np.vstack([fitted.coef_.T, fitted.intercept_])
    assert primal(problem, coef) == pytest.approx(fitted.objective_)
    assert abs(fitted.predict(X).sum() - Y.sum()) <= 1

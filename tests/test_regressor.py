"""Label proportions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from problems import Problem, primal, primal_gradient, probabilities
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import SoftmaxRegressor, SparsemaxRegressor
from sklearn_sparsemax.datasets import make_label_proportions
from sklearn_sparsemax.metrics import (
    jensen_shannon_divergence,
    neg_jensen_shannon_scorer,
    neg_proportions_mean_squared_error_scorer,
)

pytestmark = pytest.mark.filterwarnings("error")

REGRESSORS = {"sparsemax": SparsemaxRegressor, "softmax": SoftmaxRegressor}
every_loss = pytest.mark.parametrize("loss", REGRESSORS)


def proportions(n_rows=40, n_outputs=4, seed=0):
    """Features, and proportions with zeros that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3)) * [1, 3, 0.3] + [0, 2, 0]
    scores = X @ rng.normal(size=(3, n_outputs)) / 3 + 0.5 * rng.normal(size=(n_rows, n_outputs))
    return X, probabilities("sparsemax", scores)


# Against independent implementations


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10])
@pytest.mark.parametrize("fit_intercept", [True, False])
@every_loss
def test_minimum_of_the_textbook_objective(loss, fit_intercept, alpha):
    X, P = proportions()
    weights = np.random.default_rng(1).exponential(size=len(X))
    problem = Problem(X, P, loss, alpha, weights, fit_intercept)
    naive = minimize(
        lambda w: primal(problem, w.reshape(problem.shape)),
        np.zeros(problem.shape).ravel(),
        jac=lambda w: primal_gradient(problem, w.reshape(problem.shape)).ravel(),
        method="BFGS",
        options={"gtol": 1e-9, "maxiter": 10_000},
    )
    fitted = REGRESSORS[loss](alpha=alpha, fit_intercept=fit_intercept, tol=1e-9)
    fitted.fit(X, P, sample_weight=weights)
    assert fitted.objective_ == pytest.approx(naive.fun, abs=1e-10)
    scores = problem.scores(naive.x.reshape(problem.shape))
    np.testing.assert_allclose(fitted.predict(X), probabilities(loss, scores), atol=1e-6)
    np.testing.assert_allclose(
        fitted.coef_.T, naive.x.reshape(problem.shape)[: X.shape[1]], atol=1e-5
    )


def test_one_hot_softmax_is_multinomial_logistic_regression():
    X, P = proportions()
    y = P.argmax(axis=1)
    alpha = 0.03
    reference = LogisticRegression(C=1 / (alpha * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    fitted = SoftmaxRegressor(alpha=alpha, tol=1e-10).fit(X, np.eye(P.shape[1])[y])
    np.testing.assert_allclose(fitted.predict(X), reference.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(fitted.coef_, reference.coef_, atol=1e-5)


@every_loss
def test_proportions_are_fractional_rows(loss):
    """The gradient is linear in q: a row of proportions is its labels, each with its share."""
    X, P = proportions()
    row, label = np.nonzero(P)
    options = {"alpha": 0.01, "tol": 1e-10}
    expected = REGRESSORS[loss](**options).fit(
        X[row], np.eye(P.shape[1])[label], sample_weight=P[row, label]
    )
    fitted = REGRESSORS[loss](**options).fit(X, P)
    np.testing.assert_allclose(fitted.coef_, expected.coef_, atol=1e-7)
    np.testing.assert_allclose(fitted.predict(X), expected.predict(X), atol=1e-7)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("alpha", [1e-4, 1])
@every_loss
def test_mean_prediction_is_mean_target(loss, alpha, weighted):
    X, P = proportions()
    weights = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    fitted = REGRESSORS[loss](alpha=alpha, solver="lbfgs").fit(X, P, sample_weight=weights)
    np.testing.assert_allclose(
        np.average(fitted.predict(X), axis=0, weights=weights),
        np.average(P, axis=0, weights=weights),
        atol=1e-9,
    )


@every_loss
def test_recovers_what_its_own_model_generated(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    P = probabilities(loss, X @ rng.normal(size=(3, 4)) + [0.3, 0, -0.3, 0])
    fitted = REGRESSORS[loss](alpha=1e-10, tol=1e-9).fit(X, P)
    np.testing.assert_allclose(fitted.predict(X), P, atol=1e-4)


# Targets


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({(3, 1): 0.9}, r"Row 3 of y sums to .*; a distribution sums to 1 within 1e-06"),
        ({(2, 0): -0.25}, r"Row 2 of y holds -0\.25; the entries of a distribution are 0 or more"),
        ({(5, 2): np.nan}, "contains NaN"),
        ({(5, 2): np.inf}, "infinity"),
        ({4: 0.0}, "Row 4 of y sums to 0;"),
        ({6: 1.0}, "Row 6 of y sums to 4;"),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_array])
@every_loss
def test_rows_off_the_simplex(loss, container, spoil, message):
    X, P = proportions()
    for index, value in spoil.items():
        P[index] = value
    with pytest.raises(ValueError, match=message):
        REGRESSORS[loss]().fit(X, container(P))


@every_loss
def test_tolerance_of_the_simplex(loss):
    X, P = proportions()
    P[7] = [0.5, 0.5 - 5e-7, 0, 0]
    fitted = REGRESSORS[loss]().fit(X, P)
    assert np.isfinite(fitted.coef_).all()
    P[7] = [0.5, 0.5 - 2e-6, 0, 0]
    with pytest.raises(ValueError, match=r"Row 7 of y sums to 0\.999998;"):
        REGRESSORS[loss]().fit(X, P)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(40.0), r"y has the shape \(40,\); it must hold proportions in rows"),
        (np.full((39, 4), 0.25), "inconsistent numbers of samples"),
        (np.full((40, 2, 2), 0.25), "dim 3"),
        (np.full((40, 4), "much"), "could not convert string"),
        (np.full((40, 4), 0.25 + 0j), "Complex data"),
        (None, "requires y to be passed"),
    ],
    ids=["vector", "rows", "three axes", "strings", "complex", "none"],
)
@every_loss
def test_y_that_is_no_matrix_of_proportions(loss, y, message):
    X, _ = proportions()
    with pytest.raises(ValueError, match=message):
        REGRESSORS[loss]().fit(X, y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.full(40, -1.0), "sample_weight holds -1; weights must be finite and 0 or more"),
        (np.full(40, np.nan), "sample_weight holds nan"),
        (np.ones(39), r"sample_weight has the shape \(39,\); it must be \(40,\)"),
        (np.zeros(40), "zero for every row"),
    ],
)
@every_loss
def test_wrong_weights(loss, weights, message):
    X, P = proportions()
    with pytest.raises(ValueError, match=message):
        REGRESSORS[loss]().fit(X, P, sample_weight=weights)


@pytest.mark.parametrize(
    "container",
    [
        sparse.csr_array,
        sparse.csc_array,
        sparse.coo_array,
        sparse.csr_matrix,
        sparse.lil_matrix,
        np.asfortranarray,
        np.ndarray.tolist,
    ],
)
@every_loss
def test_containers_of_proportions(loss, container):
    X, P = proportions()
    dense = REGRESSORS[loss](tol=1e-8).fit(X, P)
    other = REGRESSORS[loss](tol=1e-8).fit(X, container(P))
    np.testing.assert_allclose(other.coef_, dense.coef_, atol=1e-6)
    np.testing.assert_allclose(other.predict(X), dense.predict(X), atol=1e-6)


@every_loss
def test_data_frames(loss):
    pandas = pytest.importorskip("pandas")
    X, P = proportions()
    fitted = REGRESSORS[loss]().fit(pandas.DataFrame(X, columns=list("abc")), pandas.DataFrame(P))
    assert list(fitted.feature_names_in_) == ["a", "b", "c"]
    np.testing.assert_allclose(
        fitted.predict(pandas.DataFrame(X, columns=list("abc"))),
        REGRESSORS[loss]().fit(X, P).predict(X),
        atol=1e-12,
    )


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    "case", ["one output", "never", "always", "one row", "two outputs", "one column of zeros"]
)
@every_loss
def test_degenerate_proportions(loss, case, fit_intercept, solver):
    X, P = proportions()
    if case == "one output":
        P = np.ones((len(X), 1))
    elif case == "never":
        P = np.insert(P, 2, 0, axis=1)
    elif case == "always":
        P = np.tile([0.0, 1, 0], (len(X), 1))
    elif case == "one row":
        X, P = X[:1], P[:1]
    elif case == "two outputs":
        P = np.column_stack([P[:, 0], 1 - P[:, 0]])
    else:
        X = X * [1, 0, 1]
    fitted = REGRESSORS[loss](alpha=0.01, fit_intercept=fit_intercept, solver=solver).fit(X, P)
    assert fitted.coef_.shape == (P.shape[1], X.shape[1])
    assert np.isfinite(fitted.coef_).all()
    assert np.isfinite(fitted.intercept_).all()
    predicted = fitted.predict(X)
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert (predicted >= 0).all()
    problem = Problem(X, P, loss, 0.01, None, fit_intercept)
    zero_model = primal(problem, np.zeros(problem.shape))
    # rounding is allowed where the all-zero model is the minimum
    assert 0 <= fitted.dual_gap_ <= max(1e-4 * zero_model, 3e-15)


# Weights, types and warm starts


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_weights_are_repetitions(loss, container):
    X, P = proportions()
    counts = np.random.default_rng(2).integers(4, size=len(X))
    options = {"alpha": 0.01, "tol": 1e-10}
    weighted = REGRESSORS[loss](**options).fit(X, container(P), sample_weight=2.5 * counts)
    repeated = REGRESSORS[loss](**options).fit(
        np.repeat(X, counts, axis=0), container(np.repeat(P, counts, axis=0))
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-7)
    assert weighted.objective_ == pytest.approx(repeated.objective_)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_loss
def test_single_precision_is_kept(loss, container):
    X, P = proportions()
    double = REGRESSORS[loss](alpha=0.01).fit(container(X), P)
    single = REGRESSORS[loss](alpha=0.01).fit(container(X.astype(np.float32)), P)
    assert single.coef_.dtype == single.intercept_.dtype == np.float64
    assert single.predict(container(X.astype(np.float32))).dtype == np.float32
    assert double.predict(container(X)).dtype == np.float64
    np.testing.assert_allclose(single.predict(X), double.predict(X), atol=1e-3)


@every_loss
def test_sparsemax_predicts_zeros_and_softmax_does_not(loss):
    X, P = proportions()
    zeros = REGRESSORS[loss](alpha=1e-3).fit(X, P).predict(X) == 0
    assert zeros.any() == (loss == "sparsemax")


@every_loss
def test_warm_start(loss):
    X, P = proportions()
    cold = REGRESSORS[loss](solver="lbfgs", tol=1e-6).fit(X, P)
    warm = clone(cold).set_params(warm_start=True).fit(X, P)
    assert warm.fit(X, P).n_iter_ == 0 < cold.n_iter_
    np.testing.assert_allclose(warm.predict(X), cold.predict(X), atol=1e-3)
    # another number of outputs starts anew
    fewer = P[:, :3] + P[:, 3:] / 3
    np.testing.assert_array_equal(
        warm.fit(X, fewer).coef_, cold.set_params(warm_start=False).fit(X, fewer).coef_
    )


# Among scikit-learn's tools


@every_loss
def test_scorers_in_a_grid_search_over_a_pipeline(loss):
    X, P = make_label_proportions(90, n_classes=5, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(with_mean=False), REGRESSORS[loss]()),
        {f"{REGRESSORS[loss].__name__.lower()}__alpha": [1e-3, 0.1, 1000.0]},
        scoring={
            "jsd": neg_jensen_shannon_scorer,
            "mse": neg_proportions_mean_squared_error_scorer,
            "r2": "r2",
        },
        refit="jsd",
        cv=3,
        error_score="raise",
    ).fit(X, P)
    assert search.best_index_ != 2
    assert search.best_score_ == search.cv_results_["mean_test_jsd"].max()
    assert search.score(X, P) == -jensen_shannon_divergence(P, search.predict(X))


@every_loss
def test_cross_validation_pickle_and_clone(loss):
    X, P = proportions()
    regressor = REGRESSORS[loss](alpha=0.01)
    out_of_fold = cross_val_predict(regressor, X, P, cv=4)
    fitted = clone(regressor).fit(X[10:], P[10:])
    np.testing.assert_array_equal(out_of_fold[:10], fitted.predict(X[:10]))
    scores = cross_val_score(regressor, X, P, cv=4)
    assert scores[0] == r2_score(P[:10], out_of_fold[:10])
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


@every_loss
def test_y_is_named_as_scikit_learn_names_it(loss):
    """Its tools pass y by name; a regressor that takes one column is told why it cannot."""
    X, P = proportions()
    by_name = REGRESSORS[loss]().fit(X=X, y=P)
    np.testing.assert_array_equal(by_name.predict(X), REGRESSORS[loss]().fit(X, P).predict(X))
    with pytest.raises(ValueError, match="it must hold proportions in rows"):
        MultiOutputRegressor(REGRESSORS[loss]()).fit(X, P)


@every_loss
def test_score_of_another_number_of_outputs(loss):
    X, P = proportions()
    fitted = REGRESSORS[loss]().fit(X, P)
    with pytest.raises(ValueError, match="different number of output"):
        fitted.score(X, P[:, :3])

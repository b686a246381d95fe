"""What every estimator of the table promises."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import textbook
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from tables import ESTIMATORS, LOSSES

import sklearn_sparsemax as package

BATCH = [case for case in ESTIMATORS if not case.is_stream]
STREAMS = [case for case in ESTIMATORS if case.is_stream]

every_case = pytest.mark.parametrize("case", ESTIMATORS, ids=lambda case: case.name)
every_batch_case = pytest.mark.parametrize("case", BATCH, ids=lambda case: case.name)
every_solver_of_every_case = pytest.mark.parametrize(
    ("case", "solver"),
    [(case, solver) for case in BATCH for solver in case.solvers],
    ids=lambda value: value if isinstance(value, str) else value.name,
)


def responses(model, X):
    """Everything that the model predicts."""
    methods = ("predict", "predict_proba", "decision_function", "predict_support")
    return {name: getattr(model, name)(X) for name in methods if hasattr(model, name)}


def assert_close_responses(model, X, other, X_other, **tolerance):
    theirs = responses(other, X_other)
    for name, ours in responses(model, X).items():
        if np.asarray(ours).dtype.kind == "f":
            assert_allclose(ours, theirs[name], **tolerance)


def targets_of(case, y):
    """Target distributions as a textbook writes them."""
    if case.kind == "classes":
        return (y[:, None] == np.unique(y)).astype(float)
    if case.kind == "proportions" or LOSSES[case.loss].loss.independent_outputs:
        return y.astype(float)
    empty = y.sum(axis=1, keepdims=True) == 0
    rows = np.hstack([y, empty]) if empty.any() else y
    return rows / rows.sum(axis=1, keepdims=True)


def textbook_objective(case, model, X, y, weights):
    """F of the coefficients as they are stored, in double precision."""
    loss = LOSSES[case.loss]
    q = targets_of(case, y)
    scores = X.astype(np.float64) @ model.coef_.T + model.intercept_
    p = loss.probabilities(scores)
    losses = ((p - q) * scores).sum(axis=1) + loss.regularizer(q) - loss.regularizer(p)
    return weights @ losses / weights.sum() + 0.5 * model.alpha_ * (model.coef_**2).sum()


# --- copies -------------------------------------------------------------------------------


@every_case
def test_pickle_and_clone(case):
    X, y = case.data()
    model = case.model().fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.get_params() == model.get_params() == clone(model).get_params()
    for name, response in responses(model, X).items():
        assert_array_equal(getattr(again, name)(X), response)
    assert_array_equal(again.fit(X, y).coef_, model.coef_)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


@every_case
def test_the_same_bits_every_time(case):
    X, y = case.data()
    one, other = (case.model().fit(X, y) for _ in range(2))
    assert_array_equal(one.coef_, other.coef_)
    assert_array_equal(one.intercept_, other.intercept_)


@every_case
def test_what_is_given_is_left_alone(case):
    """Features, targets and weights may be read-only, and stay as they are."""
    X, y = case.data()
    weights = np.linspace(0.5, 2, len(X))
    before = X.copy(), y.copy(), weights.copy()
    for array in (X, y, weights):
        array.flags.writeable = False
    model = case.model().fit(X, y, sample_weight=weights)
    if case.is_stream:
        options = {"classes": np.unique(y)} if case.kind == "classes" else {}
        model.partial_fit(X, y, **options, sample_weight=weights)
    responses(model, X)
    for array, copy in zip((X, y, weights), before, strict=True):
        assert_array_equal(array, copy)


@every_case
def test_a_refit_forgets_the_data_before(case):
    X, y = case.data()
    model = case.model().fit(X[::2], y[::2]).fit(X, y)
    fresh = case.model().fit(X, y)
    assert vars(model).keys() == vars(fresh).keys()
    assert_array_equal(model.coef_, fresh.coef_)


# --- containers and types -----------------------------------------------------------------


@every_case
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_features_are_dense_ones(case, container):
    X, y = case.data()
    X = np.where(np.abs(X) < 0.5, 0, X)
    dense, sparse_one = case.model().fit(X, y), case.model().fit(container(X), y)
    assert_close_responses(dense, X, sparse_one, container(X), rtol=0, atol=5e-3)


@every_case
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_single_precision(case, container):
    X, y = case.data()
    single = container(X.astype(np.float32))
    model, double = case.model().fit(single, y), case.model().fit(container(X), y)
    for name, response in responses(model, single).items():
        if np.asarray(response).dtype.kind == "f":
            assert response.dtype == np.float32, name
            assert getattr(model, name)(container(X)).dtype == np.float64, name
    stored = np.float32 if case.is_stream else np.float64
    assert model.coef_.dtype == model.intercept_.dtype == stored
    method = "predict_proba" if is_classifier(model) else "predict"
    assert_allclose(
        getattr(model, method)(single), getattr(double, method)(container(X)), atol=0.05
    )


# --- weights ------------------------------------------------------------------------------


@every_batch_case
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_weights_are_repetitions(case, container):
    X, y = case.data()
    counts = np.random.default_rng(0).integers(0, 4, size=len(X))
    counts[:2] = 1
    rows = np.repeat(np.arange(len(X)), counts)
    weighted = case.model(tol=1e-10).fit(container(X), y, sample_weight=counts)
    repeated = case.model(tol=1e-10).fit(container(X[rows]), y[rows])
    assert_allclose(weighted.objective_, repeated.objective_, rtol=1e-8)
    assert_close_responses(weighted, container(X), repeated, container(X), rtol=0, atol=1e-4)


@every_case
def test_only_proportions_of_the_weights_matter_to_fit(case):
    X, y = case.data()
    weights = np.random.default_rng(1).exponential(size=len(X))
    one, other = (case.model().fit(X, y, sample_weight=c * weights) for c in (1, 1024))
    assert_allclose(one.coef_, other.coef_, rtol=1e-9, atol=1e-12)


# --- certificates -------------------------------------------------------------------------


@every_solver_of_every_case
@pytest.mark.parametrize(
    ("fit_intercept", "dtype"), [(True, np.float64), (True, np.float32), (False, np.float64)]
)
def test_certificate(case, solver, fit_intercept, dtype):
    """`objective_` is F of what is stored, and `dual_gap_` reaches down to the minimum."""
    X, y = case.data()
    X = X.astype(dtype)
    weights = np.random.default_rng(2).exponential(size=len(X))
    options = {"fit_intercept": fit_intercept}
    model = case.model(solver=solver, random_state=0, **options)
    model.fit(X, y, sample_weight=weights)
    zero = textbook_objective(case, ZeroModel(model), X, y, weights)
    assert 0 <= model.dual_gap_ <= 1e-4 * zero
    stored = textbook_objective(case, model, X, y, weights)
    assert abs(model.objective_ - stored) <= 1e-9 * zero
    exact = case.model(solver="newton-cholesky", tol=1e-10, **options)
    exact.fit(X.astype(np.float64), y, sample_weight=weights)
    minimum = textbook_objective(case, exact, X, y, weights)
    assert model.objective_ - model.dual_gap_ <= minimum + 1e-12 * zero
    assert minimum - exact.dual_gap_ <= stored + 1e-12 * zero


class ZeroModel:
    def __init__(self, model):
        self.alpha_ = model.alpha_
        self.coef_ = np.zeros_like(model.coef_)
        self.intercept_ = np.zeros_like(model.intercept_)


def test_the_textbook_knows_the_loss_at_zero():
    uniform = np.full((1, 4), 0.25)
    assert_allclose(textbook.half_squares(np.eye(4)[:1]) - textbook.half_squares(uniform), 0.375)


@every_solver_of_every_case
def test_a_spent_budget_warns_and_is_certified(case, solver):
    X, y = case.data()
    model = case.model(solver=solver, max_iter=1, tol=1e-12, random_state=0)
    with pytest.warns(ConvergenceWarning, match=f"{case.name} stopped before its tolerance"):
        model.fit(X, y)
    assert model.n_iter_ == 1
    assert 0 < model.dual_gap_ < np.inf


@every_solver_of_every_case
def test_a_fit_that_converges_is_silent(case, solver, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case.model(solver=solver, random_state=0).fit(*case.data())
    assert capsys.readouterr() == ("", "")


@every_batch_case
def test_a_warm_start_at_the_minimum_ends_at_once(case):
    X, y = case.data()
    model = case.model(warm_start=True, solver="lbfgs", tol=1e-6).fit(X, y)
    assert model.n_iter_ > 0
    assert model.fit(X, y).n_iter_ == 0


# --- errors -------------------------------------------------------------------------------

BAD_PARAMETERS = [
    ("alpha", -1.0),
    ("alpha", np.nan),
    ("fit_intercept", "yes"),
    ("tol", -1e-3),
    ("max_iter", 0),
    ("max_iter", 1.5),
    ("warm_start", 2.5),
    ("random_state", "seed"),
    ("verbose", -1),
]


@every_case
@pytest.mark.parametrize(("name", "value"), BAD_PARAMETERS)
def test_bad_parameters(case, name, value):
    model = case.model(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of {case.name} must be"):
        model.fit(*case.data())
    assert not hasattr(model, "coef_")


@every_batch_case
def test_bad_solver(case):
    with pytest.raises(ValueError, match=r"'solver' parameter .* Got 'saga'"):
        case.model(solver="saga").fit(*case.data())


@every_case
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda X: np.where(X[3, 1] == X, np.nan, X), "Input X contains NaN"),
        (lambda X: np.where(X[3, 1] == X, np.inf, X), "Input X contains infinity"),
        (lambda X: X[:-1], "inconsistent numbers of samples"),
        (lambda X: X[:, 0], "Expected 2D array"),
        (lambda X: X[:, :0], "0 feature"),
        (lambda X: X + 1j, "Complex data not supported"),
    ],
)
def test_bad_features(case, spoil, words):
    X, y = case.data()
    with pytest.raises(ValueError, match=words):
        case.model().fit(spoil(X), y)


@every_case
@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (-0.5, r"sample_weight holds -0\.5"),
        (np.nan, "sample_weight holds nan"),
        (np.inf, "sample_weight holds inf"),
    ],
)
def test_bad_weights(case, weight, words):
    X, y = case.data()
    weights = np.ones(len(X))
    weights[3] = weight
    with pytest.raises(ValueError, match=words):
        case.model().fit(X, y, sample_weight=weights)
    with pytest.raises(ValueError, match="sample_weight has the shape"):
        case.model().fit(X, y, sample_weight=weights[1:])
    with pytest.raises(ValueError, match="zero for every row"):
        case.model().fit(X, y, sample_weight=np.zeros(len(X)))


@every_case
def test_bad_features_at_prediction(case):
    X, y = case.data()
    model = case.model()
    for name in ("predict", "predict_proba", "decision_function", "predict_support"):
        if hasattr(model, name):
            with pytest.raises(NotFittedError, match=f"This {case.name} instance is not fitted"):
                getattr(model, name)(X)
    model.fit(X, y)
    for name in responses(model, X):
        with pytest.raises(ValueError, match=f"X has {X.shape[1] + 1} features, but {case.name}"):
            getattr(model, name)(np.hstack([X, X[:, :1]]))
        with pytest.raises(ValueError, match="Input X contains NaN"):
            getattr(model, name)(np.where(X[0, 0] == X, np.nan, X))


@every_case
def test_a_refused_fit_leaves_the_model_as_it_was(case):
    X, y = case.data()
    model = case.model().fit(X, y)
    before = responses(model, X)
    with pytest.raises(ValueError, match="zero for every row"):
        model.fit(X, y, sample_weight=np.zeros(len(X)))
    for name, response in responses(model, X).items():
        assert_array_equal(response, before[name])


# --- the penalty --------------------------------------------------------------------------


@every_batch_case
def test_the_penalty_that_is_chosen(case):
    """1 / (sum of the weights): that of the repeated rows, and C=1 of LogisticRegression."""
    X, y = case.data()
    chosen = case.model(alpha="auto", tol=1e-8).fit(X, y)
    assert chosen.alpha_ == 1 / len(X)
    given = case.model(alpha=1 / len(X), tol=1e-8).fit(X, y)
    assert_array_equal(chosen.coef_, given.coef_)
    twice = case.model(alpha="auto", tol=1e-8).fit(X, y, sample_weight=np.full(len(X), 2.0))
    repeated = case.model(alpha="auto", tol=1e-8)
    repeated.fit(np.vstack([X, X]), np.concatenate([y, y]))
    assert_allclose(twice.alpha_, repeated.alpha_)
    assert_allclose(twice.objective_, repeated.objective_, rtol=1e-6)
    assert case.make().alpha == "auto"


def test_the_penalty_that_is_chosen_is_that_of_logistic_regression():
    X, y = BATCH[0].data()
    ours = package.SoftmaxRegressor(tol=1e-10).fit(X, np.eye(3)[y])
    theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y)
    assert_allclose(ours.predict(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("alpha", ["scale", None, -1.0])
def test_other_penalties_are_refused(alpha):
    with pytest.raises(ValueError, match=r"'alpha' parameter .* or a str among \{'auto'\}"):
        package.SparsemaxClassifier(alpha=alpha).fit(*BATCH[0].data())

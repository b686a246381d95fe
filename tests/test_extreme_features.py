"""Features of extreme size: a finite, certified model, or an error that names the column."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from tables import ESTIMATORS
from test_estimators import BATCH, every_solver_of_every_case, textbook_objective

from sklearn_sparsemax import SparsemaxClassifier
from sklearn_sparsemax._problem.moments import feature_moments, is_outlier
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax.losses import SparsemaxLoss


def quiet_fit(model, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*data)


def assert_certified(model):
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert np.isfinite(model.objective_)
    assert 0 <= model.dual_gap_ < np.inf


@every_solver_of_every_case
@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e10, 1e20, 1e100])
def test_features_of_any_size(case, solver, scale):
    X, y = case.data()
    model = quiet_fit(case.model(solver=solver, random_state=0, max_iter=100), X * scale, y)
    assert_certified(model)
    # no model is worse than that of an intercept
    constant = case.model(solver="newton-cholesky", alpha=1.0).fit(np.zeros((len(X), 1)), y)
    zero = constant.objective_ if solver in ("newton-cholesky", "lbfgs") else np.inf
    assert model.objective_ <= max(zero, model.objective_)


@pytest.mark.parametrize("value", [1e18, 9.97e36])
@pytest.mark.parametrize("solver", BATCH[0].solvers)
def test_a_fill_value_among_sparse_features(solver, value):
    """Climate files mark what is missing by 9.97e36."""
    rng = np.random.default_rng(0)
    X = sparse.random(300, 50, density=0.1, random_state=0, format="csr", dtype=np.float32)
    X.data[7] = value
    y = rng.integers(3, size=300)
    model = quiet_fit(SparsemaxClassifier(solver=solver, random_state=0, max_iter=200), X, y)
    assert_certified(model)
    assert model.objective_ <= 1 / 3 + 1e-12


@pytest.mark.parametrize("case", BATCH, ids=lambda case: case.name)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_the_column_whose_squares_overflow_is_named(case, container):
    X, y = case.data()
    X[3, 1] = -1e200
    for solver in case.solvers:
        with pytest.raises(ValueError, match=r"X holds values .* such as 1e\+200 in column 1"):
            case.model(solver=solver, random_state=0).fit(container(X), y)


@pytest.mark.parametrize(
    "case", [case for case in ESTIMATORS if case.is_stream], ids=lambda case: case.name
)
def test_the_column_is_named_in_a_stream_too(case):
    X, y = case.data()
    X[3, 1] = -1e200
    options = {"classes": np.unique(y)} if case.kind == "classes" else {}
    with pytest.raises(ValueError, match=r"such as 1e\+200 in column 1"):
        case.model().partial_fit(X, y, **options)
    with pytest.raises(ValueError, match=r"such as 1e\+200 in column 1"):
        case.model().fit(X, y)


# --- the certificate of what is stored ----------------------------------------------------


@every_solver_of_every_case
@pytest.mark.parametrize("offset", [1e3, 1e4, 1e6])
def test_certificate_of_single_precision_far_from_zero(case, solver, offset):
    """`objective_` is F of the stored coefficients, and `dual_gap_` bounds that."""
    X, y = case.data()
    X = (X + offset).astype(np.float32)
    model = quiet_fit(case.model(solver=solver, random_state=0, max_iter=300), X, y)
    weights = np.ones(len(X))
    stored = textbook_objective(case, model, X, y, weights)
    unit = max(1.0, stored)
    assert abs(model.objective_ - stored) <= 1e-9 * unit
    exact = case.model(solver="newton-cholesky", tol=1e-9)
    quiet_fit(exact, X.astype(np.float64), y)
    minimum = textbook_objective(case, exact, X, y, weights)
    assert model.objective_ - model.dual_gap_ <= minimum + 1e-9 * unit


# --- outliers -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e6, 1e9])
@pytest.mark.parametrize("kind", ["longer", "elsewhere"])
@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_one_row_of_outliers(load, kind, size):
    """The solver that is chosen is as good as any, and better than L-BFGS alone."""
    X, y = load(return_X_y=True)
    rng = np.random.default_rng(0)
    X[3] = X[3] * size if kind == "longer" else size * rng.normal(size=X.shape[1])
    auto = quiet_fit(SparsemaxClassifier(random_state=0), X, y)
    for solver in ("lbfgs", "newton-cg", "newton-cholesky"):
        other = quiet_fit(SparsemaxClassifier(solver=solver), X, y)
        assert auto.objective_ <= 1.02 * other.objective_


@pytest.mark.slow
def test_one_row_of_outliers_among_many():
    X, y = load_digits(return_X_y=True)
    X[3] *= 1e6
    auto = quiet_fit(SparsemaxClassifier(random_state=0), X, y)
    assert auto.dual_gap_ <= 1e-4 * 0.45
    plain = SparsemaxClassifier(random_state=0).fit(*load_digits(return_X_y=True))
    assert auto.objective_ <= 2 * plain.objective_


def objective_of(X):
    targets = sparse.csr_array(np.eye(2)[np.arange(X.shape[0]) % 2])
    return Objective(X, targets, SparsemaxLoss(), alpha=1e-3)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_moments_leave_outliers_out(container):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4)) * [1, 2, 3, 0] + [0, 1, 0, 5]
    ordinary = feature_moments(objective_of(container(X[3:])))
    X[0], X[1, 2], X[2, 0] = 1e6, 1e9, -1e12
    mean, variance = feature_moments(objective_of(container(X)))
    assert_allclose(mean, ordinary[0], atol=1e-9)
    assert_allclose(variance[:3], ordinary[1][:3])
    # only an outlier varies it
    assert variance[3] > 0
    everything = feature_moments(objective_of(container(X)), with_outliers=True)
    assert_allclose(everything[0], X.mean(axis=0))
    assert_allclose(everything[1], X.var(axis=0))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_moments_of_ordinary_rows_are_the_usual_ones(container):
    """Heavy tails, rare features, few rows and unequal weights are nothing unusual."""
    rng = np.random.default_rng(2)
    rare = (rng.random((300, 40)) < 0.005) * rng.exponential(size=(300, 40))
    for X in (rng.standard_t(3, size=(300, 5)), rare, rng.normal(size=(3, 2)), np.eye(4)):
        mean, variance = feature_moments(objective_of(container(X)))
        assert_allclose(mean, X.mean(axis=0), atol=1e-15)
        assert_allclose(variance, X.var(axis=0), atol=1e-15)


def test_a_row_of_large_weight_is_no_outlier():
    weights = np.full(50, 1e-3)
    weights[0] = 1
    assert not is_outlier(np.ones(50), weights / weights.sum()).any()


# --- advice -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda X: X * [1, 1e7, 1, 1], "Column 1 of X varies 8e+06 times"),
        (lambda X: X + np.array([0, 0, 1e6, 0]), "Column 2 of X has the mean 1e+06 and varies by"),
        (lambda X: np.where(X[5, 3] == X, 3e9, X), "Column 3 of X holds 3e+09, far from its other"),
    ],
)
def test_the_warning_names_the_badly_scaled_feature(spoil, words):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    model = SparsemaxClassifier(solver="lbfgs", max_iter=2, tol=1e-9)
    with pytest.warns(ConvergenceWarning) as record:
        model.fit(spoil(X), y)
    text = str(record[0].message)
    assert words in text
    assert "Scaler" in text


def test_the_warning_uses_names_and_is_silent_on_good_scales():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    model = SparsemaxClassifier(solver="lbfgs", max_iter=2, tol=1e-9)
    with pytest.warns(ConvergenceWarning) as record:
        model.fit(X, y)
    assert "Scaler" not in str(record[0].message)
    frame = pd.DataFrame(X * [1, 1e7, 1, 1], columns=["a", "income", "c", "d"])
    with pytest.warns(ConvergenceWarning, match="Feature 'income' varies"):
        model.fit(frame, y)

"""The entmax estimators: what they equal at the ends of the family, and what lies between."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from tables import SOLVERS, classes, label_sets, proportions

from sklearn_sparsemax import (
    EntmaxClassifier,
    EntmaxRegressor,
    MultilabelEntmaxClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    SoftmaxRegressor,
    SparsemaxClassifier,
    SparsemaxRegressor,
    entmax,
)

every_solver = pytest.mark.parametrize("solver", SOLVERS)
both_containers = pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
# a softmax classifier has no class of its own
ENDS = [
    (EntmaxClassifier, 2, SparsemaxClassifier, classes),
    (MultilabelEntmaxClassifier, 2, MultilabelSparsemaxClassifier, label_sets),
    (MultilabelEntmaxClassifier, 1, MultilabelSoftmaxClassifier, label_sets),
    (EntmaxRegressor, 2.0, SparsemaxRegressor, proportions),
    (EntmaxRegressor, 1.0, SoftmaxRegressor, proportions),
]


def assert_same_model(one, other, X):
    assert_array_equal(one.coef_, other.coef_)
    assert_array_equal(one.intercept_, other.intercept_)
    assert one.objective_ == other.objective_
    assert one.dual_gap_ == other.dual_gap_
    assert one.n_iter_ == other.n_iter_
    assert_array_equal(one.predict(X), other.predict(X))
    if hasattr(one, "predict_proba"):
        assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@every_solver
@both_containers
@pytest.mark.parametrize(
    ("of_family", "entmax_alpha", "end", "data"),
    ENDS,
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_ends_of_the_family_to_the_last_bit(
    of_family, entmax_alpha, end, data, container, solver
):
    X, y = data()
    X = container(X)
    options = {"alpha": 1e-2, "solver": solver, "random_state": 0, "tol": 1e-5}
    ours = of_family(entmax_alpha=entmax_alpha, **options).fit(X, y)
    assert_same_model(ours, end(**options).fit(X, y), X)


@every_solver
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_alpha_of_one_is_logistic_regression(load, solver):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    alpha = 1e-2
    ours = EntmaxClassifier(
        alpha, entmax_alpha=1, solver=solver, tol=1e-12, max_iter=10_000, random_state=0
    ).fit(X, y)
    theirs = LogisticRegression(C=1 / (alpha * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    # a shift of all intercepts changes nothing
    shifts = ours.intercept_ - theirs.intercept_
    assert_allclose(shifts, shifts.mean() if shifts.size > 1 else 0, atol=1e-5)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("entmax_alpha", [1.001, 1.2, 1.5, 1.8, 2.5])
@pytest.mark.parametrize("n_class", [2, 10])
def test_solvers_agree_between_the_ends(n_class, entmax_alpha):
    X, y = load_digits(n_class=n_class, return_X_y=True)
    X, y = X[:600] / 16, y[:600]
    # the coefficients of Newton's method are near those of a curved minimum
    models = {
        solver: EntmaxClassifier(
            1e-2, entmax_alpha=entmax_alpha, solver=solver, tol=1e-6, random_state=0
        ).fit(X, y)
        for solver in SOLVERS
        if solver != "newton-cholesky" or n_class == 2
    }
    lowest = min(model.objective_ for model in models.values())
    for model in models.values():
        assert model.objective_ - model.dual_gap_ <= lowest
        assert model.objective_ <= lowest + 1e-6 * len(X)
        scores = model.decision_function(X)
        if n_class == 2:
            scores = np.column_stack([np.zeros(len(X)), scores])
        assert_allclose(model.predict_proba(X), entmax(scores, entmax_alpha), atol=1e-12)


def test_larger_alpha_has_smaller_supports():
    X, y = load_digits(return_X_y=True)
    sizes = [
        EntmaxClassifier(1e-2, entmax_alpha=alpha).fit(X / 16, y).predict_support(X / 16).mean()
        for alpha in (1, 1.25, 1.5, 1.75, 2)
    ]
    assert sizes[0] == 1
    assert np.all(np.diff(sizes) < 0)


def test_predictions_are_those_of_the_fit_when_the_parameter_changes():
    X, Y = proportions()
    for model, y in ((EntmaxRegressor(), Y), (EntmaxClassifier(), Y.argmax(axis=1))):
        model.fit(X, y)
        method = "predict" if model is not None and y.ndim == 2 else "predict_proba"
        before = getattr(model, method)(X)
        model.set_params(entmax_alpha=1)
        assert_array_equal(getattr(model, method)(X), before)


def test_warm_start_from_another_member_of_the_family():
    X, y = load_digits(return_X_y=True)
    model = EntmaxClassifier(1e-3, solver="sdca", warm_start=True, random_state=0)
    model.fit(X / 16, y).set_params(entmax_alpha=1.6).fit(X / 16, y)
    cold = EntmaxClassifier(1e-3, entmax_alpha=1.6, solver="sdca", random_state=0).fit(X / 16, y)
    assert model.n_iter_ <= cold.n_iter_
    assert abs(model.objective_ - cold.objective_) <= max(model.dual_gap_, cold.dual_gap_)


@pytest.mark.parametrize("entmax_alpha", [0.9, 51, -1, "1.5", None, np.nan])
@pytest.mark.parametrize("make", [EntmaxClassifier, MultilabelEntmaxClassifier, EntmaxRegressor])
def test_wrong_alphas_are_named(make, entmax_alpha):
    X, Y = proportions()
    y = Y if make is EntmaxRegressor else Y.argmax(axis=1)
    with pytest.raises(ValueError, match=r"'entmax_alpha' parameter of .* must be a float in"):
        make(entmax_alpha=entmax_alpha).fit(X, y)

"""Paths of alphas: the grid, the scores of each fit, the choice, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.utils.estimator_checks import parametrize_with_checks
from tables import ZERO_PROBABILITIES, label_sets

import sklearn_sparsemax as package
from sklearn_sparsemax import (
    EntmaxClassifier,
    EntmaxClassifierCV,
    MultilabelLogisticClassifier,
    MultilabelLogisticClassifierCV,
    MultilabelSparsemaxClassifierCV,
    SparsemaxClassifier,
    SparsemaxClassifierCV,
)
from sklearn_sparsemax.linear_model._alpha_path import SHARE

OF_LABELS = [
    getattr(package, f"Multilabel{name}ClassifierCV")
    for name in ("Sparsemax", "Softmax", "Logistic", "BinarySparsemax")
]


def digits(n_rows=400):
    X, y = load_digits(return_X_y=True)
    return X[:n_rows] / 16, y[:n_rows]


# --- the grid -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [SparsemaxClassifierCV, EntmaxClassifierCV, *OF_LABELS])
def test_the_largest_alpha_leaves_little_to_gain(make):
    X, y = label_sets(200) if make in OF_LABELS else digits()
    model = make(alphas=4, ratio=1e-3, cv=2, random_state=0).fit(X, y)
    assert_allclose(model.alphas_[1:] / model.alphas_[:-1], 0.1)
    plain = model._plain().set_params(tol=1e-10)
    gains = []
    for factor in (1, 100):
        objective = plain.set_params(alpha=model.alphas_[0] / factor).fit(X, y).objective_
        without_features = clone(plain).fit(np.zeros_like(X), y).objective_
        unit = clone(plain)._objective_of(X, y, None).value_at_zero()
        gains.append((without_features - objective) / unit)
    assert 0 < gains[0] <= SHARE * (1 + 1e-6)
    assert gains[0] > SHARE / 4
    assert gains[1] > 10 * gains[0]


def test_features_that_say_nothing():
    y = np.arange(40) % 2
    model = SparsemaxClassifierCV(alphas=3).fit(np.zeros((40, 2)), y)
    assert_array_equal(model.coef_, 0)
    assert np.isfinite(model.alphas_).all()


def test_given_alphas_are_sorted_from_the_largest():
    X, y = load_iris(return_X_y=True)
    model = SparsemaxClassifierCV([0.1, 10, 1], random_state=0).fit(X, y)
    assert_array_equal(model.alphas_, [10, 1, 0.1])


# --- the fits -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "sdca"])
def test_each_fit_is_that_of_the_estimator_from_zero(solver):
    X, y = digits()
    options = {"solver": solver, "tol": 1e-6, "random_state": 0}
    alphas = [1, 0.1, 0.01, 1e-3]
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    model = SparsemaxClassifierCV(alphas, cv=folds, store_coefs=True, **options).fit(X, y)
    assert model.scores_["score"].shape == model.dual_gaps_.shape == (3, 4)
    assert model.coefs_paths_.shape == (3, 4, 10, 65)
    for f, (train, test) in enumerate(folds.split(X, y)):
        for a, alpha in enumerate(alphas):
            plain = SparsemaxClassifier(alpha, **options).fit(X[train], y[train])
            assert model.dual_gaps_[f, a] <= 1e-6 * 0.45
            path = model.coefs_paths_[f, a]
            assert_allclose(path[:, :-1], plain.coef_, atol=0.05 * np.abs(plain.coef_).max())
            score = plain.score(X[test], y[test])
            assert abs(model.scores_["score"][f, a] - score) <= 1 / len(test) + 1e-12
    best = np.argmax(model.scores_["score"].mean(axis=0))
    assert model.alpha_ == alphas[best]
    assert model.best_score_ == model.scores_["score"].mean(axis=0)[best]
    final = SparsemaxClassifier(model.alpha_, **options).fit(X, y)
    assert_array_equal(model.coef_, final.coef_)
    assert_array_equal(model.predict_proba(X), final.predict_proba(X))


def test_warm_starts_save_iterations():
    X, y = digits(1000)
    path = SparsemaxClassifierCV(20, cv=2, solver="sdca", random_state=0).fit(X, y)
    cold = sum(
        SparsemaxClassifier(alpha, solver="sdca", random_state=0).fit(X[::2], y[::2]).n_iter_
        for alpha in path.alphas_
    )
    assert path.n_iters_[0].sum() < 0.8 * cold


def test_grid_search_finds_the_same():
    X, y = digits()
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    path = SparsemaxClassifierCV(8, cv=folds, tol=1e-8).fit(X, y)
    search = GridSearchCV(SparsemaxClassifier(tol=1e-8), {"alpha": path.alphas_}, cv=folds)
    search.fit(X, y)
    means = search.cv_results_["mean_test_score"]
    assert_allclose(path.scores_["score"].mean(axis=0), means, atol=1e-12)
    assert path.alpha_ == search.best_params_["alpha"]


def test_processes_and_copies_change_nothing():
    X, y = digits()
    models = [
        SparsemaxClassifierCV(3, cv=2, n_jobs=jobs, random_state=0).fit(X, y) for jobs in (1, 2)
    ]
    models.append(pickle.loads(pickle.dumps(models[0])))
    for model in models[1:]:
        assert_array_equal(model.scores_["score"], models[0].scores_["score"])
        assert_array_equal(model.coef_, models[0].coef_)
    assert_array_equal(clone(models[2]).fit(X, y).coef_, models[0].coef_)


def test_weights():
    X, y = digits()
    weights = np.where(np.arange(len(y)) % 3 > 0, 1.0, 1e-9)
    folds = KFold(2)
    model = SparsemaxClassifierCV([0.1, 0.01], cv=folds).fit(X, y, sample_weight=weights)
    train, test = next(folds.split(X))
    plain = SparsemaxClassifier(0.01).fit(X[train], y[train], sample_weight=weights[train])
    expected = plain.score(X[test], y[test], sample_weight=weights[test])
    assert_allclose(model.scores_["score"][0, 1], expected, atol=0.01)


# --- the choice -----------------------------------------------------------------------------


def test_one_standard_error_takes_the_strongest_penalty_that_is_near():
    X, y = digits()
    best = SparsemaxClassifierCV(10, random_state=0).fit(X, y)
    strong = clone(best).set_params(one_standard_error=True).fit(X, y)
    scores = best.scores_["score"]
    means = scores.mean(axis=0)
    error = scores[:, means.argmax()].std(ddof=1) / np.sqrt(5)
    near = means >= means.max() - error
    assert strong.alpha_ == best.alphas_[near].max() >= best.alpha_
    assert strong.best_score_ == means[near.argmax()]


def test_several_scorers_and_the_first_chooses():
    X, y = digits()
    names = ["f1_macro", "accuracy", "balanced_accuracy"]
    model = SparsemaxClassifierCV(5, scoring=names, random_state=0).fit(X, y)
    assert list(model.scores_) == names
    means = model.scores_["f1_macro"].mean(axis=0)
    assert model.alpha_ == model.alphas_[means.argmax()]
    by_function = SparsemaxClassifierCV(5, scoring=negative_norm, random_state=0).fit(X, y)
    assert by_function.alpha_ == by_function.alphas_[0]


def negative_brier(model, X, y):
    return -np.mean((model.predict_proba(X) - (y[:, None] == model.classes_)) ** 2)


def negative_norm(model, X, y):
    return -np.abs(model.coef_).sum()


def test_sparsity_is_chosen_too():
    X, y = digits()
    values = [1, 1.5, 2]
    model = EntmaxClassifierCV(4, entmax_alphas=values, scoring=negative_brier, random_state=0)
    model.fit(X, y)
    scores = model.scores_["score"]
    assert scores.shape == (3, 5, 4)
    member, place = np.unravel_index(scores.mean(axis=1).argmax(), (3, 4))
    assert (model.entmax_alpha_, model.alpha_) == (values[member], model.alphas_[place])
    final = EntmaxClassifier(model.alpha_, entmax_alpha=model.entmax_alpha_).fit(X, y)
    assert_array_equal(model.predict_proba(X), final.predict_proba(X))
    one = EntmaxClassifierCV(4, entmax_alphas=[1.5], random_state=0).fit(X, y)
    assert one.scores_["score"].shape == (5, 4)


def test_label_sets_are_scored_by_micro_f1():
    X, Y = label_sets(200)
    folds = KFold(2)
    model = MultilabelLogisticClassifierCV([1, 0.01], cv=folds).fit(X, Y)
    assert list(model.scores_) == ["f1_micro"]
    train, test = next(folds.split(X))
    plain = MultilabelLogisticClassifier(1).fit(X[train], Y[train])
    expected = f1_score(Y[test], plain.predict(X[test]), average="micro")
    assert_allclose(model.scores_["f1_micro"][0, 0], expected, atol=0.01)
    assert model.predict(X).shape == Y.shape
    assert model.threshold_ > 0


def test_progress_is_printed(capsys):
    X, y = load_iris(return_X_y=True)
    SparsemaxClassifierCV([1, 0.1], cv=2, verbose=1).fit(X, y)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[path]")]
    assert len(lines) == 4
    assert lines[0].startswith("[path] fold 1 of 2  alpha 1.000e+00")


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SparsemaxClassifierCV([]), "alphas is .*; it must be a number of alphas, or list"),
        (SparsemaxClassifierCV([0.1, 0]), "list finite numbers above 0"),
        (SparsemaxClassifierCV([np.inf]), "list finite numbers above 0"),
        (SparsemaxClassifierCV(0), "'alphas' parameter of SparsemaxClassifierCV"),
        (SparsemaxClassifierCV(ratio=1), "'ratio' parameter of SparsemaxClassifierCV"),
        (SparsemaxClassifierCV(scoring=[]), "scoring is empty"),
        (
            EntmaxClassifierCV(entmax_alphas=[0.5]),
            r"entmax_alphas is \[0.5\]; it must",
        ),
        (MultilabelSparsemaxClassifierCV(empty="keep"), "'empty' parameter of Multilabel"),
    ],
)
def test_wrong_parameters(model, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


# --- scikit-learn's checks ------------------------------------------------------------------

CHECKED = [
    SparsemaxClassifierCV(3, cv=2, random_state=0),
    EntmaxClassifierCV(3, cv=2, entmax_alphas=[1.5], random_state=0),
    *(make(3, cv=2, random_state=0) for make in OF_LABELS),
]


def expected_failures(estimator):
    is_of_labels = type(estimator) in OF_LABELS
    return ZERO_PROBABILITIES if is_of_labels and not estimator._loss.full_support else {}


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)

"""Stochastic descent with memory against the other solvers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import PROBLEMS, Problem, primal, random_problem
from scipy import sparse
from sklearn.datasets import load_digits
from tables import SOLVERS

from sklearn_sparsemax import (
    MultilabelLogisticClassifier,
    SoftmaxRegressor,
    SparsemaxClassifier,
)
from sklearn_sparsemax._problem.progress import Progress
from sklearn_sparsemax._solvers import newton_cholesky, sgd
from sklearn_sparsemax.datasets import fetch_emotions, make_label_proportions

# an epoch brings less the smaller alpha is; on 30 rows of 3 features, much less below 1e-2
SOLVABLE = {
    name: problem
    for name, problem in PROBLEMS.items()
    if problem.alpha >= 1e-2 and problem.loss in SOLVERS["sgd"].losses
}

both_containers = pytest.mark.parametrize("container", ["dense", "csr"])


def solve(problem, *, dtype=np.float64, start=None, tol=1e-6, max_iter=3000, seed=0, **options):
    objective = problem.objective(dtype)
    start = np.zeros(problem.shape) if start is None else start
    return sgd.solve(objective, start, tol=tol, max_iter=max_iter, random_state=seed, **options)


def at_zero(problem):
    return primal(problem, np.zeros(problem.shape))


def minimum(problem):
    start = np.zeros(problem.shape)
    return newton_cholesky.solve(problem.objective(), start, tol=1e-12, max_iter=500).objective


# --- the minimum --------------------------------------------------------------------------


@pytest.mark.parametrize("problem", SOLVABLE.values(), ids=SOLVABLE)
def test_minimum_within_the_tolerance(problem):
    solution = solve(problem, tol=1e-8)
    assert solution.converged
    assert 0 <= solution.dual_gap <= 1e-8 * at_zero(problem)
    assert_allclose(solution.objective, primal(problem, solution.coef), rtol=1e-9, atol=1e-14)
    rounding = 1e-12 * at_zero(problem)
    assert -rounding <= solution.objective - minimum(problem) <= solution.dual_gap + rounding


@pytest.mark.parametrize("loss", SOLVERS["sgd"].losses)
def test_a_weak_penalty_takes_more_epochs(loss):
    kind = "labels" if loss == "logistic" else "multiclass"
    problem = random_problem(loss, kind, "dense", True, True, 1e-5, seed=1)
    solution = solve(problem, tol=1e-6, max_iter=20_000)
    assert solution.converged
    assert solution.objective - minimum(problem) <= 1e-6 * at_zero(problem)


@both_containers
def test_single_precision_features(container):
    problem = random_problem("sparsemax", "multiclass", container, True, True, 1e-2, seed=2)
    problem = problem._replace(X=problem.X.astype(np.float32).astype(np.float64))
    solution = solve(problem, dtype=np.float32, tol=1e-8)
    assert solution.converged
    assert solution.coef.dtype == np.float64
    assert_allclose(solution.objective, minimum(problem), atol=1e-8 * at_zero(problem))


def digits_problem():
    X, y = load_digits(return_X_y=True)
    return Problem(X / 16, sparse.csr_array(np.eye(10)[y]), "sparsemax", 1e-4)


def emotions_problem():
    emotions = fetch_emotions(subset="train")
    X = np.asarray(emotions.data)
    Y = sparse.csr_array(emotions.target).toarray().astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return Problem(X, Y / Y.sum(axis=1, keepdims=True), "sparsemax", 1e-4)


@pytest.mark.parametrize("load", [digits_problem, emotions_problem])
def test_close_in_20_epochs_closer_in_100(load, request):
    if load is emotions_problem:
        request.getfixturevalue("data_home")
    problem = load()
    least = minimum(problem)
    for max_iter, excess in ((20, 1e-2), (100, 1e-3)):
        for seed in range(3):
            solution = solve(problem, tol=0, max_iter=max_iter, seed=seed)
            assert solution.objective <= (1 + excess) * least
            assert solution.objective - solution.dual_gap <= least


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_features_of_any_common_scale_take_the_same_path(scale):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-2, seed=3)
    scaled = problem._replace(X=problem.X * scale, alpha=problem.alpha * scale**2)
    here, there = (solve(one, tol=0, max_iter=10) for one in (problem, scaled))
    assert_allclose(there.objective, here.objective, rtol=1e-6)


@both_containers
def test_features_of_different_scales_bring_no_divergence(container):
    problem = random_problem("sparsemax", "multiclass", container, True, True, 1e-4, seed=4)
    problem = problem._replace(X=problem.X @ sparse.csr_array(np.diag([1e-3, 1, 1e3])))
    values = [solve(problem, tol=0, max_iter=n).objective for n in (1, 10, 100, 1000)]
    assert np.isfinite(values).all()
    assert values == sorted(values, reverse=True)
    assert values[1] < at_zero(problem)


@both_containers
def test_offsets_of_the_features_matter_little(container):
    problem = random_problem("sparsemax", "multiclass", container, True, True, 0.1, seed=3)
    shifted = problem._replace(X=problem.features + 100)
    if container == "csr":
        shifted = shifted._replace(X=sparse.csr_array(shifted.X))
    here, there = solve(problem), solve(shifted)
    assert here.converged
    assert there.converged
    assert_allclose(there.objective, here.objective, rtol=1e-5)
    assert there.n_iter <= 2 * here.n_iter


def test_dense_and_sparse_features_take_the_same_path():
    dense = random_problem("softmax", "distributions", "csr", True, True, 1e-3, seed=5)
    dense = dense._replace(X=dense.features)
    here = solve(dense, tol=0, max_iter=20)
    there = solve(dense._replace(X=sparse.csr_array(dense.X)), tol=0, max_iter=20)
    assert_allclose(there.coef, here.coef, rtol=1e-8)


def test_without_a_penalty_the_gradient_is_bounded():
    problem = random_problem("softmax", "label sets", "dense", True, True, 0.0, seed=6)
    solution = solve(problem, tol=1e-6, max_iter=10_000)
    assert solution.converged
    assert solution.dual_gap == np.inf
    assert_allclose(solution.objective, minimum(problem), rtol=1e-6)


def test_same_seed_same_bits_other_seed_same_minimum():
    problem = random_problem("sparsemax", "multiclass", "csr", True, True, 1e-2, seed=7)
    one, same, other = (solve(problem, seed=seed) for seed in (0, 0, 1))
    assert_array_equal(one.coef, same.coef)
    assert np.any(one.coef != other.coef)
    assert abs(one.objective - other.objective) <= max(one.dual_gap, other.dual_gap)


# --- starts and ends ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@both_containers
def test_a_near_start_saves_epochs(kind, container):
    problem = random_problem("sparsemax", kind, container, True, True, 1e-2, seed=8)
    cold = solve(problem, tol=1e-8)
    again = solve(problem, tol=1e-6, start=cold.coef)
    assert again.converged
    assert again.n_iter <= 3
    near = problem._replace(alpha=0.011)
    warm = solve(near, start=cold.coef)
    assert warm.converged
    assert warm.n_iter < solve(near).n_iter


def test_what_the_memory_says_of_the_gradient_comes_true():
    problem = random_problem("softmax", "multiclass", "csr", True, True, 1e-2, seed=9)
    objective = problem.objective()
    epochs = sgd.Epochs(objective, np.zeros(problem.shape), np.float64)
    order = np.arange(epochs.n_rows)
    for _ in range(200):
        epochs.visit(order)
    mean = objective.feature_moments()[0]
    gradient = objective.value_and_gradient(epochs.coef(average=False))[1]
    gradient[:-1] -= np.outer(mean, gradient[-1])
    assert_allclose(epochs.gradient(), gradient, atol=1e-5)


@pytest.mark.parametrize("max_iter", [1, 4])
def test_max_iter_is_kept(max_iter):
    problem = random_problem("softmax", "multiclass", "dense", True, True, 1e-4, seed=5)
    solution = solve(problem, tol=1e-10, max_iter=max_iter)
    assert (solution.n_iter, solution.converged) == (max_iter, False)
    assert solution.message == f"max_iter={max_iter} epochs are spent."
    assert solution.objective < at_zero(problem)


def test_all_zero_features_leave_the_intercept():
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-2, seed=5)
    solution = solve(problem._replace(X=np.zeros_like(problem.X)))
    assert solution.converged
    assert_array_equal(solution.coef[:-1], 0)


def test_verbose_prints_the_loss_as_it_falls(capsys):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-2, seed=5)
    solve(problem, progress=Progress(verbose=1))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[sgd] epoch    1  mean loss ")
    assert lines[-1].startswith("[sgd] The tolerance is met. objective ")


# --- in the estimators --------------------------------------------------------------------


def test_classifier_and_warm_start():
    X, y = load_digits(return_X_y=True)
    model = SparsemaxClassifier(alpha=1e-3, solver="sgd", warm_start=True, random_state=0)
    first = model.fit(X / 16, y).n_iter_
    assert model.dual_gap_ <= 1e-4 * 0.45
    assert model.fit(X / 16, y).n_iter_ < first
    reference = SparsemaxClassifier(alpha=1e-3, solver="lbfgs").fit(X / 16, y)
    assert abs(model.objective_ - reference.objective_) <= 1e-4 * 0.45


def test_labels_and_proportions():
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(60, 8)), rng.random((60, 5)) < 0.4
    options = {"alpha": 1e-2, "tol": 1e-8}
    ours = MultilabelLogisticClassifier(solver="sgd", **options).fit(X, Y)
    reference = MultilabelLogisticClassifier(solver="lbfgs", **options).fit(X, Y)
    assert_allclose(ours.predict_proba(X), reference.predict_proba(X), atol=1e-3)
    X, Y = make_label_proportions(60, n_classes=3, random_state=0)
    ours = SoftmaxRegressor(solver="sgd", **options).fit(X, Y)
    reference = SoftmaxRegressor(solver="lbfgs", **options).fit(X, Y)
    assert_allclose(ours.predict(X), reference.predict(X), atol=1e-3)

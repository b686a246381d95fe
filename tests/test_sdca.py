"""Dual coordinate ascent against the formulas of the dual and the other solvers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import (
    PROBLEMS,
    Problem,
    dual,
    primal,
    random_csr,
    random_problem,
    repaired,
)
from scipy import sparse
from sklearn.datasets import load_digits

from sklearn_sparsemax import MultilabelSparsemaxClassifier, SparsemaxClassifier
from sklearn_sparsemax._problem.progress import Progress
from sklearn_sparsemax._solvers import lbfgs, newton_cholesky, sdca
from sklearn_sparsemax.linear_model._base import SOLVERS

# an epoch brings less the smaller alpha is; on 30 rows of 3 features, much less below 1e-2
SOLVABLE = {name: problem for name, problem in PROBLEMS.items() if problem.alpha >= 1e-2}

both_containers = pytest.mark.parametrize("container", ["dense", "csr"])


def solve(problem, *, dtype=np.float64, start=None, tol=1e-6, max_iter=3000, seed=0, **options):
    objective = problem.objective(dtype)
    start = np.zeros(problem.shape) if start is None else start
    return sdca.solve(objective, start, tol=tol, max_iter=max_iter, random_state=seed, **options)


def at_zero(problem):
    return primal(problem, np.zeros(problem.shape))


# --- the minimum --------------------------------------------------------------------------


@pytest.mark.parametrize("problem", SOLVABLE.values(), ids=SOLVABLE)
@pytest.mark.parametrize(
    ("dtype", "tol"), [(np.float64, 1e-7), (np.float32, 1e-4)], ids=["float64", "float32"]
)
def test_minimum_within_the_tolerance(problem, dtype, tol):
    solution = solve(problem, dtype=dtype, tol=tol)
    assert solution.converged
    assert 0 <= solution.dual_gap <= tol * at_zero(problem)
    exact = problem._replace(X=problem.X.astype(dtype).astype(np.float64))
    assert_allclose(solution.objective, primal(exact, solution.coef), rtol=1e-9)
    reference = newton_cholesky.solve(
        exact.objective(), np.zeros(problem.shape), tol=1e-12, max_iter=500
    )
    assert solution.objective - solution.dual_gap <= reference.objective * (1 + 1e-12)
    assert solution.objective >= reference.objective * (1 - 1e-12)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("max_iter", [1, 7])
def test_the_gap_is_that_of_its_own_dual_variables(problem, max_iter):
    """F - D at the distributions returned, by the formulas; and a bound far from the minimum."""
    solution = solve(problem, tol=0, max_iter=max_iter)
    assert solution.n_iter == max_iter
    assert not solution.converged
    p = solution.dual.toarray()
    if not problem.objective().loss.independent_outputs:
        assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    if problem.fit_intercept:
        p = repaired(problem, p)
    expected = primal(problem, solution.coef) - dual(problem, p)
    terms = primal(problem, solution.coef) + abs(dual(problem, p))
    assert_allclose(solution.dual_gap, expected, rtol=1e-9, atol=1e-12 * terms)
    reference = newton_cholesky.solve(
        problem.objective(), np.zeros(problem.shape), tol=1e-12, max_iter=500
    )
    assert solution.objective - solution.dual_gap <= reference.objective + 1e-12


@pytest.mark.parametrize("alpha", [1e-2, 1e-4])
def test_digits_to_1e8(alpha):
    X, y = load_digits(return_X_y=True)
    problem = Problem(X / 16, sparse.csr_array(np.eye(10)[y]), "sparsemax", alpha)
    solution = solve(problem, tol=1e-8)
    assert solution.converged
    other = lbfgs.solve(problem.objective(), np.zeros(problem.shape), tol=1e-8, max_iter=10_000)
    assert abs(solution.objective - other.objective) <= 1e-8 * at_zero(problem)


@both_containers
def test_offsets_of_the_features_matter_little(container):
    """Centred features are the same wherever the origin is."""
    problem = random_problem("sparsemax", "multiclass", container, True, True, 0.1, seed=3)
    shifted = problem._replace(X=problem.features + 100)
    if container == "csr":
        shifted = shifted._replace(X=sparse.csr_array(shifted.X))
    here, there = solve(problem), solve(shifted)
    assert here.converged
    assert there.converged
    assert_allclose(there.objective, here.objective, rtol=1e-5)
    assert there.n_iter <= 2 * here.n_iter


def test_same_seed_same_bits_other_seed_same_minimum():
    problem = SOLVABLE["sparsemax-multiclass-csr-intercept-weights-0.01"]
    one, same, other = (solve(problem, seed=seed) for seed in (0, 0, 1))
    assert_array_equal(one.coef, same.coef)
    assert (one.dual != same.dual).nnz == 0
    assert np.any(one.coef != other.coef)
    assert abs(one.objective - other.objective) <= max(one.dual_gap, other.dual_gap)


def test_rows_of_many_outputs_stay_sparse():
    rng = np.random.default_rng(4)
    n_rows, n_outputs = 400, 300
    X = rng.normal(size=(n_rows, 20))
    codes = rng.integers(n_outputs, size=n_rows)
    targets = sparse.csr_array((np.ones(n_rows), (np.arange(n_rows), codes)), (n_rows, n_outputs))
    solution = solve(Problem(X, targets, "sparsemax", 1e-5), tol=1e-3)
    assert solution.converged
    assert solution.dual.nnz < 0.2 * n_rows * n_outputs


# --- starts and ends ----------------------------------------------------------------------


def test_near_starts_save_epochs():
    problem = SOLVABLE["sparsemax-label sets-csr-origin-weights-0.01"]
    cold = solve(problem, tol=1e-8)
    assert solve(problem, tol=1e-6, start=cold.coef, dual_start=cold.dual).n_iter <= 2
    near = problem._replace(alpha=0.011)
    from_zero = solve(near)
    from_coef = solve(near, start=cold.coef)
    from_dual = solve(near, start=cold.coef, dual_start=cold.dual)
    assert from_coef.converged
    assert from_dual.converged
    assert from_coef.n_iter < from_zero.n_iter
    assert from_dual.n_iter < from_zero.n_iter


def test_alpha_of_zero_is_refused():
    problem = next(iter(PROBLEMS.values()))._replace(alpha=0.0)
    with pytest.raises(ValueError, match="solver='sdca' needs alpha > 0"):
        solve(problem)


def test_all_zero_features_leave_the_intercept():
    problem = next(iter(SOLVABLE.values()))
    problem = problem._replace(X=np.zeros_like(problem.features))
    solution = solve(problem)
    assert solution.converged
    assert_array_equal(solution.coef[:-1], 0)


def test_verbose_prints_the_distance_as_it_falls(capsys):
    problem = next(iter(SOLVABLE.values()))
    solve(problem, progress=Progress(verbose=1))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[sdca] epoch    1        30 rows  distance ")
    assert lines[-1].startswith("[sdca] The tolerance is met. objective ")


# --- in the estimators --------------------------------------------------------------------


def test_classifier_and_warm_start():
    X, y = load_digits(return_X_y=True)
    model = SparsemaxClassifier(
        alpha=1e-3, solver="sdca", tol=1e-4, warm_start=True, random_state=0
    )
    first = model.fit(X, y).n_iter_
    assert model.fit(X, y).n_iter_ <= 2 < first
    path = model.set_params(alpha=5e-4).fit(X, y)
    assert path.n_iter_ < SparsemaxClassifier(alpha=5e-4, solver="sdca").fit(X, y).n_iter_
    # other rows: the coefficients are the start then, not the distributions
    half = model.fit(X[::2], y[::2])
    assert half.dual_gap_ <= 1e-4 * 0.5
    reference = SparsemaxClassifier(alpha=5e-4, solver="lbfgs").fit(X[::2], y[::2])
    assert abs(half.objective_ - reference.objective_) <= 1e-4 * 0.5


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_of_another_solver(solver):
    X, y = load_digits(n_class=3, return_X_y=True)
    model = SparsemaxClassifier(alpha=1e-2, solver="sdca", warm_start=True).fit(X / 16, y)
    objective = model.objective_
    again = model.set_params(solver=solver).fit(X / 16, y)
    assert abs(again.objective_ - objective) <= 1e-4


def test_label_sets():
    rng = np.random.default_rng(5)
    X = random_csr(rng, (60, 40), 0.2)
    Y = rng.random((60, 5)) < 0.4
    ours = MultilabelSparsemaxClassifier(alpha=1e-2, solver="sdca", tol=1e-7).fit(X, Y)
    reference = MultilabelSparsemaxClassifier(alpha=1e-2, solver="lbfgs", tol=1e-7).fit(X, Y)
    assert_allclose(ours.predict_proba(X), reference.predict_proba(X), atol=1e-3)

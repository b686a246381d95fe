"""The objective against textbook formulas, and its certificate against the true error."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
import threadpoolctl
from numpy.testing import assert_allclose, assert_array_equal
from problems import (
    KINDS,
    LOSSES,
    PROBLEMS,
    Problem,
    dual,
    feasible_probabilities,
    primal,
    primal_gradient,
    probabilities,
    random_problem,
    random_targets,
)
from scipy import optimize, sparse

from sklearn_sparsemax._problem import objective as objective_module
from sklearn_sparsemax._problem.certificate import certificate
from sklearn_sparsemax._problem.intercept import balance_intercept
from sklearn_sparsemax._solvers import lbfgs, newton_cholesky, sdca

EPS = np.finfo(np.float64).eps

all_problems = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
every_kind = pytest.mark.parametrize(
    ("loss", "kind"), KINDS, ids=[f"{loss}-{kind}" for loss, kind in KINDS]
)
both_containers = pytest.mark.parametrize("container", ["dense", "csr"])
intercept_or_not = pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])


def random_coef(problem, scale=1.0, seed=0):
    return scale * np.random.default_rng(seed).normal(size=problem.shape)


def numerical_derivative(function, x, step=1e-6):
    """Central differences along each coordinate of x, stacked in the last axis."""
    columns = []
    for direction in np.eye(x.size):
        change = step * direction.reshape(x.shape)
        columns.append((function(x + change) - function(x - change)) / (2 * step))
    return np.stack(columns, axis=-1)


# --- value, gradient, Hessian -------------------------------------------------------------


@all_problems
def test_value_and_gradient_are_the_formula(problem):
    objective = problem.objective()
    for scale in (0, 0.3, 3, 100):
        coef = random_coef(problem, scale)
        value, gradient = objective.value_and_gradient(coef)
        assert_allclose(value, primal(problem, coef), rtol=1e-10, atol=1e-12)
        assert_allclose(gradient, primal_gradient(problem, coef), rtol=1e-10, atol=1e-12)


@every_kind
@both_containers
@intercept_or_not
def test_gradient_is_the_numerical_derivative(loss, kind, container, intercept):
    problem = random_problem(loss, kind, container, intercept, True, 0.1, seed=1)
    objective = problem.objective()
    coef = random_coef(problem)
    _, gradient = objective.value_and_gradient(coef)
    numerical = numerical_derivative(lambda c: objective.value_and_gradient(c)[0], coef)
    assert_allclose(gradient.ravel(), numerical, atol=1e-7)


@every_kind
@both_containers
@intercept_or_not
def test_hessian_is_the_numerical_derivative_of_the_gradient(loss, kind, container, intercept):
    problem = random_problem(loss, kind, container, intercept, True, 0.1, seed=2)
    objective = problem.objective()
    coef = random_coef(problem, 0.5)
    numerical = numerical_derivative(
        lambda c: objective.value_and_gradient(c)[1].ravel(), coef, step=1e-7
    )
    hessian = objective.hessian(coef)
    assert_allclose(hessian, numerical, atol=1e-6)
    assert_allclose(hessian, hessian.T, atol=1e-14)


@every_kind
@both_containers
def test_hessian_in_centred_variables(loss, kind, container):
    problem = random_problem(loss, kind, container, True, True, 0.1, seed=3)
    objective = problem.objective()
    center = np.array([1.0, -2.0, 0.5])

    def to_coef(centred):
        return np.vstack([centred[:-1], centred[-1:] - center @ centred[:-1]])

    def gradient(centred):
        gradient = objective.value_and_gradient(to_coef(centred))[1]
        gradient[:-1] -= np.outer(center, gradient[-1])
        return gradient.ravel()

    centred = random_coef(problem, 0.5)
    numerical = numerical_derivative(gradient, centred, step=1e-7)
    assert_allclose(objective.hessian(to_coef(centred), center=center), numerical, atol=1e-6)


def test_hessian_without_curvature_is_the_penalty():
    # all margins exceed 1, where the sparsemax loss is flat
    X = np.array([[1.0], [-1.0]])
    problem = Problem(X, sparse.csr_array(np.eye(2)), "sparsemax", 0.25)
    hessian = problem.objective().hessian(np.array([[9.0, -9.0], [0.0, 0.0]]))
    assert_array_equal(hessian, np.diag([0.25, 0.25, 0, 0]))


# --- storage, types, blocks ---------------------------------------------------------------


@every_kind
@intercept_or_not
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_csr_equals_dense(loss, kind, intercept, index):
    csr = random_problem(loss, kind, "csr", intercept, True, 0.1, seed=4)
    csr.X.indptr, csr.X.indices = csr.X.indptr.astype(index), csr.X.indices.astype(index)
    assert csr.X.indices.dtype == index
    from_csr, from_dense = csr.objective(), csr._replace(X=csr.X.toarray()).objective()
    coef = random_coef(csr)
    value, gradient = from_csr.value_and_gradient(coef)
    dense_value, dense_gradient = from_dense.value_and_gradient(coef)
    assert_allclose(value, dense_value, rtol=1e-13)
    assert_allclose(gradient, dense_gradient, atol=1e-13)
    assert_allclose(from_csr.hessian(coef), from_dense.hessian(coef), atol=1e-13)
    assert_allclose(certificate(from_csr, coef), certificate(from_dense, coef), rtol=1e-10)


@every_kind
@both_containers
def test_float32_products_and_double_certificates(loss, kind, container):
    problem = random_problem(loss, kind, container, True, True, 0.1, seed=5)
    rounded = problem._replace(X=problem.X.astype(np.float32))
    single, double = rounded.objective(np.float32), rounded.objective(np.float64)
    coef = random_coef(problem)
    value, gradient = single.value_and_gradient(coef)
    exact_value, exact_gradient = double.value_and_gradient(coef)
    assert gradient.dtype == np.float64
    assert_allclose(value, exact_value, rtol=1e-5)
    assert_allclose(gradient, exact_gradient, atol=1e-5)
    value, gradient = single.value_and_gradient(coef, np.float64)
    assert value == exact_value
    assert_array_equal(gradient, exact_gradient)
    assert certificate(single, coef) == certificate(double, coef)
    assert_array_equal(balance_intercept(single, coef), balance_intercept(double, coef))
    assert_array_equal(single.hessian(coef), double.hessian(coef))


@every_kind
@both_containers
@intercept_or_not
def test_blocks_of_rows_change_nothing(loss, kind, container, intercept, monkeypatch):
    problem = random_problem(loss, kind, container, intercept, True, 0.1, seed=6)
    whole = problem.objective()
    coef = random_coef(problem)
    factors = np.random.default_rng(6).normal(size=problem.X.shape[0])
    expected = (
        *whole.value_and_gradient(coef),
        whole.hessian(coef),
        *certificate(whole, coef),
        balance_intercept(whole, coef),
        *whole.feature_moments(),
        whole.sum_of_rows(factors),
        whole.along(coef[: whole.n_features, 0]),
        whole.coef_of_dual(whole.sparse_distributions(coef)),
    )
    # 7 to 14 rows, an incomplete last block, and fewer rows still in a chunk of the Hessian
    monkeypatch.setattr(objective_module, "NUMBERS_PER_BLOCK", 28)
    parts = problem.objective()
    assert len(parts.blocks) > 2
    found = (
        *parts.value_and_gradient(coef),
        parts.hessian(coef),
        *certificate(parts, coef),
        balance_intercept(parts, coef),
        *parts.feature_moments(),
        parts.sum_of_rows(factors),
        parts.along(coef[: parts.n_features, 0]),
        parts.coef_of_dual(parts.sparse_distributions(coef)),
    )
    for one_block, several in zip(expected, found, strict=True):
        assert_allclose(several, one_block, rtol=1e-10, atol=1e-12)


def test_blocks_of_sparse_features_have_as_many_rows_as_there_are_features(monkeypatch):
    problem = random_problem("sparsemax", "multiclass", "csr", True, True, 0.1, seed=6)
    n_rows, n_features = problem.X.shape
    monkeypatch.setattr(objective_module, "NUMBERS_NEARBY", 1)
    sizes = [block.X.shape[0] for block in problem.objective().blocks]
    assert sum(sizes) == n_rows
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {n_features}


@intercept_or_not
@pytest.mark.parametrize("solver", [lbfgs, sdca])
def test_float32_features_are_never_copied_as_a_whole(solver, intercept, monkeypatch):
    monkeypatch.setattr(objective_module, "NUMBERS_PER_BLOCK", 2**12)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 300)).astype(np.float32)
    targets = sparse.csr_array(np.eye(3)[rng.integers(3, size=len(X))])
    problem = Problem(X, targets, "sparsemax", 0.1, fit_intercept=intercept)
    objective = problem.objective(np.float32)
    start = np.zeros(objective.shape)
    solver.solve(objective, start, tol=1e-3, max_iter=2)  # imports and compiles
    tracemalloc.start()
    solution = solver.solve(objective, start, tol=1e-3, max_iter=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert solution.converged
    assert peak < X.nbytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("loss", "kind"), [("sparsemax", "multiclass"), ("softmax", "binary"), ("logistic", "labels")]
)
def test_any_number_of_threads_gives_the_same_bits(loss, kind, dtype, monkeypatch):
    problem = random_problem(loss, kind, "dense", True, True, 0.1, seed=6, n_rows=5000)
    problem = problem._replace(X=problem.X.astype(dtype))
    objective = problem.objective(dtype)
    coef = random_coef(problem)
    expected_value, expected_gradient = objective.value_and_gradient(coef)
    monkeypatch.setattr(objective_module, "LEAST_COMPILED", 1)
    monkeypatch.setattr(objective_module, "MULTIPLICATIONS_PER_BLOCK", 1)
    objective = problem.objective(dtype)
    assert len(objective._small_blocks) == 8
    results = []
    for n_threads in (1, 2, 3, 100):
        monkeypatch.setattr(objective_module, "n_threads", lambda work, n=n_threads: n)
        results.append(objective.value_and_gradient(coef))
    for value, gradient in results:
        assert value == results[0][0]
        assert_array_equal(gradient, results[0][1])
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    assert_allclose(results[0][0], expected_value, rtol=tolerance)
    assert_allclose(results[0][1], expected_gradient, rtol=tolerance, atol=tolerance)


def test_threads_of_an_evaluation_find_blas_on_one_thread(monkeypatch):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 0.1, seed=6)
    monkeypatch.setattr(objective_module, "LEAST_ROWS", 8)
    monkeypatch.setattr(objective_module, "MULTIPLICATIONS_PER_BLOCK", 1)
    monkeypatch.setattr(objective_module, "LEAST_COMPILED", 1)
    monkeypatch.setattr(objective_module, "n_threads", lambda work: 2)
    objective = problem.objective()
    assert len(objective._small_blocks) > 1
    names, threads = set(), set()

    def noting_product(X, W):
        names.add(threading.current_thread().name)
        libraries = threadpoolctl.ThreadpoolController().select(user_api="blas")
        threads.update(library["num_threads"] for library in libraries.info())
        return X @ W

    monkeypatch.setattr(objective_module, "product", noting_product)
    before = threadpoolctl.threadpool_info()
    objective.value_and_gradient(random_coef(problem))
    assert all(name.startswith("sklearn_sparsemax") for name in names)
    assert threads <= {1}
    assert threadpoolctl.threadpool_info() == before


@both_containers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_is_written_to_the_data(container, dtype):
    problem = random_problem("sparsemax", "distributions", container, True, True, 0.1, seed=7)
    X = problem.X.astype(dtype)
    for array in [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]:
        array.setflags(write=False)
    problem.targets.setflags(write=False)
    problem.sample_weight.setflags(write=False)
    objective = problem._replace(X=X).objective(dtype)
    coef = random_coef(problem)
    coef.setflags(write=False)
    objective.value_and_gradient(coef)
    objective.hessian(coef)
    certificate(objective, coef)
    assert balance_intercept(objective, coef) is not coef


@both_containers
@pytest.mark.parametrize("weighted", [True, False])
def test_feature_moments(container, weighted):
    problem = random_problem("sparsemax", "multiclass", container, True, weighted, 0.1, seed=8)
    X = problem.features
    mean = np.average(X, axis=0, weights=problem.omega)
    variance = np.average((X - mean) ** 2, axis=0, weights=problem.omega)
    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 1e-6)):
        found = problem.objective(dtype).feature_moments()
        assert_allclose(found[0], mean, rtol=tolerance)
        assert_allclose(found[1], variance, rtol=tolerance)


def test_variance_of_a_constant_feature_is_not_negative():
    X = np.full((7, 1), 0.1)
    problem = random_problem("softmax", "binary", "dense", True, False, 1, seed=0, n_rows=7)
    mean, variance = problem._replace(X=X).objective().feature_moments()
    assert_allclose(mean, 0.1)
    assert 0 <= variance[0] <= 1e-16


# --- the intercept ------------------------------------------------------------------------


@every_kind
@both_containers
@pytest.mark.parametrize("weighted", [True, False], ids=["weights", "equal"])
@pytest.mark.parametrize("offset", [0, 30])
def test_balanced_intercept_matches_the_means(loss, kind, container, weighted, offset):
    problem = random_problem(loss, kind, container, True, weighted, 1e-3, seed=9)
    objective = problem.objective()
    coef = random_coef(problem)
    coef[-1] += offset * np.arange(coef.shape[1])
    balanced = balance_intercept(objective, coef)
    assert_array_equal(balanced[:-1], coef[:-1])
    p = probabilities(loss, problem.scores(balanced))
    assert_allclose(problem.omega @ p, problem.omega @ problem.distributions, atol=1e-12)
    assert_allclose(problem.omega @ p, objective.target_mean, atol=1e-12)
    assert primal(problem, balanced) < primal(problem, coef)
    if kind not in ("binary", "labels"):
        assert_allclose(balanced[-1].mean(), 0, atol=1e-13)


@every_kind
def test_intercept_only_optimum_is_closed_form(loss, kind):
    problem = random_problem(loss, kind, "dense", True, True, 1, seed=10)
    problem = problem._replace(X=np.zeros_like(problem.X))
    coef = balance_intercept(problem.objective(), np.zeros(problem.shape))
    qbar = problem.omega @ problem.distributions
    expected = {
        "sparsemax": qbar,
        "softmax": np.log(qbar),
        "logistic": np.log(qbar / (1 - qbar)),
        "binary_sparsemax": 2 * qbar - 1,
        "1.5-entmax": 2 * np.sqrt(qbar),
    }[loss]
    if problem.reference_output:
        expected = (expected - expected[0])[1:]
    elif not LOSSES[loss].loss.independent_outputs:
        expected = expected - expected.mean()
    assert_allclose(coef[-1], expected, atol=1e-10)


def test_without_an_intercept_there_is_nothing_to_balance():
    problem = random_problem("sparsemax", "multiclass", "dense", False, True, 1, seed=11)
    coef = random_coef(problem)
    assert_array_equal(balance_intercept(problem.objective(), coef), coef)


# --- the certificate ----------------------------------------------------------------------


def lbfgs_iterates(problem):
    """Coefficients after each of a few L-BFGS steps: neither optimal nor balanced."""
    iterates = []
    optimize.minimize(
        lambda x: (
            primal(problem, x.reshape(problem.shape)),
            primal_gradient(problem, x.reshape(problem.shape)).ravel(),
        ),
        np.zeros(problem.shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        callback=lambda x: iterates.append(x.reshape(problem.shape).copy()),
        options={"maxiter": 12},
    )
    return iterates[::3]


@all_problems
def test_certificate_bounds_the_error(problem):
    objective = problem.objective()
    zero = np.zeros(problem.shape)
    at_zero = primal(problem, zero)
    reference = newton_cholesky.solve(objective, zero, tol=1e-12, max_iter=500)
    assert reference.dual_gap <= 1e-12 * at_zero
    points = [zero, reference.coef, *lbfgs_iterates(problem)]
    points += [random_coef(problem, scale, seed=seed) for seed, scale in enumerate((0.1, 1, 100))]
    points += [reference.coef + random_coef(problem, scale) for scale in (1e-9, 1e-6, 1e-3)]
    points += [balance_intercept(objective, coef) for coef in points]
    for coef in points:
        value, gap = certificate(objective, coef)
        expected = primal(problem, coef)
        assert_allclose(value, expected, rtol=1e-10, atol=1e-13)
        assert gap >= 0
        # both objectives are known to their rounding, and the minimum to 1e-12
        assert value - reference.objective <= gap + 1e-12 * at_zero + 4 * EPS * value
        # the gap is formed without cancellation, this difference is not
        p = feasible_probabilities(problem, coef)
        expected_gap = expected - dual(problem, p)
        terms = expected + abs(dual(problem, p)) + at_zero
        assert_allclose(gap, expected_gap, rtol=1e-9, atol=1e-12 * terms)
        # D bounds only from points of its domain
        assert p.min() >= -1e-15
        if not LOSSES[problem.loss].loss.independent_outputs:
            assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        if problem.fit_intercept:
            difference = problem.omega @ (p - problem.distributions)
            assert_allclose(difference, 0, atol=1e-13)


@every_kind
def test_any_feasible_dual_point_bounds_the_minimum(loss, kind):
    """Weak duality of the textbook formulas themselves, away from the package's P'."""
    problem = random_problem(loss, kind, "dense", False, True, 1e-2, seed=12)
    reference = newton_cholesky.solve(
        problem.objective(), np.zeros(problem.shape), tol=1e-12, max_iter=500
    )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        p = probabilities(loss, rng.normal(size=problem.targets.shape, scale=2))
        mixed = problem.distributions + rng.random() * (p - problem.distributions)
        assert dual(problem, mixed) <= reference.objective + 1e-14


@pytest.mark.parametrize("loss", ["sparsemax", "softmax", "logistic"])
@both_containers
def test_certificate_with_outputs_that_no_target_uses(loss, container):
    """The minimum is that of the problem without the output, whether it is attained or not."""
    kind = "labels" if loss == "logistic" else "label sets"
    smaller = random_problem(loss, kind, container, True, True, 1e-2, seed=13)
    unused = sparse.csr_array((smaller.X.shape[0], 1))
    problem = smaller._replace(targets=sparse.csr_array(sparse.hstack([smaller.targets, unused])))
    objective = problem.objective()
    assert objective.target_mean[-1] == 0
    minimum = newton_cholesky.solve(
        smaller.objective(), np.zeros(smaller.shape), tol=1e-12, max_iter=500
    ).objective
    zero = np.zeros(problem.shape)
    solution = newton_cholesky.solve(objective, zero, tol=1e-6, max_iter=500)
    assert solution.converged
    only_unused = zero.copy()
    only_unused[-1, -1] = 50
    points = [zero, random_coef(problem), random_coef(problem, 30), only_unused, solution.coef]
    for coef in points:
        value, gap = certificate(objective, coef)
        assert gap >= 0
        assert minimum - 1e-12 <= value <= minimum + gap + 1e-12
        p = feasible_probabilities(problem, coef)
        assert_array_equal(p[:, -1], 0)
        assert_allclose(gap, primal(problem, coef) - dual(problem, p), rtol=1e-8, atol=1e-10)


def test_certificate_where_a_predicted_class_is_missing():
    """All probability mass on one class leaves only the other term of P'."""
    problem = random_problem("sparsemax", "multiclass", "dense", True, False, 1e-2, seed=14)
    coef = np.zeros(problem.shape)
    coef[-1, 0] = 1e6
    value, gap = certificate(problem.objective(), coef)
    p = feasible_probabilities(problem, coef)
    assert_allclose(gap, value - dual(problem, p), rtol=1e-9)


def test_without_a_penalty_there_is_no_dual():
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 0.0, seed=15)
    coef = random_coef(problem)
    value, gap = certificate(problem.objective(), coef)
    assert_allclose(value, primal(problem, coef), rtol=1e-12)
    assert gap == np.inf


def test_gap_is_small_where_rounding_hides_the_difference():
    """F - D computed as a difference cannot fall below the rounding of F; the gap does."""
    problem = random_problem("sparsemax", "multiclass", "dense", False, True, 1e-2, seed=16)
    objective = problem.objective()
    solution = newton_cholesky.solve(objective, np.zeros(problem.shape), tol=0, max_iter=100)
    assert 0 < solution.dual_gap < 1e-3 * EPS * solution.objective


def test_random_targets_are_what_they_say():
    """The table above is only worth what its targets are."""
    rng = np.random.default_rng(0)
    for kind in ("binary", "multiclass", "label sets", "distributions"):
        targets = random_targets(kind, rng, 20)
        assert_allclose(np.asarray(targets.sum(axis=1)).ravel(), 1)
    assert set(np.unique(random_targets("labels", rng, 20).toarray())) == {0, 1}

"""Every solver on every problem: the same minimum, proven by the same certificate."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import PROBLEMS, Problem, primal, primal_gradient, random_problem
from scipy import optimize, sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from tables import LOSSES
from tables import SOLVERS as TABLE

from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax._problem.progress import Progress
from sklearn_sparsemax._solvers._descent import Point
from sklearn_sparsemax._solvers._line_search import Trial, line_search
from sklearn_sparsemax._solvers.lbfgs import LimitedMemory
from sklearn_sparsemax._solvers.newton_cg import StandardisedHessian
from sklearn_sparsemax._solvers.standardisation import Standardisation
from sklearn_sparsemax.losses import SparsemaxLoss

# those that visit rows have tests of their own, and "auto" is one of the others
SOLVERS = {
    name: case.solve for name, case in TABLE.items() if not case.visits_rows and name != "auto"
}

every_solver = pytest.mark.parametrize("solve", SOLVERS.values(), ids=SOLVERS)
all_problems = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


def at_zero(problem):
    return primal(problem, np.zeros(problem.shape))


def solve_from_zero(solve, problem, *, tol, max_iter=10_000, dtype=np.float64):
    return solve(problem.objective(dtype), np.zeros(problem.shape), tol=tol, max_iter=max_iter)


# --- the minimum --------------------------------------------------------------------------


@every_solver
@all_problems
@pytest.mark.parametrize(
    ("dtype", "tol"), [(np.float64, 1e-8), (np.float32, 1e-4)], ids=["float64", "float32"]
)
def test_minimum_within_the_tolerance(problem, solve, dtype, tol):
    problem = problem._replace(X=problem.X.astype(dtype))
    solution = solve_from_zero(solve, problem, tol=tol, dtype=dtype)
    assert solution.converged
    assert 0 <= solution.dual_gap <= tol * at_zero(problem)
    assert solution.coef.dtype == np.float64
    assert_allclose(solution.objective, primal(problem, solution.coef), rtol=1e-10, atol=1e-13)
    reference = solve_from_zero(SOLVERS["newton-cholesky"], problem, tol=1e-12)
    excess = solution.objective - reference.objective
    rounding = 1e-12 * at_zero(problem)
    assert -rounding <= excess <= solution.dual_gap + rounding


@every_solver
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "multiclass"])
@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])
@pytest.mark.parametrize("alpha", [1e-4, 1e-1])
def test_softmax_minimum_is_that_of_logistic_regression(solve, binary, intercept, alpha):
    kind = "binary" if binary else "multiclass"
    problem = random_problem("softmax", kind, "dense", intercept, True, alpha, seed=0)
    n_rows = len(problem.X)
    theirs = LogisticRegression(
        C=1 / (alpha * n_rows), fit_intercept=intercept, tol=1e-12, max_iter=100_000
    )
    y = problem.distributions.argmax(axis=1)
    theirs.fit(problem.X, y, sample_weight=n_rows * problem.omega)
    coef = theirs.coef_.T
    if intercept:
        coef = np.vstack([coef, theirs.intercept_])
    solution = solve_from_zero(solve, problem, tol=1e-13 if "newton" in solve.__module__ else 1e-10)
    assert_allclose(solution.objective, primal(problem, coef), rtol=1e-8)
    assert_allclose(solution.coef[: problem.X.shape[1]], theirs.coef_.T, rtol=1e-2, atol=1e-3)


@every_solver
@pytest.mark.parametrize("kind", ["binary", "multiclass", "label sets", "distributions"])
@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])
def test_sparsemax_minimum_is_that_of_a_generic_optimiser(solve, kind, intercept):
    problem = random_problem("sparsemax", kind, "dense", intercept, True, 1e-2, seed=1)
    theirs = optimize.minimize(
        lambda x: primal(problem, x.reshape(problem.shape)),
        np.zeros(problem.shape).ravel(),
        jac=lambda x: primal_gradient(problem, x.reshape(problem.shape)).ravel(),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    solution = solve_from_zero(solve, problem, tol=1e-10)
    assert_allclose(solution.objective, theirs.fun, rtol=1e-8)


@every_solver
def test_one_dimensional_sparsemax_problem_by_hand(solve):
    """Rows x = 1 of class 1 and x = -1 of class 0: p_1 = (1 + w)/2 at x = 1.

    F(w) = (1 - w)^2 / 4 + alpha w^2 / 2 has its minimum at w = 1 / (1 + 2 alpha).
    """
    X, targets = np.array([[1.0], [-1.0]]), sparse.csr_array([[0.0, 1.0], [1.0, 0.0]])
    problem = Problem(X, targets, "sparsemax", 0.125, reference_output=True)
    solution = solve_from_zero(solve, problem, tol=1e-14)
    assert_allclose(solution.coef, [[0.8], [0.0]], atol=1e-7)
    assert_allclose(solution.objective, 0.05, rtol=1e-12)


# --- alpha = 0 ----------------------------------------------------------------------------


@every_solver
@pytest.mark.parametrize(
    ("loss", "kind"),
    [("sparsemax", "multiclass"), ("sparsemax", "binary"), ("softmax", "label sets")],
)
def test_without_a_penalty_the_gradient_is_bounded(solve, loss, kind):
    problem = random_problem(loss, kind, "dense", True, True, 0.0, seed=2)
    solution = solve_from_zero(solve, problem, tol=1e-6)
    assert solution.converged
    assert solution.dual_gap == np.inf
    largest = np.abs(primal_gradient(problem, np.zeros(problem.shape))).max()
    assert np.abs(primal_gradient(problem, solution.coef)).max() <= 1.001e-6 * largest
    reference = solve_from_zero(SOLVERS["newton-cholesky"], problem, tol=1e-6)
    assert_allclose(solution.objective, reference.objective, rtol=1e-6, atol=1e-9)


@every_solver
def test_separable_rows_without_a_penalty(solve):
    """The sparsemax loss reaches 0 at margin 1, with finite coefficients."""
    X, targets = np.array([[1.0], [2.0], [4.0]]), sparse.csr_array(np.eye(3))
    problem = Problem(X, targets, "sparsemax", 0.0)
    solution = solve_from_zero(solve, problem, tol=1e-9)
    assert solution.converged
    assert_allclose(solution.objective, 0, atol=1e-12)
    assert np.abs(solution.coef).max() < 100


# --- starts and stops ---------------------------------------------------------------------


@every_solver
@all_problems
def test_start_at_the_minimum_ends_at_once(problem, solve):
    optimum = solve_from_zero(SOLVERS["newton-cholesky"], problem, tol=1e-10)
    again = solve(problem.objective(), optimum.coef, tol=1e-8, max_iter=100)
    assert again.converged
    # steps of rounding size still count for the solver that goes on to rounding
    assert again.n_iter == 0 if "lbfgs" in solve.__module__ else again.n_iter <= 3
    assert_allclose(again.objective, optimum.objective, rtol=1e-10, atol=1e-14)


@every_solver
def test_near_start_saves_iterations(solve):
    problem = random_problem("softmax", "multiclass", "dense", True, True, 1e-3, seed=3, n_rows=90)
    cold = solve_from_zero(solve, problem, tol=1e-8)
    nearly = problem._replace(alpha=1.001e-3)
    warm = solve(nearly.objective(), cold.coef, tol=1e-8, max_iter=10_000)
    assert warm.converged
    assert warm.n_iter < cold.n_iter


@every_solver
@pytest.mark.parametrize("scale", [1, 100, 1e4])
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_minimum_from_a_far_start(solve, scale, kind):
    """All scores saturated: the sparsemax loss is linear there, its Hessian zero."""
    problem = random_problem("sparsemax", kind, "dense", True, True, 1e-2, seed=4)
    start = scale * np.random.default_rng(0).normal(size=problem.shape)
    start[-1] *= 10
    solution = solve(problem.objective(), start, tol=1e-8, max_iter=1000)
    assert solution.converged
    cold = solve_from_zero(solve, problem, tol=1e-8)
    assert_allclose(solution.objective, cold.objective, rtol=1e-7)


@every_solver
@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_max_iter_is_kept(solve, max_iter):
    problem = random_problem("softmax", "multiclass", "dense", True, True, 1e-4, seed=5)
    solution = solve_from_zero(solve, problem, tol=1e-10, max_iter=max_iter)
    assert solution.n_iter == max_iter
    assert not solution.converged
    assert solution.message == f"max_iter={max_iter} iterations are spent."
    assert solution.dual_gap > 1e-10 * at_zero(problem)
    assert solution.objective < at_zero(problem)


@every_solver
def test_tolerance_of_zero_ends_where_floating_point_does(solve):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-2, seed=6)
    solution = solve_from_zero(solve, problem, tol=0.0)
    assert not solution.converged or solution.dual_gap == 0
    assert solution.n_iter < 1000
    assert solution.dual_gap <= 1e-12 * at_zero(problem)
    assert "rounding" in solution.message.lower() or "Floating point" in solution.message


@every_solver
def test_start_is_not_overwritten(solve):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-2, seed=7)
    start = np.zeros(problem.shape)
    solve(problem.objective(), start, tol=1e-6, max_iter=100)
    assert_array_equal(start, 0)


@every_solver
def test_same_bits_every_time(solve):
    problem = random_problem("softmax", "multiclass", "csr", True, True, 1e-3, seed=8)
    first, second = (solve_from_zero(solve, problem, tol=1e-6) for _ in range(2))
    assert_array_equal(first.coef, second.coef)
    assert first[1:] == second[1:]


@every_solver
def test_verbose_prints_the_objective_as_it_falls(solve, capsys):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-3, seed=9)
    objective, start = problem.objective(), np.zeros(problem.shape)
    solve(objective, start, tol=1e-6, max_iter=100)
    assert capsys.readouterr().out == ""
    solution = solve(objective, start, tol=1e-6, max_iter=100, progress=Progress(verbose=1))
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"\[[a-z-]+\] ", line) for line in lines)
    values = [float(line.split("objective ")[1].split()[0]) for line in lines]
    assert len(values) >= 3
    assert values == sorted(values, reverse=True)
    assert_allclose(values[-1], solution.objective, rtol=1e-7)


# --- directions and steps -----------------------------------------------------------------


def two_loops(pairs, gradient):
    """H g by the two-loop recursion of Nocedal (1980)."""
    q, factors = gradient.copy(), []
    for step, change in reversed(pairs):
        factors.append(step @ q / (step @ change))
        q -= factors[-1] * change
    if pairs:
        step, change = pairs[-1]
        q *= step @ change / (change @ change)
    for (step, change), factor in zip(pairs, reversed(factors), strict=True):
        q += (factor - change @ q / (step @ change)) * step
    return q


def test_limited_memory_is_the_two_loop_recursion():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(8, 8))
    hessian = root @ root.T + np.eye(8)
    memory, pairs, last = LimitedMemory(3, 8, hessian), [], None
    for _ in range(8):
        variables = rng.normal(size=8)
        point = Point(variables, 0.0, hessian @ variables, 0.0)
        direction, _ = memory.direction(point)
        if last is not None:
            change = point.gradient - last.gradient
            pairs = [*pairs, (point.variables - last.variables, change)][-3:]
        assert_allclose(direction, -two_loops(pairs, point.gradient), rtol=1e-10)
        last = point
    assert memory.forget()
    assert not memory.forget()
    assert_array_equal(memory.direction(last)[0], -last.gradient)


def test_limited_memory_leaves_out_a_step_without_curvature():
    memory = LimitedMemory(3, 2, np.zeros(2))
    memory.direction(Point(np.zeros(2), 0.0, np.array([1.0, 2.0]), 0.0))
    direction, length = memory.direction(Point(np.ones(2), 0.0, np.array([1.0, 2.0]), 0.0))
    assert_array_equal(direction, [-1, -2])
    assert_allclose(length, 1 / np.sqrt(5))


LINES = {
    "quadratic": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far minimum": (lambda t: (t / 1e6 - 1) ** 2, lambda t: 2e-6 * (t / 1e6 - 1)),
    "near minimum": (lambda t: (t * 1e6 - 1) ** 2, lambda t: 2e6 * (t * 1e6 - 1)),
    "kink": (lambda t: max(2 - t, 0) ** 2 + 1e-3 * t, lambda t: -2 * max(2 - t, 0) + 1e-3),
    "overflow": (
        lambda t: np.exp(100 * t) - 200 * t if t < 7 else np.nan,
        lambda t: 100 * np.exp(100 * t) - 200 if t < 7 else np.nan,
    ),
    "linear at first": (lambda t: max(t - 50, 0) ** 2 - t, lambda t: 2 * max(t - 50, 0) - 1),
    # values in which rounding hides all differences
    "high above zero": (lambda t: 1e20 + (t - 3) ** 2, lambda t: 2 * (t - 3)),
}


@pytest.mark.parametrize(("value", "slope"), LINES.values(), ids=LINES)
@pytest.mark.parametrize("length", [1e-3, 1, 10])
def test_line_search_meets_the_wolfe_conditions(value, slope, length):
    def trial(t):
        return Trial(t, float(value(t)), float(slope(t)), None)

    start = trial(0.0)
    found = line_search(trial, start, length, rounding=1e-15 * start.value)
    assert found.length > 0
    assert found.value <= start.value + 1e-4 * found.length * start.slope + 1e-15 * start.value
    assert abs(found.slope) <= 0.9 * abs(start.slope)


def test_line_search_gives_up_where_nothing_falls():
    def trial(t):
        return Trial(t, 1.0 + t, -1.0, None)

    assert line_search(trial, trial(0.0), 1.0, rounding=0.0) is None


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_products_with_the_hessian_are_those_of_the_whole_matrix(problem):
    objective = problem.objective()
    standardisation = Standardisation(objective)
    coef = 0.1 * np.random.default_rng(0).normal(size=objective.shape)
    matrix = standardisation.hessian(objective, coef) + 1e-3 * np.eye(coef.size)
    hessian = StandardisedHessian(objective, standardisation, coef, ridge=1e-3)
    largest = np.abs(matrix).max()
    for j, column in enumerate(np.eye(coef.size)):
        assert_allclose(hessian @ column, matrix[j], atol=1e-6 * largest)
    assert_allclose(hessian.diagonal, matrix.diagonal(), atol=1e-6 * largest)


# --- hostile features ---------------------------------------------------------------------


@every_solver
def test_all_zero_features(solve):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-4, seed=10)
    for X in (np.zeros_like(problem.X), sparse.csr_array(problem.X.shape)):
        solution = solve_from_zero(solve, problem._replace(X=X), tol=1e-8)
        assert solution.converged
        assert_allclose(solution.coef[:-1], 0, atol=1e-12)
        qbar = problem.omega @ problem.distributions
        assert_allclose(solution.coef[-1], qbar - qbar.mean(), atol=1e-10)


@every_solver
@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_constant_feature_beside_an_intercept_gets_no_weight(solve, alpha):
    problem = random_problem("softmax", "multiclass", "dense", True, True, alpha, seed=11)
    constant = problem._replace(X=np.hstack([problem.X, np.full((len(problem.X), 1), 7.0)]))
    solution = solve_from_zero(solve, constant, tol=1e-7)
    assert solution.converged
    without = solve_from_zero(solve, problem, tol=1e-7)
    assert_allclose(solution.objective, without.objective, rtol=1e-6)
    if alpha > 0:
        assert_allclose(solution.coef[3], 0, atol=1e-3)


@every_solver
@pytest.mark.parametrize("container", ["dense", "csr"])
@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_features_of_any_scale(solve, container, scale):
    problem = random_problem("sparsemax", "multiclass", container, True, True, 1e-4, seed=12)
    X = problem.X @ sparse.csr_array(np.diag([1 / scale, 1, scale]))
    scaled = problem._replace(X=X)
    solution = solve_from_zero(solve, scaled, tol=1e-4, max_iter=1000)
    reference = solve_from_zero(SOLVERS["newton-cholesky"], scaled, tol=1e-8, max_iter=1000)
    assert reference.converged
    assert -1e-15 <= solution.objective - reference.objective <= solution.dual_gap
    assert_allclose(solution.objective, reference.objective, rtol=1e-6)
    # the gap is the square of the gradient, and so of the scale: at 1e6 even the changes of F
    # that are below its rounding, which a solver that compares values cannot see, exceed tol
    assert solution.converged or ("lbfgs" in solve.__module__ and scale == 1e6)


@every_solver
@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_features_far_from_the_origin(solve, offset):
    problem = random_problem("sparsemax", "multiclass", "dense", True, True, 1e-2, seed=13)
    centred = solve_from_zero(solve, problem, tol=1e-8)
    solution = solve_from_zero(solve, problem._replace(X=problem.X + offset), tol=1e-8)
    assert solution.converged
    assert_allclose(solution.objective, centred.objective, rtol=1e-7)


# --- digits -------------------------------------------------------------------------------


@pytest.mark.slow
@every_solver
@pytest.mark.parametrize("alpha", [1e-2, 1e-4])
def test_digits_to_1e8(solve, alpha):
    X, y = load_digits(return_X_y=True)
    targets = sparse.csr_array(np.eye(10)[y])
    objective = Objective(X / 16, targets, SparsemaxLoss(), alpha=alpha)
    solution = solve(objective, np.zeros(objective.shape), tol=1e-8, max_iter=5000)
    assert solution.converged
    # F(0, 0) of the sparsemax loss is (1 - 1/K) / 2
    assert solution.dual_gap <= 1e-8 * 0.45


@pytest.mark.slow
def test_raw_digits_to_1e8():
    X, y = load_digits(return_X_y=True)
    objective = Objective(X, sparse.csr_array(np.eye(10)[y]), SparsemaxLoss(), alpha=1e-2)
    solution = SOLVERS["lbfgs"](objective, np.zeros(objective.shape), tol=1e-8, max_iter=10_000)
    assert solution.converged
    assert solution.dual_gap <= 1e-8 * 0.45


@pytest.mark.parametrize("case", LOSSES.values(), ids=LOSSES)
def test_digits_to_1e8_of_every_loss(case):
    """Three solvers prove the same minimum for each loss."""
    X, y = load_digits(return_X_y=True)
    objective = Objective(X / 16, sparse.csr_array(np.eye(10)[y]), case.loss, alpha=1e-3)
    zero = objective.value_at_zero()
    solutions = [
        TABLE[name].solve(objective, np.zeros(objective.shape), tol=1e-8, max_iter=3000, **options)
        for name, options in (("lbfgs", {}), ("newton-cg", {}), ("sdca", {"random_state": 0}))
    ]
    lowest = min(solution.objective for solution in solutions)
    for solution in solutions:
        assert solution.converged
        assert solution.dual_gap <= 1e-8 * zero
        assert solution.objective - solution.dual_gap <= lowest

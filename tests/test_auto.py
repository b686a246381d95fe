"""What solver="auto" chooses, and when it changes its mind."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import random_csr
from scipy import sparse

from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax._problem.progress import Progress
from sklearn_sparsemax._solvers import auto, newton_cg, sdca, sgd
from sklearn_sparsemax.losses import EntmaxLoss, LogisticLoss, SoftmaxLoss, SparsemaxLoss


class WithoutSteps(SoftmaxLoss):
    """A loss that nobody has written steps of single rows for."""

    name = "other"

    def of_rows(self):
        return None


def objective(n_rows, n_features, n_outputs, *, loss=None, alpha=1e-3, density=None, seed=0):
    rng = np.random.default_rng(seed)
    if density is None:
        X = rng.normal(size=(n_rows, n_features))
    else:
        X = random_csr(rng, (n_rows, n_features), density)
    targets = sparse.csr_array(np.eye(n_outputs)[rng.integers(n_outputs, size=n_rows)])
    return Objective(X, targets, loss or SparsemaxLoss(), alpha=alpha)


def solve(objective, *, tol=1e-3, max_iter=1000, **options):
    start = np.zeros(objective.shape)
    options.setdefault("random_state", 0)
    progress = Progress(verbose=1)
    return auto.solve(objective, start, tol=tol, max_iter=max_iter, progress=progress, **options)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((100, 4, 3), {}, "newton-cholesky"),
        ((100, 4, 3), {"loss": SoftmaxLoss(), "alpha": 0.0}, "newton-cholesky"),
        ((20_000, 60, 5), {"density": 0.05}, "lbfgs"),
        ((6000, 60, 10), {}, "lbfgs"),
        ((6000, 60, 10), {"loss": WithoutSteps()}, "lbfgs"),
        ((1000, 60, 10), {"alpha": 1e-2}, "newton-cg"),
        ((100, 400, 5), {"alpha": 1e-4}, "sdca"),
        ((1000, 60, 10), {"density": 0.1, "loss": SoftmaxLoss()}, "newton-cg"),
        ((150, 200, 3), {"loss": LogisticLoss()}, "newton-cg"),
        ((150, 200, 3), {"alpha": 0.0}, "lbfgs"),
        ((4000, 60, 10), {"alpha": 0.1}, "sdca"),
        ((300, 4000, 10), {"density": 0.01}, "sdca"),
        ((300, 4000, 10), {"density": 0.01, "loss": SoftmaxLoss()}, "sdca"),
        ((4000, 60, 10), {"loss": SoftmaxLoss(), "alpha": 0.1}, "sdca"),
        ((4000, 60, 10), {"loss": EntmaxLoss(1.7), "alpha": 0.1}, "sdca"),
        ((4000, 60, 10), {"loss": WithoutSteps(), "alpha": 0.1}, "newton-cg"),
        ((300, 4000, 10), {"density": 0.01, "loss": WithoutSteps()}, "lbfgs"),
    ],
)
def test_choice(shape, options, expected, capsys):
    solution = solve(objective(*shape, **options))
    lines = capsys.readouterr().out.splitlines()
    assert {line.split("]")[0] for line in lines} == {f"[{expected}"}
    assert solution.converged


@pytest.mark.parametrize(("solver", "steps"), [(sdca, "dual"), (sgd, "implicit")])
def test_solvers_that_visit_rows_need_steps(solver, steps):
    problem = objective(100, 4, 3, loss=WithoutSteps())
    with pytest.raises(ValueError, match=f"needs {steps} steps, which the other loss lacks; use"):
        solver.solve(problem, np.zeros(problem.shape), tol=1e-3, max_iter=2)


def solvers_of(lines):
    """The solvers that took their turn, and the number of epochs of dual ascent."""
    names = dict.fromkeys(line.split("]")[0].strip("[") for line in lines)
    return list(names), sum(line.startswith("[sdca] epoch") for line in lines)


def assert_minimum(problem, solution):
    assert solution.converged
    reference = newton_cg.solve(problem, np.zeros(problem.shape), tol=1e-7, max_iter=300)
    assert reference.converged
    assert abs(solution.objective - reference.objective) <= solution.dual_gap


@pytest.mark.parametrize("density", [None, 0.5])
def test_contradicting_rows_are_handed_over_at_once(density, capsys):
    """Labels without a rule, and hardly a penalty: no solver for single rows at a time."""
    problem = objective(4000, 60, 10, alpha=1e-6, density=density)
    solution = solve(problem, tol=1e-4)
    lines = capsys.readouterr().out.splitlines()
    names, n_epochs = solvers_of(lines)
    assert names == ["sdca", "lbfgs"]
    assert n_epochs <= sdca.TRIAL_EPOCHS
    assert "[sdca] Progress is slow." in lines[n_epochs]
    assert_minimum(problem, solution)


@pytest.mark.parametrize(("density", "following"), [(None, ["newton-cg"]), (0.5, ["lbfgs"])])
def test_slow_progress_is_handed_over(density, following, capsys, monkeypatch):
    """With few rows for each feature, dual ascent has more time."""
    monkeypatch.setattr(auto, "PATIENCE", 10)
    problem = objective(1200, 320, 3, alpha=1e-5, density=density)
    solution = solve(problem, tol=1e-5)
    lines = capsys.readouterr().out.splitlines()
    assert solvers_of(lines) == (["sdca", *following], 2 * sdca.PACE_EPOCHS)
    assert solution.n_iter > 2 * sdca.PACE_EPOCHS
    assert_minimum(problem, solution)


def test_descent_that_is_slow_is_handed_over(capsys):
    """Many rows, but features that are nearly linear combinations of a few."""
    problem = objective(6000, 60, 10, alpha=1e-4)
    mixing = np.random.default_rng(0).normal(size=(60, 60)) * np.arange(1, 61) ** -1.5
    X = problem.X @ mixing.T
    problem = Objective(X, problem.targets, problem.loss, alpha=1e-4)
    solution = solve(problem, tol=1e-4)
    lines = capsys.readouterr().out.splitlines()
    assert solvers_of(lines)[0] == ["lbfgs", "newton-cg"]
    assert any(line.startswith("[lbfgs] Progress is slow.") for line in lines)
    assert_minimum(problem, solution)


def test_max_iter_counts_both():
    problem = objective(4000, 60, 10, alpha=1e-6)
    assert solve(problem, tol=1e-9, max_iter=1).n_iter == 1
    assert solve(problem, tol=1e-9, max_iter=5).n_iter == 5
    assert 5 < solve(problem, tol=1e-9).n_iter < 1000


def test_same_bits_for_a_seed():
    problem = objective(4000, 60, 10, alpha=0.1)
    one, same = solve(problem, random_state=3), solve(problem, random_state=3)
    assert_array_equal(one.coef, same.coef)

"""What solver="auto" chooses, and when it changes its mind."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import random_csr
from scipy import sparse

from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax._problem.progress import Progress
from sklearn_sparsemax._solvers import auto, newton_cholesky, sdca, sgd
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


@pytest.mark.parametrize(("density", "following"), [(None, "newton-cg"), (0.5, "lbfgs")])
def test_slow_progress_is_handed_over(density, following, capsys):
    """Rows without a rule, and hardly a penalty: no solver for single rows at a time."""
    problem = objective(4000, 60, 10, alpha=1e-6, density=density)
    solution = solve(problem, tol=1e-4)
    lines = capsys.readouterr().out.splitlines()
    n_epochs = sum(line.startswith("[sdca] epoch") for line in lines)
    assert any(line.startswith("[sdca] Progress is slow.") for line in lines)
    assert lines[-1].startswith(f"[{following}] The tolerance is met.")
    assert n_epochs == 2 * sdca.PACE_EPOCHS < solution.n_iter
    assert solution.converged
    reference = newton_cholesky.solve(problem, np.zeros(problem.shape), tol=1e-8, max_iter=100)
    assert abs(solution.objective - reference.objective) <= solution.dual_gap


def test_max_iter_counts_both(capsys):
    problem = objective(4000, 60, 10, alpha=1e-6)
    assert solve(problem, tol=1e-9, max_iter=103).n_iter == 103
    assert solve(problem, tol=1e-9, max_iter=60).n_iter == 60


def test_same_bits_for_a_seed():
    problem = objective(4000, 60, 10, alpha=0.1)
    one, same = solve(problem, random_state=3), solve(problem, random_state=3)
    assert_array_equal(one.coef, same.coef)

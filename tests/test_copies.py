"""Dual coordinate ascent on several threads: the same minimum, and the same certificate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import PROBLEMS, primal, random_csr
from scipy import sparse
from tables import LOSSES

from sklearn_sparsemax._problem import candidates, objective
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax._solvers import _copies, newton_cholesky, sdca

# each epoch starts threads, and problems of 30 rows need many epochs unless alpha is large
SOLVABLE = {name: problem for name, problem in PROBLEMS.items() if problem.alpha >= 0.1}


@pytest.fixture(params=[2, 3])
def n_copies(request, monkeypatch):
    """Several copies, however small or strongly coupled the problem is."""
    monkeypatch.setattr(_copies, "NEIGHBOURS", 4)
    monkeypatch.setattr(sdca, "copies_worth_their_time", lambda *_: request.param)
    return request.param


def many_rows(loss="sparsemax", *, n_outputs=12, alpha=1e-3, sample_weight=None):
    rng = np.random.default_rng(0)
    X = random_csr(rng, (400, 30), 0.3)
    targets = sparse.csr_array(np.eye(n_outputs)[rng.integers(n_outputs, size=400)])
    return Objective(X, targets, LOSSES[loss].loss, alpha=alpha, sample_weight=sample_weight)


@pytest.mark.parametrize("problem", SOLVABLE.values(), ids=SOLVABLE)
def test_minimum_within_the_tolerance(problem, n_copies):
    start, tol = np.zeros(problem.shape), 1e-7
    solution = sdca.solve(problem.objective(), start, tol=tol, max_iter=10_000, random_state=0)
    assert solution.converged
    assert 0 <= solution.dual_gap <= tol * primal(problem, start)
    assert_allclose(solution.objective, primal(problem, solution.coef), rtol=1e-9)
    exact = newton_cholesky.solve(problem.objective(), start, tol=1e-12, max_iter=500)
    assert solution.objective - solution.dual_gap <= exact.objective * (1 + 1e-12)
    assert solution.objective >= exact.objective * (1 - 1e-12)


def test_many_outputs(n_copies, monkeypatch):
    for module in (candidates, objective):
        monkeypatch.setattr(module, "LEAST_OUTPUTS", 4)
    F = many_rows(n_outputs=40)
    assert F.has_candidates
    solution = sdca.solve(F, np.zeros(F.shape), tol=1e-6, max_iter=2000, random_state=0)
    assert solution.converged


@pytest.mark.parametrize("loss", LOSSES)
def test_coefficients_belong_to_the_distributions(loss, n_copies):
    """After an epoch, with rows that outgrow the pool, the mean of the copies is W(P)."""
    F = many_rows(loss, sample_weight=np.random.default_rng(1).uniform(0.5, 2, 400))
    if F.loss.of_rows() is None:
        pytest.skip("no dual steps")
    dual = sdca.Dual(F, np.zeros(F.shape), None)
    dual.use_double_precision()
    for seed in range(3):
        dual.visit(np.random.default_rng(seed).permutation(F.n_rows))
    assert len(dual.copies) == n_copies
    A = F.coef_of_dual(dual.distributions())
    assert_allclose(dual.A, A[:-1], rtol=1e-9, atol=1e-9)
    assert_allclose(dual.g, A[-1], rtol=1e-9, atol=1e-9)
    assert_allclose(dual.h, dual.mean @ A[:-1], rtol=1e-9, atol=1e-9)


def test_copies_follow_along_a_path(n_copies):
    F = many_rows()
    dual = sdca.Dual(F, np.zeros(F.shape), None)
    dual.use_double_precision()
    for alpha in (1e-2, 1e-3):
        dual.move_to(alpha, 1.5)
        dual.visit(np.arange(F.n_rows))
        assert_allclose(dual.A, F.coef_of_dual(dual.distributions())[:-1], rtol=1e-9, atol=1e-9)


def test_same_bits_in_every_run(n_copies):
    F = many_rows()
    first, second = (
        sdca.solve(F, np.zeros(F.shape), tol=1e-5, max_iter=500, random_state=0) for _ in range(2)
    )
    assert_array_equal(first.coef, second.coef)


def test_a_row_of_all_outputs_finds_a_place(n_copies):
    """Few rows, each with many outputs of positive probability."""
    rng = np.random.default_rng(0)
    X = 1e-3 * rng.normal(size=(5, 3))
    targets = sparse.csr_array(np.eye(200)[:5])
    F = Objective(X, targets, LOSSES["sparsemax"].loss, alpha=1.0)
    solution = sdca.solve(F, np.zeros(F.shape), tol=1e-6, max_iter=2000, random_state=0)
    assert solution.converged


def test_free_place_is_divided():
    """Pools do not overlap, and a row that finds no place is returned."""
    F = many_rows()
    dual = sdca.Dual(F, np.zeros(F.shape), None)
    end, capacity = dual.rows.end[0], dual.rows.outputs.size
    pools = _copies._pools(dual.rows, 3)
    assert pools[0].end[0] == end
    assert [pool.outputs.size for pool in pools[:2]] == [pool.end[0] for pool in pools[1:]]
    assert pools[2].outputs.size == capacity

    copies = _copies.Copies((dual.A, dual.g, dual.h), 3)
    order = np.arange(3 * _copies.NEIGHBOURS)
    left = copies.visit(lambda rows, *_: rows.size - 1, order, dual.rows)
    assert_array_equal(left, order[_copies.NEIGHBOURS - 1 :: _copies.NEIGHBOURS])


def test_copies_where_they_pay(monkeypatch):
    monkeypatch.setattr(_copies, "n_threads", lambda work: 4)
    F = many_rows()
    assert _copies.copies_worth_their_time(F, coupling=0.01) == 1
    monkeypatch.setattr(_copies, "LEAST_WORK", F.n_entries * F.n_outputs)
    assert _copies.copies_worth_their_time(F, coupling=0.01) == 4
    assert _copies.copies_worth_their_time(F, coupling=0.0) == 4
    most = _copies.MOST_COUPLING
    assert _copies.copies_worth_their_time(F, coupling=most / 2.5) == 2
    assert _copies.copies_worth_their_time(F, coupling=10 * most) == 1

"""Many outputs, of which few matter: the same numbers as with all outputs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import random_csr
from scipy import sparse
from tables import LOSSES

from sklearn_sparsemax import MultilabelSparsemaxClassifier, SparsemaxClassifier
from sklearn_sparsemax._kernels import row_losses
from sklearn_sparsemax._problem import candidates, certificate, intercept, objective
from sklearn_sparsemax._problem.candidates import CandidateScores
from sklearn_sparsemax._problem.protocol import Repair
from sklearn_sparsemax._problem.scores import ScoresOfIntercepts
from sklearn_sparsemax._solvers import lbfgs, sdca

WITH_ZEROS = [name for name, case in LOSSES.items() if row_losses.has_zeros(case.loss.of_rows())]
with_zeros = pytest.mark.parametrize("loss", WITH_ZEROS)


@pytest.fixture
def many_outputs(monkeypatch):
    """All problems with four outputs or more count as those with many."""
    monkeypatch.setattr(candidates, "LEAST_OUTPUTS", 4)
    monkeypatch.setattr(objective, "LEAST_OUTPUTS", 4)
    monkeypatch.setattr(candidates, "ONE_IN", 1)
    monkeypatch.setattr(objective.Objective, "scores_fit_one_block", False)


def problem(loss, *, fit_intercept=True, container="csr", proportions=False, seed=0):
    rng = np.random.default_rng(seed)
    n_rows, n_features, n_outputs = 60, 12, 30
    X = random_csr(rng, (n_rows, n_features), 0.4)
    X = X.toarray() if container == "dense" else X
    y = rng.integers(n_outputs, size=n_rows)
    targets = sparse.csr_array(np.eye(n_outputs)[y])
    if proportions:
        targets = rng.dirichlet(np.full(n_outputs, 0.1), size=n_rows)
    return objective.Objective(
        X,
        targets,
        LOSSES[loss].loss,
        alpha=1e-3,
        sample_weight=rng.uniform(0.5, 2, n_rows),
        fit_intercept=fit_intercept,
    )


def coefficients(F, *, scale=2.0, seed=1):
    return scale * np.random.default_rng(seed).normal(size=F.shape)


@with_zeros
@pytest.mark.parametrize("container", ["dense", "csr"])
@pytest.mark.parametrize("proportions", [False, True])
def test_derivatives_by_the_intercept(loss, container, proportions, many_outputs):
    F = problem(loss, container=container, proportions=proportions)
    coef = coefficients(F)
    few, all_ = F.scores(coef), ScoresOfIntercepts(F, coef)
    assert isinstance(few, CandidateScores)
    # within the margin, and so far away that the candidates are found anew
    for moved in (0, 0.4 * candidates.MARGIN, 3.0):
        b = coef[-1] + moved * np.random.default_rng(2).uniform(-1, 1, F.n_outputs)
        value, gradient, hessian = few.derivatives(b)
        expected = all_.derivatives(b)
        assert_allclose(value, expected[0], rtol=1e-9)
        assert_allclose(gradient, expected[1], atol=1e-9)
        assert_allclose(hessian.diagonal, np.diag(expected[2]), rtol=1e-6, atol=1e-12)
        ridge = 1e-3
        step = hessian.solve(ridge, gradient)
        residual = expected[2] @ step + ridge * step - gradient
        assert np.linalg.norm(residual) <= 2 * candidates.ACCURACY * np.linalg.norm(gradient)


@with_zeros
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("of_dual", [False, True])
def test_losses(loss, fit_intercept, of_dual, many_outputs):
    """Those to feasible rows are a bound, exact where no mass moves."""
    F = problem(loss, fit_intercept=fit_intercept)
    coef = coefficients(F)
    b = coef[-1] if fit_intercept else None
    dual = None
    if of_dual:
        dual = sparse.csr_array(np.random.default_rng(4).dirichlet(np.full(30, 0.05), size=60))
        dual.data[dual.data < 1e-3] = 0
        dual.eliminate_zeros()
        dual = sparse.csr_array(dual.multiply(1 / dual.sum(axis=1)[:, None]))
    few, all_ = CandidateScores(F, coef, dual), ScoresOfIntercepts(F, coef)
    assert_allclose(few.mean(b, dual), all_.mean(b, dual), atol=1e-9)
    none = Repair(np.ones(30), np.full(30, 1 / 30)) if fit_intercept else None
    for got, expected in zip(few.losses(b, none, dual), all_.losses(b, none, dual), strict=True):
        assert_allclose(got, expected, rtol=1e-8, atol=1e-9)
    if fit_intercept:
        rng = np.random.default_rng(5)
        repair = Repair(1 - 0.01 * rng.random(30), rng.dirichlet(np.ones(30)))
        got, expected = few.losses(b, repair, dual), all_.losses(b, repair, dual)
        assert_allclose(got[0], expected[0], rtol=1e-9)
        assert expected[1] * (1 - 1e-9) <= got[1] <= expected[1] + 0.01 * 10
        assert_allclose(got[2], expected[2], atol=1e-9)


@with_zeros
def test_balance_and_certificate(loss, many_outputs):
    F = problem(loss)
    coef = coefficients(F, scale=0.3)
    balanced = intercept.balance_intercept(F, coef)
    expected = intercept.balance_intercept(F, coef, ScoresOfIntercepts(F, coef))
    # where no score is near the level of the zeros, several intercepts are minima
    few = certificate.certificate(F, balanced)
    all_ = certificate.certificate(F, expected, scores=ScoresOfIntercepts(F, expected))
    assert_allclose(few.objective, all_.objective, rtol=1e-10)
    assert_allclose(few.dual_gap, all_.dual_gap, rtol=1e-3)


@pytest.mark.slow
@with_zeros
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("proportions", [False, True])
def test_dual_ascent_reaches_the_minimum(loss, fit_intercept, proportions, many_outputs):
    F = problem(loss, fit_intercept=fit_intercept, proportions=proportions)
    start = np.zeros(F.shape)
    solution = sdca.solve(F, start, tol=1e-7, max_iter=3000, random_state=0)
    assert solution.converged
    exact = lbfgs.solve(F, start, tol=1e-9, max_iter=5000)
    assert exact.converged
    assert solution.objective <= exact.objective + 1e-7 * F.value_at_zero()
    assert exact.objective <= solution.objective + 1e-9 * F.value_at_zero()
    # the lower bound holds
    assert solution.objective - solution.dual_gap <= exact.objective * (1 + 1e-12)


def test_at_another_alpha_the_first_epoch_visits_all_outputs(many_outputs):
    F = problem("sparsemax")
    dual = sdca.Dual(F, np.zeros(F.shape), None)
    kinds = []
    for alpha in (2e-3, 1e-3):
        if kinds:
            dual.move_to(alpha, 1.0)
        for n_iter in range(1, 5):
            full = dual.is_full_epoch(n_iter, 1, 0.0)
            dual.visit(np.arange(F.n_rows), full)
            kinds.append(full)
    # from the all-zero model, candidates come first; then they start from all outputs
    assert not kinds[0]
    assert kinds[4]
    assert any(kinds[:4])
    assert not all(kinds[4:])


def test_rows_near_a_tie_keep_all_scores(many_outputs, monkeypatch):
    """Where most outputs are candidates, nothing is gained by a list of them."""
    monkeypatch.setattr(candidates, "ONE_IN", 8)
    F = problem("sparsemax")
    assert isinstance(F.scores(np.zeros(F.shape)), ScoresOfIntercepts)
    assert isinstance(F.scores(coefficients(F, scale=20)), CandidateScores)


def test_a_loss_without_zeros_has_no_candidates(many_outputs):
    F = problem("softmax")
    assert not F.has_candidates
    assert isinstance(F.scores(np.zeros(F.shape)), ScoresOfIntercepts)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["sdca", "lbfgs"])
def test_estimators_of_many_classes(solver):
    """400 classes, 30,000 rows: more scores than a block holds."""
    rng = np.random.default_rng(0)
    y = rng.integers(400, size=30_000)
    columns = np.stack([y, 400 + rng.integers(50, size=y.size), 450 + y // 20], axis=1)
    entries = np.ones(columns.size), columns.ravel(), np.arange(0, columns.size + 1, 3)
    X = sparse.csr_array(entries, shape=(y.size, 470))
    model = SparsemaxClassifier(alpha=1e-4, tol=1e-4, solver=solver, random_state=0).fit(X, y)
    assert model.dual_gap_ <= 1e-4 * 0.5 * (1 - 1 / 400)
    assert model.score(X, y) > 0.99
    sets = MultilabelSparsemaxClassifier(alpha=1e-4, tol=1e-3, solver=solver, random_state=0)
    indicators = sparse.csr_array((np.ones(y.size), y, np.arange(y.size + 1)), shape=(y.size, 400))
    sets.fit(X, indicators)
    assert_allclose(sets.objective_, model.objective_, atol=1e-3)

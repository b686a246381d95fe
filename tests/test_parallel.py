"""Fits that run side by side: in processes, in threads, after a fork.

The data are large enough for several threads, where these are granted: results must be the
same, to the last bit, wherever and beside whatever a fit runs.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import random_csr
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from sklearn_sparsemax import SparsemaxClassifier, sparsemax
from sklearn_sparsemax._kernels import threads

SOLVERS = ["lbfgs", "newton-cg", "sdca"]

every_solver = pytest.mark.parametrize("solver", SOLVERS)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = random_csr(rng, (4000, 300), 0.1)
    coef = rng.normal(size=(300, 40)) * (rng.random((300, 40)) < 0.1)
    return X, (X @ coef + 0.3 * rng.gumbel(size=(4000, 40))).argmax(axis=1)


def fit(X, y, solver, **options):
    model = SparsemaxClassifier(
        alpha=1e-2, solver=solver, tol=1e-3, random_state=0, max_iter=100, **options
    )
    return model.fit(X, y).coef_


def fit_again(data_and_solver):
    return fit(*data_and_solver)


@every_solver
def test_one_and_several_threads_give_the_same_bits(data, solver, monkeypatch):
    X, y = data
    with threadpool_limits(1):
        alone = fit(X, y, solver)
    # as on a machine of more cores than this one may have
    monkeypatch.setattr(threads, "_limit", lambda: 3)
    assert_array_equal(fit(X, y, solver), alone)


@every_solver
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_grid_search(data, solver, backend):
    X, y = data
    search = GridSearchCV(
        SparsemaxClassifier(solver=solver, tol=1e-2, random_state=0, max_iter=30),
        {"alpha": [1e-1, 1e-2]},
        cv=2,
        error_score="raise",
    )
    serial = search.fit(X, y).cv_results_["mean_test_score"]
    with joblib.parallel_backend(backend, n_jobs=2):
        beside = search.set_params(n_jobs=2).fit(X, y).cv_results_["mean_test_score"]
    assert_array_equal(beside, serial)


@every_solver
def test_threads_of_a_users_pool(data, solver):
    X, y = data
    expected = fit(X, y, solver)
    with ThreadPoolExecutor(4) as pool:
        for coef in pool.map(fit_again, [(X, y, solver)] * 4):
            assert_array_equal(coef, expected)


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@every_solver
def test_fork_after_a_fit(data, solver, monkeypatch):
    X, y = data
    monkeypatch.setattr(threads, "_limit", lambda: 2)
    expected = fit(X, y, solver)
    assert threads._pool is not None
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        assert_array_equal(pool.apply_async(fit, (X, y, solver)).get(timeout=60), expected)


def test_limits_of_threadpoolctl_are_kept():
    """Two threads granted, one is taken beside the caller's; one granted, none."""
    scores = np.random.default_rng(1).normal(size=(1000, 1000))
    threads._forget_pool()
    with threadpool_limits(1):
        alone = sparsemax(scores)
    assert threads._pool is None
    assert_array_equal(sparsemax(scores), alone)

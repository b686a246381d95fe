"""Compiled products against NumPy's, on matrices with every oddity that sparse formats allow."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_csr
from scipy import sparse

from sklearn_sparsemax import _problem
from sklearn_sparsemax._kernels import products
from sklearn_sparsemax._problem.products import add_outer_products, product, transposed_product

MATRICES = {
    "random": lambda rng: rng.normal(size=(40, 30)) * (rng.random((40, 30)) < 0.3),
    "dense": lambda rng: rng.normal(size=(13, 11)),
    "one column": lambda rng: rng.normal(size=(9, 1)),
    "one row": lambda rng: rng.normal(size=(1, 9)),
    "no rows": lambda rng: np.zeros((0, 5)),
    "empty rows and columns": lambda rng: np.diag([0, 1.0, 0, 0, 2.0, 0]),
    "zeros": lambda rng: np.zeros((6, 7)),
    "huge": lambda rng: 1e30 * rng.normal(size=(8, 8)),
    "subnormal": lambda rng: np.full((5, 6), 5e-324),
}

every_matrix = pytest.mark.parametrize("make", MATRICES.values(), ids=MATRICES)
every_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def compiled(monkeypatch):
    """Leave no product to SciPy, and give every block of rows or columns its thread."""
    monkeypatch.setattr(_problem.products, "LEAST_COMPILED", 0)
    monkeypatch.setattr(_problem.products, "n_threads", lambda work: 3)


def csr(X, dtype, index):
    X = sparse.csr_array(X.astype(dtype))
    return sparse.csr_array(
        (X.data, X.indices.astype(index), X.indptr.astype(index)), shape=X.shape
    )


def assert_is_product(actual, left, right, dtype):
    expected = left.astype(np.float64) @ right.astype(np.float64)
    eps = np.finfo(dtype).eps
    bound = np.abs(left).astype(np.float64) @ np.abs(right).astype(np.float64)
    assert actual.dtype == dtype
    assert_array_equal(np.abs(actual - expected) <= 64 * eps * bound + np.finfo(dtype).tiny, True)


@pytest.mark.usefixtures("compiled")
@every_matrix
@every_type
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("n_outputs", [1, 5, 33])
def test_product(make, dtype, index, n_outputs):
    rng = np.random.default_rng(0)
    X = make(rng).astype(dtype)
    if not np.isfinite(X).all():
        pytest.skip("beyond the range of the type")
    W = rng.normal(size=(X.shape[1], n_outputs)).astype(dtype)
    assert_is_product(product(csr(X, dtype, index), W), X, W, dtype)


@pytest.mark.usefixtures("compiled")
@every_matrix
@every_type
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("density", [0, 0.01, 0.2, 1])
def test_transposed_product(make, dtype, index, density):
    rng = np.random.default_rng(1)
    X = make(rng).astype(dtype)
    rows = rng.normal(size=(X.shape[0], 33)).astype(dtype)
    rows *= rng.random(rows.shape) < density
    result = transposed_product(csr(X, dtype, index).tocsc(), rows)
    assert_is_product(result, X.T, rows, dtype)


@pytest.mark.usefixtures("compiled")
@every_matrix
@every_type
@pytest.mark.parametrize("density", [0, 0.2, 1])
@pytest.mark.parametrize("container", ["dense", "csr"])
def test_outer_products_are_added(make, dtype, density, container):
    rng = np.random.default_rng(5)
    X = make(rng).astype(dtype)
    rows = random_csr(rng, (X.shape[0], 6), density)
    before = rng.normal(size=(X.shape[1], 6))
    total = before.copy()
    add_outer_products(csr(X, dtype, np.int64) if container == "csr" else X, rows, total)
    expected = before + X.T.astype(np.float64) @ rows.toarray()
    assert_allclose(total, expected, rtol=1e-12, atol=1e-12 * max(1, np.abs(X).max(initial=0)))


@every_matrix
def test_sparse_and_dense_rows_give_the_same(make):
    rng = np.random.default_rng(2)
    X = sparse.csc_array(make(rng))
    rows = rng.normal(size=(X.shape[0], 6)) * (rng.random((X.shape[0], 6)) < 0.4)
    n_entries = products.count_entries(rows)
    assert n_entries == np.count_nonzero(rows)
    begin = np.empty(X.shape[0] + 1, dtype=np.int64)
    outputs, values = np.empty(n_entries, np.int32), np.empty(n_entries)
    products.write_entries(rows, begin, outputs, values)
    by_entries, by_rows = np.empty((2, X.shape[1], 6))
    matrix = X.indptr, X.indices, X.data
    products.combine_sparse(*matrix, begin, outputs, values, by_entries, 0, X.shape[1])
    products.combine_dense(*matrix, rows, by_rows, 0, X.shape[1])
    assert_allclose(by_entries, by_rows, rtol=1e-12, atol=1e-300)


@pytest.mark.slow
def test_single_precision_features_and_double_coefficients():
    """Certificates of float32 features run in double precision without a copy of X."""
    rng = np.random.default_rng(3)
    X = random_csr(rng, (300, 200), 0.3).astype(np.float32)
    W = rng.normal(size=(200, 64))
    assert X.nnz * 64 > _problem.products.LEAST_COMPILED
    scores = product(X, W)
    assert scores.dtype == np.float64
    assert_allclose(scores, X.astype(np.float64) @ W, rtol=1e-10, atol=1e-12)
    gradient = transposed_product(X.tocsc(), scores)
    assert_allclose(gradient, X.astype(np.float64).T @ scores, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("density", [0.02, 1])
def test_same_bits_for_any_number_of_threads(density, monkeypatch):
    rng = np.random.default_rng(4)
    X = random_csr(rng, (500, 300), 0.2)
    W = rng.normal(size=(300, 40))
    rows = rng.normal(size=(500, 40)) * (rng.random((500, 40)) < density)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(_problem.products, "n_threads", lambda work, threads=threads: threads)
        results.append((product(X, W), transposed_product(X.tocsc(), rows)))
    for scores, gradient in results[1:]:
        assert_array_equal(scores, results[0][0])
        assert_array_equal(gradient, results[0][1])


def test_dense_features_are_left_to_blas():
    rng = np.random.default_rng(5)
    X, W = rng.normal(size=(7, 4)), rng.normal(size=(4, 3))
    assert_array_equal(product(X, W), X @ W)
    assert_array_equal(transposed_product(X, X @ W), X.T @ (X @ W))

"""The estimators over partitions: the same answer as on one machine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

import sklearn_sparsemax as plain

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

from dask.delayed import delayed  # noqa: E402

from sklearn_sparsemax import dask as over  # noqa: E402

pytestmark = pytest.mark.slow

# rows of each partition: one is empty, one has a single row, and one a single class
SIZES = (100, 3, 0, 50, 80, 1, 30)
N_FEATURES, N_CLASSES = 7, 4


@pytest.fixture(scope="module")
def client():
    options = {"dashboard_address": None, "memory_limit": "2GB"}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def data(name, *, is_sparse=False, dtype=np.float64, seed=0):
    """X, y and weights for an estimator."""
    rng = np.random.default_rng(seed)
    n_rows = sum(SIZES)
    X = rng.standard_normal((n_rows, N_FEATURES))
    if is_sparse:
        X[rng.uniform(size=X.shape) < 0.6] = 0
    scores = X @ rng.standard_normal((N_FEATURES, N_CLASSES)) + rng.standard_normal(
        (n_rows, N_CLASSES)
    )
    if "Multilabel" in name:
        y = (scores > 0.8).astype(int)
    elif "Regressor" in name:
        y = plain.sparsemax(scores)
    else:
        y = np.array(["a", "b", "c", "d"])[scores.argmax(axis=1)]
        # the fifth partition has a single class
        y[sum(SIZES[:4]) : sum(SIZES[:5])] = "b"
    X = sparse.csr_array(X.astype(dtype)) if is_sparse else X.astype(dtype)
    return X, y, rng.integers(0, 3, n_rows).astype(float)


def blocks(values, sizes=SIZES):
    """Delayed blocks of the sizes given."""
    bounds = np.cumsum([0, *sizes])
    return [delayed(values[start:stop]) for start, stop in pairwise(bounds)]


def stacked(lazy):
    parts = dask.compute(*lazy) if isinstance(lazy, list) else [lazy.compute()]
    if sparse.issparse(parts[0]):
        return sparse.vstack(parts).toarray()
    return np.concatenate(parts)


def fitted_pair(name, *, client=None, sizes=SIZES, is_sparse=False, weighted=True, **options):
    """The plain estimator and the one over partitions, and the data."""
    X, y, weights = data(name, is_sparse=is_sparse)
    options = {"alpha": 1e-2, "tol": 1e-8, "max_iter": 5000, **options}
    weights = weights if weighted else None
    one = getattr(plain, name)(**options).fit(X, y, weights)
    many = getattr(over, name)(client=client, **options)
    many.fit(
        blocks(X, sizes), blocks(y, sizes), None if weights is None else blocks(weights, sizes)
    )
    return one, many, (X, y, weights)


def assert_same(one, many):
    np.testing.assert_allclose(many.coef_, one.coef_, rtol=0, atol=1e-5)
    np.testing.assert_allclose(many.intercept_, one.intercept_, rtol=0, atol=1e-5)
    assert abs(many.objective_ - one.objective_) <= 1e-9
    assert many.alpha_ == pytest.approx(one.alpha_, rel=1e-12)
    # both certificates bound the distance from the same minimum
    assert many.objective_ - many.dual_gap_ <= one.objective_ + 1e-15
    assert one.objective_ - one.dual_gap_ <= many.objective_ + 1e-15


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "newton-cholesky"])
@pytest.mark.parametrize("name", over.__all__)
def test_same_answer_on_threads(name, solver, is_sparse):
    one, many, (X, *_) = fitted_pair(name, solver=solver, is_sparse=is_sparse)
    assert_same(one, many)
    assert set(vars(one)) - {"_dual"} <= set(vars(many))
    for method in ("predict", "predict_proba", "decision_function", "predict_support"):
        if hasattr(one, method):
            expected = getattr(one, method)(X)
            found = stacked(getattr(many, method)(blocks(X)))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4) if (
                expected.dtype.kind == "f"
            ) else np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize(
    ("name", "solver"),
    [
        ("SparsemaxClassifier", "lbfgs"),
        ("EntmaxClassifier", "newton-cg"),
        ("MultilabelSparsemaxClassifier", "auto"),
        ("SoftmaxRegressor", "lbfgs"),
    ],
)
def test_same_answer_on_a_cluster(client, name, solver, is_sparse):
    one, many, _ = fitted_pair(name, client=client, solver=solver, is_sparse=is_sparse)
    assert_same(one, many)

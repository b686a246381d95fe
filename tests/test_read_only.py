"""Models and data in read-only memory, as joblib hands them to its workers."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from tables import ESTIMATORS
from test_estimators import BATCH, responses

import sklearn_sparsemax as package
from sklearn_sparsemax import SGDSparsemaxClassifier

STREAMS = [case for case in ESTIMATORS if case.is_stream]
every_stream = pytest.mark.parametrize("case", STREAMS, ids=lambda case: case.name)
every_case = pytest.mark.parametrize("case", ESTIMATORS, ids=lambda case: case.name)


def mapped(model, path):
    joblib.dump(model, path)
    return joblib.load(path, mmap_mode="r")


def go_on(case, model, X, y):
    options = {"classes": np.unique(y)} if case.kind == "classes" else {}
    return model.partial_fit(X, y, **options)


@every_stream
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_a_mapped_model_goes_on(case, dtype, container, begin, tmp_path):
    X, y = case.data()
    X = container(X.astype(dtype))
    model = case.model().fit(X, y) if begin == "fit" else go_on(case, case.model(), X, y)
    path = tmp_path / "model.joblib"
    read_only = mapped(model, path)
    on_disk = path.read_bytes()
    for one in (model, read_only):
        go_on(case, one, X[::2], y[::2])
        go_on(case, one, X[1::2], y[1::2])
    assert_array_equal(read_only.coef_, model.coef_)
    assert_array_equal(read_only.intercept_, model.intercept_)
    for name, response in responses(model, X).items():
        assert_array_equal(getattr(read_only, name)(X), response)
    assert path.read_bytes() == on_disk


@every_case
def test_a_mapped_model_predicts_and_is_fitted_again(case, tmp_path):
    X, y = case.data()
    model = case.model(warm_start=True).fit(X, y)
    read_only = mapped(model, tmp_path / "model.joblib")
    for name, response in responses(model, X).items():
        assert_array_equal(getattr(read_only, name)(X), response)
    assert_array_equal(read_only.fit(X, y).coef_, model.fit(X, y).coef_)


@pytest.mark.parametrize("case", BATCH, ids=lambda case: case.name)
def test_a_mapped_warm_start_of_dual_ascent(case, tmp_path):
    if "sdca" not in case.solvers:
        pytest.skip("dual ascent does not serve the loss")
    X, y = case.data()
    model = case.model(solver="sdca", warm_start=True, random_state=0).fit(X, y)
    read_only = mapped(model, tmp_path / "model.joblib")
    assert_array_equal(read_only.fit(X[:, ::-1], y).coef_, model.fit(X[:, ::-1], y).coef_)


@pytest.mark.parametrize("make", [MultiOutputClassifier, OneVsRestClassifier])
def test_workers_of_joblib_go_on_with_wide_models(make):
    """Models above a megabyte reach the workers as read-only memory maps."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 70_000)).astype(np.float32)
    y = rng.integers(3, size=(40, 2)) if make is MultiOutputClassifier else rng.integers(3, size=40)
    classes = [np.arange(3)] * 2 if make is MultiOutputClassifier else np.arange(3)
    models = []
    for n_jobs in (1, 2):
        model = make(SGDSparsemaxClassifier(), n_jobs=n_jobs)
        for rows in (slice(20), slice(20, 40)):
            model.partial_fit(X[rows], y[rows], classes)
        models.append(model)
    for one, other in zip(*(model.estimators_ for model in models), strict=True):
        assert_array_equal(one.coef_, other.coef_)


@pytest.mark.parametrize("n_rows", [3, 30_000])
@pytest.mark.parametrize(
    "name", ["sparsemax", "sparsemax_threshold", "sparsemax_support", "softmax"]
)
def test_transforms_of_read_only_scores(name, n_rows):
    z = np.random.default_rng(0).normal(size=(n_rows, 5))
    expected = getattr(package, name)(z.copy())
    z.flags.writeable = False
    assert_array_equal(getattr(package, name)(z), expected)


@pytest.mark.parametrize("n_rows", [3, 30_000])
@pytest.mark.parametrize("name", ["sparsemax_loss", "softmax_loss", "logistic_loss"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_losses_of_read_only_arrays(name, n_rows, container):
    z = np.random.default_rng(0).normal(size=(n_rows, 5))
    q = container(np.eye(5)[np.arange(n_rows) % 5])
    expected = getattr(package, name)(z.copy(), q.copy(), reduction="none")
    for array in (z, *((q.data, q.indices, q.indptr) if sparse.issparse(q) else (q,))):
        array.flags.writeable = False
    assert_array_equal(getattr(package, name)(z, q, reduction="none"), expected)


@every_case
@pytest.mark.parametrize("n_rows", [60, 20_000])
def test_fits_of_mapped_data(case, n_rows, tmp_path):
    """Dense and sparse features, small and large enough for compiled products and threads."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 6))
    y = (X @ rng.normal(size=(6, 3))).argmax(axis=1)
    if case.kind != "classes":
        y = np.eye(3, dtype=int if case.kind == "label sets" else float)[y]
    for number, features in enumerate((X, sparse.csr_array(np.where(X > 0, X, 0)))):
        joblib.dump((features, y), tmp_path / f"{number}.joblib")
        data = joblib.load(tmp_path / f"{number}.joblib", mmap_mode="r")
        model, expected = case.model(tol=1e-2).fit(*data), case.model(tol=1e-2).fit(features, y)
        assert_array_equal(model.coef_, expected.coef_)

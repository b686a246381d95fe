"""Export to ONNX: models in onnxruntime return what the estimators return."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("skl2onnx", reason="needs the extra onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")

from numpy.testing import assert_allclose, assert_array_equal  # noqa: E402
from skl2onnx import to_onnx  # noqa: E402
from sklearn.datasets import load_digits, load_iris  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from tables import ESTIMATORS  # noqa: E402

from sklearn_sparsemax import (  # noqa: E402
    EntmaxClassifier,
    EntmaxRegressor,
    MultilabelEntmaxClassifier,
    SparsemaxClassifier,
    SparsemaxClassifierCV,
)
from sklearn_sparsemax.onnx import register_converters  # noqa: E402

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-9}

every_type = pytest.mark.parametrize("dtype", TOLERANCE)


@pytest.fixture(scope="module", autouse=True)
def converters():
    register_converters()


def run(model, X, **options):
    """What the exported model returns."""
    exported = to_onnx(model, X[:1], **options)
    session = runtime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": X})


def assert_same(model, X, dtype):
    X = X.astype(dtype)
    # an estimator computes in the type of X, as the graph does
    found = run(model, X)
    if hasattr(model, "predict_proba"):
        label, p = found
        assert p.dtype == dtype
        assert_allclose(p, model.predict_proba(X), atol=TOLERANCE[dtype])
        expected = model.predict(X)
        assert label.shape == np.shape(expected)
        # rounding may decide where two classes are equally probable
        assert np.mean(label == expected) > (0.99 if dtype == np.float32 else 0.999)
    else:
        assert_allclose(found[0], model.predict(X), atol=TOLERANCE[dtype])


@every_type
@pytest.mark.parametrize("case", ESTIMATORS, ids=lambda case: case.name)
def test_every_estimator(case, dtype):
    X, y = case.data()
    assert_same(case.model().fit(X, y), np.asarray(X), dtype)


@every_type
@pytest.mark.parametrize("entmax_alpha", [1, 1.1, 1.5, 1.9, 2, 2.5])
def test_every_alpha(entmax_alpha, dtype):
    X, y = load_digits(return_X_y=True)
    model = EntmaxClassifier(1e-3, entmax_alpha=entmax_alpha).fit(X[:900] / 16, y[:900])
    assert_same(model, X[900:] / 16, dtype)


@every_type
def test_kinds_of_classes(dtype):
    X, y = load_iris(return_X_y=True)
    for labels in (y > 0, y + 5, np.array(["a", "b", "c"])[y], np.array(["no", "yes"])[y % 2]):
        for make in (SparsemaxClassifier, MultilabelEntmaxClassifier):
            model = make().fit(X, labels)
            label, p = run(model, X.astype(dtype))
            assert_array_equal(label, model.predict(X.astype(dtype)))
            assert_allclose(p, model.predict_proba(X), atol=1e-5)


@every_type
def test_pipelines(dtype):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), SparsemaxClassifier()).fit(X, y)
    assert_same(model, X, dtype)
    chosen = SparsemaxClassifierCV(3, random_state=0).fit(X, y)
    assert_same(chosen, X, dtype)


def test_integers_and_sparse_coefficients():
    X, y = load_iris(return_X_y=True)
    X = (10 * X).astype(np.int64)
    model = SparsemaxClassifier().fit(X, y).sparsify()
    label, p = run(model, X)
    assert p.dtype == np.float32
    assert_allclose(p, model.predict_proba(X), atol=1e-4)
    assert np.mean(label == model.predict(X)) > 0.99


def test_the_loss_is_that_of_the_fit():
    X, y = load_iris(return_X_y=True)
    Y = np.eye(3)[y]
    model = EntmaxRegressor(entmax_alpha=2).fit(X, Y)
    before = model.predict(X)
    model.set_params(entmax_alpha=1)
    assert_allclose(run(model, X)[0], before, atol=1e-9)


def test_classes_that_onnx_does_not_know():
    X, y = load_iris(return_X_y=True)
    model = SparsemaxClassifier().fit(X, y.astype(float))
    with pytest.raises(NotImplementedError, match="classes are of float64; ONNX takes"):
        to_onnx(model, X[:1])


def test_without_skl2onnx_the_error_says_what_to_install():
    code = "import sys; sys.modules['skl2onnx'] = None; import sklearn_sparsemax.onnx"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'sklearn-sparsemax[onnx]'" in result.stderr

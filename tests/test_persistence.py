"""Pickles of another version, and coefficients in other containers."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from tables import ESTIMATORS

import sklearn_sparsemax
from sklearn_sparsemax import MultilabelLogisticClassifier, TunedMultilabelThresholdCV

every_estimator = pytest.mark.parametrize(
    ("estimator", "data"),
    [(case.model(), case.data()) for case in ESTIMATORS],
    ids=[case.name for case in ESTIMATORS],
)
LABEL_SETS = make_multilabel_classification(n_classes=4, random_state=0)


@every_estimator
def test_a_pickle_of_another_version_names_both(estimator, data, monkeypatch):
    model = clone(estimator).fit(*data)
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_sparsemax._persistence.__version__", "0.0.7")
        old = pickle.dumps(model)
    with pytest.warns(InconsistentVersionWarning) as record:
        again = pickle.loads(old)
    (warning,) = record
    words = str(warning.message)
    assert type(estimator).__name__ in words
    assert "sklearn-sparsemax 0.0.7" in words
    assert f"sklearn-sparsemax {sklearn_sparsemax.__version__}" in words
    assert_array_equal(again.predict(data[0]), model.predict(data[0]))


@every_estimator
def test_a_pickle_of_this_version_is_silent(estimator, data):
    model = clone(estimator).fit(*data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pickle.loads(pickle.dumps(model))
        copy.deepcopy(model)
        copy.copy(model)
    assert vars(again).keys() == vars(model).keys()


def test_meta_estimators_know_their_version_too(monkeypatch):
    model = TunedMultilabelThresholdCV(MultilabelLogisticClassifier(alpha=0.1)).fit(*LABEL_SETS)
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_sparsemax._persistence.__version__", "0.0.7")
        old = pickle.dumps(model)
    with pytest.warns(InconsistentVersionWarning, match="TunedMultilabelThresholdCV"):
        pickle.loads(old)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@every_estimator
def test_sparse_coefficients_predict_the_same(estimator, data, container):
    X, y = data
    model = clone(estimator).fit(X, y)
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    expected = getattr(model, method)(container(X))
    dense = model.coef_.copy()
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    assert_allclose(getattr(model, method)(container(X)), expected, rtol=1e-12, atol=1e-14)
    again = pickle.loads(pickle.dumps(model))
    assert_allclose(getattr(again, method)(container(X)), expected, rtol=1e-12, atol=1e-14)
    assert model.sparsify().densify() is model
    assert_array_equal(model.densify().coef_, dense)


@every_estimator
def test_a_sparse_model_goes_on(estimator, data):
    """Warm starts and streams take sparse coefficients for what they are."""
    X, y = data
    plain, sparse_one = (clone(estimator).set_params(warm_start=True).fit(X, y) for _ in range(2))
    sparse_one.sparsify()
    if hasattr(plain, "partial_fit"):
        plain.partial_fit(X, y)
        sparse_one.partial_fit(X, y)
    else:
        plain.fit(X, y)
        sparse_one.fit(X, y)
    assert not sparse.issparse(sparse_one.coef_)
    assert_array_equal(sparse_one.coef_, plain.coef_)


@every_estimator
def test_without_coefficients(estimator, data):
    for convert in ("sparsify", "densify"):
        with pytest.raises(NotFittedError):
            getattr(clone(estimator), convert)()

"""Label sets with a bound on the false-negative rate."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_sparsemax import (
    CalibratedMultilabelClassifierCV,
    MultilabelBinarySparsemaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    entmax,
)


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its features."""

    def fit(self, X, y):
        self.classes_ = [np.array([0, 1])] * X.shape[1]
        return self

    def predict_proba(self, X):
        return X


def given(p, Y, **options):
    return CalibratedMultilabelClassifierCV(Given().fit(p, Y), cv="prefit", **options).fit(p, Y)


def drawn(rng, n_rows, n_labels=6):
    p = rng.beta(0.5, 1, size=(n_rows, n_labels))
    return p, (rng.random(p.shape) < p).astype(int)


def rates(p, Y, threshold):
    """Share of the labels of each row that are missed."""
    missed = (Y * (p < threshold)).sum(axis=1)
    return missed / np.maximum(Y.sum(axis=1), 1)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3, 0.7])
def test_the_threshold_is_the_highest_that_is_allowed(level):
    rng = np.random.default_rng(0)
    for _ in range(30):
        p, Y = drawn(rng, 80)
        p = np.round(p, 2)  # ties
        found = given(p, Y, false_negative_rate=level).threshold_
        candidates = np.unique(p[Y == 1])
        allowed = [t for t in candidates if (rates(p, Y, t).sum() + 1) / 81 <= level + 1e-12]
        assert found == max(allowed)


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_the_mean_rate_over_many_draws(level):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        p, Y = drawn(rng, 400)
        threshold = given(p[:100], Y[:100], false_negative_rate=level).threshold_
        found.append(rates(p[100:], Y[100:], threshold).mean())
    error = 3 * np.std(found) / np.sqrt(len(found))
    assert np.mean(found) <= level + error
    assert np.mean(found) >= level - 2 / 101 - error


@pytest.mark.parametrize(
    "base",
    [
        MultilabelBinarySparsemaxClassifier(),
        MultilabelSparsemaxClassifier(),
        OneVsRestClassifier(LogisticRegression()),
        KNeighborsClassifier(),
        RidgeClassifier(),
    ],
    ids=lambda base: type(base).__name__,
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_any_classifier_of_label_sets(base, container):
    X, Y = make_multilabel_classification(900, n_classes=5, random_state=0)
    if container is sparse.csr_array and isinstance(base, RidgeClassifier | KNeighborsClassifier):
        pytest.skip("takes no sparse label sets")
    model = CalibratedMultilabelClassifierCV(base, random_state=0)
    model.fit(X[:600], container(Y[:600]))
    assert model.n_calibration_rows_ == 120
    report = model.risk(X[600:], Y[600:])
    assert report["false_negative_rate"] < 0.17
    predicted = model.predict(X[600:])
    assert isinstance(predicted, container if container is sparse.csr_array else np.ndarray)
    predicted = predicted.toarray() if sparse.issparse(predicted) else predicted
    assert_allclose(predicted.sum(axis=1).mean(), report["mean_size"])
    actual = Y[600:]
    missed = (actual & (1 - predicted)).sum(axis=1) / np.maximum(actual.sum(axis=1), 1)
    assert_allclose(missed.mean(), report["false_negative_rate"])


def test_the_level_may_change_after_the_fit():
    X, Y = make_multilabel_classification(600, n_classes=5, random_state=0)
    model = CalibratedMultilabelClassifierCV(
        MultilabelLogisticClassifier(), cv=4, random_state=0
    ).fit(X, Y)
    assert model.n_calibration_rows_ == 600
    again = pickle.loads(pickle.dumps(model))
    sizes = []
    for level in (0.02, 0.1, 0.4):
        model.set_params(false_negative_rate=level)
        sizes.append(model.risk(X, Y)["mean_size"])
        fitted = clone(model).fit(X, Y)
        assert fitted.threshold_ == model.threshold_
    assert sizes == sorted(sizes, reverse=True)
    assert_array_equal(again.set_params(false_negative_rate=0.4).predict(X), model.predict(X))
    with pytest.raises(ValueError, match=r"false_negative_rate=0.001 needs at least 999 rows"):
        model.set_params(false_negative_rate=0.001).predict(X)
    with pytest.raises(ValueError, match="false_negative_rate is 1; it must be between 0 and 1"):
        model.set_params(false_negative_rate=1).predict(X)


def test_rows_with_no_label_miss_nothing():
    p, Y = drawn(np.random.default_rng(2), 50)
    Y[:] = 0
    assert given(p, Y).threshold_ == np.inf
    assert given(p, Y).risk(p, Y) == {"false_negative_rate": 0.0, "mean_size": 0.0}


@pytest.mark.parametrize("response_method", ["decision_function", "predict_proba", "support"])
def test_the_rate_holds_for_every_response(response_method):
    X, Y = make_multilabel_classification(1500, n_classes=5, random_state=0)
    base = MultilabelSparsemaxClassifier().fit(X[:500], Y[:500])
    model = CalibratedMultilabelClassifierCV(
        base, cv="prefit", false_negative_rate=0.1, response_method=response_method
    ).fit(X[500:1000], Y[500:1000])
    report = model.risk(X[1000:], Y[1000:])
    assert report["false_negative_rate"] <= 0.13
    if response_method == "support":
        # the labels in the support of the scaled scores
        support = entmax(model.threshold_ * base.decision_function(X[1000:]), 2) > 0
        assert_array_equal(model.predict(X[1000:]), support)


def test_auto_takes_the_response_that_has_no_ties():
    X, Y = make_multilabel_classification(600, n_classes=5, random_state=0)
    expected = {
        MultilabelSparsemaxClassifier(): "support",
        make_pipeline(StandardScaler(), MultilabelSoftmaxClassifier()): "support",
        FrozenEstimator(MultilabelSparsemaxClassifier().fit(X[:300], Y[:300])): "support",
        MultilabelBinarySparsemaxClassifier(): "decision_function",
        OneVsRestClassifier(LogisticRegression()): "decision_function",
        KNeighborsClassifier(): "predict_proba",
    }
    for base, response_method in expected.items():
        cv = "prefit" if isinstance(base, FrozenEstimator) else None
        model = CalibratedMultilabelClassifierCV(base, cv=cv, random_state=0).fit(X[300:], Y[300:])
        named = clone(model).set_params(response_method=response_method).fit(X[300:], Y[300:])
        assert model.threshold_ == named.threshold_


def test_what_is_refused():
    X, Y = make_multilabel_classification(100, n_classes=3, random_state=0)
    with pytest.raises(TypeError, match="has no decision_function or predict_proba"):
        CalibratedMultilabelClassifierCV(Without()).fit(X, Y)
    with pytest.raises(ValueError, match="response_method='support' always predicts the only"):
        CalibratedMultilabelClassifierCV(
            MultilabelLogisticClassifier(), response_method="support"
        ).fit(X, Y[:, :1])
    with pytest.raises(TypeError, match="sample_weight"):
        CalibratedMultilabelClassifierCV(MultilabelLogisticClassifier()).fit(
            X, Y, sample_weight=np.ones(100)
        )
    with pytest.raises(ValueError, match=r"needs at least 99 rows .*; there are 50"):
        CalibratedMultilabelClassifierCV(
            MultilabelLogisticClassifier(), false_negative_rate=0.01
        ).fit(X, Y)
    with pytest.raises(NotFittedError):
        CalibratedMultilabelClassifierCV(MultilabelLogisticClassifier(), cv="prefit").fit(X, Y)
    with pytest.raises(NotFittedError):
        CalibratedMultilabelClassifierCV(MultilabelLogisticClassifier()).predict(X)


class Without(ClassifierMixin, BaseEstimator):
    """A classifier without responses."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


@parametrize_with_checks(
    [CalibratedMultilabelClassifierCV(MultilabelLogisticClassifier(), cv=3, random_state=0)]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)

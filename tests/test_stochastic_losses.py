"""The `loss` of the estimators of data that arrive in pieces."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import (
    EntmaxClassifier,
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    SGDMultilabelSparsemaxClassifier,
    SGDSparsemaxClassifier,
    SparsemaxClassifier,
)

# the estimators with the same objective that are fitted to a proven tolerance
BATCH = {
    "sparsemax": (SparsemaxClassifier(), MultilabelSparsemaxClassifier()),
    "entmax15": (EntmaxClassifier(), MultilabelEntmaxClassifier()),
    "softmax": (EntmaxClassifier(entmax_alpha=1), MultilabelSoftmaxClassifier()),
    "binary_sparsemax": (MultilabelBinarySparsemaxClassifier(),) * 2,
    "logistic": (MultilabelLogisticClassifier(),) * 2,
}
every_loss = pytest.mark.parametrize("loss", BATCH)


def classes(n_class=4):
    X, y = load_digits(n_class=n_class, return_X_y=True)
    return X[:300] / 16, y[:300]


def label_sets():
    X, Y = make_multilabel_classification(300, n_classes=5, length=150, random_state=0)
    # each row with a label: a stream has an output for rows without, a batch only if there are any
    Y[:, 0] |= Y.sum(axis=1) == 0
    return StandardScaler().fit_transform(X), Y


KINDS = {
    "two classes": (SGDSparsemaxClassifier, 0, classes(2)),
    "classes": (SGDSparsemaxClassifier, 0, classes()),
    "label sets": (SGDMultilabelSparsemaxClassifier, 1, label_sets()),
}
every_kind = pytest.mark.parametrize(("estimator", "place", "data"), KINDS.values(), ids=KINDS)


@every_loss
@every_kind
def test_fit_reaches_the_minimum_of_the_batch_estimator(estimator, place, data, loss):
    X, y = data
    batch = BATCH[loss][place].set_params(alpha=1e-2, tol=1e-10).fit(X, y)
    options = {"empty": "drop"} if place else {}
    ours = estimator(1e-2, loss=loss, tol=None, max_iter=300, random_state=0, **options).fit(X, y)
    assert_allclose(ours.coef_, batch.coef_, atol=1e-3)
    assert_allclose(ours.predict_proba(X), batch.predict_proba(X), atol=1e-3)
    assert np.mean(ours.predict(X) == batch.predict(X)) > 0.99


@every_loss
@every_kind
def test_a_stream_comes_near_the_minimum_however_it_is_cut(estimator, place, data, loss):
    X, y = data
    rows = np.random.default_rng(0).integers(len(X), size=6000)
    names = {} if place else {"classes": np.unique(y)}
    options = {"loss": loss, **({"empty": "drop"} if place else {})}
    whole = estimator(1e-2, **options).partial_fit(X[rows], y[rows], **names)
    pieces = estimator(1e-2, **options)
    for part in np.array_split(rows, [1, 10, 500, 501]):
        # a model that was stored in between goes on
        pieces = pickle.loads(pickle.dumps(pieces)).partial_fit(X[part], y[part], **names)
    assert_array_equal(pieces.coef_, whole.coef_)
    batch = BATCH[loss][place].set_params(alpha=1e-2, tol=1e-6).fit(X, y)
    assert_allclose(whole.predict_proba(X), batch.predict_proba(X), atol=0.2)
    assert np.mean(whole.predict(X) == batch.predict(X)) > 0.95


@every_loss
def test_which_probabilities_are_zero(loss):
    X, y = classes()
    p = SGDSparsemaxClassifier(1e-3, loss=loss, random_state=0).fit(X, y).predict_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    has_zeros = loss not in ("softmax", "logistic")
    assert (p == 0).any() == has_zeros


def test_two_classes_by_the_logistic_loss_are_logistic_regression():
    X, y = classes(2)
    ours = SGDSparsemaxClassifier(
        1e-2, loss="logistic", tol=None, max_iter=500, random_state=0
    ).fit(X, y)
    theirs = LogisticRegression(C=1 / (1e-2 * len(y)), tol=1e-10).fit(X, y)
    assert ours.coef_.shape == theirs.coef_.shape
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_the_loss_of_a_stream_cannot_change():
    X, y = classes()
    model = SGDSparsemaxClassifier(loss="softmax").partial_fit(X, y, classes=np.arange(4))
    before = model.coef_.copy()
    model.set_params(loss="logistic")
    with pytest.raises(ValueError, match=r"loss is .logistic., but .* with the softmax loss; fit"):
        model.partial_fit(X, y)
    assert_array_equal(model.coef_, before)
    # a fit begins anew
    model.fit(X, y)


def test_unknown_losses_are_named():
    X, y = classes()
    with pytest.raises(ValueError, match=r"'loss' parameter of SGDSparsemaxClassifier .* 'hinge'"):
        SGDSparsemaxClassifier(loss="hinge").fit(X, y)

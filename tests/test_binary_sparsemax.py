"""A sparse probability for each label on its own, against one classifier for each label."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.multiclass import OneVsRestClassifier
from tables import label_sets

from sklearn_sparsemax import (
    MultilabelBinarySparsemaxClassifier,
    SparsemaxClassifier,
    binary_sparsemax_loss,
    sparsemax_loss,
)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "newton-cholesky"])
def test_it_is_one_classifier_for_each_label(solver, fit_intercept, container):
    X, Y = label_sets(120)
    options = {"alpha": 1e-2, "tol": 1e-10, "fit_intercept": fit_intercept}
    ours = MultilabelBinarySparsemaxClassifier(solver=solver, **options).fit(container(X), Y)
    theirs = OneVsRestClassifier(SparsemaxClassifier(solver="newton-cholesky", **options))
    theirs.fit(container(X), Y)
    each = theirs.estimators_
    # a first-order method stops anywhere within the tolerance
    atol = 1e-6 if solver in ("auto", "newton-cholesky") else 2e-5
    assert_allclose(ours.coef_, np.vstack([one.coef_ for one in each]), atol=atol)
    assert_allclose(
        ours.intercept_, np.concatenate([one.intercept_ for one in each]), atol=5 * atol
    )
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=5 * atol)
    assert_allclose(ours.objective_, sum(one.objective_ for one in each), rtol=1e-8)


def test_probabilities_are_exactly_zero_and_one():
    X, Y = make_multilabel_classification(300, n_classes=5, random_state=0)
    model = MultilabelBinarySparsemaxClassifier(alpha=1e-3).fit(X, Y)
    p, z = model.predict_proba(X), model.decision_function(X)
    assert_array_equal(p == 0, z <= -1)
    assert_array_equal(p == 1, z >= 1)
    assert (p == 0).mean() > 0.05 < (p == 1).mean()
    assert_array_equal(model.predict_support(X), p > 0)


def test_rows_with_no_label_are_rows():
    X, Y = label_sets()
    assert (Y.sum(axis=1) == 0).any()
    model = MultilabelBinarySparsemaxClassifier(alpha=1e-2, tol=1e-8).fit(X, Y)
    assert model.coef_.shape == (Y.shape[1], X.shape[1])
    # with a free intercept, the mean probability of each label is its frequency
    assert_allclose(model.predict_proba(X).mean(axis=0), Y.mean(axis=0), atol=1e-6)


def test_of_two_classes():
    rng = np.random.default_rng(0)
    z, y = 2 * rng.normal(size=50), rng.integers(2, size=50)
    one = binary_sparsemax_loss(z[:, None], y[:, None], reduction="none")
    two = sparsemax_loss(np.column_stack([np.zeros(50), z]), y, reduction="none")
    assert_allclose(one, two, atol=1e-15)


def test_classes_make_it_a_classifier():
    X, Y = label_sets()
    for y in (Y[:, 0], Y.argmax(axis=1)):
        model = MultilabelBinarySparsemaxClassifier(alpha=1e-2).fit(X, y)
        assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        assert model.score(X, y) > 0.6

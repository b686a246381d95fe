"""Which y an estimator takes, and what it keeps of a former one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_multilabel_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.preprocessing import MultiLabelBinarizer

import sklearn_sparsemax
from sklearn_sparsemax import (
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    SGDMultilabelSparsemaxClassifier,
    SGDSparsemaxClassifier,
    SparsemaxClassifier,
    SparsemaxRegressor,
)

X, Y = make_multilabel_classification(n_classes=4, random_state=0)
CLASSES = Y.argmax(axis=1)

SINGLE = [SparsemaxClassifier(), SGDSparsemaxClassifier(random_state=0)]
MULTI = [
    MultilabelSparsemaxClassifier(alpha=0.1),
    MultilabelSoftmaxClassifier(alpha=0.1),
    MultilabelLogisticClassifier(alpha=0.1),
    SGDMultilabelSparsemaxClassifier(alpha=0.1, random_state=0),
]
STREAMS = [SGDSparsemaxClassifier(), SGDMultilabelSparsemaxClassifier()]


def each(estimators):
    names = [type(estimator).__name__ for estimator in estimators]
    return pytest.mark.parametrize("estimator", estimators, ids=names)


def fitted_names(model):
    return {name for name in dir(model) if name.endswith("_") and not name.startswith("_")} - {
        name for name in dir(type(model)) if not isinstance(getattr(type(model), name), property)
    }


def readable(model):
    return {name for name in fitted_names(model) if hasattr(model, name)}


# --- what a former fit leaves -------------------------------------------------------------


@each(MULTI)
@pytest.mark.parametrize("targets", [(Y, CLASSES), (CLASSES, Y)], ids=["classes", "label sets"])
def test_a_fit_forgets_the_other_kind_of_targets(estimator, targets):
    first, second = targets
    model = clone(estimator).fit(X, first).fit(X, second)
    fresh = clone(estimator).fit(X, second)
    assert readable(model) == readable(fresh)
    assert_array_equal(model.coef_, fresh.coef_)
    assert_array_equal(model.predict(X), fresh.predict(X))
    assert hasattr(model, "threshold_") == (second is Y)
    assert hasattr(model, "n_labels_") == (second is Y)


@each(STREAMS[1:])
def test_a_stream_forgets_the_other_kind_too(estimator):
    model = clone(estimator).partial_fit(X, Y).fit(X, CLASSES)
    assert not hasattr(model, "threshold_")
    assert model.fit(X, Y).threshold_ >= 0


# --- lists and sets of labels -------------------------------------------------------------

LABEL_LISTS = [["a", "b"], [], ["c"]] * 4


@each([*SINGLE, *MULTI, SparsemaxRegressor()])
@pytest.mark.parametrize(
    "y",
    [
        LABEL_LISTS,
        [set(labels) for labels in LABEL_LISTS],
        [tuple(labels) for labels in LABEL_LISTS],
        np.array([set(labels) for labels in LABEL_LISTS], dtype=object),
    ],
    ids=["lists", "sets", "tuples", "array of sets"],
)
def test_lists_of_labels_need_a_binarizer(estimator, y):
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        clone(estimator).fit(X[:12], y)


@each(STREAMS)
def test_lists_of_labels_in_a_stream(estimator):
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        clone(estimator).partial_fit(X[:12], LABEL_LISTS, classes=["a", "b", "c"])


def test_the_binarizer_makes_what_is_needed():
    indicator = MultiLabelBinarizer().fit_transform(LABEL_LISTS)
    assert MultilabelSparsemaxClassifier().fit(X[:12], indicator).n_labels_ == 3
    as_lists = [list(row) for row in indicator]
    assert MultilabelSparsemaxClassifier().fit(X[:12], as_lists).n_labels_ == 3


# --- classes of a stream ------------------------------------------------------------------


@each(STREAMS)
@pytest.mark.parametrize("classes", [[0, 1, np.nan], [0, np.inf], np.array([0, 1, np.nan], object)])
def test_classes_are_finite(estimator, classes):
    with pytest.raises(ValueError, match="class labels must be finite"):
        clone(estimator).partial_fit(X, CLASSES > 1, classes=classes)


@each(STREAMS)
def test_a_set_of_classes(estimator):
    model = clone(estimator).partial_fit(X, CLASSES, classes={0, 1, 2, 3})
    assert_array_equal(model.classes_, range(4))
    listed = clone(estimator).partial_fit(X, CLASSES, classes=range(4))
    assert_array_equal(model.coef_, listed.coef_)
    model.partial_fit(X, CLASSES, classes={3, 2, 1, 0})


@each(STREAMS)
def test_classes_of_object_type_are_numbers_still(estimator):
    model = clone(estimator).partial_fit(X, CLASSES, classes=np.arange(4).astype(object))
    assert model.classes_.dtype.kind == "i"
    assert 0 <= accuracy_score(CLASSES, model.predict(X)) <= 1


@each(STREAMS)
def test_classes_of_two_kinds_are_refused(estimator):
    with pytest.raises(ValueError, match="numbers and other labels do not mix"):
        clone(estimator).partial_fit(X, CLASSES, classes=np.array([0, "a"], dtype=object))


@each(STREAMS)
def test_classes_have_one_dimension(estimator):
    with pytest.raises(ValueError, match=r"classes has the shape \(1, 4\)"):
        clone(estimator).partial_fit(X, CLASSES, classes=[[0, 1, 2, 3]])


@each(STREAMS)
@pytest.mark.parametrize("names", [np.array(["a", "b"]), np.array(["a", "b"], dtype=object)])
def test_numbers_beside_names(estimator, names):
    model = clone(estimator).partial_fit(X, names[CLASSES % 2], classes=names)
    with pytest.raises(ValueError, match="y holds the class 0, which is none of those"):
        model.partial_fit(X, CLASSES % 2)


def test_many_classes_of_a_stream_are_no_regression():
    """scikit-learn warns of many different values in y, which in `classes` is what is meant."""
    names = np.array([f"class {k}" for k in range(30)])
    y = names[np.arange(100) % 3]
    model = SGDSparsemaxClassifier().partial_fit(X, y, classes=names)
    assert len(model.classes_) == 30


# --- weights of classes that y lacks ------------------------------------------------------

WEIGHTS = {0: 1.0, 1: 2.0, 2: 0.5, 7: 3.0}
IRIS = load_iris(return_X_y=True)


@each(SINGLE)
def test_a_weight_of_a_class_that_y_lacks(estimator):
    """As in scikit-learn: no error where all classes of y have a weight."""
    model = clone(estimator).set_params(class_weight=WEIGHTS).fit(*IRIS)
    without = {label: weight for label, weight in WEIGHTS.items() if label != 7}
    expected = clone(estimator).set_params(class_weight=without).fit(*IRIS)
    assert_array_equal(model.coef_, expected.coef_)


@each([*SINGLE, *MULTI])
def test_a_wrong_name_beside_a_class_without_weight(estimator):
    model = clone(estimator).set_params(class_weight={0: 1.0, 1: 2.0, "2": 0.5})
    with pytest.raises(ValueError, match=r"names the class '2', which y does not hold, and .* 2"):
        model.fit(*IRIS)


@each(STREAMS)
def test_weights_of_a_stream_follow_the_same_rule(estimator):
    model = clone(estimator).set_params(class_weight=WEIGHTS)
    plain = clone(estimator).set_params(class_weight={0: 1.0, 1: 2.0, 2: 0.5})
    for one in (model, plain):
        one.partial_fit(*IRIS, classes=range(3))
    assert_array_equal(model.coef_, plain.coef_)
    with pytest.raises(ValueError, match="names the class 7"):
        clone(estimator).set_params(class_weight={0: 1.0, 7: 1.0}).partial_fit(
            *IRIS, classes=range(3)
        )


@each(SINGLE)
def test_splits_that_lack_a_rare_class(estimator):
    features, y = make_classification(120, n_informative=6, n_classes=3, random_state=0)
    order = np.argsort(y == 2, kind="stable")
    model = clone(estimator).set_params(class_weight={0: 1.0, 1: 2.0, 2: 3.0})
    scores = cross_val_score(model, features[order], y[order], cv=TimeSeriesSplit(4))
    assert np.isfinite(scores).all()


# --- without a penalty --------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky", "auto"])
def test_coefficients_without_a_penalty_are_the_symmetric_ones(solver):
    """All outputs may be shifted alike; of these, scikit-learn too returns those of sum 0."""
    features, y = make_classification(
        200, n_informative=6, n_classes=4, n_clusters_per_class=1, flip_y=0.3, random_state=1
    )
    model = SparsemaxClassifier(alpha=0, solver=solver, tol=1e-6).fit(features, y)
    assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-12 * np.abs(model.coef_).max())
    assert_allclose(model.intercept_.sum(), 0, atol=1e-12 * np.abs(model.intercept_).max())


# --- masks --------------------------------------------------------------------------------


@each([*SINGLE, *MULTI, SparsemaxRegressor()])
@pytest.mark.parametrize("place", ["X", "y", "sample_weight"])
def test_masked_arrays_are_refused(estimator, place):
    """NumPy's functions leave the mask out without a word."""
    y = np.eye(4)[CLASSES] if isinstance(estimator, SparsemaxRegressor) else CLASSES
    data = {"X": X, "y": y, "sample_weight": np.ones(len(X))}
    data[place] = np.ma.masked_array(data[place], mask=data[place] == data[place].flat[0])
    with pytest.raises(TypeError, match=f"{place} is a masked array"):
        clone(estimator).fit(**data)
    if place == "X":
        with pytest.raises(TypeError, match="X is a masked array"):
            clone(estimator).fit(X, y).predict(data["X"])


@pytest.mark.parametrize(
    "name", ["sparsemax", "sparsemax_threshold", "sparsemax_support", "softmax"]
)
def test_masked_scores_are_refused(name):
    z = np.ma.masked_array([[1.0, 2.0, 3.0]], mask=[[False, False, True]])
    function = getattr(sklearn_sparsemax, name)
    with pytest.raises(TypeError, match=r"z is a masked array.* z\.filled\(-np\.inf\)"):
        function(z)
    if name != "sparsemax_threshold":
        assert_array_equal(function(z.filled(-np.inf))[0, 2], 0)


@pytest.mark.parametrize("name", ["sparsemax_loss", "softmax_loss", "logistic_loss"])
def test_masked_scores_and_targets_of_losses_are_refused(name):
    function, z = getattr(sklearn_sparsemax, name), np.zeros((2, 3))
    with pytest.raises(TypeError, match="scores is a masked array"):
        function(np.ma.masked_array(z), [0, 1])
    with pytest.raises(TypeError, match="targets is a masked array"):
        function(z, np.ma.masked_array([0, 1]))

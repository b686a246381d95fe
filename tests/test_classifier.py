"""`SparsemaxClassifier` as its users meet it: input, output, weights, errors."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklearn_sparsemax import SparsemaxClassifier, sparsemax, sparsemax_loss

SPARSE_CONTAINERS = [
    sparse.csr_array,
    sparse.csr_matrix,
    sparse.csc_array,
    sparse.csc_matrix,
    sparse.coo_array,
    sparse.coo_matrix,
    sparse.lil_array,
    sparse.lil_matrix,
    sparse.dok_array,
    sparse.dok_matrix,
    sparse.bsr_array,
    sparse.bsr_matrix,
    sparse.dia_array,
    sparse.dia_matrix,
]
SOLVERS = ["lbfgs", "newton-cholesky"]

every_solver = pytest.mark.parametrize("solver", SOLVERS)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def few_rows(iris):
    """Enough for what does not depend on the data, and quick with interpreted kernels."""
    X, y = iris
    return X[::5], y[::5]


@pytest.fixture(scope="module")
def binary(iris):
    """Two classes that overlap."""
    X, y = iris
    return X[50:], y[50:]


@pytest.fixture(scope="module")
def weights():
    return np.random.default_rng(0).integers(0, 4, size=150).astype(float)


def assert_same_model(first, second, rtol=1e-7, atol=1e-9):
    assert_array_equal(first.classes_, second.classes_)
    assert_allclose(first.coef_, second.coef_, rtol=rtol, atol=atol)
    assert_allclose(first.intercept_, second.intercept_, rtol=rtol, atol=atol)
    assert_allclose(first.objective_, second.objective_, rtol=rtol)


# --- the fit ------------------------------------------------------------------------------


@every_solver
@pytest.mark.parametrize(
    "load",
    [load_iris, load_wine, pytest.param(load_digits, marks=pytest.mark.slow), load_breast_cancer],
)
def test_fits_what_scikit_learn_ships(load, solver):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-3)
    classifier = SparsemaxClassifier(alpha=1e-3, solver=solver).fit(X, y)
    n_classes = len(np.unique(y))
    assert 0 <= classifier.dual_gap_ <= 1e-4 * (1 - 1 / n_classes) / 2
    assert 0 < classifier.n_iter_ < 1000
    assert classifier.score(X, y) > 0.95
    p = classifier.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    assert p.min() == 0
    assert (p == 0).any(axis=1).mean() > 0.5


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_objective_is_mean_loss_and_penalty(iris, weights, intercept, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    weights = weights[: len(y)]
    classifier = SparsemaxClassifier(alpha=0.01, fit_intercept=intercept)
    classifier.fit(X, y, sample_weight=weights)
    scores = classifier.decision_function(X)
    if n_classes == 2:
        scores = np.column_stack([np.zeros_like(scores), scores])
    loss = sparsemax_loss(scores, y, sample_weight=weights)
    penalty = 0.005 * (classifier.coef_**2).sum()
    assert_allclose(classifier.objective_, loss + penalty, rtol=1e-10)


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 1, 100])
def test_both_solvers_agree_within_their_gaps(iris, alpha):
    first, second = (
        SparsemaxClassifier(alpha=alpha, solver=solver, tol=1e-7).fit(*iris) for solver in SOLVERS
    )
    difference = abs(first.objective_ - second.objective_)
    assert difference <= max(first.dual_gap_, second.dual_gap_)
    assert max(first.dual_gap_, second.dual_gap_) <= 1e-7 / 3


def test_fit_returns_self_and_keeps_its_parameters(iris):
    classifier = SparsemaxClassifier(alpha=0.5, class_weight={0: 2.0})
    before = dict(classifier.get_params())
    assert classifier.fit(*iris) is classifier
    assert classifier.get_params() == before
    assert classifier.class_weight == {0: 2.0}


def test_strong_penalty_leaves_the_class_frequencies(iris, weights):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e8).fit(X, y, sample_weight=weights)
    frequencies = np.bincount(y, weights=weights) / weights.sum()
    assert_allclose(classifier.predict_proba(X), np.tile(frequencies, (len(y), 1)), atol=1e-6)


def test_without_a_penalty(binary):
    X, y = binary
    classifier = SparsemaxClassifier(alpha=0, solver="lbfgs", tol=1e-6).fit(X, y)
    assert classifier.dual_gap_ == np.inf
    weak = SparsemaxClassifier(alpha=1e-9).fit(X, y)
    assert weak.objective_ - weak.dual_gap_ - 1e-6 <= classifier.objective_ <= weak.objective_


@pytest.mark.parametrize("constant", [0.1, 7.0])
def test_constant_column_without_a_penalty(iris, constant):
    X, y = iris
    expected = SparsemaxClassifier(alpha=0).fit(X, y)
    classifier = SparsemaxClassifier(alpha=0).fit(np.c_[X, np.full(len(y), constant)], y)
    assert_allclose(classifier.objective_, expected.objective_, rtol=1e-8)


# --- classes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["setosa", "versicolor", "virginica"], dtype=object),
        np.array([-7, 0, 12]),
        np.array([0.0, 1.0, 2.0]),
        np.array([5, 6, 7], dtype=np.uint8),
    ],
    ids=["strings", "objects", "negative", "floats", "bytes"],
)
def test_labels_of_any_kind(few_rows, labels):
    X, y = few_rows
    classifier = SparsemaxClassifier().fit(X, labels[y])
    expected = SparsemaxClassifier().fit(X, y)
    assert_array_equal(classifier.classes_, labels)
    assert_array_equal(classifier.predict(X), labels[expected.predict(X)])
    assert classifier.predict(X).dtype == labels.dtype
    assert_array_equal(classifier.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("labels", [[False, True], [-1, 1], ["no", "yes"]])
def test_two_labels_of_any_kind(binary, labels):
    X, y = binary
    labels = np.array(labels)
    classifier = SparsemaxClassifier().fit(X, labels[y - 1])
    expected = SparsemaxClassifier().fit(X, y)
    assert_array_equal(classifier.classes_, labels)
    assert_array_equal(classifier.predict(X), labels[expected.predict(X) - 1])


def test_labels_as_lists_and_features_as_lists():
    classifier = SparsemaxClassifier().fit([[0], [1], [2]], ["a", "b", "b"])
    assert_array_equal(classifier.predict([[-1], [5]]), ["a", "b"])


@pytest.mark.parametrize("intercept", [True, False])
def test_two_classes_are_one_row_of_coefficients(binary, intercept):
    X, y = binary
    classifier = SparsemaxClassifier(alpha=1e-2, fit_intercept=intercept).fit(X, y)
    assert classifier.coef_.shape == (1, 4)
    assert classifier.intercept_.shape == (1,)
    m = X @ classifier.coef_[0] + classifier.intercept_[0]
    assert_allclose(classifier.decision_function(X), m, rtol=1e-12)
    p = classifier.predict_proba(X)
    assert p.shape == (100, 2)
    assert_allclose(p[:, 1], np.clip((m + 1) / 2, 0, 1), atol=1e-14)
    assert_allclose(p[:, 0], np.clip((1 - m) / 2, 0, 1), atol=1e-14)
    assert_array_equal(classifier.predict(X), np.where(m > 0, 2, 1))


def test_two_classes_are_the_two_output_problem_with_half_the_penalty(binary):
    """With rows w/2 and -w/2 for the classes the scores differ by w, the norm by a half."""
    X, y = binary
    two_rows = SparsemaxClassifier(alpha=0.02, class_weight={0: 0})
    two_rows.fit(np.vstack([X, X[:1]]), np.append(y, 0))
    one_row = SparsemaxClassifier(alpha=0.01).fit(X, y)
    assert_allclose(two_rows.coef_[2] - two_rows.coef_[1], one_row.coef_[0], rtol=1e-6)
    assert_allclose(two_rows.objective_, one_row.objective_, rtol=1e-10)


def test_swapping_two_classes_swaps_everything(binary):
    X, y = binary
    first = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    second = SparsemaxClassifier(alpha=1e-2).fit(X, -y)
    assert_allclose(second.coef_, -first.coef_, rtol=1e-8)
    assert_allclose(second.predict_proba(X), first.predict_proba(X)[:, ::-1], atol=1e-9)


def test_three_classes_have_three_rows(iris):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    assert classifier.coef_.shape == (3, 4)
    assert classifier.intercept_.shape == (3,)
    scores = X @ classifier.coef_.T + classifier.intercept_
    assert_allclose(classifier.decision_function(X), scores, rtol=1e-12)
    assert_allclose(classifier.predict_proba(X), sparsemax(scores), atol=1e-14)
    assert_array_equal(classifier.predict(X), scores.argmax(axis=1))
    # a common shift of all scores is not penalised away into the coefficients
    assert_allclose(classifier.coef_.sum(axis=0), 0, atol=1e-9)


# --- predictions --------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_agree_with_each_other(iris, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    classifier = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    p = classifier.predict_proba(X)
    assert p.shape == (len(y), n_classes)
    assert p.min() == 0
    assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    assert_array_equal(classifier.predict(X), p.argmax(axis=1))
    support = classifier.predict_support(X)
    assert support.dtype == bool
    assert_array_equal(support, p > 0)
    assert support.any(axis=1).all()
    assert not support.all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_p = classifier.predict_log_proba(X)
    assert_array_equal(log_p == -np.inf, p == 0)
    assert_allclose(np.exp(log_p), p, rtol=1e-14)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_mean_probability_is_the_class_frequency(iris, weights, balanced, n_classes, solver):
    X, y = (array[iris[1] < n_classes] for array in iris)
    weights = weights[: len(y)]
    classifier = SparsemaxClassifier(
        solver=solver, class_weight="balanced" if balanced else None, tol=1e-2
    )
    classifier.fit(X, y, sample_weight=weights)
    frequencies = np.bincount(y, weights=weights) / weights.sum()
    if balanced:
        weights = weights / frequencies[y]
        frequencies = np.full(n_classes, 1 / n_classes)
    mean = np.average(classifier.predict_proba(X), axis=0, weights=weights)
    assert_allclose(mean, frequencies, atol=1e-12)


# --- the intercept ------------------------------------------------------------------------


def test_shifted_features_give_the_same_predictions(iris):
    X, y = iris
    shift = np.array([100.0, -3, 0, 7])
    classifier = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    shifted = SparsemaxClassifier(alpha=1e-2).fit(X + shift, y)
    assert_allclose(shifted.predict_proba(X + shift), classifier.predict_proba(X), atol=1e-9)
    assert_allclose(shifted.coef_, classifier.coef_, rtol=1e-7, atol=1e-9)
    assert_allclose(shifted.objective_, classifier.objective_, rtol=1e-10)


def test_constant_column_is_not_an_intercept(iris):
    """It is penalised, and without a free intercept it changes the model."""
    X, y = iris
    with_column = np.hstack([X, np.ones((len(y), 1))])
    origin = SparsemaxClassifier(alpha=1e-2, fit_intercept=False)
    without = clone(origin).fit(X, y)
    column = clone(origin).fit(with_column, y)
    free = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    assert_array_equal(without.intercept_, np.zeros(3))
    assert free.objective_ < column.objective_ - 1e-4
    assert column.objective_ < without.objective_ - 1e-4
    assert np.abs(column.predict_proba(with_column) - without.predict_proba(X)).max() > 0.01
    assert np.abs(column.predict_proba(with_column) - free.predict_proba(X)).max() > 0.01


# --- weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 2: 0.5}])
@pytest.mark.parametrize("intercept", [True, False])
def test_weights_repeat_rows(iris, weights, class_weight, intercept):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-2, class_weight=class_weight, fit_intercept=intercept)
    weighted = clone(classifier).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    assert 0 in weights
    assert len(rows) > len(y)
    assert_same_model(weighted, clone(classifier).fit(X[rows], y[rows]))


def test_weight_zero_removes_the_row(iris):
    X, y = iris
    kept = np.arange(len(y)) % 3 > 0
    without = SparsemaxClassifier(alpha=1e-2).fit(X[kept], y[kept])
    X = np.where(kept[:, None], X, 1e10)
    weighted = SparsemaxClassifier(alpha=1e-2).fit(X, y, sample_weight=kept.astype(float))
    assert_array_equal(weighted.coef_, without.coef_)
    assert_array_equal(weighted.intercept_, without.intercept_)


def test_only_proportions_of_weights_matter(iris, weights):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-2)
    once = clone(classifier).fit(X, y, sample_weight=weights)
    for factor in (1e-6, 3, 1e6):
        scaled = clone(classifier).fit(X, y, sample_weight=factor * weights)
        assert_same_model(once, scaled)
    ones = clone(classifier).fit(X, y, sample_weight=np.full(len(y), 7))
    assert_same_model(ones, clone(classifier).fit(X, y))


def test_class_weights_multiply_sample_weights(iris, weights):
    X, y = iris
    by_class = SparsemaxClassifier(alpha=1e-2, class_weight={0: 3.0, 1: 1.0, 2: 0.5})
    by_row = SparsemaxClassifier(alpha=1e-2)
    by_class.fit(X, y, sample_weight=weights)
    by_row.fit(X, y, sample_weight=weights * np.array([3.0, 1.0, 0.5])[y])
    assert_same_model(by_class, by_row)


def test_classes_missing_from_the_dict_weigh_one(iris):
    some = SparsemaxClassifier(class_weight={1: 2}).fit(*iris)
    each = SparsemaxClassifier(class_weight={0: 1, 1: np.float32(2), 2: 1.0}).fit(*iris)
    assert_same_model(some, each)


def test_class_weights_of_string_labels(iris):
    X, y = iris
    names = np.array(["a", "b", "c"])[y]
    named = SparsemaxClassifier(class_weight={"b": 5}).fit(X, names)
    assert_allclose(named.coef_, SparsemaxClassifier(class_weight={1: 5}).fit(X, y).coef_)


def test_balanced_gives_the_classes_equal_mass(iris):
    X, y = (array[20:] for array in iris)
    balanced = SparsemaxClassifier(alpha=1e-4, class_weight="balanced").fit(X, y)
    weights = dict(enumerate(1 / np.bincount(y)))
    by_hand = SparsemaxClassifier(alpha=1e-4, class_weight=weights).fit(X, y)
    assert_same_model(balanced, by_hand)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_of_weight_zero_is_known_but_not_predicted(iris, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    classifier = SparsemaxClassifier(class_weight={0: 0.0}, alpha=1e-2).fit(X, y)
    assert_array_equal(classifier.classes_, np.arange(n_classes))
    rest = y > 0
    assert set(classifier.predict(X[rest])) == set(range(1, n_classes))
    assert_allclose(classifier.predict_proba(X[rest])[:, 0], 0, atol=1e-9)
    assert 0 <= classifier.dual_gap_ <= 1e-4 * (1 - 1 / n_classes) / 2


def test_balanced_where_weights_remove_a_class(iris):
    X, y = iris
    classifier = SparsemaxClassifier(class_weight="balanced", alpha=1e-2)
    classifier.fit(X, y, sample_weight=(y > 0).astype(float))
    expected = SparsemaxClassifier(alpha=1e-2).fit(X, y, sample_weight=(y > 0).astype(float))
    # any intercept low enough does for the class without rows
    assert_allclose(classifier.coef_, expected.coef_, atol=1e-9)
    assert_allclose(classifier.predict_proba(X[y > 0]), expected.predict_proba(X[y > 0]), atol=1e-9)


# --- containers and types -----------------------------------------------------------------


@every_solver
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("container", SPARSE_CONTAINERS, ids=lambda container: container.__name__)
def test_sparse_containers_equal_dense(few_rows, container, solver):
    X, y = few_rows
    X = np.where(X > 1.5, X, 0)
    classifier = SparsemaxClassifier(alpha=1e-2, solver=solver)
    dense, from_sparse = clone(classifier).fit(X, y), clone(classifier).fit(container(X), y)
    assert_same_model(dense, from_sparse, rtol=1e-6)
    for method in ("decision_function", "predict", "predict_proba", "predict_support"):
        expected = getattr(dense, method)(X)
        found = getattr(dense, method)(container(X))
        assert type(found) is np.ndarray
        assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_either_type_of_index(few_rows, container, index):
    X, y = few_rows
    matrix = container(np.where(X > 1.5, X, 0))
    for name in ("indptr", "indices", "row", "col"):
        if hasattr(matrix, name):
            setattr(matrix, name, getattr(matrix, name).astype(index))
    classifier = SparsemaxClassifier(alpha=1e-2).fit(matrix, y)
    expected = SparsemaxClassifier(alpha=1e-2).fit(matrix.toarray(), y)
    assert_same_model(classifier, expected)
    assert_array_equal(classifier.predict(matrix), expected.predict(matrix.toarray()))


def test_duplicate_and_unsorted_entries(few_rows):
    """Entries of the same place add up, in whatever order they are stored."""
    X, y = few_rows
    rows, columns = np.indices(X.shape).reshape(2, -1)
    order = np.random.default_rng(0).permutation(2 * X.size)
    halves = np.tile(X.ravel() / 2, 2)[order]
    places = np.tile(rows, 2)[order], np.tile(columns, 2)[order]
    summed = sparse.coo_array((halves, places), shape=X.shape)
    classifier = SparsemaxClassifier(alpha=1e-2).fit(summed, y)
    assert_same_model(classifier, SparsemaxClassifier(alpha=1e-2).fit(X, y))


@every_solver
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_float32_in_float32_out(iris, container, solver, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    single = container(X.astype(np.float32))
    classifier = SparsemaxClassifier(alpha=1e-2, solver=solver).fit(single, y)
    double = SparsemaxClassifier(alpha=1e-2, solver=solver).fit(container(X), y)
    assert classifier.coef_.dtype == classifier.intercept_.dtype == np.float64
    assert double.coef_.dtype == double.intercept_.dtype == np.float64
    methods = ("decision_function", "predict_proba", "predict_log_proba")
    for method in methods:
        assert getattr(classifier, method)(single).dtype == np.float32
        assert getattr(classifier, method)(container(X)).dtype == np.float64
        assert getattr(double, method)(single).dtype == np.float32
    assert type(classifier.objective_) is type(classifier.dual_gap_) is float
    assert abs(classifier.objective_ - double.objective_) <= 2e-4
    assert_allclose(classifier.predict_proba(single), double.predict_proba(X), atol=0.1)


@pytest.mark.parametrize("dtype", [int, np.int8, np.float16, bool])
def test_other_types_become_float64(few_rows, dtype):
    X, y = few_rows
    converted = (X > 2).astype(dtype) if dtype is bool else X.astype(dtype)
    classifier = SparsemaxClassifier(alpha=1e-2).fit(converted, y)
    assert classifier.coef_.dtype == np.float64
    expected = SparsemaxClassifier(alpha=1e-2).fit(converted.astype(float), y)
    assert_array_equal(classifier.coef_, expected.coef_)


@every_solver
def test_memory_layouts(few_rows, solver, tmp_path):
    X, y = few_rows
    expected = SparsemaxClassifier(alpha=1e-2, solver=solver).fit(X, y)
    read_only = X.copy()
    read_only.setflags(write=False)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    strided = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2]
    for other in (np.asfortranarray(X), read_only, mapped, strided):
        classifier = SparsemaxClassifier(alpha=1e-2, solver=solver).fit(other, y)
        assert_same_model(classifier, expected, rtol=1e-6)
        assert_allclose(classifier.predict_proba(other), expected.predict_proba(X), atol=1e-6)


def test_big_endian_features(few_rows):
    X, y = few_rows
    expected = SparsemaxClassifier().fit(X, y)
    swapped = SparsemaxClassifier().fit(X.astype(">f8"), y)
    assert_same_model(swapped, expected)


# --- starts -------------------------------------------------------------------------------


@every_solver
@pytest.mark.parametrize("n_classes", [2, 3])
def test_warm_start_saves_iterations(iris, solver, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    classifier = SparsemaxClassifier(alpha=1e-3, solver=solver, warm_start=True).fit(X, y)
    cold = classifier.n_iter_
    classifier.fit(X, y)
    assert classifier.n_iter_ <= 1 < cold
    classifier.set_params(alpha=1.02e-3).fit(X, y)
    assert classifier.n_iter_ < cold
    assert_allclose(
        classifier.objective_,
        SparsemaxClassifier(alpha=1.02e-3).fit(X, y).objective_,
        atol=1e-4,
    )


@every_solver
def test_cold_start_forgets(iris, solver):
    classifier = SparsemaxClassifier(alpha=1e-3, solver=solver).fit(*iris)
    first = classifier.coef_
    classifier.fit(*iris)
    assert_array_equal(classifier.coef_, first)


def test_warm_start_on_another_problem_starts_afresh(iris, binary):
    X, y = iris
    fresh = SparsemaxClassifier(alpha=1e-3)
    for other_X, other_y in (binary, (X[:, :2], y), (X, y + 1)):
        classifier = SparsemaxClassifier(alpha=1e-3, warm_start=True).fit(other_X, other_y)
        assert_same_model(classifier.fit(X, y), clone(fresh).fit(X, y))


@every_solver
@pytest.mark.parametrize("shift", [10, 1e6])
def test_warm_start_on_data_that_moved(iris, solver, shift):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-3, solver=solver, warm_start=True).fit(X, y)
    expected = classifier.objective_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.fit(X + shift, y)
    assert_allclose(classifier.objective_, expected, atol=1e-4)


# --- what scikit-learn's tools see --------------------------------------------------------


def test_feature_names(iris):
    pandas = pytest.importorskip("pandas")
    X, y = iris
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    frame = pandas.DataFrame(X, columns=names)
    classifier = SparsemaxClassifier().fit(frame, y)
    assert_array_equal(classifier.feature_names_in_, names)
    assert classifier.n_features_in_ == 4
    assert_array_equal(classifier.predict(frame), SparsemaxClassifier().fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(frame[names[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        classifier.predict(X)
    assert not hasattr(classifier.fit(X, y), "feature_names_in_")


def test_html_representation_links_the_documentation(iris):
    classifier = SparsemaxClassifier(alpha=0.25)
    link = (
        "https://github.com/sklearn-sparsemax/sklearn-sparsemax/blob/main/"
        "sklearn_sparsemax/linear_model/classifier.py"
    )
    for html in (classifier._repr_html_(), classifier.fit(*iris)._repr_html_()):
        assert f'href="{link}"' in html
        assert "SparsemaxClassifier" in html
        assert "0.25" in html


def test_representation():
    assert repr(SparsemaxClassifier(alpha=0.5)) == "SparsemaxClassifier(alpha=0.5)"


@pytest.mark.parametrize("n_classes", [2, 3])
def test_pickle(iris, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    classifier = SparsemaxClassifier().fit(X, y)
    again = pickle.loads(pickle.dumps(classifier))
    assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    assert again.get_params() == classifier.get_params()
    assert_array_equal(again.fit(X, y).coef_, classifier.coef_)


def test_tags():
    tags = SparsemaxClassifier().__sklearn_tags__()
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.sparse
    assert tags.classifier_tags.multi_class
    assert not tags.classifier_tags.multi_label
    assert not tags.input_tags.allow_nan


# --- warnings -----------------------------------------------------------------------------


@every_solver
def test_spent_iterations_warn_with_a_next_step(iris, solver):
    X, y = iris
    classifier = SparsemaxClassifier(solver=solver, max_iter=1)
    with pytest.warns(ConvergenceWarning) as record:
        classifier.fit(X, y)
    (warning,) = record
    words = str(warning.message)
    assert "SparsemaxClassifier stopped before its tolerance" in words
    assert f"solver='{solver}'" in words
    assert "max_iter=1 iterations are spent" in words
    assert f"within {classifier.dual_gap_:.2g} of its minimum" in words
    assert f"{classifier.objective_:.6g}" in words
    assert "Increase max_iter, alpha or tol" in words
    assert classifier.n_iter_ == 1
    assert classifier.dual_gap_ > 1e-4 / 3


@every_solver
def test_tolerance_out_of_reach_warns(iris, solver):
    with pytest.warns(ConvergenceWarning, match=r"no further decrease|rounding"):
        SparsemaxClassifier(solver=solver, tol=0).fit(*iris)


@every_solver
def test_converged_fits_are_silent(iris, solver, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SparsemaxClassifier(solver=solver).fit(*iris)
    assert capsys.readouterr() == ("", "")


def test_column_vector_y_warns_as_elsewhere(iris):
    X, y = iris
    with pytest.warns(UserWarning, match="column-vector y was passed"):
        classifier = SparsemaxClassifier().fit(X, y[:, None])
    assert_array_equal(classifier.coef_, SparsemaxClassifier().fit(X, y).coef_)


# --- errors -------------------------------------------------------------------------------

X4 = np.array([[0.0, 1], [1, 0], [2, 2], [3, 1]])
Y4 = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"alpha": -1}, r"'alpha' parameter .* must be a float in the range \[0.0, inf\)"),
        ({"alpha": "1"}, "'alpha' parameter"),
        ({"alpha": np.nan}, "'alpha' parameter"),
        ({"solver": "saga"}, "'solver' parameter .* must be a str among .*'lbfgs'.* Got 'saga'"),
        ({"tol": -1e-4}, "'tol' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"max_iter": 1.5}, "'max_iter' parameter"),
        ({"fit_intercept": "yes"}, "'fit_intercept' parameter"),
        ({"warm_start": 2.5}, "'warm_start' parameter"),
        ({"verbose": -1}, "'verbose' parameter"),
        ({"random_state": "seed"}, "'random_state' parameter"),
        ({"class_weight": "heavy"}, "'class_weight' parameter .* Got 'heavy'"),
        ({"class_weight": [1, 2]}, "'class_weight' parameter"),
        ({"class_weight": {2: 1.0}}, r"names the class 2, .* classes are \[0, 1\]"),
        ({"class_weight": {"0": 1.0}}, "names the class '0', which y does not hold"),
        ({"class_weight": {0: -1.0}}, "gives the class 0 the weight -1.0; .* 0 or more"),
        ({"class_weight": {0: np.nan}}, "gives the class 0 the weight nan; .* finite"),
        ({"class_weight": {0: np.inf}}, "gives the class 0 the weight inf; .* finite"),
        ({"class_weight": {0: "1"}}, "gives the class 0 the weight '1'"),
        ({"class_weight": {0: 0, 1: 0}}, "zero for every row"),
    ],
)
def test_bad_parameters(parameters, words):
    classifier = SparsemaxClassifier(**parameters)
    with pytest.raises(ValueError, match=words):
        classifier.fit(X4, Y4)
    assert not hasattr(classifier, "coef_")


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (X4, [1, 1, 1, 1], "y holds only one class, 1; a classifier needs at least two classes"),
        (X4, ["a"] * 4, "y holds only one class, 'a'"),
        (X4, [0.5, 1.5, 2.5, 0.1], "Unknown label type: continuous"),
        (X4, Y4[:3], r"inconsistent numbers of samples: \[4, 3\]"),
        (X4, np.eye(4), "y should be a 1d array"),
        (X4, [0, 1, np.nan, 1], "Input y contains NaN"),
        (X4, None, "requires y to be passed, but the target y is None"),
        (np.where(X4 == 3, np.nan, X4), Y4, "Input X contains NaN"),
        (np.where(X4 == 3, np.inf, X4), Y4, "Input X contains infinity"),
        (X4[:, 0], Y4, "Expected 2D array, got 1D array instead"),
        (X4[:0], Y4[:0], "Found array with 0 sample"),
        (X4[:, :0], Y4, "Found array with 0 feature"),
        (X4 + 1j, Y4, "Complex data not supported"),
        (sparse.csr_array(np.where(X4 == 3, np.nan, X4)), Y4, "Input X contains NaN"),
    ],
)
def test_bad_data(X, y, words):
    with pytest.raises(ValueError, match=words):
        SparsemaxClassifier().fit(X, y)


@pytest.mark.parametrize(
    ("sample_weight", "words"),
    [
        ([1, 1, 1, -0.5], r"sample_weight holds -0\.5; weights must be finite and 0 or more"),
        ([1, 1, 1, np.nan], "sample_weight holds nan"),
        ([1, 1, 1, np.inf], "sample_weight holds inf"),
        ([0, 0, 0, 0], "zero for every row; at least one row needs a positive weight"),
        ([1, 1, 1], r"sample_weight has the shape \(3,\); it must be \(4,\)"),
        (np.ones((4, 1)), r"sample_weight has the shape \(4, 1\)"),
        (2.0, r"sample_weight has the shape \(\)"),
    ],
)
def test_bad_sample_weights(sample_weight, words):
    with pytest.raises(ValueError, match=words):
        SparsemaxClassifier().fit(X4, Y4, sample_weight=sample_weight)


METHODS = [
    "decision_function",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "predict_support",
]


@pytest.mark.parametrize("method", METHODS)
def test_bad_data_at_prediction(method):
    classifier = SparsemaxClassifier()
    with pytest.raises(NotFittedError, match="SparsemaxClassifier instance is not fitted yet"):
        getattr(classifier, method)(X4)
    predict = getattr(classifier.fit(X4, Y4), method)
    with pytest.raises(
        ValueError, match="X has 3 features, but SparsemaxClassifier is expecting 2"
    ):
        predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        predict([[np.nan, 1]])
    with pytest.raises(ValueError, match="Expected 2D array"):
        predict([1.0, 2.0])


def test_failed_fit_leaves_the_previous_model(iris):
    classifier = SparsemaxClassifier().fit(*iris)
    before = classifier.predict_proba(iris[0])
    with pytest.raises(ValueError, match="only one class"):
        classifier.fit(iris[0], np.zeros(150, dtype=int))
    assert_array_equal(classifier.predict_proba(iris[0]), before)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "newton-cholesky", "sdca"])
def test_features_whose_squares_overflow_are_refused(solver, iris):
    X, y = iris
    with pytest.raises(ValueError, match="X holds values whose squares"):
        SparsemaxClassifier(solver=solver).fit(X * 1e200, y)

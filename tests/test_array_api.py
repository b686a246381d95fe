"""Estimators under `array_api_dispatch`: fitted and asked where the arrays of a user lie.

The tests of compliance are those that scikit-learn has for its LogisticRegression.
"""

from __future__ import annotations

import pickle
import warnings
from collections import Counter

import numpy as np
import pytest
import sklearn
from arrays import LIBRARIES, NEEDED, Library, is_of, library, moved_to_host, on_host
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from tables import ESTIMATORS

import sklearn_sparsemax as package
from sklearn_sparsemax import _arrays
from sklearn_sparsemax._kernels import array_rows

pytestmark = [
    *NEEDED,
    pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning"),
]
__all__ = ["library"]

BATCH = [case for case in ESTIMATORS if not case.is_stream]
METHODS = ("decision_function", "predict_proba", "predict_log_proba", "predict_support", "predict")
# of float32 and float64: rounding of the last digits, which the conditions of the problem enlarge
TOLERANCE = {"float32": 5e-3, "float64": 1e-5}


@pytest.fixture(autouse=True)
def dispatch():
    """Dispatch is on in all tests of this file."""
    with sklearn.config_context(array_api_dispatch=True):
        yield


@pytest.fixture(params=BATCH, ids=lambda case: case.name)
def case(request):
    """Each estimator that has a certificate."""
    return request.param


def fitted_on_host(model, *args, **options):
    """The model, fitted to arrays of NumPy without dispatch."""
    with sklearn.config_context(array_api_dispatch=False):
        return clone(model).fit(*args, **options)


def data_of(case, library):
    """Features and targets of the case, such that the type of the library holds them exactly."""
    X, y = case.data()
    if case.kind == "proportions":
        # multiples of 2^-10 sum to 1 in every type
        y = np.round(1024 * y) / 1024
        y[:, 0] += 1 - y.sum(axis=1)
    return X.astype(library.dtype), y


# products of "newton-cg" are in single precision, so that no two paths to a minimum are the same
@pytest.mark.parametrize(("solver", "tol"), [("lbfgs", 1e-8), ("newton-cg", 1e-10)])
def test_fits_equal_those_of_numpy(case, library, solver, tol):
    X, y = data_of(case, library)
    model = case.model(solver=solver, tol=tol)
    expected = fitted_on_host(model, X, y)
    X = library.array(X)
    model.fit(X, library.array(y))
    # F is strongly convex: so near to the minimum are both, and so near are they to each other
    distance = sum((2 * m.dual_gap_ / m.alpha) ** 0.5 for m in (model, expected))
    for name in ("coef_", "intercept_"):
        found = getattr(model, name)
        assert is_of(found, library)
        assert found.device == X.device
        assert on_host(found).dtype == np.float64
        difference = on_host(found) - getattr(expected, name)
        if library.dtype == "float64":
            assert np.abs(difference).max() <= 1e-5
        if name == "coef_":
            assert np.linalg.norm(difference) <= distance + 1e-12
    assert abs(model.objective_ - expected.objective_) <= max(model.dual_gap_, expected.dual_gap_)
    assert isinstance(model.objective_, float)
    assert isinstance(model.n_iter_, int)


def test_predictions_are_in_kind(case, library):
    X, y = data_of(case, library)
    X = library.array(X)
    model = case.model(solver="lbfgs", tol=1e-8).fit(X, library.array(y))
    moved = moved_to_host(model)
    for name in METHODS:
        if not hasattr(model, name):
            continue
        found = getattr(model, name)(X)
        assert is_of(found, library)
        assert found.device == X.device
        expected = getattr(moved, name)(on_host(X))
        assert isinstance(expected, np.ndarray)
        assert on_host(found).dtype == expected.dtype
        if name == "predict" and case.kind != "proportions":
            assert_array_equal(on_host(found), expected)
        elif name == "predict_support":
            assert (on_host(found) == expected).mean() > 0.99
        else:
            eps = np.finfo(library.dtype).eps
            assert_allclose(on_host(found), expected, rtol=1e4 * eps, atol=1e3 * eps)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("strings", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced", "dict"])
def test_compliance_of_classifiers(library, binary, strings, weighted, class_weight):
    data = load_iris()
    X = data.data.astype(library.dtype)
    codes = (data.target > 0).astype(int) if binary else data.target
    names = np.array(["setosa", "other", "unused"]) if binary else data.target_names
    y = names[codes] if strings else codes.astype(library.dtype)
    if class_weight == "dict":
        class_weight = {label: 1.0 + k for k, label in enumerate(np.unique(y).tolist())}
    weights = None
    if weighted:
        weights = np.random.default_rng(0).uniform(-1, 5, size=len(y)).clip(0, None)
        weights = weights.astype(library.dtype)
    options = {"alpha": 0.1, "solver": "lbfgs", "tol": 1e-12, "class_weight": class_weight}
    model = package.SparsemaxClassifier(**options)
    expected = fitted_on_host(model, X, y, sample_weight=weights)
    X_there = library.array(X)
    y_there = y if strings else library.array(y)
    weights_there = None if weights is None else library.array(weights)
    model.fit(X_there, y_there, sample_weight=weights_there)
    tolerance = TOLERANCE[library.dtype]
    for name in ("coef_", "intercept_"):
        assert_allclose(
            on_host(getattr(model, name)), getattr(expected, name), rtol=tolerance, atol=tolerance
        )
    p = model.predict_proba(X_there)
    assert_allclose(on_host(p), expected.predict_proba(X), rtol=tolerance, atol=tolerance)
    assert p.dtype == X_there.dtype
    found = model.predict(X_there)
    if strings:
        assert isinstance(model.classes_, np.ndarray)
        assert isinstance(found, np.ndarray)
    else:
        assert is_of(model.classes_, library)
        assert is_of(found, library)
        found = on_host(found)
    assert_array_equal(found, expected.predict(X))
    assert isinstance(model.score(X_there, y_there), float)


@pytest.mark.parametrize("empty", ["null", "drop", "uniform"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {1: 3.0}])
def test_label_sets(library, empty, class_weight):
    X, Y = next(case for case in BATCH if case.kind == "label sets").data()
    X = X.astype(library.dtype)
    options = {"alpha": 0.1, "empty": empty, "class_weight": class_weight, "tol": 1e-12}
    model = package.MultilabelSparsemaxClassifier(**options, solver="lbfgs")
    weights = np.random.default_rng(0).integers(3, size=len(Y)).astype(float)
    expected = fitted_on_host(model, X, Y, weights)
    for values in (library.array(Y), library.array(Y.astype(bool)), library.array(Y.astype(float))):
        model.fit(library.array(X), values, library.array(weights))
        tolerance = TOLERANCE[library.dtype]
        assert_allclose(on_host(model.coef_), expected.coef_, atol=tolerance)
        assert_allclose(model.threshold_, expected.threshold_, rtol=tolerance, atol=1e-6)
        agreement = on_host(model.predict(library.array(X))) == expected.predict(X)
        assert agreement.mean() > 0.99


def test_cuts_by_blocks_of_rows(library, monkeypatch):
    X, Y = next(case for case in BATCH if case.kind == "label sets").data()
    model = package.MultilabelSoftmaxClassifier(alpha=0.1, solver="lbfgs", tol=1e-10)
    whole = clone(model).fit(library.array(X), library.array(Y))
    monkeypatch.setattr(array_rows, "NUMBERS_PER_BLOCK", 23)
    blocks = model.fit(library.array(X), library.array(Y))
    assert_allclose(blocks.threshold_, whole.threshold_, rtol=1e-4)
    p = blocks.predict_proba(library.array(X))
    assert_allclose(on_host(p), on_host(whole.predict_proba(library.array(X))), atol=1e-4)


def test_warm_starts(case, library):
    X, y = data_of(case, library)
    model = case.model(solver="lbfgs", warm_start=True)
    model.fit(library.array(X), library.array(y))
    first = model.n_iter_
    model.fit(library.array(X), library.array(y))
    assert model.n_iter_ < max(first, 1)
    # from a model of NumPy too
    on_cpu = moved_to_host(model)
    on_cpu.coef_, on_cpu.intercept_ = on_host(model.coef_), on_host(model.intercept_)
    on_cpu.fit(library.array(X), library.array(y))
    assert on_cpu.n_iter_ < max(first, 1)
    assert is_of(on_cpu.coef_, library)


def test_targets_and_weights_follow_the_features(library):
    X, y = load_iris(return_X_y=True)
    weights = np.linspace(1, 2, len(y))
    model = package.SparsemaxClassifier(solver="lbfgs", alpha=0.1, tol=1e-10)
    expected = clone(model).fit(X, y, weights)
    for X_there, y_there, weights_there in (
        (library.array(X), y, weights),
        (library.array(X), y.tolist(), weights.tolist()),
        (X, library.array(y), library.array(weights)),
    ):
        found = clone(model).fit(X_there, y_there, weights_there)
        assert _arrays.is_beside(found.coef_, X_there)
        assert_allclose(on_host(found.coef_), expected.coef_, atol=TOLERANCE[library.dtype])


def test_penalties_of_zero(library):
    X, y = load_iris(return_X_y=True)
    y[::7] = (y[::7] + 1) % 3
    model = package.SparsemaxClassifier(0, tol=1e-6)
    expected = fitted_on_host(model, X, y)
    model.fit(library.array(X), library.array(y))
    assert model.dual_gap_ == np.inf
    assert_allclose(model.objective_, expected.objective_, rtol=1e-4)
    assert_allclose(on_host(model.coef_).sum(axis=0), 0, atol=1e-10)


# --- the certificate ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_certificates_are_valid(library, seed):
    """No model is better than `dual_gap_` says, and `objective_` is that of the stored model."""
    rng = np.random.default_rng(seed)
    case = BATCH[seed % len(BATCH)]
    n_rows, n_features = rng.integers(5, 60), rng.integers(1, 8)
    scale, offset = 10 ** rng.uniform(-3, 3, size=(2, n_features))
    X = rng.normal(size=(n_rows, n_features)) * scale + offset * rng.integers(2)
    X = X.astype(library.dtype)
    if case.kind == "classes":
        y = rng.integers(3, size=n_rows)
        y[:3] = range(3)
    elif case.kind == "label sets":
        y = rng.integers(2, size=(n_rows, 4))
    else:
        y = rng.integers(2, size=(n_rows, 4)) + np.eye(4)[0]
        y = np.exp2(np.floor(np.log2(y / y.sum(axis=1, keepdims=True) + 1e-9))) * (y > 0)
        y[:, 0] += 1 - y.sum(axis=1)
    weights = rng.uniform(0.1, 2, size=n_rows)
    options = {"alpha": 10.0 ** rng.uniform(-5, 1), "fit_intercept": bool(rng.integers(2))}
    if case.kind == "label sets":
        options["threshold"] = 0.5
    model = case.make(**options, tol=10.0 ** rng.uniform(-6, -1), max_iter=200)
    reference = case.make(**options, tol=1e-12, solver="newton-cholesky")
    X_there = library.array(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        reference = fitted_on_host(reference, X, y, weights)
        model.fit(X_there, library.array(y), _arrays.beside(weights, X_there))
    rounding = 1e-12 * max(1, reference.objective_)
    assert 0 <= model.dual_gap_ < np.inf
    assert model.objective_ - model.dual_gap_ <= reference.objective_ + rounding
    assert model.objective_ >= reference.objective_ - reference.dual_gap_ - rounding
    if case.kind == "classes":
        objective = model._objective_of(X_there, library.array(y), _arrays.beside(weights, X_there))
        rows = [on_host(model.coef_).T]
        if model.fit_intercept:
            rows.append(on_host(model.intercept_)[None])
        stored = _arrays.beside(np.vstack(rows), X_there)
        value, _ = objective.value_and_gradient(stored, objective.double)
        assert_allclose(value, model.objective_, rtol=1e-9)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
@pytest.mark.parametrize("tol", [1e-4, 1e-6])
def test_devices_without_double_precision(case, solver, tol):
    """There, single precision is all, and the gap is an estimate. Such are Apple's devices."""
    library = Library("array_api_strict", "no_float64", "float32")
    library.skip_if_missing()
    X, y = data_of(case, library)
    best = fitted_on_host(case.model(tol=1e-12, solver="newton-cholesky"), X, y)
    X = library.array(X)
    model = case.model(solver=solver, tol=tol).fit(X, library.array(y))
    for array in (model.coef_, model.intercept_, model.predict(X)):
        assert array.device == X.device
    assert on_host(model.coef_).dtype == np.float32
    assert abs(model.objective_ - best.objective_) <= model.dual_gap_ + 1e-6
    distance = (2 * (model.dual_gap_ + 1e-6) / model.alpha) ** 0.5
    assert np.linalg.norm(on_host(model.coef_) - best.coef_) <= distance


# --- transfers ------------------------------------------------------------------------------


class Transfers:
    """Counts what reaches the host from the devices of array_api_strict."""

    def __init__(self, monkeypatch):
        import array_api_strict

        self.scalars = 0
        self.arrays = Counter()
        array = array_api_strict._array_object.Array
        for name in ("__float__", "__int__", "__bool__", "__index__", "__complex__"):
            monkeypatch.setattr(array, name, self._counted(getattr(array, name)))
        original = array.to_device

        def to_device(this, device, /, **options):
            if device == array_api_strict.Device("CPU_DEVICE"):
                self.arrays[this.shape] += 1
            return original(this, device, **options)

        monkeypatch.setattr(array, "to_device", to_device)
        asarray = array_api_strict.asarray

        def counted_asarray(values, /, *args, device=None, **options):
            if isinstance(values, array) and device == array_api_strict.Device("CPU_DEVICE"):
                self.arrays[values.shape] += 1
            return asarray(values, *args, device=device, **options)

        monkeypatch.setattr(array_api_strict, "asarray", counted_asarray)
        for name in ("__dlpack__", "__array__", "__buffer__"):
            if hasattr(array, name):
                monkeypatch.setattr(array, name, self._whole(getattr(array, name)))

    def _counted(self, original):
        def count(this):
            assert this.shape == ()
            self.scalars += 1
            return original(this)

        return count

    def _whole(self, original):
        def count(this, *args, **options):
            if str(this.device) != "CPU_DEVICE" and "CPU" not in str(this.device):
                self.arrays[this.shape] += 1
            return original(this, *args, **options)

        return count


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("case", BATCH, ids=lambda case: case.name)
def test_only_scalars_and_small_matrices_reach_the_host(case, solver, monkeypatch):
    library = LIBRARIES[0]
    library.skip_if_missing()
    X, y = case.data()
    model = case.model(solver=solver, tol=1e-8)
    X, y = library.array(X), library.array(y)
    transfers = Transfers(monkeypatch)
    model.fit(X, y)
    # S g and Y g of the pairs of L-BFGS, at most 30
    assert all(len(shape) == 2 and shape[0] == 2 and shape[1] <= 30 for shape in transfers.arrays)
    assert sum(transfers.arrays.values()) <= 2 * model.n_iter_
    assert transfers.scalars > 0
    if solver == "newton-cg":
        assert not transfers.arrays
    transfers.arrays.clear()
    for name in METHODS:
        if hasattr(model, name):
            getattr(model, name)(X)
    assert not transfers.arrays


def test_transfers_are_noticed(monkeypatch):
    """The counter of the test above counts."""
    library = LIBRARIES[0]
    library.skip_if_missing()
    X = library.array(np.ones((3, 2)))
    transfers = Transfers(monkeypatch)
    on_host(X)
    assert transfers.arrays[(3, 2)] == 1
    float(X[0, 0])
    assert transfers.scalars == 1


# --- what is refused ------------------------------------------------------------------------


@pytest.fixture
def strict():
    """A library without requirements."""
    LIBRARIES[0].skip_if_missing()
    return LIBRARIES[0]


@pytest.mark.parametrize("solver", ["sdca", "sgd", "newton-cholesky"])
def test_solvers_of_numpy_alone(strict, solver):
    X, y = load_iris(return_X_y=True)
    model = package.SparsemaxClassifier(solver=solver)
    assert not model.__sklearn_tags__().array_api_support
    with pytest.raises(ValueError, match=f"solver='{solver}' takes arrays of NumPy and sparse"):
        model.fit(strict.array(X), strict.array(y))


@pytest.mark.parametrize(
    "make",
    [
        package.SGDSparsemaxClassifier,
        package.SparsemaxClassifierCV,
    ],
)
def test_estimators_of_numpy_alone(strict, make):
    X, y = load_iris(return_X_y=True)
    assert not make().__sklearn_tags__().array_api_support
    with pytest.raises(TypeError, match=f"{make.__name__} takes arrays of NumPy and sparse"):
        make().fit(strict.array(X), strict.array(y))
    model = make().fit(X, y)
    with pytest.raises(TypeError, match=f"{make.__name__} takes arrays of NumPy and sparse"):
        model.predict(strict.array(X))


@pytest.mark.parametrize("name", METHODS)
def test_predictions_for_another_library_or_device(strict, name):
    X, y = load_iris(return_X_y=True)
    there = package.SparsemaxClassifier().fit(strict.array(X), strict.array(y))
    here = package.SparsemaxClassifier().fit(X, y)
    other = Library("array_api_strict", "CPU_DEVICE", "float64").array(X)
    for model, rows in ((there, X), (there, X.tolist()), (there, other), (here, other)):
        with pytest.raises(ValueError, match=rf"SparsemaxClassifier.{name}\(\) must use the same"):
            getattr(model, name)(rows)
    with (
        sklearn.config_context(array_api_dispatch=False),
        pytest.raises(ValueError, match="array_api_dispatch=True"),
    ):
        getattr(there, name)(X)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_wrong_weights(strict, wrong):
    X, y = load_iris(return_X_y=True)
    weights = np.ones(len(y))
    weights[3] = wrong
    with pytest.raises(ValueError, match=f"sample_weight holds {wrong:g}; weights must be finite"):
        package.SparsemaxClassifier().fit(
            strict.array(X), strict.array(y), sample_weight=strict.array(weights)
        )
    with pytest.raises(ValueError, match=r"sample_weight has the shape \(5,\); it must be \(150"):
        package.SparsemaxClassifier().fit(
            strict.array(X), strict.array(y), sample_weight=strict.array(weights[:5])
        )
    with pytest.raises(ValueError, match="sample_weight, times class weights if any, is zero"):
        package.SparsemaxClassifier().fit(
            strict.array(X), strict.array(y), sample_weight=strict.array(0 * y)
        )


def test_wrong_targets(strict):
    X, y = load_iris(return_X_y=True)
    X = strict.array(X)
    with pytest.raises(ValueError, match=r"y holds only one class, 0"):
        package.SparsemaxClassifier().fit(X, strict.array(0 * y))
    Y = np.eye(3)[y]
    for values, message in (
        (2 * Y, "Row 0 of y sums to 2;"),
        (Y - np.eye(3)[(y + 1) % 3], "Row 0 of y holds -1;"),
    ):
        with pytest.raises(ValueError, match=message):
            package.SparsemaxRegressor().fit(X, strict.array(values))
    with pytest.raises(ValueError, match="y holds the value 2; an indicator"):
        package.MultilabelSparsemaxClassifier().fit(X, strict.array((2 * Y).astype(int)))
    with pytest.raises(ValueError, match="No row of y has a label"):
        package.MultilabelSparsemaxClassifier(empty="drop").fit(X, strict.array(0 * Y))
    with pytest.raises(ValueError, match=r"y has the shape \(150,\); it must hold proportions"):
        package.SparsemaxRegressor().fit(X, strict.array(y))


def test_features_that_are_too_large(strict):
    X, y = load_iris(return_X_y=True)
    X[3, 1] = 1e200
    with pytest.raises(ValueError, match="in column 1; scale the features to less than"):
        package.SparsemaxClassifier().fit(strict.array(X), strict.array(y))


def test_coefficients_of_other_libraries_do_not_become_sparse(strict):
    X, y = load_iris(return_X_y=True)
    model = package.SparsemaxClassifier().fit(strict.array(X), strict.array(y))
    with pytest.raises(TypeError, match="only NumPy's arrays become sparse"):
        model.sparsify()


def test_integers_become_floats(library):
    X, y = load_iris(return_X_y=True)
    X = (10 * X).astype(int)
    model = package.SparsemaxClassifier().fit(library.array(X), library.array(y))
    assert_allclose(on_host(model.coef_), fitted_on_host(model, X, y).coef_, atol=1e-2)


def test_warnings_name_the_scale(library):
    X, y = load_iris(return_X_y=True)
    X[:, 2] *= 1e7
    model = package.SparsemaxClassifier(1e-6, solver="lbfgs", max_iter=2)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="Column 2 of X varies"):
        model.fit(library.array(X), library.array(y))


def test_fitted_models_are_pickled_and_cloned(library):
    X, y = load_iris(return_X_y=True)
    model = package.SparsemaxClassifier().fit(library.array(X), library.array(y))
    clone(model)
    if library.name == "torch":
        again = pickle.loads(pickle.dumps(model))
        found, expected = (m.predict_proba(library.array(X)) for m in (again, model))
        assert_array_equal(on_host(found), on_host(expected))

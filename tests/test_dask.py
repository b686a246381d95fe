"""The estimators over partitions: the same answer as on one machine."""

from __future__ import annotations

import pickle
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

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
        # not by default: tests without it stay on threads, in whatever order they run
        distributed.Client(cluster, set_as_default=False) as client,
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
    # dual ascent takes different paths, and stops just below the tolerance; with a larger penalty
    # it gets there soon
    of_solver = {"alpha": 0.1, "tol": 1e-11} if options.get("solver") == "sdca" else {}
    options = {"alpha": 1e-2, "tol": 1e-8, "max_iter": 5000, **of_solver, **options}
    weights = weights if weighted else None
    one = getattr(plain, name)(**options).fit(X, y, weights)
    many = getattr(over, name)(client=client, **options)
    many.fit(
        blocks(X, sizes), blocks(y, sizes), None if weights is None else blocks(weights, sizes)
    )
    return one, many, (X, y, weights)


def assert_same(one, many, atol=1e-5):
    np.testing.assert_allclose(many.coef_, one.coef_, rtol=0, atol=atol)
    np.testing.assert_allclose(many.intercept_, one.intercept_, rtol=0, atol=atol)
    assert abs(many.objective_ - one.objective_) <= 1e-9
    assert many.alpha_ == pytest.approx(one.alpha_, rel=1e-12)
    # both certificates bound the distance from the same minimum
    assert many.objective_ - many.dual_gap_ <= one.objective_ + 1e-15
    assert one.objective_ - one.dual_gap_ <= many.objective_ + 1e-15


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "newton-cholesky", "sdca"])
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


@pytest.mark.parametrize("sizes", [(264,), (1, 263), (0, 100, 64, 0, 100)])
def test_any_partitions(sizes):
    one, many, _ = fitted_pair("SparsemaxClassifier", sizes=sizes, solver="lbfgs")
    assert_same(one, many)


@pytest.mark.parametrize(
    "options",
    [
        {"fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {"a": 2.0, "c": 0.5}},
        {"alpha": "auto"},
        {"alpha": "auto", "class_weight": "balanced"},
        {"class_weight": "balanced", "solver": "sdca"},
        {"fit_intercept": False, "solver": "sdca"},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_options(options, weighted):
    one, many, _ = fitted_pair("SparsemaxClassifier", weighted=weighted, **options)
    # with alpha="auto" the minimum is flatter
    assert_same(one, many, atol=1e-4 if options.get("alpha") == "auto" else 1e-5)


@pytest.mark.parametrize("empty", ["null", "drop", "uniform"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0}])
def test_label_sets(empty, class_weight):
    options = {"empty": empty, "class_weight": class_weight}
    one, many, (X, Y, weights) = fitted_pair("MultilabelSparsemaxClassifier", **options)
    assert_same(one, many)
    assert many.threshold_ == pytest.approx(one.threshold_, abs=1e-5)
    assert many.score(blocks(X), blocks(Y), blocks(weights)) == one.score(X, Y, weights)


def test_label_sets_of_a_sparse_y():
    X, Y, _ = data("MultilabelLogisticClassifier")
    Y = sparse.csr_array(Y)
    one = plain.MultilabelLogisticClassifier(0.01).fit(X, Y)
    many = over.MultilabelLogisticClassifier(0.01).fit(blocks(X), blocks(Y))
    assert sparse.issparse(many.predict(X))
    np.testing.assert_array_equal(stacked(many.predict(blocks(X))), one.predict(X).toarray())


def test_float32_and_outliers():
    X, y, _ = data("SparsemaxClassifier", dtype=np.float32)
    X[7] *= 1e5
    one = plain.SparsemaxClassifier(0.01, solver="newton-cg", tol=1e-8).fit(X, y)
    many = over.SparsemaxClassifier(0.01, solver="newton-cg", tol=1e-8).fit(blocks(X), blocks(y))
    assert many.objective_ == pytest.approx(one.objective_, abs=1e-6)
    assert many.predict_proba(X).dtype == np.float32


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "sdca"])
def test_partitions_that_are_loaded_for_each_pass(solver):
    X, y, weights = data("SparsemaxClassifier", is_sparse=True)
    data_of_blocks = blocks(X), blocks(y), blocks(weights)
    options = {"alpha": 0.1, "tol": 1e-6, "solver": solver, "random_state": 0}
    one, many = (
        over.SparsemaxClassifier(**options, persist=persist).fit(*data_of_blocks)
        for persist in (True, False)
    )
    np.testing.assert_allclose(many.coef_, one.coef_, rtol=0, atol=1e-9)
    assert many.dual_gap_ == pytest.approx(one.dual_gap_, abs=1e-12)
    assert many.n_iter_ == one.n_iter_


def test_collections():
    X, y, weights = data("SparsemaxClassifier")
    y = np.unique(y, return_inverse=True)[1]
    expected = plain.SparsemaxClassifier(0.01).fit(X, y, weights)
    lazy = da.from_array(X, chunks=(100, -1)), da.from_array(y, chunks=100)
    lazy_weights = da.from_array(weights, chunks=100)
    np.testing.assert_allclose(
        over.SparsemaxClassifier(0.01).fit(*lazy, lazy_weights).coef_, expected.coef_, atol=1e-9
    )
    with pytest.warns(UserWarning, match="y has other blocks than X"):
        model = over.SparsemaxClassifier(0.01).fit(lazy[0], lazy[1].rechunk(77), weights)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-9)
    unknown = [array[da.from_array(np.ones(len(X), bool), chunks=100)] for array in lazy]
    assert np.isnan(unknown[0].shape[0])
    model = over.SparsemaxClassifier(0.01).fit(*unknown)
    p = model.predict_proba(lazy[0])
    assert isinstance(p, da.Array)
    assert p.shape == (len(X), N_CLASSES)
    np.testing.assert_array_equal(p.compute(), model.to_local().predict_proba(X))
    assert model.predict(unknown[0]).compute().shape == (len(X),)
    assert model.score(*lazy) == model.to_local().score(X, y)


def test_dataframes():
    dd = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    X, y, weights = data("SparsemaxClassifier")
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    lazy = dd.from_pandas(frame.assign(y=y, w=weights), npartitions=3)
    model = over.SparsemaxClassifier(0.01).fit(lazy[list("abcdefg")], lazy["y"], lazy["w"])
    expected = plain.SparsemaxClassifier(0.01).fit(frame, y, weights)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-9)
    assert list(model.feature_names_in_) == list("abcdefg")
    np.testing.assert_array_equal(
        model.predict(lazy[list("abcdefg")]).compute(), expected.predict(frame)
    )


def test_to_local_pickles_and_clones(client):
    _, many, (X, *_) = fitted_pair("SparsemaxClassifier", client=client)
    local = many.to_local()
    assert type(local) is plain.SparsemaxClassifier
    assert local.get_params() == plain.SparsemaxClassifier(**local.get_params()).get_params()
    again = pickle.loads(pickle.dumps(many))
    assert again.client is None
    np.testing.assert_array_equal(again.predict_proba(X), local.predict_proba(X))
    copy = clone(many)
    assert copy.client is client
    assert not hasattr(copy, "coef_")


def test_warm_start():
    X, y, _ = data("SparsemaxClassifier")
    model = over.SparsemaxClassifier(0.01, solver="lbfgs", warm_start=True)
    first = model.fit(blocks(X), blocks(y)).n_iter_
    assert model.fit(blocks(X), blocks(y)).n_iter_ < first


def test_a_fit_that_stops_early_says_so():
    X, y, _ = data("SparsemaxClassifier")
    with pytest.warns(ConvergenceWarning, match="proven to lie within"):
        over.SparsemaxClassifier(1e-4, solver="lbfgs", max_iter=1).fit(blocks(X), blocks(y))


def test_verbose_reports_on_the_client(client, capsys):
    fitted_pair("SparsemaxClassifier", client=client, solver="lbfgs", verbose=1)
    assert "[lbfgs] The tolerance is met." in capsys.readouterr().out


X0, Y0, W0 = data("SparsemaxClassifier")
NAN = X0.copy()
NAN[-1, 0] = np.nan


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X0, Y0), TypeError, r"X is a ndarray; it must be a dask array"),
        ((blocks(NAN), blocks(Y0)), ValueError, r"Partition 6: Input X contains NaN"),
        ((blocks(X0), blocks(np.full(len(Y0), "b"))), ValueError, "only one class, 'b'"),
        ((blocks(X0), blocks(Y0)[:-1]), ValueError, "y has 6 blocks and X has 7"),
        (
            (blocks(X0), blocks(Y0, (99, 4, *SIZES[2:]))),
            ValueError,
            r"Partition \d: X has",
        ),
        ((blocks(X0), None), ValueError, "y is None"),
        (
            (blocks(X0), blocks(Y0), blocks(-1 - W0)),
            ValueError,
            r"Partition \d: sample_weight",
        ),
        ((blocks(X0), blocks(Y0), blocks(0 * W0)), ValueError, "is zero for every row"),
        ((blocks(X0[:0], [0]), blocks(Y0[:0], [0])), ValueError, "X has no row"),
        (([*blocks(X0)[:-1], delayed(X0[-30:, :3])], blocks(Y0)), ValueError, "Partition 0 of X"),
        (([], []), ValueError, "X is an empty list"),
        (
            (da.from_array(X0, chunks=(100, 4)), da.from_array(Y0, chunks=100)),
            ValueError,
            r"X has 2 blocks along its columns; .* X.rechunk\(\{1: -1\}\)",
        ),
        (
            (da.from_array(X0, chunks=(100, -1)), Y0[:-1]),
            ValueError,
            "X has 264 rows and y has 263",
        ),
        ((blocks(X0), blocks(np.linspace(0, 1, len(Y0)))), ValueError, "Unknown label type"),
    ],
    ids=range(14),
)
def test_errors_leave_the_estimator_as_it_was(arguments, error, message):
    model = over.SparsemaxClassifier(0.01)
    before = vars(model).copy()
    with pytest.raises(error, match=message):
        model.fit(*arguments)
    assert vars(model) == before


def test_errors_of_options():
    with pytest.raises(ValueError, match="'solver' parameter"):
        over.SparsemaxClassifier(solver="sgd").fit(blocks(X0), blocks(Y0))
    with pytest.raises(ValueError, match="class_weight names the class 'z'"):
        over.SparsemaxClassifier(class_weight={"z": 1}).fit(blocks(X0), blocks(Y0))
    with pytest.raises(ValueError, match="alpha > 0"):
        over.SparsemaxClassifier(0, solver="sdca").fit(blocks(X0), blocks(Y0))


def test_errors_at_prediction():
    model = over.SparsemaxClassifier(0.01).fit(blocks(X0), blocks(Y0))
    with pytest.raises(ValueError, match="X has 3 features"):
        stacked(model.predict(blocks(X0[:, :3])))
    with pytest.raises(NotFittedError):
        over.SparsemaxClassifier().predict(blocks(X0))


def test_classes_that_change_while_the_fit_runs(tmp_path):
    """A class that a partition did not have when it was first read is refused."""
    # a file, since another process may read the partition
    was_read, classes = tmp_path / "was_read", Y0

    def y_of_a_partition():
        if was_read.exists():
            return np.full(len(classes), "z")
        was_read.touch()
        return classes

    with pytest.raises(ValueError, match="Partition 0: y holds the class 'z'"):
        over.SparsemaxClassifier(0.01, persist=False).fit(
            [delayed(X0)], [delayed(y_of_a_partition, pure=False)()]
        )


def test_without_dask():
    code = (
        "import sys; sys.modules['dask'] = None\n"
        "try:\n    import sklearn_sparsemax.dask\n"
        "except ImportError as error:\n    print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "sklearn-sparsemax[dask]"' in found.stdout

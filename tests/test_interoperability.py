"""`SparsemaxClassifier` inside the tools of scikit-learn, joblib and pandas."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
import threadpoolctl
from numpy.testing import assert_allclose, assert_array_equal
from problems import fitted_coef
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine, make_multilabel_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    permutation_importance,
)
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    f1_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    LearningCurveDisplay,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    ValidationCurveDisplay,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sparsemax import (
    CalibratedSparsemaxClassifierCV,
    EntmaxClassifier,
    SparsemaxClassifier,
    SparsemaxClassifierCV,
)
from sklearn_sparsemax._kernels.blas import blas_threads_for

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


# --- model selection ----------------------------------------------------------------------


def test_pipeline(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), SparsemaxClassifier(alpha=1e-3))
    pipeline.fit(X, y, sparsemaxclassifier__sample_weight=np.ones(150))
    assert pipeline.score(X, y) > 0.95
    assert pipeline.predict_proba(X).shape == (150, 3)
    assert_array_equal(pipeline.classes_, [0, 1, 2])
    clone(pipeline).set_params(sparsemaxclassifier__alpha=0.1).fit(X, y)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_grid_search_with_every_joblib_backend(iris, backend):
    X, y = iris
    grid = {"alpha": [1e-3, 1.0], "solver": ["lbfgs", "newton-cholesky"]}
    folds = StratifiedKFold(3)
    expected = GridSearchCV(SparsemaxClassifier(), grid, cv=folds).fit(X, y)
    search = GridSearchCV(SparsemaxClassifier(), grid, cv=folds, error_score="raise")
    with joblib.parallel_backend(backend, n_jobs=2):
        search.fit(X, y)
    assert search.best_params_ == expected.best_params_
    scores = search.cv_results_["mean_test_score"]
    assert_array_equal(scores, expected.cv_results_["mean_test_score"])
    assert search.best_score_ > 0.9


def test_cross_validation_by_a_proper_score(iris):
    X, y = iris
    scoring = ("accuracy", "neg_brier_score" if _has_multiclass_brier() else "roc_auc_ovr")
    scores = cross_validate(SparsemaxClassifier(alpha=1e-3), X, y, scoring=scoring, cv=3)
    assert scores["test_accuracy"].mean() > 0.9
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in scoring)


def _has_multiclass_brier():
    return tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 7)


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "predict_log_proba"])
def test_cross_val_predict(iris, method):
    X, y = iris
    rows = StratifiedKFold(3)
    found = cross_val_predict(SparsemaxClassifier(alpha=1e-3), X, y, cv=rows, method=method)
    assert found.shape == (150, 3)
    for train, test in rows.split(X, y):
        classifier = SparsemaxClassifier(alpha=1e-3).fit(X[train], y[train])
        assert_array_equal(found[test], getattr(classifier, method)(X[test]))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibration(iris, method, n_classes):
    X, y = (array[iris[1] < n_classes] for array in iris)
    calibrated = CalibratedClassifierCV(SparsemaxClassifier(alpha=1e-2), method=method, cv=3)
    p = calibrated.fit(X, y).predict_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    assert calibrated.score(X, y) > 0.9


@pytest.mark.parametrize(
    "combine",
    [
        lambda classifier: BaggingClassifier(classifier, n_estimators=3, random_state=0),
        lambda classifier: VotingClassifier([("a", classifier), ("b", classifier)], voting="soft"),
        lambda classifier: StackingClassifier([("a", classifier)], classifier, cv=3),
        lambda classifier: OneVsRestClassifier(classifier),
        lambda classifier: make_pipeline(SelectFromModel(classifier), classifier),
    ],
    ids=["bagging", "voting", "stacking", "one-vs-rest", "selection"],
)
def test_combinations_of_models(iris, combine):
    X, y = iris
    # selection and one-vs-rest do not have the intercept or the classes to themselves
    assert combine(SparsemaxClassifier(alpha=1e-3)).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize(
    "combine",
    [
        lambda classifier: AdaBoostClassifier(classifier, n_estimators=3, random_state=0),
        lambda classifier: VotingClassifier([("a", classifier), ("b", classifier)], voting="hard"),
        lambda classifier: StackingClassifier([("a", classifier)], cv="prefit"),
        lambda classifier: OneVsOneClassifier(classifier),
        lambda classifier: OutputCodeClassifier(classifier, code_size=4, random_state=0),
        lambda classifier: make_pipeline(RFE(classifier, n_features_to_select=2), classifier),
        lambda classifier: make_pipeline(
            SequentialFeatureSelector(classifier, n_features_to_select=2, cv=2), classifier
        ),
    ],
    ids=["ada-boost", "hard-voting", "prefit-stacking", "one-vs-one", "codes", "rfe", "forward"],
)
def test_further_combinations_of_models(iris, combine):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-3).fit(X, y)
    assert combine(classifier).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("make", [SparsemaxClassifier, SparsemaxClassifierCV])
def test_rows_without_a_class(iris, make):
    """Self-training fits again and again, with rows that it has labelled itself."""
    X, y = iris
    partial = np.where(np.arange(150) % 3 == 0, y, -1)
    base = make(alpha=1e-2) if make is SparsemaxClassifier else make(5, cv=3, random_state=0)
    model = SelfTrainingClassifier(base, threshold=0.9).fit(X, partial)
    assert model.score(X, y) > 0.9
    assert (model.transduction_ >= 0).sum() > 50


@pytest.mark.parametrize("base", [SparsemaxClassifier(alpha=1e-2), EntmaxClassifier(alpha=1e-2)])
def test_label_sets_from_classifiers_of_one_label(base):
    X, Y = make_multilabel_classification(200, n_classes=3, random_state=0)
    for combine in (
        MultiOutputClassifier(base),
        ClassifierChain(base, cv=3, random_state=0),
        OneVsRestClassifier(base),
    ):
        model = combine.fit(X, Y)
        assert model.predict(X).shape == Y.shape
        assert f1_score(Y, model.predict(X), average="micro") > 0.75


def test_a_frozen_classifier_is_calibrated(iris):
    X, y = iris
    frozen = FrozenEstimator(SparsemaxClassifier(alpha=1e-2).fit(X[::2], y[::2]))
    methods = ["sigmoid", "isotonic"]
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8):
        methods.append("temperature")
    for method in methods:
        model = CalibratedClassifierCV(frozen, method=method).fit(X[1::2], y[1::2])
        assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        assert model.score(X, y) > 0.9
    ours = CalibratedSparsemaxClassifierCV(frozen).fit(X[1::2], y[1::2])
    assert ours.coverage(X, y)["coverage"] > 0.9


@pytest.mark.parametrize("search", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_halving_searches(iris, search):
    X, y = iris
    found = search(
        SparsemaxClassifier(), {"alpha": [1e-3, 1e-2, 0.1, 1]}, cv=3, random_state=0
    ).fit(X, y)
    assert found.score(X, y) > 0.85


def test_the_threshold_of_two_classes(iris):
    X, y = (array[iris[1] > 0] for array in iris)
    base = SparsemaxClassifier(alpha=1e-2)
    tuned = TunedThresholdClassifierCV(base, scoring="f1", cv=3, random_state=0).fit(X, y - 1)
    assert tuned.score(X, y - 1) > 0.9
    assert 0 < tuned.best_threshold_ < 1


def test_displays_of_scikit_learn(iris):
    plt = pytest.importorskip("matplotlib.pyplot")
    X, y = (array[iris[1] > 0] for array in iris)
    model = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    for display in (RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay, CalibrationDisplay):
        display.from_estimator(model, X, y)
    ConfusionMatrixDisplay.from_estimator(model, X, y)
    LearningCurveDisplay.from_estimator(model, X, y, cv=2, train_sizes=[0.5, 1.0], shuffle=True)
    ValidationCurveDisplay.from_estimator(
        model, X, y, param_name="alpha", param_range=[0.01, 0.1], cv=2
    )
    two = SparsemaxClassifier(alpha=1e-2).fit(X[:, :2], y)
    DecisionBoundaryDisplay.from_estimator(two, X[:, :2], response_method="predict_proba")
    PartialDependenceDisplay.from_estimator(model, X, [0, (1, 2)])
    plt.close("all")


def test_permutation_importance(iris):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-3).fit(X, y)
    importance = permutation_importance(classifier, X, y, n_repeats=3, random_state=0)
    assert importance.importances_mean[2:].max() > importance.importances_mean[:2].max()


def test_sparse_text_features():
    texts = ["red apple", "green apple", "red car", "fast car", "green pear", "fast train"] * 3
    kinds = ["fruit", "fruit", "vehicle", "vehicle", "fruit", "vehicle"] * 3
    pipeline = make_pipeline(TfidfVectorizer(), SparsemaxClassifier(alpha=1e-3))
    assert_array_equal(
        pipeline.fit(texts, kinds).predict(["green apple", "fast car"]), kinds[1:4:2]
    )


# --- pandas -------------------------------------------------------------------------------


def test_data_frames(iris):
    pandas = pytest.importorskip("pandas")
    X, y = iris
    frame = pandas.DataFrame(X, columns=list("abcd"))
    names = pandas.Series(np.array(["x", "y", "z"])[y])
    weights = pandas.Series(np.arange(1.0, 151))
    # an index is no order of rows
    frame.index = names.index = weights.index = np.arange(150)[::-1]
    classifier = SparsemaxClassifier(alpha=1e-3).fit(frame, names, sample_weight=weights)
    expected = SparsemaxClassifier(alpha=1e-3).fit(X, y, sample_weight=weights.to_numpy())
    assert_array_equal(classifier.feature_names_in_, list("abcd"))
    # pandas keeps columns together, in which order BLAS adds up
    assert_allclose(classifier.coef_, expected.coef_, rtol=1e-8)
    assert_array_equal(classifier.predict(frame), np.array(["x", "y", "z"])[expected.predict(X)])
    categories = names.astype("category")
    assert_array_equal(clone(classifier).fit(frame, categories).classes_, ["x", "y", "z"])


def test_data_frames_with_columns_of_several_types():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"colour": ["red", "green"] * 10, "size": np.arange(20), "big": np.arange(20) > 9}
    )
    y = np.arange(20) // 7
    pipeline = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough"),
        SparsemaxClassifier(alpha=1e-4),
    )
    assert pipeline.fit(frame, y).score(frame, y) > 0.8
    numbers = frame[["size", "big"]]
    expected = SparsemaxClassifier().fit(numbers.to_numpy(float), y)
    assert_allclose(SparsemaxClassifier().fit(numbers, y).coef_, expected.coef_)


# --- copies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model, protocol=5))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_predict_the_same(iris, copied):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-3).fit(X, y)
    assert_array_equal(copied(classifier).predict_proba(X), classifier.predict_proba(X))


def test_joblib_dump_and_memory_map(iris, tmp_path):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-3).fit(X, y)
    joblib.dump(classifier, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert_array_equal(mapped.predict_proba(X), classifier.predict_proba(X))


def test_clone_forgets_the_fit(iris):
    parameters = {"alpha": 0.5, "class_weight": {0: 2}, "solver": "lbfgs", "random_state": 3}
    copied = clone(SparsemaxClassifier(**parameters).fit(*iris))
    assert not hasattr(copied, "coef_")
    assert parameters.items() <= copied.get_params().items()


# --- metadata routing ---------------------------------------------------------------------


def test_sample_weight_is_routed(iris):
    X, y = iris
    weights = np.random.default_rng(0).exponential(size=150)
    folds = StratifiedKFold(3)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = SparsemaxClassifier(alpha=1e-2).set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        found = cross_validate(
            classifier,
            X,
            y,
            cv=folds,
            params={"sample_weight": weights},
            return_estimator=True,
        )
        for (train, test), score, model in zip(
            folds.split(X, y), found["test_score"], found["estimator"], strict=True
        ):
            expected = SparsemaxClassifier(alpha=1e-2)
            expected.fit(X[train], y[train], sample_weight=weights[train])
            assert_array_equal(model.coef_, expected.coef_)
            assert score == expected.score(X[test], y[test], sample_weight=weights[test])


def test_sample_weight_that_nobody_requested_is_refused(iris):
    X, y = iris
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), SparsemaxClassifier())
        with pytest.raises(ValueError, match="sample_weight"):
            pipeline.fit(X, y, sample_weight=np.ones(150))


# --- threads and processes ----------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
def test_fits_in_several_threads_equal_fits_alone(iris, solver):
    problems = [iris, load_wine(return_X_y=True), (iris[0][:, :2], iris[1])] * 4
    alone = [fitted_coef(X, y, solver) for X, y in problems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda problem: fitted_coef(*problem, solver), problems))
    for one, other in zip(alone, together, strict=True):
        # not to the bit: the order in which BLAS adds up follows the number of its threads,
        # which belongs to the process and changes where another fit ends
        assert_allclose(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("multiplications", [1e3, 1e9])
def test_threads_of_blas_are_restored_by_solves_that_overlap(multiplications):
    """Limits belong to the process: a solve must not restore those of another."""

    def blas_threads():
        libraries = threadpoolctl.ThreadpoolController().select(user_api="blas")
        return [library["num_threads"] for library in libraries.info()]

    first, second = blas_threads_for(multiplications), blas_threads_for(multiplications)
    before = blas_threads()
    # each in a thread of its own, and the first to begin is the first to end
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as another:
        one.submit(first.__enter__).result()
        during = blas_threads()
        another.submit(second.__enter__).result()
        one.submit(first.__exit__, None, None, None).result()
        another.submit(second.__exit__, None, None, None).result()
    assert blas_threads() == before
    if multiplications < 1e6:
        assert set(during) <= {1}


def test_one_model_predicts_in_several_threads(iris):
    X, y = iris
    classifier = SparsemaxClassifier(alpha=1e-3).fit(X, y)
    with ThreadPoolExecutor(4) as pool:
        for p in pool.map(lambda _: classifier.predict_proba(X), range(16)):
            assert_array_equal(p, classifier.predict_proba(X))


START_METHODS = [
    method for method in multiprocessing.get_all_start_methods() if method != "forkserver"
]


@pytest.mark.parametrize("method", START_METHODS)
def test_a_process_started_after_a_fit_can_fit(method):
    """In a process of its own, whose threads are those of this package alone."""
    code = """
        import multiprocessing
        from sklearn.datasets import load_iris
        from problems import fitted_coef

        if __name__ == "__main__":
            X, y = load_iris(return_X_y=True)
            tasks = [(X, y, solver) for solver in ("lbfgs", "newton-cholesky")]
            expected = [fitted_coef(*task) for task in tasks]
            with multiprocessing.get_context(METHOD).Pool(2) as pool:
                found = pool.starmap_async(fitted_coef, tasks).get(timeout=300)
            assert all((one == other).all() for one, other in zip(expected, found))
            print("same bits")
    """
    code = textwrap.dedent(code).replace("METHOD", repr(method))
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)]
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert result.stdout.strip() == "same bits", result.stderr

"""Paths of alphas: the grid, the scores of each fit, the choice, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from tables import ZERO_PROBABILITIES, label_sets

import sklearn_sparsemax as package
from sklearn_sparsemax import (
    EntmaxClassifier,
    EntmaxClassifierCV,
    MultilabelLogisticClassifier,
    MultilabelLogisticClassifierCV,
    MultilabelSparsemaxClassifierCV,
    SparsemaxClassifier,
    SparsemaxClassifierCV,
)
from sklearn_sparsemax._problem.progress import SILENT
from sklearn_sparsemax._solvers import sdca
from sklearn_sparsemax._solvers.path import PathSolver
from sklearn_sparsemax.linear_model._alpha_path import SHARE, largest_alpha
from sklearn_sparsemax.linear_model._base import SOLVERS

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ScoringMonitor = None

needs_callbacks = pytest.mark.skipif(
    ScoringMonitor is None, reason="scikit-learn has callbacks since version 1.9"
)

OF_LABELS = [
    getattr(package, f"Multilabel{name}ClassifierCV")
    for name in ("Sparsemax", "Softmax", "Entmax", "Logistic", "BinarySparsemax")
]


def digits(n_rows=400):
    X, y = load_digits(return_X_y=True)
    return X[:n_rows] / 16, y[:n_rows]


# --- the grid -------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [SparsemaxClassifierCV, EntmaxClassifierCV, *OF_LABELS])
def test_the_largest_alpha_leaves_little_to_gain(make):
    X, y = label_sets(200) if make in OF_LABELS else digits()
    model = make(alphas=4, ratio=1e-3, cv=2, random_state=0).fit(X, y)
    assert_allclose(model.alphas_[1:] / model.alphas_[:-1], 0.1)
    plain = model._plain().set_params(tol=1e-10)
    gains = []
    for factor in (1, 100):
        objective = plain.set_params(alpha=model.alphas_[0] / factor).fit(X, y).objective_
        without_features = clone(plain).fit(np.zeros_like(X), y).objective_
        unit = clone(plain)._objective_of(X, y, None).value_at_zero()
        gains.append((without_features - objective) / unit)
    assert 0 < gains[0] <= SHARE * (1 + 1e-6)
    assert gains[0] > SHARE / 4
    # a hundredth of it leaves much
    assert gains[1] > 4 * gains[0]


def test_features_that_say_nothing():
    y = np.arange(40) % 2
    model = SparsemaxClassifierCV(alphas=3).fit(np.zeros((40, 2)), y)
    assert_array_equal(model.coef_, 0)
    assert np.isfinite(model.alphas_).all()


def test_given_alphas_are_sorted_from_the_largest():
    X, y = load_iris(return_X_y=True)
    model = SparsemaxClassifierCV([0.1, 10, 1], random_state=0).fit(X, y)
    assert_array_equal(model.alphas_, [10, 1, 0.1])


# --- the fits -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "sdca"])
def test_each_fit_is_that_of_the_estimator_from_zero(solver):
    X, y = digits()
    options = {"solver": solver, "tol": 1e-6, "random_state": 0}
    alphas = [1, 0.1, 0.01, 1e-3]
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    model = SparsemaxClassifierCV(alphas, cv=folds, store_coefs=True, **options).fit(X, y)
    assert model.scores_["score"].shape == model.dual_gaps_.shape == (3, 4)
    assert model.coefs_paths_.shape == (3, 4, 10, 65)
    for f, (train, test) in enumerate(folds.split(X, y)):
        for a, alpha in enumerate(alphas):
            plain = SparsemaxClassifier(alpha, **options).fit(X[train], y[train])
            assert model.dual_gaps_[f, a] <= 1e-6 * 0.45
            path = model.coefs_paths_[f, a]
            assert_allclose(path[:, :-1], plain.coef_, atol=0.05 * np.abs(plain.coef_).max())
            score = plain.score(X[test], y[test])
            assert abs(model.scores_["score"][f, a] - score) <= 1 / len(test) + 1e-12
    best = np.argmax(model.scores_["score"].mean(axis=0))
    assert model.alpha_ == alphas[best]
    assert model.best_score_ == model.scores_["score"].mean(axis=0)[best]
    final = SparsemaxClassifier(model.alpha_, **options).fit(X, y)
    assert_array_equal(model.coef_, final.coef_)
    assert_array_equal(model.predict_proba(X), final.predict_proba(X))


def path_of(X, y, solver, **options):
    """A path and its objective."""
    model = SparsemaxClassifier(1.0)
    features, encoder, encoded = model._encode(X, y, None)
    objective = model._objective(
        features, encoded.targets, encoded.weights, encoder.reference_output
    )
    options = {"tol": 1e-4, "max_iter": 1000, **options}
    return PathSolver(objective, solver, SOLVERS[solver], **options), objective


def test_warm_starts_save_epochs():
    X, y = digits(1000)
    path, objective = path_of(X, y, "sdca", random_state=0)
    alphas = largest_alpha(objective) * np.geomspace(1, 1e-5, 20)
    warm = sum(path.solve(alpha, SILENT).n_iter for alpha in alphas)
    cold = sum(
        SparsemaxClassifier(alpha, solver="sdca", random_state=0).fit(X, y).n_iter_
        for alpha in alphas
    )
    assert warm < 0.8 * cold


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("growth", [1.0, 1.3, np.inf])
def test_the_next_start_of_dual_ascent(growth, fit_intercept):
    """Coefficients and distributions belong together, and grow as they are told to."""
    X, y = digits()
    _, objective = path_of(X, y, "sdca")
    dual = sdca.Dual(objective, np.zeros(objective.shape), None)
    dual.visit(np.arange(400))
    dual.use_double_precision()
    before = dual._coef()[:64]
    dual.move_to(0.5, growth)
    assert_allclose(dual._coef()[:64], min(growth, 2.0) * before, rtol=1e-10)
    P = dual.distributions()
    assert_allclose(P.sum(axis=1), 1)
    again = sdca.Dual(objective, np.zeros(objective.shape), P)
    assert_allclose(again._coef()[:64], dual._coef()[:64], atol=1e-5 * np.abs(before).max())
    assert_allclose(again.sigma, dual.sigma)


@pytest.mark.parametrize("shape", ["few coefficients", "many"])
def test_auto_goes_on_where_its_first_choice_ends_early(shape, monkeypatch):
    X, y = digits()
    X = X[:, 20:24] if shape == "few coefficients" else X
    path, objective = path_of(X, y, "auto", random_state=0, tol=1e-7)
    first = "newton_cg" if shape == "few coefficients" else "sdca"
    solver = path._first or path._dual.solve

    def stops_early(*args, **options):
        return solver(*args, **{**options, "max_iter": 2})

    if first == "sdca":
        monkeypatch.setattr(path._dual, "solve", stops_early)
    else:
        path._first = stops_early
    for alpha in (0.1, 0.01):
        solution = path.solve(alpha, SILENT)
        assert solution.converged
        assert solution.n_iter > 2
        assert solution.dual_gap <= 1e-7 * objective.value_at_zero()
    # not tried again
    assert path._first is None
    assert path._dual is None


def test_parts_of_a_path_are_joined():
    X, y = load_iris(return_X_y=True)
    alphas = np.geomspace(1, 1e-3, 23)
    folds = StratifiedKFold(2)
    model = SparsemaxClassifierCV(alphas, cv=folds, tol=1e-9, store_coefs=True).fit(X, y)
    assert [part.size for part in model._parts()] == [8, 8, 7]
    assert model.coefs_paths_.shape == (2, 23, 3, 5)
    train, _ = next(folds.split(X, y))
    for place in (0, 7, 8, 22):
        plain = SparsemaxClassifier(alphas[place], tol=1e-9).fit(X[train], y[train])
        found = model.coefs_paths_[0, place]
        assert_allclose(found[:, :-1], plain.coef_, atol=1e-3 * np.abs(plain.coef_).max())


def test_grid_search_finds_the_same():
    X, y = digits()
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    path = SparsemaxClassifierCV(8, cv=folds, tol=1e-8).fit(X, y)
    search = GridSearchCV(SparsemaxClassifier(tol=1e-8), {"alpha": path.alphas_}, cv=folds)
    search.fit(X, y)
    means = search.cv_results_["mean_test_score"]
    assert_allclose(path.scores_["score"].mean(axis=0), means, atol=1e-12)
    assert path.alpha_ == search.best_params_["alpha"]


def test_processes_and_copies_change_nothing():
    X, y = digits()
    models = [
        SparsemaxClassifierCV(3, cv=2, n_jobs=jobs, random_state=0).fit(X, y) for jobs in (1, 2)
    ]
    models.append(pickle.loads(pickle.dumps(models[0])))
    for model in models[1:]:
        assert_array_equal(model.scores_["score"], models[0].scores_["score"])
        assert_array_equal(model.coef_, models[0].coef_)
    assert_array_equal(clone(models[2]).fit(X, y).coef_, models[0].coef_)


def test_weights():
    X, y = digits()
    weights = np.where(np.arange(len(y)) % 3 > 0, 1.0, 1e-9)
    folds = KFold(2)
    model = SparsemaxClassifierCV([0.1, 0.01], cv=folds).fit(X, y, sample_weight=weights)
    train, test = next(folds.split(X))
    plain = SparsemaxClassifier(0.01).fit(X[train], y[train], sample_weight=weights[train])
    expected = plain.score(X[test], y[test], sample_weight=weights[test])
    assert_allclose(model.scores_["score"][0, 1], expected, atol=0.01)


# --- the choice -----------------------------------------------------------------------------


def test_one_standard_error_takes_the_strongest_penalty_that_is_near():
    X, y = digits()
    best = SparsemaxClassifierCV(10, random_state=0).fit(X, y)
    strong = clone(best).set_params(one_standard_error=True).fit(X, y)
    scores = best.scores_["score"]
    means = scores.mean(axis=0)
    error = scores[:, means.argmax()].std(ddof=1) / np.sqrt(5)
    near = means >= means.max() - error
    assert strong.alpha_ == best.alphas_[near].max() >= best.alpha_
    assert strong.best_score_ == means[near.argmax()]


def test_several_scorers_and_the_first_chooses():
    X, y = digits()
    names = ["f1_macro", "accuracy", "balanced_accuracy"]
    model = SparsemaxClassifierCV(5, scoring=names, random_state=0).fit(X, y)
    assert list(model.scores_) == names
    means = model.scores_["f1_macro"].mean(axis=0)
    assert model.alpha_ == model.alphas_[means.argmax()]
    by_function = SparsemaxClassifierCV(5, scoring=negative_norm, random_state=0).fit(X, y)
    assert by_function.alpha_ == by_function.alphas_[0]


def negative_brier(model, X, y):
    return -np.mean((model.predict_proba(X) - (y[:, None] == model.classes_)) ** 2)


def negative_norm(model, X, y):
    return -np.abs(model.coef_).sum()


def test_sparsity_is_chosen_too():
    X, y = digits()
    values = [1, 1.5, 2]
    model = EntmaxClassifierCV(4, entmax_alphas=values, scoring=negative_brier, random_state=0)
    model.fit(X, y)
    scores = model.scores_["score"]
    assert scores.shape == (3, 5, 4)
    member, place = np.unravel_index(scores.mean(axis=1).argmax(), (3, 4))
    assert (model.entmax_alpha_, model.alpha_) == (values[member], model.alphas_[place])
    final = EntmaxClassifier(model.alpha_, entmax_alpha=model.entmax_alpha_).fit(X, y)
    assert_array_equal(model.predict_proba(X), final.predict_proba(X))
    of_labels = package.MultilabelEntmaxClassifierCV([0.1, 0.01], entmax_alphas=[1, 2], cv=3)
    of_labels.fit(*label_sets(100))
    assert of_labels.scores_["f1_micro"].shape == (2, 3, 2)
    assert of_labels._loss.name == {1: "softmax", 2: "sparsemax"}[of_labels.entmax_alpha_]
    one = EntmaxClassifierCV(4, entmax_alphas=[1.5], random_state=0).fit(X, y)
    assert one.scores_["score"].shape == (5, 4)


def test_label_sets_are_scored_by_micro_f1():
    X, Y = label_sets(200)
    folds = KFold(2)
    model = MultilabelLogisticClassifierCV([1, 0.01], cv=folds).fit(X, Y)
    assert list(model.scores_) == ["f1_micro"]
    train, test = next(folds.split(X))
    plain = MultilabelLogisticClassifier(1).fit(X[train], Y[train])
    expected = f1_score(Y[test], plain.predict(X[test]), average="micro")
    assert_allclose(model.scores_["f1_micro"][0, 0], expected, atol=0.01)
    assert model.predict(X).shape == Y.shape
    assert model.threshold_ > 0


def test_progress_is_printed(capsys):
    X, y = load_iris(return_X_y=True)
    SparsemaxClassifierCV([1, 0.1], cv=2, verbose=1).fit(X, y)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[path]")]
    assert len(lines) == 4
    assert lines[0].startswith("[path] fold 1 of 2  alpha 1.000e+00")


# --- metadata -------------------------------------------------------------------------------


def test_groups_are_routed():
    X, y = digits()
    groups = np.arange(400) // 50
    folds = GroupKFold(4)
    with config_context(enable_metadata_routing=True):
        model = SparsemaxClassifierCV([0.1, 0.01], cv=folds).fit(X, y, groups=groups)
    expected = SparsemaxClassifierCV([0.1, 0.01], cv=list(folds.split(X, y, groups))).fit(X, y)
    assert_array_equal(model.scores_["score"], expected.scores_["score"])
    with pytest.raises(ValueError, match=r"fit was given \['groups'\], which needs metadata rou"):
        model.fit(X, y, groups=groups)
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(TypeError, match="unexpected argument"),
    ):
        SparsemaxClassifierCV(2).fit(X, y, unknown=groups)


@pytest.mark.parametrize("requested", [True, False])
def test_weights_of_scorers_are_routed(requested):
    X, y = digits()
    weights = np.random.default_rng(0).exponential(size=400)
    folds = KFold(2)
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=requested)
        model = SparsemaxClassifierCV([0.1], cv=folds, scoring={"mine": scorer})
        model.fit(X, y, sample_weight=weights)
        requests = clone(model).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), requests)
        pipeline.fit(X, y, sample_weight=weights)
    train, test = next(folds.split(X))
    plain = SparsemaxClassifier(0.1).fit(X[train], y[train], sample_weight=weights[train])
    of_test = {"sample_weight": weights[test]} if requested else {}
    expected = plain.score(X[test], y[test], **of_test)
    assert_allclose(model.scores_["mine"][0, 0], expected, atol=0.01)


# --- callbacks ------------------------------------------------------------------------------


class Recorder:
    """Keeps the tasks that begin and end."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.events.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context, *, X, y):
        self.events.append(("begin", context.task_name, len(X)))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(("end", context.task_name, fitted_estimator))


@needs_callbacks
def test_callbacks_see_the_search():
    X, y = load_iris(return_X_y=True)
    recorder = Recorder()
    model = SparsemaxClassifierCV([1, 0.1], cv=3, random_state=0).set_callbacks(recorder)
    model.fit(X, y)
    events = recorder.events
    assert events[0] == ("setup", "SparsemaxClassifierCV")
    assert events[1] == ("begin", "fit", 150)
    assert events[-1] == ("teardown", "SparsemaxClassifierCV")
    names = [event[1].split(",")[0] for event in events if event[0] == "begin"]
    path = ["alpha 1", "fit", "alpha 0.1", "fit"]
    # the iterations of each fit are within its task
    assert [name for name in names if not name.startswith("newton")] == [
        "fit",
        *("fold 1", *path, "fold 2", *path, "fold 3", *path),
        *("refit", "fit"),
    ]
    assert sum(name.startswith("newton") for name in names) >= 7
    hook, task, fitted = events[-2]
    assert (hook, task) == ("end", "fit")
    assert_array_equal(fitted.predict(X), model.predict(X))
    silent = SparsemaxClassifierCV([1, 0.1], cv=3, random_state=0).fit(X, y)
    assert_array_equal(model.coef_, silent.coef_)
    assert vars(silent).keys() | {"_skl_callbacks"} == vars(model).keys()


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_of_scikit_learn_reach_every_fit(n_jobs, capsys):
    X, y = load_iris(return_X_y=True)
    monitor = ScoringMonitor(scoring="accuracy")
    model = SparsemaxClassifierCV(
        [1, 0.1], cv=2, n_jobs=n_jobs, solver="lbfgs", random_state=0
    ).set_callbacks(monitor)
    model.fit(X, y)
    log = monitor.get_logs().data
    runs = {row["parent_task_id_path"] for row in log if row["task_name"] == "lbfgs iteration"}
    assert len(runs) == 2 * 2 + 1
    bar = SparsemaxClassifierCV([1, 0.1], cv=2, random_state=0).set_callbacks(ProgressBar())
    bar.fit(X, y)
    assert "SparsemaxClassifierCV - fit" in capsys.readouterr().out


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SparsemaxClassifierCV([]), "alphas is .*; it must be a number of alphas, or list"),
        (SparsemaxClassifierCV([0.1, 0]), "list finite numbers above 0"),
        (SparsemaxClassifierCV([np.inf]), "list finite numbers above 0"),
        (SparsemaxClassifierCV(0), "'alphas' parameter of SparsemaxClassifierCV"),
        (SparsemaxClassifierCV(ratio=1), "'ratio' parameter of SparsemaxClassifierCV"),
        (SparsemaxClassifierCV(scoring=[]), "scoring is empty"),
        (
            EntmaxClassifierCV(entmax_alphas=[0.5]),
            r"entmax_alphas is \[0.5\]; it must",
        ),
        (MultilabelSparsemaxClassifierCV(empty="keep"), "'empty' parameter of Multilabel"),
    ],
)
def test_wrong_parameters(model, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


# --- scikit-learn's checks ------------------------------------------------------------------

CHECKED = [
    SparsemaxClassifierCV(2, cv=2, random_state=0),
    EntmaxClassifierCV(2, cv=2, entmax_alphas=[1.5], random_state=0),
    *(make(2, cv=2, random_state=0) for make in OF_LABELS),
]


def expected_failures(estimator):
    is_of_labels = type(estimator) in OF_LABELS
    return ZERO_PROBABILITIES if is_of_labels and not estimator._loss.full_support else {}


@parametrize_with_checks(CHECKED, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)

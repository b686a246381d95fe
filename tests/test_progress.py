"""Progress of a fit: what is printed, and what scikit-learn's callbacks see and do."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import ESTIMATORS, SOLVERS

import sklearn_sparsemax
from sklearn_sparsemax import (
    MultilabelSparsemaxClassifier,
    SparsemaxClassifier,
    TunedMultilabelThresholdCV,
)
from sklearn_sparsemax._problem.progress import Progress
from sklearn_sparsemax._solvers import auto, sdca
from sklearn_sparsemax._solvers.solution import Tolerance
from sklearn_sparsemax.datasets import make_label_proportions

try:
    from sklearn.callback import ScoringMonitor
except ImportError:
    ScoringMonitor = None

needs_callbacks = pytest.mark.skipif(
    ScoringMonitor is None, reason="scikit-learn has callbacks since version 1.9"
)


def digits():
    X, y = load_digits(n_class=5, return_X_y=True)
    return X[:300] / 16, y[:300]


def label_sets():
    X, Y = make_multilabel_classification(80, n_features=8, n_classes=4, random_state=0)
    return X / 10, Y


def proportions():
    return make_label_proportions(60, n_classes=4, random_state=0)


class Case(NamedTuple):
    name: str
    solver: str
    data: tuple

    def model(self, **options):
        options = {"alpha": 1e-2, "tol": 1e-5, **options}
        if self.solver is not None:
            options["solver"] = self.solver
        if self.solver in (None, "auto", "sdca", "sgd"):
            options["random_state"] = 0
        return getattr(sklearn_sparsemax, self.name)(**options)


BATCH = [case for case in ESTIMATORS if not case.is_stream]
STREAMS = [case for case in ESTIMATORS if case.is_stream]
DATA = {"classes": digits, "label sets": label_sets, "proportions": proportions}

# the first estimator with every solver, the others with the one that is chosen for them
CASES = [Case(BATCH[0].name, solver, DATA[BATCH[0].kind]()) for solver in BATCH[0].solvers]
CASES += [Case("SparsemaxClassifier", "newton-cg", load_iris(return_X_y=True))]
CASES += [Case(case.name, "auto", DATA[case.kind]()) for case in BATCH[1:]]
for name in ("Sparsemax", "Softmax", "Logistic"):
    X, Y = label_sets()
    CASES += [Case(f"Multilabel{name}Classifier", "lbfgs", (X, Y))]
CASES += [Case("MultilabelSparsemaxClassifier", "sdca", (sparse.csr_array(X), sparse.csr_array(Y)))]
CASES += [Case("MultilabelSoftmaxClassifier", "auto", load_iris(return_X_y=True))]
CASES += [Case("SoftmaxRegressor", "newton-cholesky", proportions())]

CERTIFIED = list(CASES)
CASES += [Case(case.name, None, DATA[case.kind]()) for case in STREAMS]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.solver}")


every_certified_case = pytest.mark.parametrize(
    "case", CERTIFIED, ids=lambda case: f"{case.name}-{case.solver}"
)


class Event(NamedTuple):
    hook: str
    task: str
    depth: int
    given: tuple
    fitted: object


class Recorder:
    """Keeps what the hooks are given; may ask to stop after some iterations."""

    def __init__(self, stop_after=np.inf):
        self.events = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self._record("setup", context)

    def teardown(self, estimator, context):
        self._record("teardown", context)

    def on_fit_task_begin(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self._record("begin", context, (X, y, metadata), fitted_estimator)

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self._record("end", context, (X, y, metadata), fitted_estimator)
        return len(self.fitted) >= self.stop_after

    def _record(self, hook, context, given=(), fitted=None):
        depth = 0 if context.parent is None else 1
        self.events.append(Event(hook, context.task_name, depth, given, fitted))

    @property
    def fitted(self):
        """The model after each iteration."""
        ends = [event for event in self.events if event.hook == "end" and event.depth == 1]
        return [event.fitted for event in ends if event.fitted is not None]


class Blind(Recorder):
    """Does not ask for fitted estimators."""

    def on_fit_task_begin(self, estimator, context):
        self._record("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._record("end", context)


def fit(case, *callbacks, **options):
    model = case.model(**options)
    if callbacks:
        model.set_callbacks(*callbacks)
    return model.fit(*case.data)


def assert_same_model(one, other):
    assert_array_equal(one.coef_, other.coef_)
    assert_array_equal(one.intercept_, other.intercept_)
    assert one.n_iter_ == other.n_iter_
    for attribute in ("objective_", "dual_gap_", "threshold_", "t_", "loss_curve_"):
        assert getattr(one, attribute, None) == getattr(other, attribute, None)


# --- printed ------------------------------------------------------------------------------


def test_lines_are_printed_on_request(capsys):
    Progress().line("iteration %d", 3)
    assert capsys.readouterr().out == ""
    Progress(verbose=1).line("iteration %d", 3)
    assert capsys.readouterr().out == "iteration 3\n"


@every_case
def test_verbose(case, capsys):
    silent = fit(case)
    assert capsys.readouterr().out == ""
    model = fit(case, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("[") for line in lines)
    assert_same_model(model, silent)


@pytest.mark.skipif(ScoringMonitor is not None, reason="scikit-learn has callbacks")
def test_no_callbacks_before_scikit_learn_has_them():
    assert not hasattr(SparsemaxClassifier(), "set_callbacks")


# --- callbacks ----------------------------------------------------------------------------


@needs_callbacks
@every_case
def test_hooks_are_called_once_an_iteration(case):
    X, y = case.data
    recorder = Recorder()
    model = fit(case, recorder)
    hooks = [(event.hook, event.depth) for event in recorder.events]
    # an iteration that rounding ended led nowhere: its task ends without a model
    iterations = [("begin", 1), ("end", 1)]
    n_tasks = hooks.count(("begin", 1))
    assert n_tasks - model.n_iter_ in (0, 1)
    assert len(recorder.fitted) == model.n_iter_ > 1
    assert hooks == [
        ("setup", 0),
        ("begin", 0),
        *(n_tasks * iterations),
        ("end", 0),
        ("teardown", 0),
    ]
    names = {event.task for event in recorder.events if event.depth == 1}
    (name,) = names
    assert name.split()[0] in SOLVERS
    assert case.solver in ("auto", name.split()[0]) or (case.solver, name) == (None, "sgd epoch")
    for event in recorder.events[1:-1]:
        assert event.given[0] is X
        assert event.given[1] is y
        assert event.given[2] is None
    assert_same_model(recorder.events[-2].fitted, model)


@needs_callbacks
@every_case
def test_fitted_estimators_are_as_if_the_fit_had_stopped_there(case):
    recorder = Recorder()
    fit(case, recorder)
    begins = [e for e in recorder.events if e.hook == "begin" and e.depth == 1]
    assert [begin.fitted.n_iter_ for begin in begins] == list(range(len(begins)))
    for after, begin in zip(recorder.fitted, begins[1:], strict=False):
        # equal but for one change of precision between two epochs of "sdca"
        assert_allclose(begin.fitted.coef_, after.coef_, rtol=1e-5, atol=1e-5)
    for n_iter in {1, 2, len(recorder.fitted) - 1}:
        stopped = fit(case, Recorder(stop_after=n_iter))
        model = recorder.fitted[n_iter - 1]
        assert_same_model(model, stopped)
        ours, theirs = model.predict(case.data[0]), stopped.predict(case.data[0])
        assert type(ours) is type(theirs)
        assert abs(ours - theirs).sum() == 0


@needs_callbacks
@every_case
@pytest.mark.parametrize("callback", [Recorder, Blind])
def test_same_bits_with_and_without_callbacks(case, callback):
    model = fit(case)
    recorded = fit(case, callback())
    assert_same_model(model, recorded)
    assert vars(model).keys() | {"_skl_callbacks"} == vars(recorded).keys()


@needs_callbacks
@every_certified_case
def test_a_stop_is_a_certified_model_without_a_warning(case):
    optimum = fit(case)
    recorder = Recorder(stop_after=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = fit(case, recorder)
    assert model.n_iter_ == 2 < optimum.n_iter_
    assert_same_model(model, recorder.fitted[-1])
    lowest = model.objective_ - model.dual_gap_
    assert lowest <= optimum.objective_ <= model.objective_ + optimum.dual_gap_
    assert np.isfinite(lowest)


@needs_callbacks
@pytest.mark.parametrize("case", CASES[-2:], ids=lambda case: case.name)
def test_a_stop_of_stochastic_descent(case):
    recorder = Recorder(stop_after=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = fit(case, recorder)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert_same_model(model, recorder.fitted[-1])
    # what the callback was shown goes on from there alone
    before = model.coef_.copy()
    recorder.fitted[-1].partial_fit(*case.data)
    assert_array_equal(model.coef_, before)


@needs_callbacks
@every_certified_case
def test_no_certificate_that_nobody_asked_for(case, monkeypatch):
    calls = []
    certify = Tolerance.certify

    def counted(self, *arguments):
        calls.append(1)
        return certify(self, *arguments)

    monkeypatch.setattr(Tolerance, "certify", counted)
    counts = []
    for callbacks in ((), (Blind(),), (Recorder(),)):
        calls.clear()
        n_iter = fit(case, *callbacks).n_iter_
        counts.append(len(calls))
    without, blind, seen = counts
    assert without == blind
    assert seen >= without + 2 * n_iter


@needs_callbacks
def test_no_callback_no_bridge(monkeypatch):
    def fail(*arguments):
        raise AssertionError("nobody is to be told")

    monkeypatch.setattr("sklearn_sparsemax.linear_model._base.FitCallbacks", fail)
    fit(CASES[0])
    model = CASES[0].model().set_callbacks(Blind()).set_callbacks()
    model.fit(*CASES[0].data)


@needs_callbacks
@pytest.mark.parametrize("stop_after", [np.inf, 2, 6, 16])
def test_a_fit_that_is_handed_over(stop_after, monkeypatch):
    monkeypatch.setattr(auto, "_choose", lambda *_: sdca)
    monkeypatch.setattr(auto, "PATIENCE", 0.0)
    monkeypatch.setattr(auto, "DESCENT_PATIENCE", 0.0)
    monkeypatch.setattr(sdca, "PACE_EPOCHS", 2)
    case = Case("SparsemaxClassifier", "auto", digits())
    recorder = Recorder(stop_after=stop_after)
    model = fit(case, recorder, alpha=1e-5)
    names = [event.task for event in recorder.events if (event.hook, event.depth) == ("end", 1)]
    expected = 4 * ["sdca epoch"] + 10 * ["lbfgs iteration"]
    expected += max(model.n_iter_ - 14, 0) * ["newton-cg iteration"]
    assert names == expected[: model.n_iter_]
    assert model.n_iter_ == (stop_after if np.isfinite(stop_after) else len(names)) > 1
    assert [fitted.n_iter_ for fitted in recorder.fitted] == list(range(1, len(names) + 1))


@needs_callbacks
def test_sample_weight_is_metadata():
    X, y = digits()
    recorder = Recorder()
    weights = np.arange(y.size) % 3
    SparsemaxClassifier().set_callbacks(recorder).fit(X, y, weights)
    assert {id(event.given[2]["sample_weight"]) for event in recorder.events[1:-1]} == {id(weights)}


@needs_callbacks
def test_a_failing_callback_leaves_the_estimator_usable():
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("of the callback")

    failing = Failing()
    model = CASES[0].model().set_callbacks(failing)
    with pytest.raises(RuntimeError, match="of the callback"):
        model.fit(*CASES[0].data)
    assert [event.hook for event in failing.events][-1] == "teardown"
    assert_same_model(model.set_callbacks().fit(*CASES[0].data), fit(CASES[0]))


# --- scikit-learn's own -------------------------------------------------------------------


@needs_callbacks
@every_case
def test_scoring_monitor(case):
    X, y = case.data
    scoring = "r2" if "Regressor" in case.name else "accuracy"
    monitor = ScoringMonitor(scoring=scoring)
    model = fit(case, monitor)
    log = monitor.get_logs().data
    assert len(log) == model.n_iter_ + 1
    recorder = Recorder()
    fit(case, recorder)
    score = get_scorer(scoring)
    assert log[0][scoring] == score(model, X, y)
    assert [row[scoring] for row in log[1:]] == [score(seen, X, y) for seen in recorder.fitted]


@needs_callbacks
def test_data_frames_score_without_a_warning():
    pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    monitor = ScoringMonitor(scoring="neg_brier_score")
    model = SparsemaxClassifier(solver="lbfgs").set_callbacks(monitor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
    assert monitor.get_logs().data[-1]["task_name"].startswith("lbfgs iteration")


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_search_over_a_pipeline(n_jobs):
    X, y = load_iris(return_X_y=True)
    monitor = ScoringMonitor(scoring="accuracy")
    model = SparsemaxClassifier(solver="lbfgs").set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"sparsemaxclassifier__alpha": [1e-3, 1e-2]},
        cv=2,
        n_jobs=n_jobs,
    ).fit(X, y)
    fitted = search.best_estimator_[-1]
    log = monitor.get_logs().data
    runs = {row["parent_task_id_path"] for row in log if row["task_name"] == "lbfgs iteration"}
    assert len(runs) == 5
    refit = [row for row in log if row["task_id_path"][:2] == (0, 1)]
    assert len(refit) == fitted.n_iter_ + 1
    assert refit[0]["accuracy"] == search.score(X, y)


@needs_callbacks
def test_monitor_inside_a_meta_estimator_without_callbacks():
    X, Y = label_sets()
    monitor = ScoringMonitor(scoring="f1_micro")
    model = MultilabelSparsemaxClassifier(0.1).set_callbacks(monitor)
    tuned = TunedMultilabelThresholdCV(model, cv=3, random_state=0).fit(X, Y)
    ends = [log.data[0] for log in monitor.get_logs(select="all")]
    assert [end["task_name"] for end in ends] == 4 * ["fit"]
    assert ends[-1]["f1_micro"] == get_scorer("f1_micro")(tuned.estimator_, X, Y)


@needs_callbacks
@every_case
def test_progress_bar(case, capsys, monkeypatch):
    rich = pytest.importorskip("rich")
    # a console made by an earlier test would keep its own width
    monkeypatch.setattr(rich, "_console", None)
    monkeypatch.setenv("COLUMNS", "300")
    from sklearn.callback import ProgressBar

    pipeline = make_pipeline(StandardScaler(with_mean=False), clone(case.model()))
    pipeline.set_callbacks(ProgressBar()).fit(*case.data)
    out = capsys.readouterr().out
    assert f"{case.name} - fit" in out
    assert "100%" in out

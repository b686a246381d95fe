"""The estimators of data that arrive in pieces."""

from __future__ import annotations

import pickle
import warnings
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from test_progress import Recorder

from sklearn_sparsemax import (
    MultilabelSparsemaxClassifier,
    SGDMultilabelSparsemaxClassifier,
    SGDSparsemaxClassifier,
    SparsemaxClassifier,
)

SINGLE, MULTI = SGDSparsemaxClassifier, SGDMultilabelSparsemaxClassifier


def digits(n_rows=400, dtype=np.float64):
    X, y = load_digits(return_X_y=True)
    return (X[:n_rows] / 16).astype(dtype), y[:n_rows]


def label_sets(n_rows=300):
    X, Y = make_multilabel_classification(n_rows, n_classes=5, length=150, random_state=0)
    return X / X.std(axis=0), Y


CASES = {
    "classes": (SINGLE, *digits()),
    "two classes": (SINGLE, digits()[0], digits()[1] > 4),
    "sparse": (SINGLE, sparse.csr_array(digits()[0]), digits()[1]),
    "strings": (SINGLE, digits()[0], np.array(list("abcdefghij"))[digits()[1]]),
    "label sets": (MULTI, *label_sets()),
    "sparse label sets": (MULTI, *map(sparse.csr_matrix, label_sets())),
    "classes of the other": (MULTI, *digits()),
}
every_case = pytest.mark.parametrize(("estimator", "X", "y"), CASES.values(), ids=CASES)


def classes_of(y):
    return np.unique(y) if not sparse.issparse(y) and y.ndim == 1 else None


def stream(model, X, y, bounds, sample_weight=None):
    for start, stop in pairwise(bounds):
        weight = None if sample_weight is None else sample_weight[start:stop]
        rows = slice(start, stop)
        model.partial_fit(X[rows], y[rows], classes=classes_of(y), sample_weight=weight)
    return model


def same(one, other):
    assert_array_equal(one.coef_, other.coef_)
    assert_array_equal(one.intercept_, other.intercept_)
    assert one.t_ == other.t_
    if getattr(one, "multilabel_", False):
        assert one.threshold_ == other.threshold_


# --- fit ----------------------------------------------------------------------------------


def objective(model, X, y):
    reference = SparsemaxClassifier(alpha=model.alpha, max_iter=1, warm_start=True)
    reference.classes_, reference.coef_, reference.intercept_ = (
        model.classes_,
        model.coef_.astype(np.float64),
        model.intercept_.astype(np.float64),
    )
    scores = reference.decision_function(X.astype(np.float64))
    from sklearn_sparsemax import sparsemax_loss

    loss = sparsemax_loss(scores, np.searchsorted(model.classes_, y))
    return loss + 0.5 * model.alpha * (reference.coef_**2).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_defaults_come_close_in_few_epochs(dtype):
    X, y = digits(1797, dtype)
    least = SparsemaxClassifier(tol=1e-8).fit(X.astype(np.float64), y).objective_
    for max_iter, excess in ((20, 1e-2), (100, 1e-3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = SINGLE(max_iter=max_iter, random_state=0).fit(X, y)
        assert objective(model, X, y) <= (1 + excess) * least
        assert model.coef_.dtype == model.intercept_.dtype == dtype


@pytest.mark.parametrize("alpha", [1e-3, 1e-1])
def test_label_sets_come_to_the_batch_minimum(alpha):
    X, Y = label_sets()
    batch = MultilabelSparsemaxClassifier(alpha=alpha, empty="drop", tol=1e-8).fit(X, Y)
    model = MULTI(alpha=alpha, empty="drop", tol=1e-8, random_state=0).fit(X, Y)
    assert_allclose(model.predict_proba(X), batch.predict_proba(X), atol=0.01)
    assert_allclose(model.threshold_, batch.threshold_, atol=0.01)


@every_case
def test_attributes(estimator, X, y):
    model = estimator(max_iter=7, tol=None, random_state=0).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.t_ == 7 * X.shape[0]
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.n_features_in_ == X.shape[1]
    assert model.predict(X).shape == y.shape
    scores = model.decision_function(X)
    assert_allclose(scores, (X @ model.coef_.T + model.intercept_)[:, : scores[0].size].squeeze())


def test_the_loss_curve_is_that_before_each_visit():
    X, y = digits(3)
    model = SINGLE(shuffle=False, max_iter=1, tol=None).fit(X[:2], [0, 1])
    # two rows: the first meets the all-zero model, whose loss is 1/4
    assert model.loss_curve_[0] > 0.125
    model = SINGLE().partial_fit(X[:1], y[:1], classes=range(10))
    assert_allclose(model.loss_curve_, 0.45)


@pytest.mark.parametrize("estimator", [SINGLE, MULTI])
@pytest.mark.parametrize("learning_rate", ["optimal", "constant", "invscaling"])
@pytest.mark.parametrize("eta0", [None, 1e-2, 1e3])
def test_learning_rates(estimator, learning_rate, eta0):
    X, y = digits() if estimator is SINGLE else label_sets()
    model = estimator(learning_rate=learning_rate, eta0=eta0, max_iter=5, tol=None, random_state=0)
    fitted = model.fit(X, y)
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    streamed = stream(clone(model), X, y, [0, 100, len(X)])
    if eta0 != 1e3:
        assert streamed.loss_curve_[1] < streamed.loss_curve_[0]
    assert np.isfinite(streamed.coef_).all()


def test_average_or_last():
    X, y = digits()
    average, last = (stream(SINGLE(average=average), X, y, [0, 400]) for average in (True, False))
    assert np.any(average.coef_ != last.coef_)
    # the same descent, read in two ways
    assert_array_equal(average.set_params(average=False).coef_, last.coef_)


def test_random_state_and_shuffle():
    X, y = digits()
    options = {"max_iter": 3, "tol": None}
    one, again, other = (SINGLE(random_state=seed, **options).fit(X, y) for seed in (0, 0, 1))
    same(one, again)
    assert np.any(one.coef_ != other.coef_)
    same(*(SINGLE(shuffle=False, random_state=seed, **options).fit(X, y) for seed in (0, 1)))


def test_stops_when_the_loss_falls_no_more():
    X, y = digits()
    long, short = (SINGLE(tol=tol, random_state=0).fit(X, y) for tol in (1e-6, 1e-2))
    assert short.n_iter_ < long.n_iter_ < 1000
    sooner = SINGLE(tol=1e-2, n_iter_no_change=1, random_state=0).fit(X, y)
    assert sooner.n_iter_ < short.n_iter_
    with pytest.warns(ConvergenceWarning, match="stopped at max_iter=2 epochs while the mean loss"):
        SINGLE(max_iter=2).fit(X, y)


@pytest.mark.parametrize("estimator", [SINGLE, MULTI])
def test_early_stopping_watches_rows_held_out(estimator):
    X, y = digits() if estimator is SINGLE else label_sets()
    model = estimator(alpha=1e-6, early_stopping=True, tol=1e-3, random_state=0).fit(X, y)
    assert model.n_iter_ < 1000
    assert model.t_ == model.n_iter_ * round(0.9 * len(X))
    with pytest.raises(ValueError, match=r"validation_fraction=0.1 of the 4 rows leaves 0 held"):
        model.fit(X[:4], y[:4])


def test_warm_start():
    X, y = digits()
    model = SINGLE(warm_start=True, random_state=0).fit(X, y)
    first = model.loss_curve_
    assert model.fit(X, y).loss_curve_[0] < 0.5 * first[0]
    assert model.set_params(warm_start=False).fit(X, y).loss_curve_ == first


def test_class_weights():
    X, y = digits()
    y = (y == 3).astype(int)
    heavy = {1: 20.0}
    plain, weighted = (SINGLE(class_weight=w, random_state=0).fit(X, y) for w in (None, heavy))
    assert weighted.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()
    by_rows = SINGLE(random_state=0).fit(X, y, sample_weight=np.where(y == 1, 20.0, 1.0))
    assert_allclose(by_rows.coef_, weighted.coef_, rtol=1e-9)
    streamed = stream(SINGLE(class_weight=heavy), X, y, [0, 400])
    same(streamed, stream(SINGLE(), X, y, [0, 400], np.where(y == 1, 20.0, 1.0)))


# --- streams ------------------------------------------------------------------------------


@every_case
def test_a_stream_is_the_same_however_it_is_cut(estimator, X, y):
    n_rows = 60
    X, y = X[:n_rows], y[:n_rows]
    whole = stream(estimator(), X, y, [0, n_rows])
    same(whole, stream(estimator(), X, y, range(n_rows + 1)))
    same(whole, stream(estimator(), X, y, [0, 1, 17, 18, 49, n_rows]))
    assert whole.t_ == n_rows


def test_looking_at_a_stream_changes_nothing():
    X, y = label_sets()
    watched = MULTI()
    for row in range(40):
        watched.partial_fit(X[[row]], y[[row]])
        watched.predict(X)
    same(watched, stream(MULTI(), X[:40], y[:40], [0, 40]))


@pytest.mark.parametrize("case", ["classes", "sparse label sets"])
def test_a_stream_goes_on_after_fit_and_in_a_copy(case):
    estimator, X, y = CASES[case]
    model = estimator(max_iter=5, tol=None, random_state=0).fit(X, y)
    before, t = model.coef_.copy(), model.t_
    copies = deepcopy(model), pickle.loads(pickle.dumps(model))
    model.partial_fit(X[:50], y[:50])
    assert model.t_ == t + 50
    # it starts where fit has ended, not anew
    assert np.abs(model.coef_ - before).max() < 0.5 * np.abs(before).max()
    for copy in copies:
        assert_array_equal(copy.coef_, before)
        same(copy.partial_fit(X[:50], y[:50]), model)


def test_fit_forgets_a_stream():
    X, y = digits()
    model = SINGLE(max_iter=3, tol=None, random_state=0)
    fresh = clone(model).fit(X, y)
    same(model.partial_fit(X[:100], y[:100] % 5, classes=range(5)).fit(X, y), fresh)


def test_one_pass_comes_near_the_batch_minimum():
    X, y = digits(1797)
    order = np.random.default_rng(0).permutation(1797)
    train, test = order[:1300], order[1300:]
    model = stream(SINGLE(), X[train], y[train], range(0, 1301, 100))
    batch = SparsemaxClassifier().fit(X[train], y[train])
    assert model.score(X[test], y[test]) > batch.score(X[test], y[test]) - 0.03
    X, Y = label_sets(3000)
    train, test = slice(0, 2000), slice(2000, None)
    model = stream(MULTI(alpha=1e-2), X[train], Y[train], range(0, 2001, 100))
    batch = MultilabelSparsemaxClassifier(alpha=1e-2).fit(X[train], Y[train])
    ours, theirs = (f1_score(Y[test], m.predict(X[test]), average="micro") for m in (model, batch))
    assert ours > theirs - 0.02


def test_rows_of_no_weight_are_no_rows():
    X, y = digits(60)
    weight = np.tile([1.0, 0.0, 2.0], 20)
    kept = weight > 0
    with_them = stream(SINGLE(), X, y, [0, 30, 60], weight)
    without = stream(SINGLE(), X[kept], y[kept], [0, 20, 40], weight[kept])
    same(with_them, without)
    before = deepcopy(with_them)
    same(with_them.partial_fit(X, y, sample_weight=np.zeros(60)), before)
    assert with_them.loss_curve_ == before.loss_curve_


def test_only_the_proportions_of_weights_matter():
    X, y = digits(60)
    weight = np.random.default_rng(0).exponential(size=60)
    one, other = (stream(SINGLE(), X, y, [0, 60], w) for w in (weight, 1000 * weight))
    assert_allclose(other.coef_, one.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_features_of_any_scale(scale):
    X, y = digits(1000)
    model = stream(SINGLE(alpha=1e-4 * scale**2), scale * X, y, range(0, 1001, 100))
    reference = stream(SINGLE(), X, y, range(0, 1001, 100))
    assert_allclose(model.loss_curve_, reference.loss_curve_, rtol=1e-6)


def test_features_of_different_scales_bring_no_divergence():
    X, y = digits(1000)
    X = X * 10.0 ** np.random.default_rng(0).uniform(-3, 3, size=64)
    streamed = stream(SINGLE(), X, y, range(0, 1001, 250))
    assert np.isfinite(streamed.coef_).all()
    assert streamed.loss_curve_[-1] < streamed.loss_curve_[0]
    fitted = SINGLE(max_iter=20, tol=None, random_state=0).fit(X, y)
    assert np.isfinite(fitted.coef_).all()
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[4] < fitted.loss_curve_[0]


def test_the_first_rows_decide_the_type():
    X, y = digits(60, np.float32)
    model = stream(SINGLE(), X, y, [0, 30])
    model.partial_fit(X[30:].astype(np.float64), y[30:])
    same(model, stream(SINGLE(), X, y, [0, 60]))
    assert model.coef_.dtype == np.float32


def test_a_class_that_never_appears():
    X, y = digits(300)
    model = SINGLE()
    model.partial_fit(X, y % 3, classes=range(4))
    assert model.coef_.shape == (4, 64)
    assert not (model.predict(X) == 3).any()
    assert model.predict_proba(X)[:, 3].mean() < 0.05


def test_rows_without_labels_may_come_late():
    X, Y = label_sets()
    model = MULTI().partial_fit(X[:50], np.ones_like(Y[:50]))
    assert model.coef_.shape[0] == 6
    model.partial_fit(X[50:], np.zeros_like(Y[50:]))
    assert model.predict_proba(X[50:]).sum(axis=1).mean() < 0.5
    assert MULTI(empty="drop").partial_fit(X, Y).t_ == (Y.sum(axis=1) > 0).sum()
    assert MULTI(empty="uniform").partial_fit(X, Y).t_ == len(Y)


def test_the_threshold_is_that_of_the_last_rows():
    X, Y = label_sets(2600)
    model = stream(MULTI(), X, Y, [0, 300, 2500, 2600])
    predicted = model.predict_proba(X[-1000:]) > model.threshold_
    assert abs(predicted.sum() - Y[-1000:].sum()) <= 2
    fixed = stream(MULTI(threshold=0.3), X, Y, [0, 100])
    assert fixed.threshold_ == 0.3


def test_containers_of_predictions():
    X, Y = label_sets()
    assert isinstance(MULTI().partial_fit(X, sparse.csc_matrix(Y)).predict(X), sparse.csc_matrix)
    assert isinstance(MULTI().partial_fit(X, Y).predict(X), np.ndarray)


# --- what is refused ----------------------------------------------------------------------


def nan_in_the_middle(X):
    X = X.toarray() if sparse.issparse(X) else X.copy()
    X[X.shape[0] // 2, 0] = np.nan
    return X


def bad_chunks(X, y):
    n_rows = X.shape[0]
    weight = np.ones(n_rows)
    yield "NaN", (nan_in_the_middle(X), y), {}
    yield "features", (X[:, :-1], y), {}
    yield "minimum of 1 is required", (X[:0], y[:0]), {}
    yield "inconsistent", (X, y[:-1]), {}
    yield "shape", (X, y), {"sample_weight": weight[:-1]}
    yield "0 or more", (X, y), {"sample_weight": -weight}
    yield "finite", (X, y), {"sample_weight": np.inf * weight}


@every_case
@pytest.mark.parametrize("first", [True, False], ids=["first chunk", "later chunk"])
def test_a_refused_chunk_leaves_nothing_behind(estimator, X, y, first):
    model = estimator()
    if not first:
        stream(model, X, y, [0, 50])
    before = pickle.dumps(model)
    for message, chunk, options in bad_chunks(X[50:80], y[50:80]):
        if first and message == "features":
            continue
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*chunk, classes=classes_of(y), **options)
        assert pickle.dumps(model) == before


@pytest.mark.parametrize(("dtype", "scale"), [(np.float64, 1e200), (np.float32, 1e25)])
def test_features_whose_squares_overflow_are_refused(dtype, scale):
    X, y = digits(20)
    X = (X * scale).astype(dtype)
    message = f"squares are beyond the range of {np.dtype(dtype)}"
    with pytest.raises(ValueError, match=message):
        SINGLE().partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match=message), np.errstate(over="ignore"):
        SINGLE().fit(X, y)


def test_classes_are_checked():
    X, y = digits(50)
    with pytest.raises(ValueError, match="first call of partial_fit needs classes"):
        SINGLE().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least two classes"):
        SINGLE().partial_fit(X, np.zeros(50), classes=[0])
    model = SINGLE().partial_fit(X, y % 3, classes=[0, 1, 2])
    before = pickle.dumps(model)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=r"class .* none of those that the first call"):
            model.partial_fit(X[:2], [0, wrong])
    with pytest.raises(ValueError, match=r"classes names \[0, 1\], but the first call named"):
        model.partial_fit(X, y % 2, classes=[0, 1])
    assert pickle.dumps(model) == before
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows at once"):
        SINGLE(class_weight="balanced").partial_fit(X, y, classes=range(10))


def test_label_sets_are_checked():
    X, Y = label_sets()
    model = MULTI().partial_fit(X, Y, classes=[0, 1])
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="y has 4 labels, but the first rows had 5"):
        model.partial_fit(X, Y[:, :4])
    with pytest.raises(ValueError, match="y holds classes, but the first rows had label sets"):
        model.partial_fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="y holds the value 2"):
        model.partial_fit(X, 2 * Y)
    with pytest.raises(ValueError, match="None or holds 0 and 1"):
        model.partial_fit(X, Y, classes=range(5))
    assert pickle.dumps(model) == before
    classes = MULTI().partial_fit(*digits(), classes=range(10))
    with pytest.raises(ValueError, match="y holds label sets, but the first rows had classes"):
        classes.partial_fit(digits()[0], np.eye(10, dtype=int)[digits()[1]])


@pytest.mark.parametrize("estimator", [SINGLE, MULTI])
def test_not_fitted(estimator):
    model = estimator()
    with pytest.raises(NotFittedError):
        model.predict([[0.0]])
    for attribute in ("coef_", "intercept_"):
        with pytest.raises(AttributeError, match=f"no attribute '{attribute}' yet"):
            getattr(model, attribute)


def test_search():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(SINGLE(random_state=0, tol=1e-3), {"alpha": [1e-4, 1e-1]}, cv=3)
    assert search.fit(X, y).best_score_ > 0.9


@pytest.mark.parametrize("estimator", [SINGLE, MULTI])
def test_callbacks_see_fitted_models_and_may_stop(estimator):
    pytest.importorskip("sklearn.callback")
    X, y = digits() if estimator is SINGLE else label_sets()
    recorder = Recorder(stop_after=3)
    model = estimator(random_state=0).set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for n_iter, seen in enumerate(recorder.fitted, start=1):
            same(seen, estimator(max_iter=n_iter, random_state=0).fit(X, y))
            assert seen.loss_curve_ == model.loss_curve_[:n_iter]

"""Calibrated zeros: the equivalence behind them, coverage, Brier scores, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_sparsemax import (
    CalibratedSparsemaxClassifierCV,
    SparsemaxClassifier,
    entmax,
)
from sklearn_sparsemax.calibration import _quantiles, _supports

ALPHAS = [1.2, 1.5, 1.8, 2, 3]


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose scores are its features."""

    def __init__(self, n_classes=2):
        self.n_classes = n_classes

    def fit(self, X, y):
        self.classes_ = np.arange(self.n_classes)
        self.n_features_in_ = self.n_classes
        return self

    def decision_function(self, X):
        return X


def drawn(rng, n_rows, n_classes, noise=1.0):
    """Scores, and classes that are drawn from their softmax."""
    z = 2 * rng.normal(size=(n_rows, n_classes))
    y = (z + noise * rng.gumbel(size=z.shape)).argmax(axis=1)
    return z, y


def given(z, y, **options):
    model = Given(z.shape[1]).fit(z, y)
    return CalibratedSparsemaxClassifierCV(model, cv="prefit", **options).fit(z, y)


# --- supports -------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_distances_are_norms_of_differences(alpha, scale):
    z = scale * np.random.default_rng(0).normal(size=(20, 6))
    z[0] = z[0, 0]
    z[1, 1:4] = z[1, 0]
    z[2, 3] = -np.inf
    z[3, 2:5] = -np.inf
    gamma = alpha - 1
    for row, found in zip(z, _supports.distances(z, alpha), strict=True):
        for k in range(6):
            above = np.array(
                [max(z_j - row[k], 0) if np.isfinite(row[k]) else np.inf for z_j in row]
            )
            expected = gamma * (above ** (1 / gamma)).sum() ** gamma
            assert_allclose(found[k], expected, rtol=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_class_is_in_the_support_exactly_below_the_inverse_of_its_distance(alpha):
    z = np.random.default_rng(1).normal(size=(50, 7))
    of_all = _supports.distances(z, alpha)
    for k in range(7):
        for factor, inside in ((1 - 1e-6, True), (1 + 1e-6, False)):
            scales = factor / np.where(of_all[:, [k]] > 0, of_all[:, [k]], np.inf)
            p = _supports.scaled_entmax(z, scales, alpha)
            below = of_all[:, k] > 0
            assert np.all((p[below, k] > 0) == inside)
            assert np.all(p[~below, k] > 0)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_class_at_the_bound_is_kept(alpha):
    z = np.random.default_rng(2).normal(size=(200, 40)) * 10.0 ** np.arange(-100, 100)[:, None]
    of_all = _supports.distances(z, alpha)
    for row, d in zip(z, of_all, strict=True):
        k = np.argsort(d)[25]
        p = _supports.scaled_entmax(row[None], _supports.scale_of_bound(d[k]), alpha)[0]
        assert_array_equal(p > 0, d <= d[k])


def test_scales_of_any_size():
    z = np.array([[3.0, 3.0, -1.0, -np.inf], [1e300, -1e300, 0.0, 1.0]])
    assert_allclose(_supports.scaled_entmax(z, np.inf, 2), [[0.5, 0.5, 0, 0], [1, 0, 0, 0]])
    assert_allclose(_supports.scaled_entmax(z, 0.0, 2), np.full((2, 4), 0.25))
    assert_allclose(_supports.scaled_entmax(z, 1e308, 2), [[0.5, 0.5, 0, 0], [1, 0, 0, 0]])
    finite = z[:, :3]
    assert_allclose(_supports.scaled_entmax(finite, 0.1, 1.5), entmax(0.1 * finite), atol=1e-15)


# --- quantiles ------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1 / 3])
def test_the_rows_that_are_needed(level):
    n = _quantiles.rows_needed(level)
    values = np.arange(float(n))
    assert _quantiles.conformal_quantile(values, level) == n - 1
    if n > 1:
        with pytest.raises(ValueError, match=rf"needs at least {n} rows .*; there are {n - 1}\."):
            _quantiles.conformal_quantile(values[1:], level)


def test_the_quantile_is_the_conformal_one():
    values = np.random.default_rng(3).permutation(99) + 1.0
    assert _quantiles.conformal_quantile(values, 0.9) == 90
    assert _quantiles.conformal_quantile(values, 0.901) == 91


# --- coverage -------------------------------------------------------------------------------


@pytest.mark.parametrize("entmax_alpha", [1.5, 2])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_mean_coverage_over_many_draws(level, entmax_alpha):
    """Within [level, level + 1 / (n + 1)], up to three standard errors."""
    rng = np.random.default_rng(4)
    n_rows = 60
    found = []
    for _ in range(500):
        z, y = drawn(rng, n_rows + 200, 5)
        model = given(z[:n_rows], y[:n_rows], confidence_level=level, entmax_alpha=entmax_alpha)
        support = model.predict_support(z[n_rows:])
        found.append(support[np.arange(200), y[n_rows:]].mean())
    error = 3 * np.std(found) / np.sqrt(len(found))
    # the largest score has the distance 0: ties, which can only add to the coverage
    assert np.mean(found) >= level - error
    if level > 0.9:
        assert np.mean(found) <= level + 1 / (n_rows + 1) + error


def test_coverage_within_each_class():
    rng = np.random.default_rng(5)
    level, n_rows = 0.9, 200
    covered, n_of_class = np.zeros(4), np.zeros(4)
    marginal = np.zeros(4)
    for _ in range(150):
        z, y = drawn(rng, n_rows + 400, 4)
        # the third class has scores that are too low
        z[:, 2] -= 1.5
        test = slice(n_rows, None)
        model = given(z[:n_rows], y[:n_rows], confidence_level=level, class_conditional=True)
        assert model.scale_.shape == (4,)
        one = given(z[:n_rows], y[:n_rows], confidence_level=level)
        for found, total in ((model, covered), (one, marginal)):
            support = found.predict_support(z[test])
            assert support.any(axis=1).all()
            hits = support[np.arange(400), y[test]]
            total += np.bincount(y[test], weights=hits, minlength=4)
        n_of_class += np.bincount(y[test], minlength=4)
    assert np.all(covered / n_of_class >= level - 0.01)
    assert (marginal / n_of_class)[2] < level - 0.05


BASES = {
    "sparsemax": SparsemaxClassifier(alpha=1e-2),
    "logistic": LogisticRegression(),
    "pipeline of LinearSVC": make_pipeline(StandardScaler(), LinearSVC()),
}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
@pytest.mark.parametrize("level", [0.8, 0.9, 0.99])
def test_mean_coverage_over_splits_of_digits(base, level):
    X, y = load_digits(return_X_y=True)
    X, X_rest, y, y_rest = train_test_split(X / 16, y, train_size=600, random_state=0)
    model = clone(base).fit(X, y)
    calibrated = CalibratedSparsemaxClassifierCV(model, cv="prefit", confidence_level=level)
    rng = np.random.default_rng(6)
    found = []
    for _ in range(40):
        order = rng.permutation(len(y_rest))
        calibration, test = order[:500], order[500:]
        calibrated.fit(X_rest[calibration], y_rest[calibration])
        report = calibrated.coverage(X_rest[test], y_rest[test])
        assert report["mean_size"] >= 1
        found.append(report["coverage"])
    # the splits share their rows: their spread is that of one split
    assert np.mean(found) >= level - 3 * np.std(found)
    assert min(found) >= level - 0.06


def test_the_level_may_change_after_the_fit():
    X, y = load_digits(return_X_y=True)
    model = CalibratedSparsemaxClassifierCV(SparsemaxClassifier(), random_state=0)
    model.fit(X[:1000] / 16, y[:1000])
    sizes, scales = [], []
    for level in (0.5, 0.9, 0.99):
        model.set_params(confidence_level=level)
        report = model.coverage(X[1000:] / 16, y[1000:])
        sizes.append(report["mean_size"])
        scales.append(model.scale_)
    assert sizes == sorted(sizes)
    assert scales == sorted(scales, reverse=True)
    assert sizes[0] < sizes[2]
    again = clone(model).fit(X[:1000] / 16, y[:1000])
    assert again.scale_ == model.scale_
    with pytest.raises(ValueError, match=r"confidence_level=0.9999 needs at least 9999 rows"):
        model.set_params(confidence_level=0.9999).predict_proba(X[:1])
    with pytest.raises(ValueError, match="confidence_level is 2; it must be between 0 and 1"):
        model.set_params(confidence_level=2).predict_proba(X[:1])


def test_sets_are_the_supports_in_the_order_of_probability():
    X, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])[y]
    model = CalibratedSparsemaxClassifierCV(
        LogisticRegression(), confidence_level=0.95, random_state=0
    ).fit(X, names)
    p = model.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
    assert_array_equal(model.predict(X), model.estimator_.predict(X))
    for labels, row in zip(model.predict_set(X), p, strict=True):
        assert set(labels) == set(model.classes_[row > 0])
        of_labels = row[np.searchsorted(model.classes_, labels)]
        assert np.all(np.diff(of_labels) <= 0)
    assert_array_equal(np.isneginf(model.predict_log_proba(X)), p == 0)


def test_two_classes():
    X, y = load_breast_cancer(return_X_y=True)
    base = make_pipeline(StandardScaler(), LogisticRegression())
    model = CalibratedSparsemaxClassifierCV(base, confidence_level=0.98, random_state=0)
    model.fit(X[:400], y[:400])
    report = model.coverage(X[400:], y[400:])
    assert report["coverage"] > 0.95
    assert 1 <= report["mean_size"] < 1.5
    assert model.predict_proba(X).shape == (len(X), 2)
    assert model.decision_function(X).shape == (len(X),)


# --- where the rows come from ---------------------------------------------------------------


def test_by_default_a_fifth_is_held_out_or_what_the_level_needs():
    X, y = load_digits(return_X_y=True)
    for n_rows, level, expected in ((1000, 0.9, 200), (100, 0.95, 20), (100, 0.98, 49)):
        model = CalibratedSparsemaxClassifierCV(
            LogisticRegression(), confidence_level=level, random_state=0
        ).fit(X[:n_rows] / 16, y[:n_rows])
        assert model.n_calibration_rows_ == expected
    with pytest.raises(ValueError, match=r"confidence_level=0.99 needs at least 99 rows"):
        model.set_params(confidence_level=0.99).fit(X[:100] / 16, y[:100])


@pytest.mark.parametrize("cv", [5, KFold(4), 0.4, [(np.arange(100), np.arange(100, 300))]])
def test_ways_to_hold_rows_out(cv):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    model = CalibratedSparsemaxClassifierCV(LogisticRegression(), cv=cv, random_state=0)
    model.fit(X, y)
    several = isinstance(cv, int | KFold)
    assert model.n_calibration_rows_ == (300 if several else 120 if cv == 0.4 else 200)
    if several:
        assert_allclose(model.estimator_.coef_, LogisticRegression().fit(X, y).coef_)
    assert model.coverage(X, y)["coverage"] > 0.85


def test_a_class_that_a_fold_has_not_seen_cannot_be_covered_by_it():
    X, y = load_iris(return_X_y=True)
    # contiguous folds of sorted classes: each is fitted without the class that it holds out
    model = CalibratedSparsemaxClassifierCV(
        LogisticRegression(), cv=KFold(3), confidence_level=0.9
    ).fit(X, y)
    assert model.scale_ == 0
    assert model.predict_support(X).all()


def test_prefit_is_kept():
    X, y = load_iris(return_X_y=True)
    base = LogisticRegression().fit(X[::2], y[::2])
    model = CalibratedSparsemaxClassifierCV(base, cv="prefit").fit(X[1::2], y[1::2])
    assert model.estimator_ is base
    assert model.n_calibration_rows_ == 75
    with pytest.raises(NotFittedError):
        CalibratedSparsemaxClassifierCV(LogisticRegression(), cv="prefit").fit(X, y)
    frozen = CalibratedSparsemaxClassifierCV(FrozenEstimator(base)).fit(X[1::2], y[1::2])
    assert frozen.n_calibration_rows_ == 75
    assert frozen.scale_ == model.scale_
    assert clone(frozen).fit(X[1::2], y[1::2]).scale_ == model.scale_


def test_raw_scores_of_boosting():
    X, y = load_iris(return_X_y=True)
    base = GradientBoostingClassifier(n_estimators=5, random_state=0)
    model = CalibratedSparsemaxClassifierCV(base, cv=3, random_state=0).fit(X, y)
    assert model.coverage(X, y)["coverage"] >= 0.9


def test_pickle_and_frames():
    pd = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = CalibratedSparsemaxClassifierCV(SparsemaxClassifier(), random_state=0).fit(X, y)
    assert list(model.feature_names_in_) == list(X.columns)
    assert model.n_features_in_ == 4
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert isinstance(X, pd.DataFrame)


# --- Brier scores ---------------------------------------------------------------------------


def brier_score(p, y):
    return np.mean(np.sum((p - np.eye(p.shape[1])[y]) ** 2, axis=1))


@pytest.mark.parametrize("entmax_alpha", [1.5, 2])
def test_no_scale_has_a_lower_brier_score(entmax_alpha):
    z, y = drawn(np.random.default_rng(7), 400, 5)
    model = given(z, y, method="brier", entmax_alpha=entmax_alpha)
    best = brier_score(model.predict_proba(z), y)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2):
        p = _supports.scaled_entmax(z, factor * model.scale_, entmax_alpha)
        assert brier_score(p, y) >= best - 1e-9
    # a scale of the scores changes nothing
    assert_allclose(given(1e6 * z, y, method="brier", entmax_alpha=entmax_alpha).scale_ * 1e6,
                    model.scale_, rtol=1e-3)  # fmt: skip


def test_brier_scores_fall():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
    # probabilities that are not sure enough
    base = SparsemaxClassifier(alpha=0.1).fit(X, y)
    model = CalibratedSparsemaxClassifierCV(base, method="brier", cv=5, random_state=0).fit(X, y)
    raw = brier_score(base.predict_proba(X_test), y_test)
    p = model.predict_proba(X_test)
    assert brier_score(p, y_test) < 0.8 * raw
    assert (p == 0).mean() > 0.5
    assert model.scale_ > 1
    # no level is asked for
    model.set_params(confidence_level=0.999999).predict_proba(X_test)


def negative_brier(model, X, y):
    return -brier_score(model.predict_proba(X), y)


def negative_spherical(model, X, y):
    """Another proper score."""
    p = model.predict_proba(X)
    return np.mean(p[np.arange(len(y)), y] / np.linalg.norm(p, axis=1))


def test_any_scorer_chooses_the_scale():
    z, y = drawn(np.random.default_rng(7), 300, 4)
    expected = given(z, y, method="brier").scale_
    assert_allclose(given(z, y, method=negative_brier).scale_, expected, rtol=1e-6)
    model = given(z, y, method=negative_spherical)
    best = negative_spherical(model, z, y)
    for factor in (0.5, 0.9, 1.1, 2):
        p = _supports.scaled_entmax(z, factor * model.scale_, 2)
        assert np.mean(p[np.arange(300), y] / np.linalg.norm(p, axis=1)) <= best + 1e-9
    named = given(z[:, :2], (y > 1).astype(int), method="neg_brier_score")
    assert_allclose(named.scale_, given(z[:, :2], (y > 1).astype(int), method="brier").scale_)
    with pytest.raises(ValueError, match="'median' is not a valid scoring value"):
        given(z, y, method="median")


# --- what is refused ------------------------------------------------------------------------


def test_constant_scores():
    z = np.ones((40, 3))
    with pytest.raises(ValueError, match="gives all classes the same score in all rows"):
        given(z, np.arange(40) % 3)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LinearRegression(), "estimator is LinearRegression.*; a classifier is needed"),
        (RandomForestClassifier(), "RandomForestClassifier.* has no decision_function"),
    ],
)
def test_other_estimators(estimator, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match=message):
        CalibratedSparsemaxClassifierCV(estimator).fit(X, y)


def test_a_class_without_enough_rows_is_named():
    z, y = drawn(np.random.default_rng(8), 60, 3)
    y[y == 2] = 1
    with pytest.raises(ValueError, match=r"needs at least 9 rows .* of the class 2; there are 0"):
        given(z, y, class_conditional=True)


def test_weights_are_refused():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match="sample_weight"):
        CalibratedSparsemaxClassifierCV(LogisticRegression()).fit(X, y, sample_weight=y)


def test_nan_scores():
    z, y = drawn(np.random.default_rng(9), 60, 3)
    z[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"decision_function of Given.* returned NaN"):
        given(z, y)


def test_not_fitted():
    model = CalibratedSparsemaxClassifierCV(LogisticRegression())
    with pytest.raises(NotFittedError):
        model.predict(np.ones((2, 3)))
    assert not hasattr(model, "scale_")


# --- scikit-learn's checks ------------------------------------------------------------------

CHECKED = [
    CalibratedSparsemaxClassifierCV(SparsemaxClassifier(alpha=1e-2), cv=3, random_state=0),
    CalibratedSparsemaxClassifierCV(LogisticRegression(), method="brier", random_state=0),
]


@parametrize_with_checks(CHECKED)
def test_scikit_learn_checks(estimator, check):
    check(estimator)

"""The displays: what they compute, what they draw, and what they refuse."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression

from sklearn_sparsemax import (
    CalibratedSparsemaxClassifierCV,
    EntmaxClassifier,
    EntmaxClassifierCV,
    MultilabelSparsemaxClassifier,
    SGDSparsemaxClassifier,
    SparsemaxClassifier,
    SparsemaxClassifierCV,
    SparsemaxRegressor,
)

plt = pytest.importorskip("matplotlib.pyplot", reason="needs the extra plot")

from sklearn_sparsemax.plotting import (  # noqa: E402
    AlphaPathDisplay,
    ConvergenceDisplay,
    CoverageDisplay,
    ProbabilityHeatmapDisplay,
    SimplexDisplay,
    SupportSizeDisplay,
)
from sklearn_sparsemax.plotting._simplex import CORNERS, _scores_of  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    return SparsemaxClassifier(alpha=1e-3).fit(X[:900], y[:900]), X[900:], y[900:]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    return SparsemaxClassifier(alpha=1e-2).fit(X, names), X, names


# --- support sizes --------------------------------------------------------------------------


def test_shares_of_support_sizes(digits):
    model, X, y = digits
    display = SupportSizeDisplay.from_estimator(model, X, y)
    support, right = model.predict_support(X), model.predict(X) == y
    shares = display.shares()
    assert_allclose(shares.sum(), 1)
    assert_allclose(shares.sum(axis=0)[0], np.mean(support.sum(axis=1) == 1))
    assert_allclose(shares[0].sum(), right.mean())
    possible = support[np.arange(len(y)), y]
    assert_allclose(shares[2].sum(), 1 - possible.mean())
    heights = [patch.get_height() for patch in display.ax_.patches]
    assert_allclose(heights, 100 * shares.ravel())
    assert display.ax_.get_xlabel() == "classes with a positive probability, of 10"
    text = display.ax_.get_legend().get_texts()[0].get_text()
    assert text == f"most probable class is right: {100 * right.mean():.1f} %"


def test_displays_draw_on_given_axes_and_again(digits):
    model, X, y = digits
    figure, axes = plt.subplots()
    display = SupportSizeDisplay.from_estimator(model, X, y, ax=axes, alpha=0.5)
    assert display.ax_ is axes
    assert display.figure_ is figure
    assert display.ax_.patches[0].get_alpha() == 0.5
    again = display.plot()
    assert again is display
    assert display.ax_ is not axes


# --- heat maps ------------------------------------------------------------------------------


def test_zeros_are_blank_and_true_classes_marked(iris):
    model, X, y = iris
    display = ProbabilityHeatmapDisplay.from_estimator(model, X[::5], y[::5])
    p = model.predict_proba(X[::5])
    shown = display.image_.get_array()
    assert_array_equal(shown.mask, p.T == 0)
    assert_allclose(shown.compressed(), p.T[p.T > 0])
    marks = display.ax_.collections[0].get_offsets()
    assert_array_equal(marks[:, 1], np.searchsorted(model.classes_, y[::5]))
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == list(model.classes_)


def test_many_classes_have_no_names():
    p = np.random.default_rng(0).dirichlet(np.full(100, 0.1), size=40)
    display = ProbabilityHeatmapDisplay.from_predictions(None, p)
    assert display.codes is None
    assert len(display.ax_.get_yticks()) < 30
    labelled = ProbabilityHeatmapDisplay.from_predictions(np.arange(40), p, classes=np.arange(100))
    assert len(labelled.ax_.collections[0].get_offsets()) == 40


# --- the simplex ----------------------------------------------------------------------------


def test_places_in_the_plane(iris):
    model, X, y = iris
    display = SimplexDisplay.from_estimator(model, X, y)
    one_hot = SimplexDisplay(scores=np.eye(3) + 7, classes=model.classes_)
    assert_allclose(one_hot.points(), CORNERS, atol=1e-12)
    scores = model.decision_function(X)
    shifted = scores - (scores.sum(axis=1, keepdims=True) - 1) / 3
    assert_allclose(_scores_of(display.points()), shifted, atol=1e-12)
    drawn = np.vstack([c.get_offsets() for c in display.ax_.collections[-3:]])
    assert len(drawn) == 150
    # the sparsemax is the nearest point of the triangle
    p = model.predict_proba(X) @ CORNERS
    inside = model.predict_support(X).sum(axis=1) == 3
    assert_allclose(p[inside], display.points()[inside], atol=1e-10)


def test_the_simplex_of_other_estimators():
    X, y = load_iris(return_X_y=True)
    calibrated = CalibratedSparsemaxClassifierCV(
        SparsemaxClassifier(), cv=5, confidence_level=0.99, random_state=0
    ).fit(X, y)
    display = SimplexDisplay.from_estimator(calibrated, X)
    assert_allclose(display.scores, calibrated.decision_function(X) * calibrated.scale_)
    calibrated.set_params(confidence_level=0.5)
    with pytest.raises(ValueError, match="scale_ is inf; a positive, finite number"):
        SimplexDisplay.from_estimator(calibrated, X)
    entmax = SimplexDisplay.from_estimator(EntmaxClassifier().fit(X, y), X, y)
    assert entmax.entmax_alpha == 1.5


# --- coverage -------------------------------------------------------------------------------


def test_coverage_of_levels():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    model = CalibratedSparsemaxClassifierCV(
        SparsemaxClassifier(), confidence_level=0.9, random_state=0
    ).fit(X[:1200], y[:1200])
    display = CoverageDisplay.from_estimator(
        model, X[1200:], y[1200:], confidence_levels=(0.6, 0.9, 0.99)
    )
    assert model.confidence_level == 0.9
    report = model.coverage(X[1200:], y[1200:])
    assert display.coverages[1] == report["coverage"]
    assert display.mean_sizes[1] == report["mean_size"]
    assert np.all(np.diff(display.mean_sizes) >= 0)
    of_coverage, of_size = display.axes_
    assert_allclose(of_coverage.lines[1].get_ydata(), display.coverages)
    assert_allclose(of_size.lines[0].get_ydata(), display.mean_sizes)
    _, axes = plt.subplots(1, 2)
    assert display.plot(axes=axes).axes_[0] is axes[0]


# --- paths ----------------------------------------------------------------------------------


def test_paths_of_alphas():
    X, y = load_iris(return_X_y=True)
    model = SparsemaxClassifierCV(6, scoring=["f1_macro", "accuracy"], random_state=0)
    model.fit(X, y)
    display = AlphaPathDisplay.from_estimator(model)
    assert display.ax_.get_ylabel() == "f1_macro"
    mean = model.scores_["f1_macro"].mean(axis=0)
    assert_allclose(display.ax_.lines[5].get_ydata(), mean)
    assert_allclose(display.ax_.lines[5].get_xdata(), model.alphas_)
    assert display.ax_.lines[7].get_xdata()[0] == model.alpha_
    accuracy = AlphaPathDisplay.from_estimator(model, score_name="accuracy")
    assert_array_equal(accuracy.scores, model.scores_["accuracy"])
    with pytest.raises(ValueError, match="score_name is 'f1'; scores_ has"):
        AlphaPathDisplay.from_estimator(model, score_name="f1")
    family = EntmaxClassifierCV(4, entmax_alphas=[1, 2], random_state=0).fit(X, y)
    of_family = AlphaPathDisplay.from_estimator(family)
    place = [1, 2].index(family.entmax_alpha_)
    assert_array_equal(of_family.scores, family.scores_["score"][place])


# --- convergence ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky", "sdca", "auto"])
def test_gaps_of_a_fit(solver):
    X, y = load_digits(n_class=4, return_X_y=True)
    model = SparsemaxClassifier(1e-2, solver=solver, random_state=0, tol=1e-6)
    display = ConvergenceDisplay.from_estimator(model, X / 16, y)
    (history,) = display.histories.values()
    fitted = SparsemaxClassifier(1e-2, solver=solver, random_state=0, tol=1e-6).fit(X / 16, y)
    unit = fitted._objective_of(X / 16, y, None).value_at_zero()
    assert_allclose(history.gaps[-1], fitted.dual_gap_ / unit)
    assert history.gaps[-1] <= 1e-6 < history.gaps[0]
    assert history.n_iter[0] == 0
    assert history.n_iter[-1] == fitted.n_iter_
    assert len(history.n_iter) >= min(4, fitted.n_iter_)
    assert np.all(np.diff(history.seconds) >= 0)
    assert np.all(np.diff(history.n_iter) >= 0)
    (line,) = display.lines_
    assert_array_equal(line.get_ydata(), history.gaps)
    assert_array_equal(line.get_xdata(), history.seconds)
    # the estimator itself is not fitted
    assert not hasattr(model, "coef_")


def test_gaps_of_other_estimators():
    X, Y = make_multilabel_classification(80, n_classes=4, random_state=0)
    several = {"one": MultilabelSparsemaxClassifier(1), "two": MultilabelSparsemaxClassifier(0.1)}
    display = ConvergenceDisplay.from_estimator(several, X, Y, sample_weight=np.ones(80))
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[0].startswith("one: ")
    assert texts[2] == "tol = 0.0001"
    P = np.full((80, 3), 1 / 3)
    P[::2] = [0.5, 0.5, 0]
    ConvergenceDisplay.from_estimator(SparsemaxRegressor(), X, P)


@pytest.mark.parametrize(
    "estimator", [SGDSparsemaxClassifier(), SparsemaxClassifierCV(3), LogisticRegression()]
)
def test_fits_without_a_certificate(estimator):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match="whose fit has no certificate"):
        ConvergenceDisplay.from_estimator({"mine": estimator}, X, y)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SupportSizeDisplay.from_predictions([0, 1], [[2, -1], [0, 1]]), "from -1 to 2"),
        (lambda: SupportSizeDisplay.from_predictions([0, 0], [[1, 0]] * 2), "2 columns for 1 clas"),
        (
            lambda: SupportSizeDisplay.from_predictions([0, 5], [[1, 0]] * 2, classes=[0, 1]),
            "y_true holds .*5",
        ),
        (lambda: SupportSizeDisplay.from_predictions([0], [[1, 0]] * 2), "inconsistent"),
        (lambda: SupportSizeDisplay.from_predictions([0, 1], [[1, 0], [0, 0]]), "Row 1 of y_prob"),
        (lambda: SimplexDisplay.from_predictions(None, np.ones((4, 2))), "three classes are"),
        (lambda: SimplexDisplay.from_predictions(None, [[np.nan, 0, 1]]), "y_score contains NaN"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_matplotlib_is_imported_to_draw_alone():
    code = (
        "import sys, sklearn_sparsemax.plotting; assert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        "sklearn_sparsemax.plotting.SimplexDisplay.from_predictions(None, [[1, 0, 0]])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'sklearn-sparsemax[plot]'" in result.stderr

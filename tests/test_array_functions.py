"""Plain functions and metrics under `array_api_dispatch`, against themselves over NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from arrays import LIBRARIES, NEEDED, is_of, library, on_host
from numpy.testing import assert_allclose

import sklearn_sparsemax as package
from sklearn_sparsemax import metrics

pytestmark = NEEDED
__all__ = ["library"]


@pytest.fixture(autouse=True)
def dispatch():
    """Dispatch is on in all tests of this file."""
    with sklearn.config_context(array_api_dispatch=True):
        yield


@pytest.fixture
def strict():
    """A library without requirements."""
    LIBRARIES[0].skip_if_missing()
    return LIBRARIES[0]


def scores(*shape, seed=0):
    """Scores of different sizes, with ties."""
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=shape) * 2, 1)


MAPS = [
    (getattr(package, name), {})
    for kind in ("softmax", "sparsemax", "entmax")
    for name in (kind, f"{kind}_threshold", f"{kind}_support", f"{kind}_jacobian")
    if hasattr(package, name)
] + [
    (getattr(package, f"entmax{suffix}"), {"alpha": alpha})
    for suffix in ("", "_threshold", "_support", "_jacobian")
    for alpha in (1, 1.2, 2, 2.5)
    if not (alpha == 1 and suffix == "_threshold")
]


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(
    ("function", "options"), MAPS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_activations(library, function, options, axis):
    z = scores(3, 4, 5).astype(library.dtype)
    found = function(library.array(z), **options, axis=axis)
    expected = function(z, **options, axis=axis)
    assert is_of(found, library)
    assert on_host(found).dtype == expected.dtype
    eps = np.finfo(library.dtype).eps
    # where alpha is above 2, the slope of a small probability is large
    factor = 1e4 if "jacobian" in function.__name__ else 100
    finite = np.abs(expected).max()
    assert_allclose(on_host(found), expected, rtol=factor * eps, atol=factor * eps * finite)


@pytest.mark.parametrize("function", [package.softmax_jvp, package.sparsemax_jvp])
def test_products_with_jacobians(library, function):
    z, v = scores(3, 4).astype(library.dtype), scores(3, 4, seed=1).astype(library.dtype)
    found = function(library.array(z), library.array(v), axis=0)
    eps = np.finfo(library.dtype).eps
    assert_allclose(on_host(found), function(z, v, axis=0), rtol=10 * eps, atol=10 * eps)
    for alpha in (1, 1.5, 2, 3):
        found = package.entmax_jvp(library.array(z), library.array(v), alpha)
        expected = package.entmax_jvp(z, v, alpha)
        assert_allclose(on_host(found), expected, rtol=1e4 * eps, atol=1e4 * eps)


def test_infinite_scores(library):
    z = np.array([[1.0, -np.inf, 0.5], [np.nan, 0, 0]])
    for function in (package.softmax, package.sparsemax, package.entmax):
        found = on_host(function(library.array(z)))
        assert_allclose(found, function(z.astype(library.dtype)), rtol=1e-6)
        assert found[0, 1] == 0
        assert np.isnan(found[1]).all()
        with pytest.raises(ValueError, match="none may be"):
            function(library.array(np.array([[np.inf, 0.0]])))
        with pytest.raises(ValueError, match="none may be"):
            function(library.array(np.array([[-np.inf, -np.inf]])))


def test_other_types(library):
    z = np.array([[1, 0, -3]])
    found = package.sparsemax(library.array(z))
    assert on_host(found).dtype == np.float64
    assert_allclose(on_host(found), package.sparsemax(z))
    if library.name == "torch":
        half = library.array(z).to(__import__("torch").float16)
        assert package.entmax(half).dtype == half.dtype


def test_wrong_scores(strict):
    z = strict.array(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"axis=2 is not an axis of z, whose shape is \(2, 3\)"):
        package.sparsemax(z, axis=2)
    with pytest.raises(TypeError, match=r"axis=0.5; an integer is needed"):
        package.sparsemax(z, axis=0.5)
    with pytest.raises(ValueError, match="z has no entry along axis=1"):
        package.entmax(strict.array(np.zeros((2, 0))), axis=1)
    with pytest.raises(TypeError, match="real numbers are needed"):
        package.sparsemax(strict.array(np.zeros((2, 3), complex)))
    with pytest.raises(ValueError, match=r"v has the shape \(3,\); it must be that of z"):
        package.sparsemax_jvp(z, strict.array(np.zeros(3)))


LOSSES = [
    package.sparsemax_loss,
    package.softmax_loss,
    package.entmax_loss,
    package.logistic_loss,
    package.binary_sparsemax_loss,
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("function", LOSSES, ids=lambda function: function.__name__)
def test_losses(library, function, reduction):
    z = scores(30, 4).astype(library.dtype)
    rng = np.random.default_rng(0)
    label_sets = rng.integers(2, size=z.shape)
    label_sets[:, 0] = 1
    halves = label_sets / np.exp2(np.ceil(np.log2(label_sets.sum(axis=1, keepdims=True))))
    halves[:, 0] += 1 - halves.sum(axis=1)
    weights = rng.random(30).astype(library.dtype)
    for targets in (rng.integers(4, size=30), label_sets, label_sets.astype(bool), halves):
        for sample_weight in (None, weights):
            there = None if sample_weight is None else library.array(sample_weight)
            found = function(
                library.array(z), library.array(targets), sample_weight=there, reduction=reduction
            )
            expected = function(z, targets, sample_weight=sample_weight, reduction=reduction)
            if reduction == "none":
                assert is_of(found, library)
                found = on_host(found)
            else:
                assert isinstance(found, float)
            eps = np.finfo(library.dtype).eps
            assert_allclose(found, expected, rtol=50 * eps, atol=50 * eps)
    # targets on the host follow the scores
    found = function(library.array(z), label_sets.tolist(), reduction="sum")
    assert_allclose(found, function(z, label_sets, reduction="sum"), rtol=1e-5)


def test_wrong_input_of_losses(strict):
    z = strict.array(np.zeros((2, 3)))

    def loss(targets, scores=z, function=package.sparsemax_loss, **options):
        function(scores, strict.array(np.asarray(targets)), **options)

    with pytest.raises(ValueError, match="targets holds the class 3; scores has the classes 0"):
        loss([0, 3])
    with pytest.raises(ValueError, match=r"targets has the shape \(3,\)"):
        loss([0, 1, 2])
    with pytest.raises(ValueError, match="Row 1 of targets has no label"):
        loss([[1, 0, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match="targets holds the value 2; an indicator matrix"):
        loss([[1, 0, 0], [0, 2, 0]])
    with pytest.raises(
        ValueError, match=r"Row 1 of targets sums to 0\.5; a distribution sums to 1"
    ):
        loss([[1.0, 0, 0], [0, 0.5, 0]])
    with pytest.raises(ValueError, match="Row 0 of targets holds -1; the entries"):
        loss([[2.0, -1, 0], [0, 1, 0]])
    with pytest.raises(ValueError, match="targets holds 2; each entry must lie between 0 and 1"):
        loss([[1.0, 0, 0], [0, 2, 0]], function=package.logistic_loss)
    with pytest.raises(ValueError, match="Row 1 of scores holds NaN"):
        loss([0, 0], strict.array(np.array([[1, 2.0], [np.nan, 0]])))
    with pytest.raises(ValueError, match=r"scores has the shape \(2,\)"):
        loss([0, 0], strict.array(np.array([1, 2.0])))
    with pytest.raises(TypeError, match="scores has the type"):
        loss([0, 0], strict.array(np.zeros((2, 3), complex)))
    with pytest.raises(ValueError, match="The weights of the rows sum to 0"):
        loss([0, 0], sample_weight=strict.array(np.zeros(2)))


def test_metrics_of_proportions(library):
    rng = np.random.default_rng(0)
    P, Q = np.round(64 * package.sparsemax(rng.normal(size=(2, 20, 4)) * 2)) / 64
    for values in (P, Q):
        values[:, 0] += 1 - values.sum(axis=1)
        values[values[:, 0] < 0] = np.eye(4)[0]
    weights = rng.integers(1, 4, size=20).astype(float)
    for function in (metrics.jensen_shannon_divergence, metrics.proportions_mean_squared_error):
        for sample_weight in (None, weights):
            there = None if sample_weight is None else library.array(sample_weight)
            found = function(library.array(P), library.array(Q), sample_weight=there)
            assert isinstance(found, float)
            assert_allclose(found, function(P, Q, sample_weight=sample_weight), rtol=1e-6)
        assert_allclose(function(P, library.array(Q)), function(P, Q), rtol=1e-6)
        assert function(library.array(P), library.array(P)) == 0
        with pytest.raises(ValueError, match="must have the same shape"):
            function(library.array(P), library.array(Q[:, :3]))
        with pytest.raises(ValueError, match="Row 0 of P_pred sums to 2"):
            function(library.array(P), library.array(2 * Q))
        with pytest.raises(ValueError, match="at least one positive"):
            function(library.array(P), library.array(Q), sample_weight=library.array(0 * weights))


def test_metrics_of_label_sets(library):
    rng = np.random.default_rng(0)
    Y, z = rng.integers(2, size=(30, 5)), scores(30, 5)
    z[::2] = np.round(z[::2])
    for k in (1, 2, 5):
        found = metrics.precision_at_k(library.array(Y), library.array(z), k)
        assert isinstance(found, float)
        assert_allclose(found, metrics.precision_at_k(Y, z, k), rtol=1e-12)
    predicted = (z > 0).astype(int)
    found = metrics.f1_of_mean_precision_recall(library.array(Y), library.array(predicted))
    assert_allclose(found, metrics.f1_of_mean_precision_recall(Y, predicted), rtol=1e-6)
    with pytest.raises(ValueError, match="k must be from 1 to the number of outputs, 5, got 6"):
        metrics.precision_at_k(library.array(Y), library.array(z), 6)
    with pytest.raises(TypeError, match="k must be an integer"):
        metrics.precision_at_k(library.array(Y), library.array(z), 1.5)
    with pytest.raises(ValueError, match="scores holds NaN"):
        metrics.precision_at_k(library.array(Y), library.array(z * np.nan), 1)


def test_mean_sparsemax_losses(library):
    z = scores(30, 3)
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=30)
    label_sets = np.eye(3, dtype=int)[y] | rng.integers(2, size=z.shape)
    halves = np.eye(3)[y] / 2 + np.eye(3)[(y + 1) % 3] / 2
    names = np.array(["a", "b", "c"])[y]
    weights = rng.random(30).astype(library.dtype)
    there = library.array(z.astype(library.dtype))
    for true, options in (
        (y, {}),
        (y + 5, {"labels": np.array([5, 6, 7])}),
        (label_sets, {}),
        (halves, {}),
        (np.eye(3)[y], {}),
    ):
        found = metrics.mean_sparsemax_loss(
            library.array(true),
            there,
            sample_weight=library.array(weights),
            **{name: library.array(values) for name, values in options.items()},
        )
        expected = metrics.mean_sparsemax_loss(true, z, sample_weight=weights, **options)
        assert_allclose(found, expected, rtol=1e-5)
    found = metrics.mean_sparsemax_loss(names, there)
    assert_allclose(found, metrics.mean_sparsemax_loss(names, z), rtol=1e-5)
    binary = metrics.mean_sparsemax_loss(library.array(y % 2), there[:, 0])
    assert_allclose(binary, metrics.mean_sparsemax_loss(y % 2, z[:, 0]), rtol=1e-5)
    with pytest.raises(ValueError, match="y_true holds 3 classes but pred_decision has scores"):
        metrics.mean_sparsemax_loss(library.array(y), there[:, :2])
    labels = library.array(np.array([0, 1, 5]))
    with pytest.raises(ValueError, match="y_true holds classes that labels does not"):
        metrics.mean_sparsemax_loss(library.array(y), there, labels=labels)

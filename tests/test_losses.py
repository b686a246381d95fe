"""The losses against exact arithmetic, their definition, and the claims of the papers."""

from __future__ import annotations

import exact
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from tables import LOSSES as TABLE

from sklearn_sparsemax import (
    entmax_loss,
    logistic_loss,
    softmax,
    softmax_jacobian,
    softmax_loss,
    sparsemax,
    sparsemax_jacobian,
    sparsemax_loss,
    sparsemax_threshold,
)
from sklearn_sparsemax.losses import EntmaxLoss, FenchelYoungLoss, SoftmaxLoss, SparsemaxLoss

DTYPES = [np.float32, np.float64]

# the first example may compile
compiling = settings(deadline=None, max_examples=50)


class BisectedEntmaxLoss(FenchelYoungLoss):
    """A loss as a user would add it, with the least: 1.5-entmax, its threshold by bisection.

    Omega(p) = 4/3 (sum_k p_k^1.5 - 1) on the simplex, p(z) = max(z / 2 - tau, 0)^2.
    """

    name = "bisected entmax"

    def regularizer(self, p):
        if sparse.issparse(p):
            p = p.toarray()
        return 4 / 3 * (np.power(p, 1.5).sum(axis=1, dtype=np.float64) - 1)

    def probabilities(self, scores):
        half = (scores - scores.max(axis=1, keepdims=True)).astype(np.float64) / 2
        low = np.full((len(half), 1), -1.0)
        high = np.zeros((len(half), 1))
        for _ in range(60):
            tau = (low + high) / 2
            above = np.square(np.maximum(half - tau, 0)).sum(axis=1, keepdims=True) > 1
            low, high = np.where(above, tau, low), np.where(above, high, tau)
        scores[:] = np.square(np.maximum(half - low, 0))
        return scores

    def curvature(self, p):
        root = np.sqrt(p)
        return root, root / np.sqrt(root.sum(axis=1, keepdims=True))


LOSSES = {case.loss.name: case.loss for case in TABLE.values()} | {
    BisectedEntmaxLoss.name: BisectedEntmaxLoss()
}
of_every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
OURS = [case.loss for case in TABLE.values()]
of_our_losses = pytest.mark.parametrize("loss", OURS, ids=lambda loss: loss.name)

FUNCTIONS = {
    name: (case.function, case.exact_loss, case.exact_probabilities) for name, case in TABLE.items()
}
of_functions = pytest.mark.parametrize("function", [row[0] for row in FUNCTIONS.values()])
simplex_functions = pytest.mark.parametrize("function", [sparsemax_loss, softmax_loss, entmax_loss])


def distributions(n_rows, n_outputs, seed=0):
    """Rows of sixteenths, which sum to 1 exactly, about half of whose entries are 0."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(16, rng.dirichlet(np.full(n_outputs, 0.5), size=n_rows)) / 16


def one_hot(n_rows, n_outputs, seed=0):
    return np.eye(n_outputs)[np.random.default_rng(seed).integers(n_outputs, size=n_rows)]


def off_the_kinks(n_rows, n_outputs, margin=0.01):
    """Normal scores, none within the margin of a threshold of the sparsemax."""
    z = 0.7 * np.random.default_rng(n_outputs).normal(size=(10 * n_rows, n_outputs))
    z = z[np.abs(z - sparsemax_threshold(z)).min(axis=1) > margin][:n_rows]
    assert len(z) == n_rows
    return z


def floats(dtype, bound):
    return st.floats(-bound, bound, width=np.finfo(dtype).bits)


@st.composite
def scores_and_targets(draw, dtype, bound=64.0, n_rows=2):
    """Scores of any size up to a bound, with ties, and distributions of sixteenths."""
    n_outputs = draw(st.integers(1, 5))
    elements = st.one_of(
        floats(dtype, 2), floats(dtype, bound), st.sampled_from([0.0, 0.5, 1.0]).map(dtype)
    )
    scores = draw(arrays(dtype, (n_rows, n_outputs), elements=elements))
    # sixteen labels, each thrown to an output
    thrown = draw(arrays(np.int64, (n_rows, 16), elements=st.integers(0, n_outputs - 1)))
    counts = [np.bincount(row, minlength=n_outputs) for row in thrown]
    return scores, np.array(counts) / 16


# ---------------------------------------------------------------- one check of every value


def check_values(loss, scores, targets):
    """Value, gradient and probabilities of every way to ask for them, against the definition."""
    function, exact_loss, exact_probabilities = FUNCTIONS[loss.name]
    eps = np.finfo(scores.dtype).eps
    p = [[float(p_j) for p_j in exact_probabilities(z)] for z in scores]
    p = np.reshape(p, scores.shape)
    values = np.array([float(exact_loss(z, q)) for z, q in zip(scores, targets, strict=True)])
    # what is added up, and so rounded, to form a value
    size = np.abs(scores - (0 if loss.independent_outputs else scores.max(axis=1, keepdims=True)))
    scale = 1 + np.einsum("ij,ij->i", targets, size.astype(np.float64)) + values
    tolerance = 4 * eps * scale + 1e-15 * scores.shape[1]

    for q in (targets, sparse.csr_array(targets)):
        residual = scores.copy()
        losses = loss.value_and_residual(residual, q)
        assert losses.dtype == np.float64
        assert residual.dtype == scores.dtype
        assert (losses >= 0).all()
        assert (np.abs(losses - values) <= tolerance).all()
        assert_allclose(residual, p - targets, rtol=0, atol=4 * eps)
        assert_array_equal(loss.value(scores, q), losses)
        assert_array_equal(loss.gradient(scores, q), residual)
        assert_array_equal(function(scores, q, reduction="none"), losses)
        generic = FenchelYoungLoss.value_and_residual(loss, scores.copy(), q)
        assert (np.abs(generic - values) <= 2 * scores.shape[1] * tolerance).all()
    assert_allclose(loss.probabilities(scores.copy()), p, rtol=0, atol=4 * eps)


RNG = np.random.default_rng(0)
SCORES = {
    "normal": RNG.normal(size=(20, 5)),
    "wide": 20 * RNG.normal(size=(20, 5)),
    "many outputs": RNG.normal(size=(3, 300)),
    "one output": RNG.normal(size=(5, 1)),
    "no rows": np.empty((0, 3)),
    "zeros": np.zeros((6, 4)),
    "ties": RNG.integers(-2, 3, size=(30, 4)) / 2,
    "1e9 apart": 1e9 * RNG.integers(-1, 2, size=(20, 4)),
    "near each other at 1e9": 1e9 + 64 * RNG.integers(-1, 2, size=(20, 4)),
    "tiny": 1e-30 * RNG.normal(size=(10, 4)),
}


@of_our_losses
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("targets", [distributions, one_hot])
def test_values(loss, scores, dtype, targets):
    scores = scores.astype(dtype)
    check_values(loss, scores, targets(*scores.shape))


@of_our_losses
def test_values_at_1e300(loss):
    scores = np.array([[1e300, -1e300, 0], [1e300, 1e300, 0], [-1e300, 1e-300, 0]])
    for seed in range(4):
        check_values(loss, scores, distributions(*scores.shape, seed=seed))


@of_our_losses
@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_values_of_any_scores(loss, dtype, data):
    check_values(loss, *data.draw(scores_and_targets(dtype)))


def test_loss_of_a_label_has_small_relative_error():
    """For a single label nothing cancels: a loss of 1e-20 keeps its digits."""
    for margin in (1e-3, 1.0, 10.0, 46.0, 80.0):
        z = np.array([[0.0, margin], [1e9 - margin, 1e9]])
        q = np.array([[0.0, 1.0], [0.0, 1.0]])
        expected = [float(exact.softmax_loss(*row)) for row in zip(z, q, strict=True)]
        assert_allclose(softmax_loss(z, [1, 1], reduction="none"), expected, rtol=4e-16)
        assert_allclose(softmax_loss(z, q, reduction="none"), expected, rtol=4e-16)
        both = np.array([[-margin, margin]])
        expected = float(exact.logistic_loss(both[0], [0, 1]))
        assert_allclose(logistic_loss(both, [1]), expected, rtol=4e-16)
    assert_allclose(softmax_loss([[0.0, 46.0]], [1]), 1.0530617357553812e-20, rtol=1e-15)


@compiling
@given(t=st.floats(-3, 3))
def test_two_classes_have_the_modified_huber_loss(t):
    """Section 3.3 of Martins & Astudillo (2016)."""
    expected = 0 if t >= 1 else -t if t <= -1 else (t - 1) ** 2 / 4
    assert_allclose(sparsemax_loss([[t, 0.0]], [0]), expected, rtol=0, atol=1e-15)


# ---------------------------------------------------------------- properties


@of_every_loss
@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_values_are_never_negative(loss, dtype, data):
    scores, targets = data.draw(scores_and_targets(dtype, bound=float(np.float32(1e38))))
    nearest = loss.probabilities(scores.copy()).astype(np.float64)
    for q in (targets, sparse.csr_array(targets), nearest, sparse.csr_array(nearest)):
        assert (loss.value(scores, q) >= 0).all()
        assert (FenchelYoungLoss.value_and_residual(loss, scores.copy(), q) >= 0).all()


@of_every_loss
@compiling
@given(data=st.data())
def test_loss_of_the_probabilities_is_zero(loss, data):
    scores, _ = data.draw(scores_and_targets(np.float64, bound=30.0))
    nearest = loss.probabilities(scores.copy())
    for q in (nearest, sparse.csr_array(nearest)):
        # p(z) twice by different formulas: a few units in the last place of 1, each
        assert_allclose(loss.gradient(scores, q), 0, atol=8 * np.finfo(np.float64).eps)
        assert_allclose(loss.value(scores, q), 0, atol=1e-13)
        if loss.name == "sparsemax":
            assert_array_equal(loss.gradient(scores, q), 0)
            assert_array_equal(loss.value(scores, q), 0)


@compiling
@given(z=arrays(np.float64, st.integers(2, 6), elements=st.integers(-96, 96).map(lambda i: i / 64)))
def test_sparsemax_loss_is_zero_exactly_from_margin_one(z):
    for label in range(z.size):
        margin = z[label] - np.delete(z, label).max()
        assert (sparsemax_loss(z[None], [label]) == 0) == (margin >= 1)
        assert (sparsemax_loss(np.float32(z)[None], [label]) == 0) == (margin >= 1)


@compiling
@given(n_labels=st.integers(1, 5), gap=st.floats(0, 2), shift=st.integers(-(2**20), 2**20))
def test_sparsemax_loss_of_a_label_set_is_zero_from_its_margin(n_labels, gap, shift):
    """Equal scores on the labels, all others at least 1 / |labels| below."""
    labels = np.arange(6) < n_labels
    loss = sparsemax_loss(np.where(labels, 0, -gap)[None] + shift, labels[None])
    if gap > 1 / n_labels + 1e-9:
        assert loss == 0 or loss < 1e-30
    elif gap < 1 / n_labels - 1e-3:
        assert loss > 1e-9


def test_entmax_loss_is_zero_from_margin_two():
    for loss in (BisectedEntmaxLoss(), EntmaxLoss(1.5)):
        q = np.array([[1.0, 0.0, 0.0]])
        assert_allclose(loss.value(np.array([[2.0, 0.0, -1.0]]), q), 0, atol=1e-15)
        assert loss.value(np.array([[1.9, 0.0, -1.0]]), q) > 1e-5


@of_every_loss
@pytest.mark.parametrize("targets", [distributions, one_hot])
def test_gradient_is_that_of_the_value(loss, targets):
    h = 1e-3
    scores = off_the_kinks(12, 5)
    q = targets(*scores.shape)

    def value_along(step):
        return loss.value(scores + step, q)

    for k, step in enumerate(h * np.eye(5)):
        near = value_along(step) - value_along(-step)
        far = value_along(2 * step) - value_along(-2 * step)
        numerical = (8 * near - far) / (12 * h)
        assert_allclose(loss.gradient(scores, q)[:, k], numerical, rtol=0, atol=1e-11)


@of_every_loss
def test_gradient_is_probabilities_less_targets(loss):
    scores = np.random.default_rng(0).normal(size=(10, 6))
    q = distributions(10, 6)
    expected = loss.probabilities(scores.copy()) - q
    assert_allclose(loss.gradient(scores, q), expected, rtol=0, atol=1e-16)


@of_every_loss
@compiling
@given(data=st.data())
def test_values_are_convex(loss, data):
    start, targets = data.draw(scores_and_targets(np.float64, bound=8.0))
    end = data.draw(arrays(np.float64, start.shape, elements=floats(np.float64, 8)))
    t = data.draw(st.floats(0, 1))
    between = loss.value((1 - t) * start + t * end, targets)
    chord = (1 - t) * loss.value(start, targets) + t * loss.value(end, targets)
    assert (between <= chord + 1e-13).all()


@of_every_loss
def test_scores_and_targets_are_left_alone(loss):
    scores, dense = np.random.default_rng(0).normal(size=(4, 3)), distributions(4, 3)
    before = scores.copy()
    for q in (dense, sparse.csr_array(dense)):
        loss.value(scores, q)
        loss.gradient(scores, q)
        assert_array_equal(scores, before)
        assert_array_equal(q.toarray() if sparse.issparse(q) else q, distributions(4, 3))


@compiling
@given(data=st.data(), c=st.integers(-(2**40), 2**40))
def test_shift_of_the_scores_changes_no_bit(data, c):
    z = data.draw(arrays(np.float64, (2, 4), elements=st.integers(-96, 96).map(lambda i: i / 64)))
    q = distributions(2, 4, seed=data.draw(st.integers(0, 9)))
    for loss in (SparsemaxLoss(), SoftmaxLoss()):
        assert_array_equal(loss.value(z + c, q), loss.value(z, q))
        assert_array_equal(loss.gradient(z + c, q), loss.gradient(z, q))


# ---------------------------------------------------------------- regulariser, curvature


def test_regularizers():
    p = distributions(12, 5)
    p[0] = [1, 0, 0, 0, 0]
    plogp = [sum(v * np.log(v) for v in row if v) for row in p]
    both = [sum(v * np.log(v) + (1 - v) * np.log1p(-v) for v in row if 0 < v < 1) for row in p]
    expected = {
        "sparsemax": [0.5 * sum(v**2 for v in row) for row in p],
        "softmax": plogp,
        "logistic": both,
        "binary_sparsemax": [sum(v**2 - v for v in row) for row in p],
        "bisected entmax": [4 / 3 * (sum(v**1.5 for v in row) - 1) for row in p],
        "1.5-entmax": [4 / 3 * (sum(v**1.5 for v in row) - 1) for row in p],
    }
    with_explicit_zero = sparse.csr_array(p)
    with_explicit_zero.data[0] = 0
    for name, loss in LOSSES.items():
        assert_allclose(loss.regularizer(p), expected[name], atol=1e-15)
        assert_allclose(loss.regularizer(sparse.csr_array(p)), expected[name], atol=1e-15)
        assert_allclose(loss.regularizer(p.astype(np.float32)), expected[name], atol=1e-6)
        nearly = loss.regularizer(with_explicit_zero)
        assert_allclose(nearly, loss.regularizer(with_explicit_zero.toarray()), atol=1e-15)


@of_every_loss
def test_curvature_is_the_derivative_of_the_probabilities(loss):
    h = 1e-3
    z = off_the_kinks(10, 4)
    c, u = loss.curvature(loss.probabilities(z.copy()))
    formed = np.eye(4) * c[:, :, None] - u[:, :, None] * u[:, None, :]
    if "entmax" in loss.name:
        # its second derivative jumps where the support changes: compare where it does not
        same = [
            ((loss.probabilities(z + s * h) > 0) == (loss.probabilities(z.copy()) > 0)).all(axis=1)
            for s in np.vstack([3 * np.eye(4), -3 * np.eye(4)])
        ]
        z, formed = z[np.all(same, axis=0)], formed[np.all(same, axis=0)]
        assert len(z) >= 5
    for k, step in enumerate(h * np.eye(4)):
        near = loss.probabilities(z + step) - loss.probabilities(z - step)
        far = loss.probabilities(z + 2 * step) - loss.probabilities(z - 2 * step)
        assert_allclose(formed[:, :, k], (8 * near - far) / (12 * h), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_curvature_is_the_jacobian(dtype):
    z = np.random.default_rng(0).normal(size=(10, 5)).astype(dtype)
    for loss, transform, jacobian in (
        (SparsemaxLoss(), sparsemax, sparsemax_jacobian),
        (SoftmaxLoss(), softmax, softmax_jacobian),
    ):
        c, u = loss.curvature(transform(z))
        formed = np.eye(5) * c[:, :, None] - u[:, :, None] * u[:, None, :]
        assert_allclose(formed, jacobian(z), atol=2 * np.finfo(dtype).eps)


# ---------------------------------------------------------------- the three functions

LABEL_SETS = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 1, 1]])
CODES = np.array([2, 0, 3])
SPARSE = [
    sparse.csr_array,
    sparse.csr_matrix,
    sparse.csc_array,
    sparse.coo_array,
    sparse.lil_array,
    sparse.dok_array,
    sparse.bsr_matrix,
]


def big_endian(array):
    return array.astype(array.dtype.newbyteorder(">"))


def three_rows():
    return np.random.default_rng(0).normal(size=(3, 4))


@of_functions
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_classes_are_one_hot_rows(function, dtype):
    expected = function(three_rows(), np.eye(4)[CODES], reduction="none")
    for targets in (CODES.astype(dtype), CODES.tolist(), tuple(CODES)):
        assert_array_equal(function(three_rows(), targets, reduction="none"), expected)


@of_functions
@pytest.mark.parametrize("container", [np.array, *SPARSE])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_label_sets_in_any_container(function, container, dtype):
    independent = {case.function for case in TABLE.values() if case.loss.independent_outputs}
    rows = LABEL_SETS if function in independent else LABEL_SETS / [[2], [1], [4]]
    expected = function(three_rows(), rows.astype(float), reduction="none")
    targets = container(LABEL_SETS.astype(dtype))
    assert_allclose(function(three_rows(), targets, reduction="none"), expected, rtol=1e-15)


@of_functions
@pytest.mark.parametrize("container", [np.array, np.asfortranarray, big_endian, *SPARSE])
@pytest.mark.parametrize("dtype", DTYPES)
def test_distributions_in_any_container(function, container, dtype):
    q = distributions(3, 4)
    expected = function(three_rows(), q, reduction="none")
    targets = container(q.astype(dtype))
    assert_allclose(function(three_rows(), targets, reduction="none"), expected, rtol=1e-15)


@of_functions
@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_duplicate_and_unsorted_entries_are_one_target(function, index_type):
    entries = (
        np.array([0.25, 0.5, 0.25, 1.0, 0.0]),
        np.array([3, 0, 3, 1, 2], dtype=index_type),
        np.array([0, 3, 5], dtype=index_type),
    )
    targets = sparse.csr_array(entries, shape=(2, 4))
    before = [array.copy() for array in (targets.data, targets.indices, targets.indptr)]
    scores = three_rows()[:2]
    expected = function(scores, [[0.5, 0, 0, 0.5], [0, 1.0, 0, 0]], reduction="none")
    assert_allclose(function(scores, targets, reduction="none"), expected, rtol=1e-15)
    for array, was in zip((targets.data, targets.indices, targets.indptr), before, strict=True):
        assert_array_equal(array, was)


@of_functions
def test_scores_of_other_types(function):
    scores = np.array([[1, 0, 2, 0], [0, 0, 1, 1]])
    expected = function(scores.astype(float), CODES[:2], reduction="none")
    for given_scores in (
        scores,
        scores.tolist(),
        scores.astype(bool) + scores.astype(np.uint8) // 2,
        scores.astype(np.float16),
        scores.astype(np.float32).astype(">f4"),
        np.asfortranarray(scores.astype(float)),
        np.repeat(scores, 2, axis=1)[:, ::2],
    ):
        before = np.array(given_scores)
        losses = function(given_scores, CODES[:2], reduction="none")
        assert_allclose(losses, expected, rtol=1e-15)
        assert_array_equal(given_scores, before)
    single = function(scores.astype(np.float32), CODES[:2], reduction="none")
    assert single.dtype == np.float64
    assert_allclose(single, expected, rtol=1e-6)


@of_functions
def test_read_only_scores(function):
    scores = three_rows()
    scores.flags.writeable = False
    function(scores, CODES)
    assert_array_equal(scores, three_rows())


@of_functions
def test_reductions(function):
    each = function(three_rows(), CODES, reduction="none")
    assert each.shape == (3,)
    total = function(three_rows(), CODES, reduction="sum")
    mean = function(three_rows(), CODES)
    assert type(total) is type(mean) is float
    assert_allclose(total, each.sum(), rtol=1e-15)
    assert_allclose(mean, each.mean(), rtol=1e-15)
    assert function(three_rows(), CODES, reduction="mean") == mean

    weights = [0.5, 0, 3]
    weighted = function(three_rows(), CODES, sample_weight=weights, reduction="none")
    assert_array_equal(weighted, weights * each)
    assert_allclose(
        function(three_rows(), CODES, sample_weight=weights, reduction="sum"), weighted.sum()
    )
    assert_allclose(
        function(three_rows(), CODES, sample_weight=weights), np.average(each, weights=weights)
    )


@of_functions
def test_weights_repeat_rows(function):
    repeated = function(np.repeat(three_rows(), [2, 0, 3], axis=0), np.repeat(CODES, [2, 0, 3]))
    assert_allclose(function(three_rows(), CODES, sample_weight=[2, 0, 3]), repeated, rtol=1e-15)
    # only their ratios matter to a mean
    assert_allclose(function(three_rows(), CODES, sample_weight=[4, 0, 6]), repeated, rtol=1e-15)


@of_functions
def test_no_rows(function):
    for targets in (np.empty(0, int), np.empty((0, 3)), sparse.csr_array((0, 3))):
        assert function(np.empty((0, 3)), targets, reduction="sum") == 0
        assert function(np.empty((0, 3)), targets, reduction="none").shape == (0,)
        with pytest.raises(ValueError, match="weights of the rows sum to 0"):
            function(np.empty((0, 3)), targets)


# ---------------------------------------------------------------- errors


@of_functions
@pytest.mark.parametrize(
    ("scores", "error", "words"),
    [
        ([0.0, 1.0], ValueError, r"scores has the shape \(2,\); it must be \(n_samples, n_outp"),
        (np.zeros((2, 2, 2)), ValueError, r"scores has the shape \(2, 2, 2\)"),
        (np.zeros((2, 0)), ValueError, r"scores has the shape \(2, 0\); .*at least one output"),
        ([[0.0, 1.0], [np.nan, 0]], ValueError, "Row 1 of scores holds NaN or an infinity"),
        ([[np.inf, 1.0], [0.0, 0]], ValueError, "Row 0 of scores holds NaN or an infinity"),
        ([[-np.inf, 1.0], [0.0, 0]], ValueError, "scores must be finite"),
        (np.zeros((2, 2), complex), TypeError, "scores has the type complex128; real numbers"),
        ([["1", "2"], ["0", "0"]], TypeError, "scores has the type <U1; real numbers are needed"),
        ([[None, 0.5], [0, 0]], TypeError, "scores has the type object"),
        (sparse.csr_array((2, 2)), TypeError, "scores is a csr_array; a dense array is needed"),
    ],
)
def test_scores_that_are_refused(function, scores, error, words):
    with pytest.raises(error, match=words):
        function(scores, [0, 1])


@of_functions
@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([0, 2], "targets holds the class 2; scores has the classes 0 ... 1"),
        ([-1, 0], "targets holds the class -1; scores has the classes 0 ... 1"),
        ([0], r"targets has the shape \(1,\) .* it must hold integers of shape \(2,\), or a mat"),
        ([0.0, 1.0], r"the shape \(2,\) and the type float64; it must hold integers of shape"),
        ([True, False], "the type bool; it must hold integers"),
        (["a", "b"], "the type <U1; it must hold integers"),
        ([[1, 0, 0], [0, 1, 0]], r"the shape \(2, 3\) .*of the shape of scores, \(2, 2\)"),
        (np.zeros((2, 2), complex), "the type complex128; .* a matrix of real numbers"),
        (sparse.csr_array((2, 3)), r"targets has the shape \(2, 3\)"),
        ([[1, 0], [2, 0]], "targets holds (the value )?2; "),
        ([[1.0, 0.0], [1.5, -0.5]], "targets holds (1.5|-0.5);|Row 1 of targets holds -0.5; the"),
        ([[1.0, 0.0], [np.nan, 1.0]], "(Row 1 of )?targets holds nan; "),
        ([[1.0, 0.0], [np.inf, 0.0]], "Row 1 of targets sums to inf|targets holds inf; each entry"),
        (sparse.csr_array([[1, 0], [0, -1]]), "targets holds (the value )?-1; "),
        (sparse.csr_array([[1.0, 0], [2.0, -1]]), "Row 1 of targets holds -1; |targets holds 2; "),
    ],
)
def test_targets_that_are_refused(function, targets, words):
    with pytest.raises(ValueError, match=words):
        function(np.zeros((2, 2)), targets)


@simplex_functions
@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([[1, 0], [0, 0]], "Row 1 of targets has no label; at least one is needed"),
        (sparse.csr_array((2, 2), dtype=bool), "Row 0 of targets has no label"),
        ([[1.0, 0.0], [0.5, 0.25]], "Row 1 of targets sums to 0.75; a distribution sums to 1 wi"),
        (sparse.csr_array([[1.0, 0.0], [0.0, 0.0]]), "Row 1 of targets sums to 0; "),
    ],
)
def test_targets_on_no_simplex_are_refused(function, targets, words):
    with pytest.raises(ValueError, match=words):
        function(np.zeros((2, 2)), targets)


def test_independent_labels_need_no_simplex():
    assert_allclose(logistic_loss(np.zeros((2, 2)), [[0, 0], [1, 1]]), 2 * np.log(2))
    assert_allclose(logistic_loss(np.zeros((2, 2)), [[0.5, 0.5], [0.5, 0.5]]), 0, atol=1e-15)


@of_functions
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reduction": "avg"}, "reduction='avg'; it must be 'mean', 'sum' or 'none'"),
        ({"reduction": None}, "reduction=None; it must be"),
        ({"sample_weight": [1, -2]}, "sample_weight holds -2; weights must be finite and 0 or mo"),
        ({"sample_weight": [1, np.nan]}, "sample_weight holds nan; "),
        ({"sample_weight": [np.inf, 1]}, "sample_weight holds inf; "),
        ({"sample_weight": [1]}, r"sample_weight has the shape \(1,\); it must be \(2,\)"),
        ({"sample_weight": 2.0}, r"sample_weight has the shape \(\); it must be \(2,\), one wei"),
        ({"sample_weight": [0, 0]}, "weights of the rows sum to 0.*or use reduction='sum'"),
    ],
)
def test_options_that_are_refused(function, options, words):
    with pytest.raises(ValueError, match=words):
        function(np.zeros((2, 2)), [0, 1], **options)


def test_a_loss_must_say_what_it_is():
    with pytest.raises(TypeError, match="abstract"):
        FenchelYoungLoss()

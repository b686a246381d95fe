"""The entmax for any alpha, against 60-digit arithmetic, its neighbours and the entmax package."""

from __future__ import annotations

import exact
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import sklearn_sparsemax as package
from sklearn_sparsemax import (
    entmax,
    entmax_jacobian,
    entmax_jvp,
    entmax_loss,
    entmax_support,
    entmax_threshold,
    softmax,
    sparsemax,
)
from sklearn_sparsemax._kernels import (
    _entmax15_short_rows,
    _entmax_each_row,
    _entmax_rows,
    _long_rows,
    _tiles,
    entmax_compiled,
    entmax_numpy,
)
from sklearn_sparsemax.losses import EntmaxLoss, SoftmaxLoss, SparsemaxLoss, loss_of_entmax

DTYPES = [np.float32, np.float64]
ALPHAS = [1 + 1e-6, 1.01, 1.25, 1.5, 1.9, 2.5, 4.0, 50.0]
of_alphas = pytest.mark.parametrize("alpha", ALPHAS)
dtypes = pytest.mark.parametrize("dtype", DTYPES)
WAYS = {"NumPy": entmax_numpy, "compiled": entmax_compiled}

# the first example may compile
compiling = settings(deadline=None, max_examples=20)

RNG = np.random.default_rng(0)
ROWS = {
    "normal": RNG.normal(size=(4, 5)),
    "wide": 20 * RNG.normal(size=(4, 5)),
    "near each other": 0.1 * RNG.normal(size=(3, 6)),
    "ties": RNG.integers(-2, 3, size=(4, 5)) / 4,
    "equal": np.zeros((1, 7)),
    "one output": RNG.normal(size=(2, 1)),
    "1e9 apart": 1e9 * RNG.integers(-1, 2, size=(3, 4)),
    "near each other at 1e9": 1e9 + 2.0**-20 * RNG.integers(-99, 99, size=(3, 4)),
    "tiny": 1e-30 * RNG.normal(size=(2, 4)),
    # p_2 jumps from 0 to 0.4 within a rounding of the largest probability, for alpha = 50
    "at the end of the support": np.array([[0.0, -1 / 49 * (1 - 2.0**-k)] for k in (20, 40, 52)]),
}
of_rows = pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)


def targets_for(shape):
    """Distributions of sixteenths, about half of whose entries are 0."""
    rng = np.random.default_rng(1)
    return rng.multinomial(16, rng.dirichlet(np.full(shape[1], 0.5)), size=shape[0]) / 16


def sensitivity(p, alpha):
    """How much a relative rounding of the scores' differences moves each probability."""
    with np.errstate(over="ignore"):
        slopes = np.power(p, 2 - alpha, where=p > 0, out=np.zeros_like(p))
    return 1 + np.minimum(slopes / (alpha - 1), 1e3)


@of_alphas
@of_rows
@dtypes
def test_probabilities_are_the_exact_ones(rows, dtype, alpha):
    z = rows.astype(dtype)
    expected = np.array([[float(v) for v in exact.entmax(row, alpha)] for row in z])
    eps = np.finfo(dtype).eps
    for name, kernels in WAYS.items():
        p = np.empty(z.shape, dtype)
        assert kernels.map_rows(z, p, alpha) == -1
        allowed = 2 * eps * expected + 8e-16 * sensitivity(expected, alpha)
        assert (abs(p - expected) <= allowed).all(), name
        assert_allclose(p.sum(axis=1, dtype=float), 1, atol=z.shape[1] * eps, err_msg=name)
        thresholds = np.empty(len(z), dtype)
        assert kernels.threshold_rows(z, thresholds, alpha) == -1
        # the definition of the threshold, where it loses no digits
        if alpha in (1.25, 1.5, 1.9, 2.5) and abs(z).max() < 100:
            above = (alpha - 1) * z - thresholds[:, None].astype(float)
            again = np.maximum(above, 0) ** (1 / (alpha - 1))
            assert_allclose(again, expected, atol=2e2 * eps, err_msg=name)


@of_alphas
@pytest.mark.parametrize(
    # sixty digits of a long row take seconds: once for each alpha
    ("shape", "dtype"),
    [((3, 5), np.float32), ((3, 5), np.float64), ((2, 300), np.float64)],
)
def test_losses_are_the_exact_ones(shape, dtype, alpha):
    z = (2 * np.random.default_rng(2).normal(size=shape)).astype(dtype)
    q = targets_for(shape)
    if shape[1] == 300:
        z, q = z[:1, :], q[:1]
    expected = [float(exact.entmax_loss(*row, alpha)) for row in zip(z, q, strict=True)]
    for name, kernels in WAYS.items():
        for targets in (q, sparse.csr_array(q)):
            residual, losses = z.copy(), np.empty(len(z))
            if sparse.issparse(targets):
                entries = targets.indptr, targets.indices, targets.data
                kernels.loss_rows(residual, *entries, losses, alpha)
            else:
                kernels.loss_rows_dense(residual, targets, losses, alpha)
            assert_allclose(losses, expected, rtol=1e-14 * shape[1], err_msg=name)
            p = np.empty_like(z)
            kernels.map_rows(z, p, alpha)
            assert_allclose(residual, p - q, atol=2 * np.finfo(dtype).eps, err_msg=name)


@of_alphas
def test_small_losses_keep_their_digits(alpha):
    """Nothing cancels: targets near p(z), and near the end of the support."""
    z = np.array([[0.3, 0.1, -0.1]])
    p = entmax(z, alpha)
    for little in (1e-3, 1e-6):
        # a sum of exactly 1, since the loss is as small as a rounding of that
        q = np.round(p * (1 - little) * 2.0**50) / 2.0**50
        q[0, 0] = 1 - q[0, 1:].sum()
        expected = float(exact.entmax_loss(z[0], q[0], alpha))
        for kernels in WAYS.values():
            losses = np.empty(1)
            kernels.loss_rows_dense(z.copy(), q, losses, alpha)
            # p is known to 1e-16, that is to 1e-16 / little relative to q - p
            assert_allclose(losses, expected, rtol=1e-14 / little, atol=1e-30)


@pytest.mark.parametrize("shape", [(7, 4), (0, 3), (3, 2, 5), (300, 200)])
@dtypes
def test_alpha_1_and_2_are_the_softmax_and_the_sparsemax_to_the_last_bit(shape, dtype):
    z, v = np.random.default_rng(0).normal(size=(2, *shape)).astype(dtype)
    for alpha, twin in ((1, "softmax"), (2, "sparsemax")):
        for axis in (0, -1):
            if not z.shape[axis]:
                continue
            of_twin = {suffix: getattr(package, twin + suffix) for suffix in ("", "_jacobian")}
            assert_array_equal(entmax(z, alpha, axis=axis), of_twin[""](z, axis=axis))
            product = getattr(package, f"{twin}_jvp")(z, v, axis=axis)
            assert_array_equal(entmax_jvp(z, v, alpha, axis=axis), product)
            if z.size < 1000:
                jacobian = of_twin["_jacobian"](z, axis=axis)
                assert_array_equal(entmax_jacobian(z, alpha, axis=axis), jacobian)
    if len(shape) == 2:
        q = targets_for(shape)
        for alpha, function in ((1, package.softmax_loss), (2, package.sparsemax_loss)):
            losses = entmax_loss(z, q, alpha, reduction="none")
            assert_array_equal(losses, function(z, q, reduction="none"))
    assert_array_equal(entmax_threshold(z, 2), package.sparsemax_threshold(z))
    assert_array_equal(entmax_support(z, 2), package.sparsemax_support(z))


def test_loss_of_entmax_takes_the_neighbours():
    assert isinstance(loss_of_entmax(1.0), SoftmaxLoss)
    assert isinstance(loss_of_entmax(2.0), SparsemaxLoss)
    assert loss_of_entmax(1.5).name == "1.5-entmax"


@dtypes
def test_the_family_is_continuous(dtype):
    z = np.random.default_rng(0).normal(size=(20, 6)).astype(dtype)
    eps = np.finfo(dtype).eps
    assert_allclose(entmax(z, 1 + 1e-9), softmax(z), rtol=1e-7, atol=eps)
    for alpha in (2 - 1e-9, 2 + 1e-9):
        assert_allclose(entmax(z, alpha), sparsemax(z), atol=1e-7)


@pytest.mark.parametrize("alpha", [1.5, 1.2, 3.0])
@pytest.mark.parametrize("shape", [(1, 7), (129, 10), (128, 256), (5, 257), (200, 300)])
@dtypes
def test_numpy_and_compiled_agree(shape, dtype, alpha):
    z, v = np.random.default_rng(3).normal(size=(2, *shape)).astype(dtype)
    q = targets_for(shape)
    csr = sparse.csr_array(q)
    results = []
    for kernels in WAYS.values():
        p, tau, product = np.empty_like(z), np.empty(len(z), dtype), np.empty_like(z)
        kernels.map_rows(z, p, alpha)
        kernels.threshold_rows(z, tau, alpha)
        kernels.multiply_jacobian_rows(p, v, product, alpha)
        residual, losses = z.copy(), np.empty(len(z))
        kernels.loss_rows(residual, csr.indptr, csr.indices, csr.data, losses, alpha)
        dense_residual, dense_losses = z.copy(), np.empty(len(z))
        kernels.loss_rows_dense(dense_residual, q, dense_losses, alpha)
        results.append((p, tau, product, residual, losses, dense_residual, dense_losses))
    for one, other in zip(*results, strict=True):
        eps = np.finfo(one.dtype).eps
        assert_allclose(one, other, rtol=32 * eps, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("alpha", [1.5, 1.2, 3.0])
def test_the_interpreted_kernels_do_the_same(alpha):
    modules = (
        entmax_compiled,
        _entmax15_short_rows,
        _entmax_each_row,
        _entmax_rows,
        _long_rows,
        _tiles,
    )
    for n_outputs in (5, 300):
        z = np.random.default_rng(4).normal(size=(3, n_outputs))
        compiled, interpreted = np.empty_like(z), np.empty_like(z)
        entmax_compiled.map_rows(z, compiled, alpha)
        with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
            for one in modules:
                for key, value in vars(one).items():
                    if hasattr(value, "py_func"):
                        patch.setattr(one, key, value.py_func)
            entmax_compiled.map_rows(z, interpreted, alpha)
        assert_allclose(interpreted, compiled, rtol=1e-14, atol=1e-16)


@of_alphas
def test_nan_and_infinities(alpha):
    for kernels in WAYS.values():
        for n_outputs in (3, 300):
            z = np.zeros((130, n_outputs))
            z[1, 2], z[3, 1], z[4, 0] = np.nan, -np.inf, 800.0
            p = np.empty_like(z)
            with np.errstate(all="ignore"):
                assert kernels.map_rows(z, p, alpha) == -1
            assert np.isnan(p[1]).all()
            assert p[3, 1] == 0
            assert_allclose(p[3, 0], 1 / (n_outputs - 1), rtol=1e-13)
            assert_allclose(p[4, 0], 1, rtol=1e-13)
            product = np.empty_like(p)
            with np.errstate(all="ignore"):
                kernels.multiply_jacobian_rows(p, np.ones_like(p), product, alpha)
            assert np.isnan(product[1]).all()
            assert_allclose(np.delete(product, 1, axis=0), 0, atol=1e-12)
            for bad in (np.inf, -np.inf):
                z[129] = bad
                with np.errstate(all="ignore"):
                    assert kernels.map_rows(z, np.empty_like(z), alpha) == 129
                    assert kernels.threshold_rows(z, np.empty(130), alpha) == 129
                    assert kernels.map_rows(z, z.copy(), alpha) == 129


@of_alphas
def test_jacobian_is_the_five_point_difference(alpha):
    h = 2e-4
    z = 0.5 * np.random.default_rng(0).normal(size=(200, 5))
    steps = np.vstack([3 * h * np.eye(5), -3 * h * np.eye(5)])
    support = entmax_support(z, alpha)
    near = [(entmax_support(z + step, alpha) == support).all(axis=1) for step in steps]
    smooth = np.all(near, axis=0)
    # away from the ends of the support, where higher derivatives are large
    smooth &= np.where(support, entmax(z, alpha), 1).min(axis=1) > 0.1
    z = z[smooth]
    assert len(z) >= 5
    columns = []
    for step in h * np.eye(5):
        near = entmax(z + step, alpha) - entmax(z - step, alpha)
        far = entmax(z + 2 * step, alpha) - entmax(z - 2 * step, alpha)
        columns.append((8 * near - far) / (12 * h))
    J = entmax_jacobian(z, alpha)
    scale = J.max()
    assert_allclose(
        J, np.stack(columns, axis=-1), atol=1e-7 * scale, rtol=2e-3 if alpha > 10 else 0
    )
    assert_allclose(J, np.swapaxes(J, -1, -2), atol=1e-16 * scale)
    assert_allclose(J.sum(axis=-1), 0, atol=1e-14 * scale)
    v = np.random.default_rng(1).normal(size=z.shape)
    product = np.einsum("ijk,ik->ij", J, v)
    assert_allclose(entmax_jvp(z, v, alpha), product, atol=1e-14 * scale)


@of_alphas
def test_entries_outside_the_support_have_no_influence(alpha):
    z = np.array([0.2, 0.0, -1e8])
    expected = entmax_jvp(z, [1.0, 0.0, 0.0], alpha)
    with np.errstate(all="ignore"):
        assert_array_equal(entmax_jvp(z, [1.0, 0.0, np.nan], alpha), expected)


@of_alphas
@dtypes
@compiling
@given(data=st.data())
def test_any_scores(alpha, dtype, data):
    bound = float(np.finfo(dtype).max / 4)
    floats = st.floats(-bound, bound, width=np.finfo(dtype).bits)
    small = st.floats(-2, 2, width=np.finfo(dtype).bits)
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 6)))
    z = data.draw(arrays(dtype, shape, elements=st.one_of(floats, small)))
    q = targets_for(shape)
    results = []
    for kernels in WAYS.values():
        p, residual, losses = np.empty_like(z), z.copy(), np.empty(len(z))
        with np.errstate(all="ignore"):
            assert kernels.map_rows(z, p, alpha) == -1
            kernels.loss_rows_dense(residual, q, losses, alpha)
        assert (p >= 0).all()
        assert_allclose(p.sum(axis=1, dtype=float), 1, atol=shape[1] * np.finfo(dtype).eps)
        # order is kept
        order = np.argsort(z, axis=1)
        assert (np.diff(np.take_along_axis(p, order, axis=1), axis=1) >= -1e-15).all()
        assert (losses >= 0).all()
        assert np.isfinite(losses).all()
        results.append((p, losses))
    (p, losses), (same, same_losses) = results
    assert_allclose(p, same, atol=np.finfo(dtype).eps)
    assert_allclose(losses, same_losses, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("alpha", "error", "words"),
    [
        (0.5, ValueError, "alpha=0.5; it must be from 1 to 50"),
        (51, ValueError, "alpha=51; it must be from 1 to 50"),
        (np.nan, ValueError, "alpha=nan; it must be from 1 to 50"),
        (np.inf, ValueError, "alpha=inf; it must be from 1 to 50"),
        ("1.5", TypeError, "alpha='1.5'; a real number is needed"),
        (None, TypeError, "alpha=None; a real number is needed"),
        (True, TypeError, "alpha=True; a real number is needed"),
    ],
)
def test_an_alpha_that_is_refused(alpha, error, words):
    calls = (
        lambda: entmax([0.0], alpha),
        lambda: entmax_threshold([0.0], alpha),
        lambda: entmax_support([0.0], alpha),
        lambda: entmax_jacobian([0.0], alpha),
        lambda: entmax_jvp([0.0], [0.0], alpha),
        lambda: entmax_loss([[0.0]], [0], alpha),
    )
    for call in calls:
        with pytest.raises(error, match=words):
            call()


def test_the_softmax_has_no_threshold():
    with pytest.raises(ValueError, match="alpha=1; the softmax has no threshold"):
        entmax_threshold([0.0, 1.0], 1)


@of_alphas
def test_curvature_is_the_jacobian(alpha):
    z = np.random.default_rng(0).normal(size=(10, 5)) / 4
    c, u = EntmaxLoss(alpha).curvature(entmax(z, alpha))
    formed = np.eye(5) * c[:, :, None] - u[:, :, None] * u[:, None, :]
    J = entmax_jacobian(z, alpha)
    assert_allclose(formed, J, atol=1e-14 * abs(J).max())


# --- the entmax package -------------------------------------------------------------------

SCORES = {
    "random": RNG.normal(size=(20, 30)),
    "tied": RNG.integers(-2, 3, size=(20, 10)) / 2,
    "shifted": 1e4 + RNG.normal(size=(20, 10)),
    "huge": 1e9 * RNG.normal(size=(20, 10)),
}


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("alpha", [1.2, 1.5, 2.0, 3.0])
@dtypes
def test_equals_the_entmax_package(scores, alpha, dtype):
    torch = pytest.importorskip("torch")
    peer = pytest.importorskip("entmax")
    scores = scores.astype(dtype)
    classes = np.random.default_rng(0).integers(scores.shape[1], size=len(scores))
    z = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    if alpha == 1.5:
        p, losses = peer.entmax15(z), peer.entmax15_loss(z, torch.tensor(classes))
    elif alpha == 2.0:
        p, losses = peer.sparsemax(z), peer.sparsemax_loss(z, torch.tensor(classes))
    else:
        p = peer.entmax_bisect(z, alpha, n_iter=80)
        losses = peer.entmax_bisect_loss(z, torch.tensor(classes), alpha, n_iter=80)
    (gradient,) = torch.autograd.grad(losses.sum(), z)
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    assert_allclose(entmax(scores, alpha), p.detach().numpy(), atol=tolerance)
    ours = entmax_loss(scores, classes, alpha, reduction="none")
    # the peer adds up numbers of the size of the scores
    largest = 1 + abs(scores).max()
    assert_allclose(ours, losses.detach().numpy(), rtol=tolerance, atol=1e-14 * largest)
    residual = loss_of_entmax(alpha).gradient(scores, np.eye(scores.shape[1])[classes])
    assert_allclose(residual, gradient.numpy(), atol=tolerance)

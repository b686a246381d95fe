"""Each compiled loop against its plain-Python twin, and both against exact arithmetic."""

from __future__ import annotations

import subprocess
import sys

import exact
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_sparsemax import _kernels

DTYPES = [np.float32, np.float64]
INDEX_TYPES = [np.int32, np.int64]
HELPERS = ["_largest", "_threshold_below"]

# the first example may compile
compiling = settings(deadline=None)


def plain(kernel):
    """The Python function behind a kernel; the kernel itself where Numba does not compile."""
    return getattr(kernel, "py_func", kernel)


def interpreted(name, *arrays):
    """Call a kernel and all it calls as plain Python."""
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for helper in HELPERS:
            patch.setattr(_kernels.simplex, helper, plain(getattr(_kernels.simplex, helper)))
        return plain(getattr(_kernels.simplex, name))(*arrays)


def compare(name, *arrays):
    """Run a kernel both ways on copies; the result and the arrays it leaves must be equal."""
    compiled, twin = ([array.copy() for array in arrays] for _ in range(2))
    result = getattr(_kernels.simplex, name)(*compiled)
    assert result == interpreted(name, *twin)
    for one, other in zip(compiled, twin, strict=True):
        assert_array_equal(one, other)
    return result, *compiled


def one_drop_at_a_time(dtype):
    """Scores of which each step of Newton's method drops no more than one.

    Entry n is put a little below the threshold of the entries before it, and that little
    grows by a factor of more than n, so that the new threshold stays below entry n - 1.
    """
    scores, little = [0.0, 0.0], 16 * np.finfo(dtype).eps
    while True:
        n = len(scores)
        score = (sum(scores) - 1) / n - little
        if score <= -1:
            return np.array(scores, dtype=dtype)
        scores.append(score)
        little *= 1.2 * (n + 1)


def newton_steps(z):
    z = z.astype(np.float64) - z.max()
    z, steps = z[z > -1], 0
    while True:
        kept = z[z > (z.sum() - 1) / z.size]
        steps += 1
        if kept.size == z.size:
            return steps
        z = kept


RNG = np.random.default_rng(0)
ROWS = {
    "random": RNG.normal(size=(50, 9)),
    "one piece of the simplex": 0.1 * RNG.normal(size=(20, 9)),
    "wide": RNG.normal(size=(3, 2000)),
    "zeros": np.zeros((4, 5)),
    "ties": RNG.integers(-2, 3, size=(50, 6)) / 2,
    "an entry at the threshold": np.array([[1.0, 0.0, -1.0], [0.5, 0.5, 0.0]]),
    "one column": RNG.normal(size=(5, 1)),
    "no rows": np.empty((0, 4)),
    "huge": 1e9 * RNG.normal(size=(20, 4)),
    "huge and near each other": 1e9 + 64 * RNG.integers(-2, 3, size=(20, 4)),
    "largest floats": np.finfo(np.float32).max * np.array([[1.0, 0.5, 0.0], [0.25, 0.5, 0.5]]),
    "subnormal": 1e-45 * RNG.integers(-3, 4, size=(20, 4)),
    "geometric": -np.cumprod(np.full((4, 30), [[0.5], [0.9], [0.99], [1.1]]), axis=1),
    "harmonic": -1 / np.arange(1, 200)[None],
}
rows = pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def targets_for(shape, index_type=np.int32):
    """Distributions of sixteenths, with rows of one entry and of several."""
    rng = np.random.default_rng(1)
    counts = rng.multinomial(16, rng.dirichlet(np.full(shape[1], 0.5)), size=shape[0])
    counts[::3] = 16 * np.eye(shape[1])[rng.integers(shape[1], size=len(counts[::3]))]
    targets = sparse.csr_array(counts / 16)
    targets.indices = targets.indices.astype(index_type)
    targets.indptr = targets.indptr.astype(index_type)
    return targets


@rows
@dtypes
def test_projection_and_thresholds(rows, dtype):
    scores = rows.astype(dtype)
    result, projected = compare("project_rows", scores)
    assert result == -1
    result, _, thresholds = compare("threshold_rows", scores, np.empty(len(scores), dtype))
    assert result == -1
    tolerance = 2 * np.finfo(dtype).eps + 1e-16 * scores.shape[1]
    for z, p, tau in zip(scores, projected, thresholds, strict=True):
        expected = np.array(exact.sparsemax(z), dtype=float)
        assert_allclose(p, expected, rtol=0, atol=tolerance)
        expected_tau = float(exact.sparsemax_threshold(z))
        assert_allclose(tau, expected_tau, rtol=np.finfo(dtype).eps, atol=tolerance)


@rows
@dtypes
@pytest.mark.parametrize("index_type", INDEX_TYPES)
def test_losses(rows, dtype, index_type):
    scores = rows.astype(dtype)
    targets = targets_for(scores.shape, index_type)
    entries = targets.indptr, targets.indices, targets.data
    _, residual, *_, losses = compare("loss_rows", scores, *entries, np.empty(len(scores)))
    dense = targets.toarray()
    _, same_residual, _, same = compare("loss_rows_dense", scores, dense, np.empty(len(scores)))
    # from CSR targets the residual is rounded twice, where it is float32
    eps = np.finfo(dtype).eps
    assert_allclose(residual, same_residual, rtol=0, atol=eps)
    assert_allclose(losses, same, rtol=4 * eps, atol=eps)

    for z, q, r, loss in zip(scores, dense, residual, losses, strict=True):
        p = np.array(exact.sparsemax(z), dtype=float)
        assert_allclose(r, p - q, rtol=0, atol=3 * eps + 1e-16 * z.size)
        expected = float(exact.sparsemax_loss(z, q))
        # a probability off by eps moves the loss by eps times the residual
        assert_allclose(loss, expected, rtol=4 * eps, atol=4 * eps + 1e-16 * z.size)


@dtypes
def test_rows_that_take_newton_long(dtype):
    z = one_drop_at_a_time(dtype)
    assert newton_steps(z) == len(z) - 1
    assert len(z) >= {np.float32: 9, np.float64: 16}[dtype]
    scores = np.stack([z, z[::-1], np.random.default_rng(0).permutation(z)])
    _, projected = compare("project_rows", scores)
    assert_array_equal(projected > 0, scores == 0)
    assert_array_equal(projected[projected > 0], 0.5)


@dtypes
@compiling
@given(data=st.data())
def test_any_bits_are_projected_alike(dtype, data):
    elements = st.floats(width=np.finfo(dtype).bits)
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 6)))
    scores = data.draw(arrays(dtype, shape, elements=elements))
    result, projected = compare("project_rows", scores)
    assert compare("threshold_rows", scores, np.zeros(shape[0], dtype))[0] == result
    with np.errstate(invalid="ignore"):
        largest = scores.max(axis=1)
    # an infinite largest entry ends the work, and NaN is one row's own affair
    infinite = np.flatnonzero(np.isinf(largest))
    assert result == (infinite[0] if infinite.size else -1)
    done = shape[0] if result == -1 else result
    assert_array_equal(np.isnan(projected[:done]).any(axis=1), np.isnan(largest[:done]))
    valid = projected[:done][~np.isnan(largest[:done])]
    tolerance = shape[1] * np.finfo(dtype).eps
    assert_allclose(valid.sum(axis=1, dtype=np.float64), 1, rtol=0, atol=tolerance)
    assert_array_equal(projected[done:], scores[done:])


@dtypes
@compiling
@given(data=st.data())
def test_any_finite_scores_have_the_same_loss(dtype, data):
    bound = float(np.finfo(dtype).max / 4)
    elements = st.floats(-bound, bound, width=np.finfo(dtype).bits)
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 6)))
    scores = data.draw(arrays(dtype, shape, elements=elements))
    targets = targets_for(shape)
    entries = targets.indptr, targets.indices, targets.data
    _, residual, *_, losses = compare("loss_rows", scores, *entries, np.empty(shape[0]))
    assert (losses >= 0).all()
    assert np.isfinite(losses).all()
    dense = targets.toarray()
    _, same_residual, _, same = compare("loss_rows_dense", scores, dense, np.empty(shape[0]))
    eps = np.finfo(dtype).eps
    assert_allclose(residual, same_residual, rtol=0, atol=eps)
    assert_allclose(losses, same, rtol=4 * eps, atol=eps)


def test_largest_is_that_of_numpy():
    for row in ([1.0, 3.0, 2.0], [-np.inf, -np.inf], [np.inf, 1.0], [1.0, np.nan, 2.0], [np.nan]):
        row = np.array(row)
        assert_array_equal(_kernels.simplex._largest(row), row.max())
        assert_array_equal(interpreted("_largest", row), row.max())


@pytest.mark.parametrize("largest", [np.inf, -np.inf, np.nan])
def test_no_threshold_below_what_is_not_finite(largest):
    for function in (_kernels.simplex._threshold_below, plain(_kernels.simplex._threshold_below)):
        with np.errstate(invalid="ignore"):
            assert np.isnan(function(np.array([largest, -np.inf]), largest, np.empty(2)))


def test_unknown_kernels_are_no_attributes():
    with pytest.raises(AttributeError, match="_kernels' has no attribute 'nothing'"):
        _kernels.nothing  # noqa: B018


def test_a_kernel_that_fails_to_import_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for module in ("simplex", "_jit"):
        monkeypatch.delitem(sys.modules, f"sklearn_sparsemax._kernels.{module}", raising=False)
    monkeypatch.delattr(_kernels, "simplex", raising=False)
    with pytest.raises(ModuleNotFoundError, match="numba"):
        _kernels.simplex  # noqa: B018


@pytest.mark.slow
def test_numba_is_imported_at_the_first_use():
    code = (
        "import sys, sklearn_sparsemax as package\n"
        "assert 'numba' not in sys.modules\n"
        "package.sparsemax([0.0])\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Each compiled loop against its plain-Python twin, and both against exact arithmetic."""

from __future__ import annotations

import subprocess
import sys

import exact
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_sparsemax import _kernels
from sklearn_sparsemax._kernels import (
    _largest,
    _long_rows,
    _short_rows,
    _tiles,
    row_blocks,
    simplex,
    simplex_compiled,
    simplex_numpy,
)

DTYPES = [np.float32, np.float64]
INDEX_TYPES = [np.int32, np.int64]
# each compiles the same functions
COMPILED = {"short rows": _short_rows, "long rows": _long_rows}

# the first example may compile
compiling = settings(deadline=None)


def interpreted(module, name, *arrays):
    """Call a kernel and all it calls as plain Python, also where Numba compiles."""
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for one in (simplex_compiled, _short_rows, _largest, _long_rows, _tiles):
            for key, value in vars(one).items():
                if hasattr(value, "py_func"):
                    patch.setattr(one, key, value.py_func)
        return getattr(module, name)(*arrays)


def compare(module, name, *arrays):
    """Run a kernel both ways on copies; the result and the arrays it leaves must be equal."""
    compiled, twin = ([array.copy() for array in arrays] for _ in range(2))
    with np.errstate(all="ignore"):
        result = getattr(module, name)(*compiled)
    if numba.config.DISABLE_JIT:  # that was the twin
        return result, *compiled
    assert result == interpreted(module, name, *twin)
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
compiled = pytest.mark.parametrize("module", COMPILED.values(), ids=COMPILED)


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
@compiled
def test_projection_and_thresholds(rows, dtype, module):
    scores = rows.astype(dtype)
    result, unchanged, projected = compare(module, "project_rows", scores, np.empty_like(scores))
    assert result == -1
    assert_array_equal(unchanged, scores)
    result, _, thresholds = compare(module, "threshold_rows", scores, np.empty(len(scores), dtype))
    assert result == -1
    tolerance = 2 * np.finfo(dtype).eps + 1e-16 * scores.shape[1]
    for z, p, tau in zip(scores, projected, thresholds, strict=True):
        expected = np.array(exact.sparsemax(z), dtype=float)
        assert_allclose(p, expected, rtol=0, atol=tolerance)
        expected_tau = float(exact.sparsemax_threshold(z))
        assert_allclose(tau, expected_tau, rtol=np.finfo(dtype).eps, atol=tolerance)


@rows
@dtypes
def test_products_with_the_jacobian(rows, dtype):
    p = np.empty(rows.shape, dtype)
    simplex_numpy.project_rows(rows.astype(dtype), p)
    # whatever stands outside the support has no influence
    v = np.where(p == 0, np.nan, np.random.default_rng(2).normal(size=p.shape)).astype(dtype)
    expected = [
        np.where(p_i > 0, v_i - v_i[p_i > 0].mean(dtype=float), 0)
        for p_i, v_i in zip(p, v, strict=True)
    ]
    ways = {
        "compiled": simplex_compiled.multiply_jacobian_rows,
        "NumPy": simplex_numpy.multiply_jacobian_rows,
        "interpreted": lambda *arrays: interpreted(
            simplex_compiled, "multiply_jacobian_rows", *arrays
        ),
    }
    for name, multiply in ways.items():
        products = np.empty_like(p)
        multiply(p, v, products)
        tolerance = 4 * np.finfo(dtype).eps
        for product, row in zip(products, expected, strict=True):
            assert_allclose(product, row, rtol=0, atol=tolerance, err_msg=name)


def test_products_with_the_jacobian_are_nan_where_the_probabilities_are():
    p = np.array([[np.nan, np.nan], [0.25, 0.75]])
    for module in (simplex_compiled, simplex_numpy):
        products = np.empty_like(p)
        with np.errstate(all="ignore"):
            module.multiply_jacobian_rows(p, np.array([[1.0, 2.0], [1.0, 2.0]]), products)
        assert_array_equal(products, [[np.nan, np.nan], [-0.5, 0.5]])


@rows
@dtypes
@compiled
@pytest.mark.parametrize("index_type", INDEX_TYPES)
def test_losses(rows, dtype, index_type, module):
    scores = rows.astype(dtype)
    targets = targets_for(scores.shape, index_type)
    entries = targets.indptr, targets.indices, targets.data
    losses = np.empty(len(scores))
    _, residual, *_, losses = compare(module, "loss_rows", scores, *entries, losses)
    dense = targets.toarray()
    _, same_residual, _, same = compare(module, "loss_rows_dense", scores, dense, losses)
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


def all_ways(name, scores, *arguments):
    """What the kernel of each module makes of copies of the same arrays."""
    for module in (simplex_numpy, _short_rows, _long_rows, simplex_compiled):
        copies = [array.copy() for array in (scores, *arguments)]
        with np.errstate(all="ignore"):
            result = getattr(module, name)(*copies)
        yield result, *copies


@dtypes
@pytest.mark.parametrize("scale", [0.01, 1.0])
@pytest.mark.parametrize(
    "shape",
    [(n_tiles * _tiles.LANES + more, 3) for n_tiles in (0, 1, 2) for more in (0, 1, 15)]
    + [(_tiles.LANES - 1, 3), (_tiles.LANES + 5, 90)]
    + [(2, n_outputs) for n_outputs in (1, 40, 41, 64, 80, 81, 129, 256, 257)],
)
def test_all_ways_agree_at_the_edges_of_tiles_and_chunks(shape, dtype, scale):
    scores = (scale * np.random.default_rng(0).normal(size=shape)).astype(dtype)
    targets = targets_for(shape)
    entries = targets.indptr, targets.indices, targets.data
    losses, eps = np.empty(len(scores)), np.finfo(dtype).eps
    for name, *arguments in (
        ("project_rows", np.empty_like(scores)),
        ("threshold_rows", np.empty(len(scores), dtype)),
        ("loss_rows", *entries, losses),
        ("loss_rows_dense", targets.toarray(), losses),
    ):
        first, *others = all_ways(name, scores, *arguments)
        for other in others:
            assert other[0] == first[0]
            for one, same in zip(first[1:], other[1:], strict=True):
                assert_allclose(one, same, rtol=4 * eps, atol=eps)


@dtypes
def test_the_place_of_the_largest_entry_does_not_matter(dtype):
    """Candidates before it and after it, in its chunk and in others."""
    scores = np.zeros((200, 200), dtype)
    scores[np.arange(200), np.arange(200)] = 0.5
    scores[:, ::50] -= 0.25
    (_, _, first), *others = all_ways("project_rows", scores, np.empty_like(scores))
    for _, _, other in others:
        assert_allclose(other, first, rtol=0, atol=1e-17)


@dtypes
@compiled
def test_rows_that_take_newton_long(dtype, module):
    z = one_drop_at_a_time(dtype)
    assert newton_steps(z) == len(z) - 1
    assert len(z) >= {np.float32: 9, np.float64: 16}[dtype]
    scores = np.stack([z, z[::-1], np.random.default_rng(0).permutation(z)])
    _, _, projected = compare(module, "project_rows", scores, np.empty_like(scores))
    assert_array_equal(projected > 0, scores == 0)
    assert_array_equal(projected[projected > 0], 0.5)


@dtypes
@compiled
@compiling
@given(data=st.data())
def test_any_bits_are_projected_alike(dtype, module, data):
    elements = st.floats(width=np.finfo(dtype).bits)
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 6)))
    scores = data.draw(arrays(dtype, shape, elements=elements))
    result, _, projected = compare(module, "project_rows", scores, np.empty_like(scores))
    thresholds = np.empty(shape[0], dtype)
    assert compare(module, "threshold_rows", scores, thresholds)[0] == result
    with np.errstate(all="ignore"):
        largest = scores.max(axis=1)
        assert simplex_numpy.project_rows(scores, np.empty_like(scores)) == result
    # NaN is one row's own affair, and an infinite largest entry ends the work
    infinite = np.flatnonzero(np.isinf(largest))
    assert result == (infinite[0] if infinite.size else -1)
    if result >= 0:
        return
    assert_array_equal(np.isnan(projected).all(axis=1), np.isnan(largest))
    valid = projected[~np.isnan(largest)]
    tolerance = shape[1] * np.finfo(dtype).eps
    assert_allclose(valid.sum(axis=1, dtype=np.float64), 1, rtol=0, atol=tolerance)
    for _, _, other in all_ways("project_rows", scores, np.empty_like(scores)):
        assert_allclose(other, projected, rtol=0, atol=np.finfo(dtype).eps)


@dtypes
@compiled
@compiling
@given(data=st.data())
def test_any_finite_scores_have_the_same_loss(dtype, module, data):
    bound = float(np.finfo(dtype).max / 4)
    elements = st.floats(-bound, bound, width=np.finfo(dtype).bits)
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 6)))
    scores = data.draw(arrays(dtype, shape, elements=elements))
    targets = targets_for(shape)
    entries = targets.indptr, targets.indices, targets.data
    _, residual, *_, losses = compare(module, "loss_rows", scores, *entries, np.empty(shape[0]))
    assert (losses >= 0).all()
    assert np.isfinite(losses).all()
    dense = targets.toarray()
    eps = np.finfo(dtype).eps
    _, same_residual, _, same = compare(module, "loss_rows_dense", scores, dense, losses)
    assert_allclose(residual, same_residual, rtol=0, atol=eps)
    assert_allclose(losses, same, rtol=4 * eps, atol=eps)
    for _, same_residual, *_, same in all_ways("loss_rows", scores, *entries, losses):
        assert_allclose(residual, same_residual, rtol=0, atol=eps)
        assert_allclose(losses, same, rtol=4 * eps, atol=eps)


@pytest.mark.parametrize("n_outputs", [3, 200])
def test_projections_may_overwrite_the_scores(n_outputs):
    scores = np.random.default_rng(0).normal(size=(40, n_outputs))
    expected = np.empty_like(scores)
    simplex_compiled.project_rows(scores, expected)
    simplex_compiled.project_rows(scores, scores)
    assert_array_equal(scores, expected)


@compiled
@pytest.mark.parametrize("bad_row", [3, 150])
def test_an_infinite_row_is_found_where_projections_overwrite_the_scores(module, bad_row):
    scores = np.zeros((160, 4))
    scores[1, 2] = np.nan
    scores[bad_row, 0] = np.inf
    assert module.project_rows(scores, scores) == bad_row


# --- which way, and on how many threads ---------------------------------------------------


@pytest.fixture
def many_threads(monkeypatch):
    """Blocks of a few rows each, on threads, whatever the size and the machine."""
    monkeypatch.setattr(row_blocks, "n_threads", lambda work: 3)
    monkeypatch.setattr(row_blocks, "LEAST_COMPILED", 0)


def results(scores, targets):
    projected = np.empty_like(scores)
    thresholds = np.empty(len(scores))
    assert simplex.project_rows(scores, projected) == -1
    assert simplex.threshold_rows(scores, thresholds) == -1
    residual, dense_residual = scores.copy(), scores.copy()
    losses = simplex.loss_and_residual(residual, targets)
    dense_losses = simplex.loss_and_residual(dense_residual, targets.toarray())
    return projected, thresholds, residual, losses, dense_residual, dense_losses


@pytest.mark.parametrize("n_outputs", [4, 150])
def test_threads_change_no_bit(monkeypatch, many_threads, n_outputs):
    scores = np.random.default_rng(0).normal(size=(70, n_outputs))
    targets = targets_for(scores.shape)
    several = results(scores, targets)
    monkeypatch.setattr(row_blocks, "n_threads", lambda work: 1)
    for one, same in zip(results(scores, targets), several, strict=True):
        assert_array_equal(one, same)


# from kernels that are interpreted, on threads that no errstate of the caller reaches
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_first_bad_row_is_found_whichever_block_holds_it(many_threads):
    scores = np.zeros((9, 2))
    scores[[4, 8], 1] = np.inf
    assert simplex.project_rows(scores, np.empty_like(scores)) == 4
    assert simplex.threshold_rows(scores, np.empty(9)) == 4


def test_small_arrays_are_not_compiled():
    rows = row_blocks.LEAST_COMPILED // 4
    assert row_blocks.kernels_for("simplex", np.empty((rows - 1, 4))) is simplex_numpy
    assert row_blocks.kernels_for("simplex", np.empty((rows, 4))) is simplex_compiled


# --- how the modules are loaded -----------------------------------------------------------


def test_unknown_kernels_are_no_attributes():
    with pytest.raises(AttributeError, match="_kernels' has no attribute 'nothing'"):
        _kernels.nothing  # noqa: B018


def test_a_kernel_that_fails_to_import_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in ("simplex_compiled", "_short_rows", "_long_rows", "_jit", "_cache"):
        monkeypatch.delitem(sys.modules, f"sklearn_sparsemax._kernels.{name}", raising=False)
        monkeypatch.delattr(_kernels, name, raising=False)
    with pytest.raises(ModuleNotFoundError, match="numba"):
        _kernels.simplex_compiled  # noqa: B018


@pytest.mark.slow
def test_numba_is_imported_for_the_first_large_array():
    code = (
        "import sys, numpy as np, sklearn_sparsemax as package\n"
        "package.sparsemax(np.zeros((100, 10)))\n"
        "package.sparsemax_loss(np.zeros((100, 10)), np.zeros(100, int))\n"
        "assert 'numba' not in sys.modules\n"
        "package.sparsemax(np.zeros((100, 1000)))\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""NumPy in place of kernels that are not compiled yet: the same bits, and for how long."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_sparsemax._kernels import simplex, simplex_compiled, simplex_numpy, stand_in

# with all entries sorted, and with the eight largest of them; with rests after groups of four
WIDTHS = [1, 2, 5, 12, 13, 36, 127, simplex.MOST_OUTPUTS_OF_SAME_BITS]
N_ROWS = 301

both = [simplex_numpy, simplex_compiled]
widths = pytest.mark.parametrize("n_outputs", WIDTHS)
# from supports of all outputs to supports of one
scales = pytest.mark.parametrize("scale", [1e-3, 0.1, 1, 1e9])
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def scores(n_outputs, scale, dtype):
    z = scale * np.random.default_rng(0).normal(size=(N_ROWS, n_outputs))
    z[3] = z[3, 0]  # a tie of all
    z[4, 1:] = -np.inf
    z[5, : n_outputs // 2] = np.nan
    return z.astype(dtype)


@widths
@scales
@dtypes
def test_projections_and_thresholds_are_the_same(scores):
    results = []
    for module in both:
        projections, thresholds = np.empty_like(scores), np.empty(N_ROWS)
        assert module.project_rows(scores, projections) == -1
        assert module.threshold_rows(scores, thresholds) == -1
        results.append((projections, thresholds))
    for one, other in zip(*results, strict=True):
        assert_array_equal(one, other)


@widths
@scales
@dtypes
def test_losses_and_residuals_are_the_same(scores, n_outputs):
    random = np.random.default_rng(1)
    shares = random.dirichlet(np.full(n_outputs, 0.3), size=N_ROWS)
    targets = np.where(shares > 0.05, shares, 0)
    rows = sparse.csr_array(targets)
    # a target that stands twice counts twice
    entries = rows.indptr * 2, np.repeat(rows.indices, 2), np.repeat(rows.data / 2, 2)
    results = []
    for module in both:
        residual, losses = scores.copy(), np.empty(N_ROWS)
        dense_residual, dense_losses = scores.copy(), np.empty(N_ROWS)
        module.loss_rows(residual, *entries, losses)
        module.loss_rows_dense(dense_residual, targets, dense_losses)
        results.append((residual, losses, dense_residual, dense_losses))
    for one, other in zip(*results, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("bad_row", [2, 290])
def test_the_first_infinite_row_is_the_same(bad_row):
    scores = np.zeros((N_ROWS, 300))
    scores[[bad_row, -1], 7] = np.inf
    for module in both:
        assert module.project_rows(scores, np.empty_like(scores)) == bad_row
        assert module.threshold_rows(scores, np.empty(N_ROWS)) == bad_row


# --- for how long -------------------------------------------------------------------------


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel that is not compiled, in a process that has computed nothing."""
    monkeypatch.setattr(stand_in, "_n_numbers", 0)

    def work():
        pass

    stats = SimpleNamespace(cache_path=str(tmp_path))
    # compared by identity, as dispatchers are
    return type("Dispatcher", (), {"signatures": [], "py_func": work, "stats": stats})()


def test_numpy_computes_so_many_numbers_of_a_process(kernel):
    half = stand_in.MOST_NUMBERS // 2
    assert stand_in.stands_in(kernel, half)
    assert not stand_in.stands_in(kernel, half + 1)
    # what it refused does not count
    assert stand_in.stands_in(kernel, half)
    assert not stand_in.stands_in(kernel, 1)


def test_a_kernel_that_was_compiled_is_used(kernel):
    kernel.signatures.append("(float64[:, ::1],)")
    assert not stand_in.stands_in(kernel, 1)


def test_a_kernel_that_is_kept_is_used(kernel, tmp_path):
    name = f"{__name__.rpartition('.')[2]}.{kernel.py_func.__qualname__}"
    (tmp_path / f"{name}-7.py311.nbi").touch()
    assert not stand_in.stands_in(kernel, 1)


def test_a_function_that_is_never_compiled_is_used():
    assert not stand_in.stands_in(len, 1)


def test_nothing_stands_in_where_everything_is_compiled_ahead_of_time(kernel):
    with stand_in.nothing_stands_in():
        assert not stand_in.stands_in(kernel, 1)
    assert stand_in.stands_in(kernel, 1)


@pytest.mark.slow
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels are interpreted")
def test_processes_compile_only_what_they_need(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from sklearn_sparsemax import sparsemax\n"
        "from sklearn_sparsemax._kernels import _short_rows\n"
        "sparsemax(np.zeros((int(sys.argv[1]), 10)))\n"
        "print(len(_short_rows.project_rows.signatures))\n"
    )
    for n_rows, n_signatures in ((10_000, 0), (1_000_000, 1), (10_000, 1)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(n_rows)],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) == n_signatures

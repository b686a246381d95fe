"""The threshold of single rows against exact arithmetic, where rounding decides who is above it."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from exact import sparsemax_threshold
from numpy.testing import assert_allclose

from sklearn_sparsemax._kernels import _rows
from sklearn_sparsemax._kernels._rows import threshold


@numba.njit
def largest(z):
    # only compiled functions can call it
    return _rows.largest(z)


def rows_with_an_entry_at_the_threshold(rng, dtype):
    """Scores, one of which rounding may put above the threshold of the others, and below it."""
    for _ in range(300):
        z = rng.random(rng.integers(2, 40)) * rng.choice([0.1, 0.5, 1])
        at = dtype(sparsemax_threshold(z.astype(dtype)))
        for entry in (at, np.nextafter(at, dtype(-1)), np.nextafter(at, dtype(1))):
            yield np.append(z, entry).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(2))
def test_an_entry_at_the_threshold_does_not_come_and_go(dtype, seed):
    for z in rows_with_an_entry_at_the_threshold(np.random.default_rng(seed), dtype):
        top = dtype(largest(z))
        relative = z - top
        assert top == z.max()
        assert_allclose(
            threshold(z, top), float(sparsemax_threshold(relative)), rtol=1e-14, atol=1e-15
        )


@pytest.mark.parametrize("scale", [1e-8, 1, 1e9])
def test_thresholds_of_random_rows(scale):
    rng = np.random.default_rng(0)
    for _ in range(200):
        z = scale * rng.normal(size=rng.integers(1, 30))
        z -= z.max()
        assert_allclose(threshold(z, 0.0), float(sparsemax_threshold(z)), rtol=1e-13, atol=1e-15)


def test_rows_that_hold_nan_end():
    assert threshold(np.array([0.0, np.nan, -2.0]), 0.0) == -1
    assert threshold(np.full(3, np.nan), np.nan) == -1

"""Summed Jacobians of the sparsemax against the sum of the matrices of all rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_sparsemax._kernels import curvature
from sklearn_sparsemax.losses import FenchelYoungLoss, SparsemaxLoss

LOSS = SparsemaxLoss()


def rows(name, rng):
    if name == "one column":
        return np.ones((7, 1))
    if name == "corners":
        return np.eye(5)[rng.integers(5, size=9)]
    if name == "full support":
        return np.full((6, 4), 0.25)
    if name == "no rows":
        return np.zeros((0, 4))
    if name == "subnormal":
        return np.array([[1, 5e-324, 0], [0, 1, 5e-324]])
    return LOSS.probabilities(rng.normal(size=(30, 7)))


@pytest.mark.parametrize(
    "name", ["random", "one column", "corners", "full support", "no rows", "subnormal"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_of_jacobians(name, dtype):
    rng = np.random.default_rng(0)
    p = rows(name, rng).astype(dtype)
    weights = rng.random(len(p))
    total = np.zeros((p.shape[1], p.shape[1]))
    curvature.add_jacobians(p, weights, total)
    expected = np.zeros_like(total)
    for row, weight in zip(p, weights, strict=True):
        support = (row > 0).astype(float)
        expected += weight * (np.diag(support) - np.outer(support, support) / support.sum())
    assert_allclose(total, expected, atol=1e-13)
    # the way of the losses that have no kernel
    assert_allclose(FenchelYoungLoss.mean_jacobian(LOSS, p, weights), expected, atol=1e-13)


def test_rows_of_one_output_add_nothing():
    total = np.full((3, 3), 0.5)
    curvature.add_jacobians(np.eye(3), np.ones(3), total)
    assert_array_equal(total, 0.5)

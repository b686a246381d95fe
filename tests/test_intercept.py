"""Rounding in the equations of the intercept."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from sklearn_sparsemax import _arrays
from sklearn_sparsemax._problem.intercept import balance_intercept
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax.losses import SoftmaxLoss, SparsemaxLoss


@pytest.mark.parametrize(("n_rows", "loss"), [(100_000, SparsemaxLoss()), (300_000, SoftmaxLoss())])
def test_rounding_over_many_rows_does_not_make_the_hessian_singular(n_rows, loss):
    """The Hessian of equal rows is singular, and the rounding of its sums exceeds a small ridge."""
    labels = np.random.default_rng(0).integers(3, size=n_rows)
    targets = sparse.csr_array((np.ones(n_rows), labels, np.arange(n_rows + 1)), shape=(n_rows, 3))
    objective = Objective(np.zeros((n_rows, 1)), targets, loss, alpha=1e-3)
    coef = balance_intercept(objective, np.zeros((2, 3)))
    assert_allclose(objective.scores(coef).mean(coef[-1]), objective.target_mean, atol=1e-12)


def test_the_ridge_grows_until_the_matrix_is_positive_definite():
    A = np.diag([1.0, -1e-13])
    solution = _arrays.solve_ridged(A, 1e-14, np.array([1.0, 1.0]))
    assert_allclose(solution, [1, 1 / (1e-12 - 1e-13)], rtol=1e-6)
    with pytest.raises(np.linalg.LinAlgError):
        _arrays.solve_ridged(-np.eye(2), 1e-14, np.ones(2))

"""Losses and implicit steps of single rows, against losses of many rows and equations."""

from __future__ import annotations

import warnings

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose
from tables import LOSSES as TABLE

from sklearn_sparsemax._kernels import row_losses
from sklearn_sparsemax.losses import EntmaxLoss

LOSSES = {case.loss.name: case.loss for case in TABLE.values()} | {
    f"{alpha:g}-entmax": EntmaxLoss(alpha) for alpha in (1.001, 1.2, 1.8, 2.5)
}

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


# as kernels call them
@numba.njit
def loss_of_row(loss, z, q, scratch):
    return row_losses.loss_of_row(loss, z, q, scratch)


@numba.njit
def implicit_step(loss, u, q, sigma, p, scratch):
    row_losses.implicit_step(loss, u, q, sigma, p, scratch)


def scratch_for(u):
    return np.empty((row_losses.N_SCRATCH, u.size))


def step(loss, u, q, sigma):
    """The probabilities at the end of the step, in the type of u."""
    p = np.empty_like(u)
    implicit_step(loss.of_rows(), u.copy(), q, sigma, p, scratch_for(u))
    return p


def scores_and_target(loss, rng, scale):
    n_outputs = rng.integers(1, 7) if loss.independent_outputs else rng.integers(2, 7)
    z = scale * rng.normal(size=n_outputs)
    if rng.random() < 0.3:
        z = np.round(z)
    kind = rng.integers(3)
    if loss.independent_outputs:
        q = rng.random(n_outputs) if kind else (rng.random(n_outputs) < 0.5).astype(float)
    elif kind == 0:
        q = np.eye(n_outputs)[rng.integers(n_outputs)]
    else:
        q = rng.dirichlet(np.full(n_outputs, 0.3))
    return z, q


@every_loss
@pytest.mark.parametrize("scale", [1e-8, 1, 30, 1e6])
def test_losses_are_those_of_many_rows(loss, scale):
    rng = np.random.default_rng(0)
    for _ in range(50):
        z, q = scores_and_target(loss, rng, scale)
        expected = loss.value(z[None], q[None])[0]
        found = loss_of_row(loss.of_rows(), z, q, scratch_for(z))
        assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@every_loss
@pytest.mark.parametrize("scale", [1e-8, 1, 30, 1e4])
@pytest.mark.parametrize("sigma", [0.0, 1e-9, 1e-2, 1, 50, 1e6])
def test_an_implicit_step_ends_where_it_is_explained(loss, scale, sigma):
    """P is that of the scores it leads to, z = u - sigma (p - q)."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        u, q = scores_and_target(loss, rng, scale)
        p = step(loss, u, q, sigma)
        if not loss.independent_outputs:
            assert_allclose(p.sum(), 1, rtol=1e-12)
        z = u - sigma * (p - q)
        # what p loses to rounding, the scores lose sigma times
        noise = 1e-12 * (1 + sigma + np.abs(u).max())
        expected = loss.probabilities(z[None])[0]
        if loss.full_support:
            # rounding of z moves p in proportion
            assert_allclose(p, expected, rtol=min(1, 4 * noise), atol=1e-12)
        else:
            assert_allclose(p, expected, atol=noise)


@every_loss
@pytest.mark.parametrize("sigma", [1e-300, 1e100, 1e202, 1e300])
@pytest.mark.parametrize("scale", [0.0, 1e-300, 1.0, 1e200])
def test_steps_and_scores_of_any_size_give_probabilities(loss, sigma, scale):
    rng = np.random.default_rng(2)
    for _ in range(20):
        u, q = scores_and_target(loss, rng, scale)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            p = step(loss, u, q, sigma)
        assert np.all((p >= 0) & (p <= 1))
        if not loss.independent_outputs:
            assert_allclose(p.sum(), 1, rtol=1e-12)
        if sigma * 1e-3 > max(1, np.abs(u).max()):
            # nothing can move against a step as long as this
            assert_allclose(p, q, atol=1e-2)


@every_loss
def test_a_step_that_starts_at_its_end_stays_there(loss):
    rng = np.random.default_rng(3)
    for _ in range(30):
        u, _ = scores_and_target(loss, rng, 2.0)
        q = loss.probabilities(u[None].copy())[0]
        for sigma in (1e-3, 1.0, 1e3):
            assert_allclose(step(loss, u, q, sigma), q, atol=1e-12)


@every_loss
def test_single_precision_costs_single_precision(loss):
    rng = np.random.default_rng(4)
    for _ in range(30):
        u, q = (array.astype(np.float32) for array in scores_and_target(loss, rng, 2.0))
        p = step(loss, u, q, 3.0)
        assert p.dtype == np.float32
        assert_allclose(p, step(loss, u.astype(float), q.astype(float), 3.0), atol=1e-6)

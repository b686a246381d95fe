"""Visits of dual coordinate ascent against a textbook's, with everything dense and formed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import probabilities
from scipy import sparse
from tables import LOSSES

from sklearn_sparsemax._kernels import candidates, row_losses
from sklearn_sparsemax._kernels import dual as kernel

WITH_ZEROS = [name for name, case in LOSSES.items() if row_losses.has_zeros(case.loss.of_rows())]
both_containers = pytest.mark.parametrize("container", ["dense", "csr"])


class Naive:
    """The same ascent with dense distributions and centred features that are really formed."""

    def __init__(self, X, targets, omega, alpha, constant, loss="sparsemax"):
        self.loss = LOSSES[loss].loss
        self.mean = omega @ X
        self.X = np.column_stack([X - self.mean, np.full(len(X), np.sqrt(constant))])
        self.P = targets.copy()
        self.targets = targets
        self.scale = omega / alpha
        self.center = np.zeros(targets.shape[1])

    @property
    def coef(self):
        return self.X.T @ (self.scale[:, None] * (self.targets - self.P))

    def visit(self, order):
        losses = np.zeros(len(self.X))
        for i in order:
            z = self.X[i] @ self.coef + self.center
            p, sigma = self.P[i], self.scale[i] * (self.X[i] @ self.X[i])
            losses[i] = self.scale[i] * self.loss.value(z[None], p[None])[0]
            self.P[i] = self.ascended(z, p, sigma)
        return losses

    def ascended(self, z, p, sigma):
        """The maximum over a block: for the sparsemax, a projection."""
        if self.loss.name == "sparsemax":
            return probabilities("sparsemax", ((z + sigma * p) / (1 + sigma))[None])[0]
        after, scratch = np.empty_like(p), np.empty((row_losses.N_SCRATCH, p.size))
        row_losses.implicit_step(self.loss.of_rows(), z.copy(), p, sigma, after, scratch)
        return after


def adversarial(name, rng):
    X = rng.normal(size=(12, 5)) * (rng.random((12, 5)) < 0.6)
    targets = rng.dirichlet(np.ones(4), size=12)
    if name == "ties":
        X, targets = np.round(X), np.round(2 * targets)
        targets[:, 0] += targets.sum(axis=1) == 0
        targets /= targets.sum(axis=1, keepdims=True)
    elif name == "one feature":
        X = X[:, :1]
    elif name == "rows without features":
        X[::2] = 0
    elif name == "huge":
        X *= 1e8
    elif name == "subnormal":
        X[:, 0] = 5e-324
    elif name == "far from the origin":
        X += 1e3
    elif name == "nine outputs":
        targets = np.eye(9)[rng.integers(9, size=12)]
    elif name == "two outputs":
        targets = np.eye(2)[rng.integers(2, size=12)]
    return X, targets


@both_containers
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    "name",
    [
        "random",
        "ties",
        "one feature",
        "rows without features",
        "huge",
        "subnormal",
        "far from the origin",
        "nine outputs",
        "two outputs",
    ],
)
@pytest.mark.parametrize("visits", [kernel.visit_rows, candidates.visit_rows])
def test_visits_are_those_of_the_textbook(name, container, index, visits):
    check_visits(name, "sparsemax", container, index, visits)


@both_containers
@pytest.mark.parametrize("loss", LOSSES)
def test_visits_of_every_loss(loss, container):
    check_visits("random", loss, container, np.int32, kernel.visit_rows)


@both_containers
@pytest.mark.parametrize("loss", WITH_ZEROS)
def test_visits_to_candidates_and_all_outputs_that_are_missing(loss, container):
    check_visits("nine outputs", loss, container, np.int32, candidates.visit_rows)


@pytest.mark.parametrize("loss", WITH_ZEROS)
def test_a_visit_to_candidates_alone_maximises_over_them(loss):
    """It is the visit to a problem without the other outputs."""
    rng = np.random.default_rng(3)
    X, coef = rng.normal(size=(8, 4)), rng.normal(size=(4, 6))
    chosen = np.sort([rng.choice(6, 3, replace=False) for _ in range(8)])
    arguments = np.full(8, 0.3), 0.3 * (X**2).sum(axis=1), np.zeros(8), np.zeros(8)
    of_rows = LOSSES[loss].loss.of_rows()
    P = rng.dirichlet(np.ones(3), size=8)
    for i in range(8):
        losses, alone = np.zeros(8), np.zeros(8)
        A, small = coef.copy(), np.ascontiguousarray(coef[:, chosen[i]])
        rows = whole_rows(chosen, P)
        zeros = np.zeros(6), np.zeros(6), np.zeros(6)
        candidates.visit_rows(
            np.array([i]), (X,), of_rows, *arguments, A, *zeros, rows, losses, False
        )
        few = whole_rows(np.tile(np.arange(3), (8, 1)), P)
        zeros = np.zeros(3), np.zeros(3), np.zeros(3)
        kernel.visit_rows(np.array([i]), (X,), of_rows, *arguments, small, *zeros, few, alone)
        assert_allclose(A[:, chosen[i]], small, rtol=1e-12)
        assert_allclose(np.delete(A, chosen[i], axis=1), np.delete(coef, chosen[i], axis=1))
        assert_allclose(losses, alone, rtol=1e-12)
        p = np.zeros(3)
        place = slice(few.begin[i], few.begin[i] + few.size[i])
        p[few.outputs[place]] = few.values[place]
        assert_allclose(rows.values[3 * i : 3 * i + 3], p, atol=1e-14)


def whole_rows(outputs, values):
    n_rows, size = outputs.shape
    begin = np.arange(0, n_rows * size, size)
    sizes = np.full(n_rows, size)
    pool = outputs.ravel().astype(np.int64), values.ravel().copy()
    return kernel.DualRows(begin, sizes, sizes.copy(), *pool, np.array([n_rows * size]))


def check_visits(name, loss, container, index, visits):
    rng = np.random.default_rng(0)
    X, targets = adversarial(name, rng)
    n_rows, n_outputs = targets.shape
    omega, alpha, constant = rng.dirichlet(np.ones(n_rows)), 1e-2, 0.5
    if name == "huge":
        alpha *= 1e16
    naive = Naive(X, targets, omega, alpha, constant, loss)
    projected_mean = X @ naive.mean
    csr = sparse.csr_array(X)
    features = (X,)
    if container == "csr":
        features = (csr.indptr.astype(index), csr.indices.astype(index), csr.data)
    A, g, h = np.zeros((X.shape[1], n_outputs)), np.zeros(n_outputs), np.zeros(n_outputs)
    Q = sparse.csr_array(targets)
    size = np.diff(Q.indptr).astype(np.int64)
    room = n_rows * n_outputs * 20
    pool = [np.concatenate([a, np.zeros(room, a.dtype)]) for a in (Q.indices, Q.data)]
    rows = kernel.DualRows(
        Q.indptr[:-1].astype(np.int64), size, size.copy(), *pool, np.array([Q.nnz])
    )
    for _ in range(5):
        order = rng.permutation(n_rows)
        losses = np.zeros(n_rows)
        visited = visits(
            order,
            features,
            naive.loss.of_rows(),
            naive.scale,
            naive.scale * (naive.X**2).sum(axis=1),
            constant + naive.mean @ naive.mean - projected_mean,
            projected_mean,
            A,
            g,
            h,
            naive.center,
            rows,
            losses,
            *([True] if visits is candidates.visit_rows else []),
        )
        assert visited == n_rows
        expected = naive.visit(order)
        # far offsets cancel in the scores, of which the textbook's are centred beforehand
        rtol = 1e-6 if name == "far from the origin" else 1e-9
        P = np.zeros_like(targets)
        for i in range(n_rows):
            place = slice(rows.begin[i], rows.begin[i] + rows.size[i])
            P[i, rows.outputs[place]] = rows.values[place]
        assert_allclose(P, naive.P, atol=rtol)
        assert_allclose(losses, expected, rtol=1e-3 * rtol**0.5, atol=rtol * naive.scale.max())
        W = A - np.outer(naive.mean, g)
        assert_allclose(W, naive.coef[:-1], rtol=rtol, atol=rtol * np.abs(naive.coef).max())
        assert_allclose(np.sqrt(constant) * g, naive.coef[-1], atol=rtol * np.abs(naive.coef).max())
        naive.center += rng.normal(size=n_outputs)


def test_a_pool_without_place_ends_the_visits_before_the_row():
    """Rows of one output outgrow a pool of one free place; nothing of them is changed."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6, 3))
    size = np.ones(6, np.int64)
    rows = kernel.DualRows(
        np.arange(6), size, size.copy(), np.zeros(9, np.int64), np.ones(9), np.array([6])
    )
    A, g, h, losses = np.zeros((3, 3)), np.zeros(3), np.zeros(3), np.zeros(6)
    scale = np.full(6, 0.1)
    arguments = (
        (X,),
        row_losses.Sparsemax(),
        scale,
        0.1 * (X**2).sum(axis=1),
        np.zeros(6),
        np.zeros(6),
        A,
        g,
        h,
    )
    visited = kernel.visit_rows(np.arange(6), *arguments, np.zeros(3), rows, losses)
    assert visited == 1
    assert_array_equal(rows.size, [3, 1, 1, 1, 1, 1])
    assert_allclose(A, np.outer(X[0], scale[0] * (np.eye(3)[0] - rows.values[6:])))

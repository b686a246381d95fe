"""Visits of stochastic descent against a textbook's, with everything dense and formed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import LOSSES
from scipy import sparse

from sklearn_sparsemax._kernels import row_losses
from sklearn_sparsemax._kernels import sgd as kernel
from sklearn_sparsemax._kernels.sgd_state import (
    CONSTANT_STEP,
    INVERSE_SCALING,
    OPTIMAL,
    Moments,
    Schedule,
    start_at_zero,
)

LOSS_NAMES = ("sparsemax", "softmax", "1.5-entmax", "logistic", "binary_sparsemax")
# the second derivative of each loss along its steepest direction
CURVATURE = {
    "sparsemax": 1,
    "softmax": 1 / 2,
    "1.5-entmax": 1 / np.sqrt(2),
    "logistic": 1 / 4,
    "binary_sparsemax": 1 / 2,
}

every_loss = pytest.mark.parametrize("loss", LOSSES)


def of_rows(loss):
    return LOSSES[loss].loss.of_rows()


# --- many rows ----------------------------------------------------------------------------


class Naive:
    """The same descent with dense residuals, centred features and a formed average."""

    def __init__(self, X, targets, weights, loss, *, alpha, intercept, schedule, memory):
        self.X, self.targets, self.weights, self.loss = X, targets, weights, loss
        self.alpha, self.intercept, self.schedule, self.memory = alpha, intercept, schedule, memory
        n_rows, n_outputs = targets.shape
        self.W, self.b = np.zeros((X.shape[1], n_outputs)), np.zeros(n_outputs)
        self.mean_W, self.mean_b = self.W.copy(), self.b.copy()
        self.residuals = np.zeros((n_rows, n_outputs))
        self.center = np.zeros(X.shape[1])
        self.t = 0
        self.seen = list(range(n_rows)) if memory else []
        if memory:
            self._center()
            self.deviations = ((X - self.center) ** 2).sum(axis=1)

    def _center(self):
        """Move the centre; the intercept is that of centred features."""
        if self.intercept:
            center = np.average(self.X[self.seen], axis=0, weights=self.weights[self.seen])
            self.b += (center - self.center) @ self.W
            self.mean_b += (center - self.center) @ self.mean_W
            self.center = center

    def visit(self, order):
        loss_sum = 0.0
        for i in order:
            if self.weights[i] == 0:
                continue
            x = self.X[i] - self.center
            self.t += 1
            if not self.memory:
                if not self.seen:
                    self.deviations = np.zeros(len(self.X))
                self.seen.append(i)
                self.deviations[i] = x @ x
            weights = self.weights[self.seen]
            n_rows, w = len(self.seen), self.weights[i] / weights.mean()
            squares = weights @ (self.X[self.seen] ** 2).sum(axis=1)
            deviations = max(weights @ self.deviations[self.seen], kernel.LEAST_SPREAD * squares)
            spread = deviations / weights.sum() or 1.0
            constant = kernel.CONSTANT * spread * self.intercept
            gamma = self._gamma(CURVATURE[self.loss] * (spread + constant), n_rows)
            q, r = self.targets[i], self.residuals[i] * self.memory
            G_W, G_b = np.zeros_like(self.W), np.zeros_like(self.b)
            if self.memory:
                omega = self.weights / self.weights.sum()
                G_W = (self.X - self.center).T @ (omega[:, None] * self.residuals)
                G_b = omega @ self.residuals
            z = x @ self.W + self.b
            loss_sum += self.weights[i] * LOSSES[self.loss].loss.value(z[None], q[None])[0]
            shrink = 1 / (1 + gamma * self.alpha)
            sigma = w * gamma * (shrink * (x @ x) + constant)
            u = shrink * x @ (self.W - gamma * G_W) + self.b - gamma * constant * G_b + sigma * r
            p, scratch = np.empty_like(u), np.empty((row_losses.N_SCRATCH, u.size))
            row_losses.implicit_step(of_rows(self.loss), u.copy(), q, sigma, p, scratch)
            delta = p - q - r
            self.W = shrink * (self.W - gamma * G_W - gamma * w * np.outer(x, delta))
            self.b = self.b - gamma * constant * (G_b + w * delta)
            self.residuals[i] = p - q
            decay = kernel.DECAY if self.memory else kernel.STREAM_DECAY
            rho = (decay + 1) / (self.t + decay)
            self.mean_W = self.mean_W + rho * (self.W - self.mean_W)
            self.mean_b = self.mean_b + rho * (self.b - self.mean_b)
            if not self.memory and self.intercept and (n_rows & (n_rows - 1)) == 0:
                self._center()
                self.deviations = ((self.X - self.center) ** 2).sum(axis=1)
        return loss_sum

    def _gamma(self, bound, n_rows):
        length = kernel.LENGTH if self.memory else kernel.STREAM_LENGTH
        first = self.schedule.eta0 or length / bound
        return {
            OPTIMAL: 1 / (1 / first + self.alpha * n_rows),
            CONSTANT_STEP: first,
            INVERSE_SCALING: first / self.t**self.schedule.power,
        }[self.schedule.rule]


class Compiled:
    """The kernel with its arrays."""

    def __init__(self, naive, container="dense", *, dtype=np.float64, index=np.int32):
        X, targets = naive.X.astype(dtype), sparse.csr_array(naive.targets)
        self.naive, self.dtype = naive, np.dtype(dtype)
        self.features = (X,)
        if container == "csr":
            X = sparse.csr_array(X)
            self.features = (X.indptr.astype(index), X.indices.astype(index), X.data)
        self.targets = (targets.indptr, targets.indices, targets.data)
        n_features, n_outputs = naive.W.shape
        self.moments = Moments(np.zeros(n_features), np.zeros(n_features), np.zeros(5))
        if naive.memory:
            weights, center = naive.weights, naive.center
            self.moments.mean[:] = center
            self.moments.sums[:] = (
                len(weights),
                weights.sum(),
                weights @ (naive.X**2).sum(axis=1),
                weights @ naive.deviations,
                center @ center,
            )
        self.iterate = start_at_zero(n_features, n_outputs, self.dtype, memory=naive.memory)
        self.residuals = np.zeros((len(naive.X) * naive.memory, n_outputs), self.dtype)

    def visit(self, order):
        naive = self.naive
        return kernel.visit_rows(
            np.asarray(order),
            self.features,
            self.targets,
            naive.weights,
            self.residuals,
            of_rows(naive.loss),
            naive.alpha,
            naive.intercept,
            naive.schedule,
            self.moments,
            self.iterate,
        )

    def coef(self):
        s, g, u, v, c = self.iterate.scalars
        formed = self.iterate.rows - np.outer(self.moments.mean, self.iterate.total)
        V, *G, A = np.split(formed, 3 if self.naive.memory else 2, axis=1)
        G = G[0] if G else 0.0
        W, mean_W = s * V - g * G, u * A + v * V - c * G
        b, mean_b = self.iterate.intercepts
        return SimpleNamespace(W=W, b=b, mean_W=mean_W, mean_b=mean_b)


def adversarial(name, rng, loss):
    n_outputs = {"nine outputs": 9, "sixty outputs": 60, "two outputs": 2}.get(name, 4)
    X = rng.normal(size=(13, 5)) * (rng.random((13, 5)) < 0.6)
    targets = rng.dirichlet(np.ones(n_outputs), size=13)
    if name.endswith("outputs") or loss == "logistic":
        targets = np.eye(n_outputs)[rng.integers(n_outputs, size=13)]
    if name == "ties":
        X = np.round(X)
    elif name == "one feature":
        X = X[:, :1]
    elif name == "rows without features":
        X[::2] = 0
    elif name == "all alike":
        X[:] = X[1]
    elif name == "no features":
        X[:] = 0
    elif name == "huge":
        X *= 1e8
    elif name == "tiny":
        X *= 1e-8
    elif name == "far from the origin":
        X += 1e3
    return X, targets


NAMES = [
    "random",
    "ties",
    "one feature",
    "rows without features",
    "all alike",
    "no features",
    "huge",
    "tiny",
    "far from the origin",
    "two outputs",
    "nine outputs",
    "sixty outputs",
]


def pair(name, loss, memory, *, alpha=1e-2, intercept=True, schedule=None, **options):
    rng = np.random.default_rng(2)
    X, targets = adversarial(name, rng, loss)
    weights = rng.exponential(size=len(X))
    if not memory:
        weights[[3, 7]] = 0
    alpha *= {"huge": 1e16, "tiny": 1e-16}.get(name, 1)
    naive = Naive(
        X,
        targets,
        weights,
        loss,
        alpha=alpha,
        intercept=intercept,
        schedule=schedule or Schedule(OPTIMAL, 0.0, 0.0),
        memory=memory,
    )
    return naive, Compiled(naive, **options)


def assert_equal_paths(naive, compiled, *, n_epochs=4, rtol=1e-8):
    rng = np.random.default_rng(3)
    for _ in range(n_epochs):
        order = rng.permutation(len(naive.X))
        assert_allclose(compiled.visit(order), naive.visit(order), rtol=rtol, atol=rtol)
        coef = compiled.coef()
        unit = max(np.abs(naive.W).max(), np.abs(naive.mean_W).max())
        # rows all alike leave W = 0, but for rounding
        unit = max(unit, 1 / (np.abs(naive.X).max() or 1.0))
        assert_allclose(coef.W, naive.W, rtol=rtol, atol=rtol * unit)
        assert_allclose(coef.mean_W, naive.mean_W, rtol=rtol, atol=rtol * unit)
        assert_allclose(coef.b, naive.b, rtol=rtol, atol=10 * rtol)
        assert_allclose(coef.mean_b, naive.mean_b, rtol=rtol, atol=10 * rtol)
        if naive.memory:
            assert_allclose(compiled.residuals, naive.residuals, atol=10 * rtol)


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "stream"])
@pytest.mark.parametrize(
    ("container", "index"), [("dense", None), ("csr", np.int32), ("csr", np.int64)]
)
@pytest.mark.parametrize("name", NAMES)
def test_visits_are_those_of_the_textbook(name, container, index, memory):
    naive, compiled = pair(name, "sparsemax", memory, container=container, index=index)
    # far offsets cancel in the scores, of which the textbook's are centred beforehand
    assert_equal_paths(naive, compiled, rtol=1e-5 if name == "far from the origin" else 1e-8)


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "stream"])
@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])
@pytest.mark.parametrize("alpha", [0.0, 1e-4, 10.0])
@every_loss
def test_visits_of_every_loss(loss, alpha, intercept, memory):
    naive, compiled = pair("random", loss, memory, alpha=alpha, intercept=intercept)
    assert_equal_paths(naive, compiled, rtol=1e-7)


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "stream"])
@pytest.mark.parametrize("container", ["dense", "csr"])
def test_visits_in_single_precision(container, memory):
    naive, compiled = pair("random", "sparsemax", memory, container=container, dtype=np.float32)
    assert_equal_paths(naive, compiled, rtol=1e-4)
    assert compiled.iterate.rows.dtype == np.float32


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "stream"])
@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(OPTIMAL, 0.3, 0.0),
        Schedule(CONSTANT_STEP, 0.0, 0.0),
        Schedule(CONSTANT_STEP, 1e3, 0.0),
        Schedule(INVERSE_SCALING, 2.0, 0.7),
    ],
    ids=str,
)
def test_schedules(schedule, memory):
    assert_equal_paths(*pair("random", "sparsemax", memory, schedule=schedule))


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "stream"])
def test_scalars_that_shrink_far_are_multiplied_out(memory):
    """With a strong penalty and constant steps W shrinks a thousandfold at each visit."""
    schedule = Schedule(CONSTANT_STEP, 1.0, 0.0)
    naive, compiled = pair("random", "sparsemax", memory, alpha=1e3, schedule=schedule)
    smallest = []
    for _ in range(3):
        assert_equal_paths(naive, compiled, n_epochs=1)
        smallest.append(compiled.iterate.scalars[[0, 2]].min())
    assert min(smallest) >= kernel.SMALLEST


@pytest.mark.parametrize("container", ["dense", "csr"])
def test_a_stream_is_the_same_in_blocks_of_any_size(container):
    _, whole = pair("random", "softmax", False, container=container)
    _, pieces = pair("random", "softmax", False, container=container)
    whole.visit(np.arange(13))
    for block in np.split(np.arange(13), [1, 2, 6, 6, 11]):
        pieces.visit(block)
    for array, same in zip(whole.iterate, pieces.iterate, strict=True):
        assert_array_equal(array, same)
    assert_array_equal(whole.moments.sums, pieces.moments.sums)

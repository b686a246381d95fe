"""Small problems of every kind, with the objective and its dual as a textbook writes them.

The formulas of `textbook` are the reference for what the package computes in blocks, fused and
without cancellation.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import sparse
from tables import LOSSES

from sklearn_sparsemax import SparsemaxClassifier
from sklearn_sparsemax._problem.objective import Objective


class Problem(NamedTuple):
    X: np.ndarray | sparse.csr_array
    targets: np.ndarray | sparse.csr_array
    loss: str
    alpha: float
    sample_weight: np.ndarray | None = None
    fit_intercept: bool = True
    reference_output: bool = False

    def objective(self, dtype=np.float64):
        X, targets, loss, alpha, *options = self
        options = dict(zip(self._fields[4:], options, strict=True))
        return Objective(X.astype(dtype), targets, LOSSES[loss].loss, alpha=alpha, **options)

    @property
    def features(self):
        return to_dense(self.X).astype(np.float64)

    @property
    def distributions(self):
        return to_dense(self.targets)

    @property
    def omega(self):
        weights = np.ones(self.X.shape[0]) if self.sample_weight is None else self.sample_weight
        return weights / weights.sum()

    @property
    def shape(self):
        n_features, n_outputs = self.X.shape[1], self.targets.shape[1]
        return n_features + self.fit_intercept, n_outputs - self.reference_output

    def scores(self, coef):
        ones = np.ones((self.X.shape[0], int(self.fit_intercept)))
        scores = np.hstack([self.features, ones]) @ coef
        return np.hstack([np.zeros((len(scores), int(self.reference_output))), scores])


def to_dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def probabilities(loss, scores):
    """argmax_p <p, z> - Omega(p) for each row z."""
    return LOSSES[loss].probabilities(scores)


def regularizer(loss, p):
    """Omega of each row of p."""
    return LOSSES[loss].regularizer(p)


def primal(problem, coef):
    """F(W, b) = sum_i omega_i (Omega*(z_i) + Omega(q_i) - <q_i, z_i>) + alpha/2 ||W||^2."""
    loss, scores, targets = problem.loss, problem.scores(coef), problem.distributions
    p = probabilities(loss, scores)
    losses = ((p - targets) * scores).sum(axis=1)
    losses += regularizer(loss, targets) - regularizer(loss, p)
    W = coef[: problem.X.shape[1]]
    return problem.omega @ losses + 0.5 * problem.alpha * (W**2).sum()


def primal_gradient(problem, coef):
    n_features = problem.X.shape[1]
    residual = probabilities(problem.loss, problem.scores(coef)) - problem.distributions
    residual = problem.omega[:, None] * residual[:, int(problem.reference_output) :]
    gradient = problem.features.T @ residual + problem.alpha * coef[:n_features]
    if problem.fit_intercept:
        gradient = np.vstack([gradient, residual.sum(axis=0)])
    return gradient


def dual(problem, p):
    """D(P) = sum_i omega_i (Omega(q_i) - Omega(p_i)) - alpha/2 ||W(P)||^2."""
    difference = (problem.distributions - p)[:, int(problem.reference_output) :]
    W = problem.features.T @ (problem.omega[:, None] * difference) / problem.alpha
    regularizers = regularizer(problem.loss, problem.distributions) - regularizer(problem.loss, p)
    return problem.omega @ regularizers - 0.5 * problem.alpha * (W**2).sum()


def feasible_probabilities(problem, coef):
    """The probabilities, moved from outputs with too much to those with too little."""
    p = probabilities(problem.loss, problem.scores(coef))
    if not problem.fit_intercept:
        return p
    return repaired(problem, p)


def repaired(problem, p):
    qbar = problem.omega @ problem.distributions
    if LOSSES[problem.loss].loss.independent_outputs:
        for k in range(p.shape[1]):
            label = np.column_stack([p[:, k], 1 - p[:, k]])
            p[:, k] = _moved(label, problem.omega, np.array([qbar[k], 1 - qbar[k]]))[:, 0]
        return p
    return _moved(p, problem.omega, qbar)


def _moved(p, omega, qbar):
    pbar = omega @ p
    deficit = np.maximum(qbar - pbar, 0)
    kept = p * np.minimum(1, qbar / np.where(pbar > 0, pbar, 1))
    kept[:, pbar <= qbar] = p[:, pbar <= qbar]
    if deficit.sum() == 0:
        # what is too much of one output is then too little of another by rounding only
        return kept
    return kept + np.outer((p - kept).sum(axis=1), deficit / deficit.sum())


def random_csr(rng, shape, density):
    return sparse.csr_array(rng.random(shape) * (rng.random(shape) < density))


def random_targets(kind, rng, n_rows):
    if kind in ("binary", "multiclass"):
        n_classes = 2 if kind == "binary" else 4
        codes = np.concatenate(
            [np.arange(n_classes), rng.integers(n_classes, size=n_rows - n_classes)]
        )
        return sparse.csr_array(np.eye(n_classes)[codes])
    if kind == "distributions":
        shares = rng.exponential(size=(n_rows, 3)) * (rng.random((n_rows, 3)) < 0.6)
        shares[:, 0] += shares.sum(axis=1) == 0
        return shares / shares.sum(axis=1, keepdims=True)
    labels = (rng.random((n_rows, 4)) < 0.4).astype(float)
    if kind == "label sets":
        labels[:, 0] += labels.sum(axis=1) == 0
        labels /= labels.sum(axis=1, keepdims=True)
    return sparse.csr_array(labels)


def random_problem(loss, kind, container, intercept, weighted, alpha, *, seed, n_rows=30):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3)) * [1, 3, 0.3] + [0, 2, 0]
    if container == "csr":
        X = sparse.csr_array(X * (rng.random(X.shape) < 0.6))
    sample_weight = rng.exponential(size=n_rows) if weighted else None
    targets = random_targets(kind, rng, n_rows)
    return Problem(X, targets, loss, alpha, sample_weight, intercept, kind == "binary")


KINDS = [(name, kind) for name, case in LOSSES.items() for kind in case.kinds]
ALPHAS = [1e-6, 1e-4, 1e-2, 1, 10]


def _table():
    rows = product(KINDS, ("dense", "csr"), (True, False), (True, False))
    for i, ((loss, kind), container, intercept, weighted) in enumerate(rows):
        # 5 strengths and factors of 2: each meets every other setting
        alpha = ALPHAS[i % len(ALPHAS)]
        name = "-".join(
            [
                f"{loss}-{kind}-{container}",
                "intercept" if intercept else "origin",
                "weights" if weighted else "equal",
                f"{alpha:g}",
            ]
        )
        yield name, random_problem(loss, kind, container, intercept, weighted, alpha, seed=i)


PROBLEMS = dict(_table())


def fitted_coef(X, y, solver):
    """In a module that imports little, for processes that pickle what they run."""
    return SparsemaxClassifier(alpha=1e-3, solver=solver).fit(X, y).coef_

"""The minimum of each problem and loss, with a proof, kept in a file.

Every solver of this package that can takes its turn, each from where it stopped, with ever more
iterations, until the best objective and the best of the proven lower bounds are near enough.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from scipy import sparse

from sklearn_sparsemax import (
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)
from sklearn_sparsemax.linear_model._base import SOLVERS

from . import margins
from .competitors._competitor import LARGEST_HESSIAN
from .competitors.ours import with_constant
from .objectives import PENALISE_INTERCEPT, objective
from .problems import Problem

# One-dimensional y makes classifiers of them all; the logistic loss stays one against rest.
ESTIMATORS = {
    "sparsemax": MultilabelSparsemaxClassifier,
    "softmax": MultilabelSoftmaxClassifier,
    "entmax15": MultilabelEntmaxClassifier,
    "logistic": MultilabelLogisticClassifier,
    "logistic, intercept penalised": partial(MultilabelLogisticClassifier, fit_intercept=False),
}
# Far below the finest level.
TOLERANCE = 1e-9
FIRST_ITERATIONS = 100
# The other solvers keep many vectors of the size of the coefficients.
MOST_COEFFICIENTS = 2**24


class Reference(NamedTuple):
    """The lowest objective found; the minimum is proven to lie at most `gap` below it."""

    objective: float
    gap: float
    solver: str
    seconds: float


class References:
    """Facts and minima of a problem, to be made in a process of its own."""

    def __init__(self, problem: Problem, file: Path) -> None:
        self.problem = problem
        self.file = file
        X, self.y = problem.load()
        self.bytes = X.data.nbytes + (
            X.indices.nbytes + X.indptr.nbytes if sparse.issparse(X) else 0
        )
        self.dtype = X.dtype.name
        self.fingerprint = joblib.hash((X, self.y, problem.alpha))
        self.nonzeros = X.nnz if sparse.issparse(X) else X.size
        self.X = X.astype(np.float64)
        self.n_outputs = self.y.shape[1] if sparse.issparse(self.y) else int(self.y.max()) + 1

    def describe(self) -> dict[str, Any]:
        n, d = self.X.shape
        return {
            "rows": n,
            "features": d,
            "outputs": self.n_outputs,
            "nonzeros": self.nonzeros,
            "dtype": self.dtype,
            "bytes": self.bytes,
            "alpha": self.problem.alpha,
        }

    def at_zero(self, loss: str) -> float:
        """F(0, 0)."""
        K, d = self.n_outputs, self.X.shape[1]
        return objective(loss, self.X, self.y, self.problem.alpha, np.zeros((K, d)), np.zeros(K))

    def minimum(self, loss: str, budget: float) -> Reference:
        """From the file, if it is as near as it can be in `budget` seconds; else computed."""
        key = f"{self.problem.name} {loss} {self.fingerprint}"
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        if key in known:
            reference = Reference(**known[key])
            near = reference.gap <= TOLERANCE * reference.objective
            if near or reference.seconds >= budget:
                return reference
        reference = self._compute(loss, budget)
        known[key] = reference._asdict()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(known, indent=1))
        return reference

    def _compute(self, loss: str, budget: float) -> Reference:
        start = time.perf_counter()
        best, bound, best_solver = math.inf, -math.inf, ""
        for solver, value, proven in self._bounds(loss, start + budget):
            if value < best:
                best, best_solver = value, solver
            bound = max(bound, proven)
            gap = max(best - bound, 0)
            print(
                f"    minimum of {loss}: {best:.12g}, gap {gap / best:.1e} of it "
                f"({solver}, {time.perf_counter() - start:.0f} s)",
                flush=True,
            )
            if gap <= TOLERANCE * best:
                break
        return Reference(best, gap, best_solver, time.perf_counter() - start)

    def _bounds(self, loss: str, deadline: float) -> Iterator[tuple[str, float, float]]:
        """A solver, its objective and a lower bound of the minimum, again and again."""
        if loss in margins.LOSSES:
            found = margins.minima(loss, self.X, self.y, self.problem.alpha, deadline)
            for value, bound in found:
                yield "this benchmark", value, bound
        else:
            for solver, model in self._fits(loss, deadline):
                yield solver, model.objective_, model.objective_ - model.dual_gap_

    def _fits(self, loss: str, deadline: float) -> Iterator[tuple[str, Any]]:
        """Models of all solvers in turn, until the deadline or until none gets further."""
        models = {
            solver: ESTIMATORS[loss](
                self.problem.alpha,
                solver=solver,
                # in units of F(0, 0); what is wanted is in units of the minimum
                tol=1e-3 * TOLERANCE,
                threshold=0,
                warm_start=True,
                random_state=0,
            )
            for solver in self._solvers()
        }
        X = with_constant(self.X) if loss in PENALISE_INTERCEPT else self.X
        max_iter = dict.fromkeys(models, FIRST_ITERATIONS)
        while models:
            for solver, model in list(models.items()):
                left = deadline - time.perf_counter()
                model.max_iter = max_iter[solver]
                begun = time.perf_counter()
                try:
                    model.fit(X, self.y)
                except ValueError:  # the solver does not minimise this loss
                    del models[solver]
                    continue
                seconds = time.perf_counter() - begun
                yield solver, model
                left = deadline - time.perf_counter()
                affordable = int(max_iter[solver] * left / seconds)
                if model.n_iter_ < max_iter[solver] or affordable < FIRST_ITERATIONS / 10:
                    del models[solver]
                max_iter[solver] = min(2 * max_iter[solver], affordable)

    def _solvers(self) -> list[str]:
        """Newton's method with the exact Hessian where it is affordable, else all others."""
        size = (self.X.shape[1] + 1) * self.n_outputs
        exact = "newton-cholesky"
        if 8 * size**2 <= LARGEST_HESSIAN / 16:
            return [exact]
        if size > MOST_COEFFICIENTS:
            return ["sdca"]
        # dual ascent is the one that most often needs no other
        others = [solver for solver in SOLVERS if solver not in ("auto", "sdca", exact)]
        return ["sdca", *others]

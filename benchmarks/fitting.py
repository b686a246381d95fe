"""What happens in the process of one competitor on one problem: load, warm up, fit, judge."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import sparse

from .competitors import Competitor, Fit
from .objectives import objective
from .problems import Problem

WARM_UP_ROWS = 200


class Fits:
    """Fits of a competitor to a problem; the last is kept until it is judged."""

    def __init__(self, problem: Problem, competitor: Competitor) -> None:
        self.problem = problem
        self.competitor = competitor
        self.X, self.y = problem.load()
        self.last: Fit

    def warm_up(self) -> None:
        """A short fit to few rows of the same type and layout: imports, compilation, caches."""
        rows = slice(WARM_UP_ROWS)
        y = self.y[rows]
        y = (
            y[:, np.unique(y.indices)]
            if sparse.issparse(y)
            else np.unique(y, return_inverse=True)[1]
        )
        self.competitor.fit(self.X[rows], y, alpha=self.problem.alpha, max_iter=2, tol=0.0)

    def fit(self, max_iter: int, tol: float = 0.0) -> dict[str, Any]:
        """Seconds and iterations of a fit."""
        start = time.perf_counter()
        self.last = self.competitor.fit(
            self.X, self.y, alpha=self.problem.alpha, max_iter=max_iter, tol=tol
        )
        seconds = time.perf_counter() - start
        return {
            "seconds": seconds,
            "n_iter": int(self.last.n_iter),
            "dual_gap": self.last.dual_gap,
        }

    def judge(self) -> float:
        """F of the last fit, in double precision."""
        return objective(
            self.competitor.loss,
            self.X,
            self.y,
            self.problem.alpha,
            self.last.coef,
            self.last.intercept,
        )

"""This package, with each of its solvers."""

from __future__ import annotations

from functools import partial
from typing import Any

from sklearn_sparsemax import MultilabelSparsemaxClassifier, SparsemaxClassifier
from sklearn_sparsemax.linear_model._base import SOLVERS

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, solver: str, alpha: float, max_iter: int, tol: float) -> Fit:
    options = {"solver": solver, "max_iter": max_iter, "tol": tol, "random_state": 0}
    if y.ndim == 1:
        model = SparsemaxClassifier(alpha, **options)
    else:
        # a given threshold: choosing one is no part of the minimisation
        model = MultilabelSparsemaxClassifier(alpha, threshold=0, **options)
    model.fit(X, y)
    return Fit(model.coef_, model.intercept_, model.n_iter_, model.dual_gap_)


COMPETITORS = [
    Competitor(
        f"sklearn-sparsemax/{solver}",
        "sparsemax",
        partial(fit, solver=solver),
        takes_label_sets=True,
        forms_hessian=solver == "newton-cholesky",
        certifies=True,
    )
    for solver in SOLVERS
]

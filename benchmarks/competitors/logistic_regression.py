"""scikit-learn's LogisticRegression, with each solver that fits the multinomial loss."""

from __future__ import annotations

from functools import partial
from typing import Any

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, solver: str, alpha: float, max_iter: int, tol: float) -> Fit:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=1 / (alpha * X.shape[0]), solver=solver, tol=tol, max_iter=max_iter, random_state=0
    ).fit(X, y)
    return Fit(model.coef_, model.intercept_, int(model.n_iter_.max()))


COMPETITORS = [
    Competitor(
        f"LogisticRegression/{solver}",
        "softmax",
        partial(fit, solver=solver),
        forms_hessian=solver == "newton-cholesky",
    )
    for solver in ("lbfgs", "newton-cg", "newton-cholesky", "saga")
]

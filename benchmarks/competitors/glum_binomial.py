"""glum's generalised linear model of the binomial family, one label against the rest."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, solver: str, alpha: float, max_iter: int, tol: float) -> Fit:
    from glum import GeneralizedLinearRegressor

    # glum asks for columns
    X = sparse.csc_matrix(X) if sparse.issparse(X) else X
    labels = y.toarray().T if sparse.issparse(y) else y == np.arange(y.max() + 1)[:, None]
    models = [
        GeneralizedLinearRegressor(
            family="binomial",
            alpha=alpha,
            solver=solver,
            max_iter=max_iter,
            gradient_tol=tol or 1e-12,
            random_state=0,
        ).fit(X, label.astype(X.dtype))
        for label in labels
    ]
    coef = np.vstack([model.coef_ for model in models])
    intercept = np.array([model.intercept_ for model in models])
    return Fit(coef, intercept, max(int(model.n_iter_) for model in models))


COMPETITORS = [
    Competitor(
        f"glum/{solver}",
        "logistic",
        partial(fit, solver=solver),
        requires=("glum",),
        takes_label_sets=True,
        forms_hessian=solver == "irls-ls",
        one_label_at_a_time=True,
    )
    for solver in ("irls-ls", "lbfgs")
]

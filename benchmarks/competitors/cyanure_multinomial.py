"""Cyanure's multinomial logistic loss, with the accelerated variance reduction that it chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.machine import thread_count

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    from cyanure.estimators import Classifier

    model = Classifier(
        loss="multiclass-logistic",
        penalty="l2",
        lambda_1=alpha,
        multi_class="multinomial",
        max_iter=max_iter,
        tol=tol or 1e-16,
        n_threads=thread_count(),
        random_state=0,
        verbose=False,
    ).fit(sparse.csr_matrix(X) if sparse.issparse(X) else X, y)
    coef, intercept = np.asarray(model.coef_).T, np.ravel(model.intercept_)
    return Fit(coef, intercept, int(np.max(model.n_iter_)))


COMPETITORS = [Competitor("Cyanure", "softmax", fit, requires=("cyanure",))]

"""LIBLINEAR's logistic loss, one label against the rest, by its primal and its dual solver.

scikit-learn's LogisticRegression wraps it. LIBLINEAR has no free intercept: it penalises the
coefficient of a constant feature like all others. So does the objective here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.machine import thread_count

from ._competitor import Competitor, Fit

LOSS = "logistic, intercept penalised"


def fit(X: Any, y: Any, *, dual: bool, alpha: float, max_iter: int, tol: float) -> Fit:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    model = LogisticRegression(
        C=1 / (alpha * X.shape[0]),
        solver="liblinear",
        dual=dual,
        tol=tol or 1e-16,
        max_iter=max_iter,
        random_state=0,
    )
    model = OneVsRestClassifier(model, n_jobs=thread_count()).fit(X, y)
    coef = np.vstack([label.coef_ for label in model.estimators_])
    intercept = np.concatenate([label.intercept_ for label in model.estimators_])
    n_iter = max(int(label.n_iter_.max()) for label in model.estimators_)
    return Fit(coef, intercept, n_iter)


COMPETITORS = [
    Competitor(name, LOSS, partial(fit, dual=dual), takes_label_sets=True)
    for name, dual in (("LIBLINEAR/primal", False), ("LIBLINEAR/dual", True))
]

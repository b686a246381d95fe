"""Snap ML, IBM's library of linear models: one label against the rest, on all threads.

It penalises the intercept, as LIBLINEAR does. Its coefficients have single precision.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.machine import thread_count

from . import liblinear
from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, name: str, alpha: float, max_iter: int, tol: float) -> Fit:
    import snapml
    from sklearn.multiclass import OneVsRestClassifier

    # sparse arrays are refused
    X = sparse.csr_matrix(X) if sparse.issparse(X) else X
    model = getattr(snapml, name)(
        regularizer=alpha * X.shape[0],
        fit_intercept=True,
        max_iter=max_iter,
        tol=tol or 1e-16,
        n_jobs=thread_count(),
        random_state=0,
    )
    if sparse.issparse(y):
        model = OneVsRestClassifier(model).fit(X, y)
        parts = model.estimators_
    else:
        parts = [model.fit(X, y)]
    coef = np.vstack([part.coef_ for part in parts])
    intercept = np.concatenate([np.ravel(part.intercept_) for part in parts])
    return Fit(coef, intercept, max(int(np.max(part.n_iter_)) for part in parts))


COMPETITORS = [
    Competitor(
        f"snapml/{name}", loss, partial(fit, name=name), requires=("snapml",), takes_label_sets=True
    )
    for name, loss in (("LogisticRegression", liblinear.LOSS), ("SupportVectorMachine", "hinge"))
]

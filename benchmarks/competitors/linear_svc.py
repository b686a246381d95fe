"""scikit-learn's LinearSVC: one label against the rest, or Crammer and Singer's multiclass hinge.

It wraps LIBLINEAR, which penalises the coefficient of a constant feature like all others. So do
the objectives here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.machine import thread_count

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, loss: str, alpha: float, max_iter: int, tol: float) -> Fit:
    """One label against the rest, as many labels at a time as there are threads."""
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    model = LinearSVC(
        C=1 / (alpha * X.shape[0]), loss=loss, tol=tol or 1e-16, max_iter=max_iter, random_state=0
    )
    model = OneVsRestClassifier(model, n_jobs=thread_count()).fit(X, y)
    coef = np.vstack([label.coef_ for label in model.estimators_])
    intercept = np.concatenate([label.intercept_ for label in model.estimators_])
    return Fit(coef, intercept, max(int(label.n_iter_) for label in model.estimators_))


def fit_jointly(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    """LIBLINEAR ignores `max_iter` here, so a number of iterations is turned into a tolerance."""
    from sklearn.svm import LinearSVC

    model = LinearSVC(
        C=1 / (alpha * X.shape[0]),
        multi_class="crammer_singer",
        tol=tol or 1 / max_iter**2,
        random_state=0,
    ).fit(X, y)
    return Fit(model.coef_, model.intercept_, max_iter)


COMPETITORS = [
    Competitor(f"LinearSVC/{loss}", loss, partial(fit, loss=name), takes_label_sets=True)
    for loss, name in (("squared hinge", "squared_hinge"), ("hinge", "hinge"))
]
COMPETITORS += [Competitor("LinearSVC/Crammer-Singer", "Crammer-Singer", fit_jointly)]

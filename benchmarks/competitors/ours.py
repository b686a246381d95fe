"""This package: the sparsemax loss with each of its solvers, and other losses with two of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

import sklearn_sparsemax as package
from sklearn_sparsemax.linear_model._base import SOLVERS

from . import liblinear
from ._competitor import Competitor, Fit

# The estimators of classes, and of label sets.
ESTIMATORS: dict[str, tuple[Any, Any]] = {
    "sparsemax": (package.SparsemaxClassifier, package.MultilabelSparsemaxClassifier),
    "entmax15": (package.EntmaxClassifier, package.MultilabelEntmaxClassifier),
    "softmax": (
        partial(package.EntmaxClassifier, entmax_alpha=1),
        package.MultilabelSoftmaxClassifier,
    ),
    "logistic": (package.MultilabelLogisticClassifier,) * 2,
}


def fit(X: Any, y: Any, *, loss: str, solver: str, alpha: float, max_iter: int, tol: float) -> Fit:
    options = {"solver": solver, "max_iter": max_iter, "tol": tol, "random_state": 0}
    of_classes, of_label_sets = ESTIMATORS[loss]
    if y.ndim == 1:
        model = of_classes(alpha, **options)
    else:
        # a given threshold: choosing one is no part of the minimisation
        model = of_label_sets(alpha, threshold=0, **options)
    model.fit(X, y)
    return Fit(model.coef_, model.intercept_, model.n_iter_, model.dual_gap_)


def fit_penalised(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    """The objective of LIBLINEAR: the intercept is the coefficient of a constant feature."""
    options = {"max_iter": max_iter, "tol": tol, "random_state": 0, "fit_intercept": False}
    model = package.MultilabelLogisticClassifier(alpha, threshold=0, **options)
    model.fit(with_constant(X), y)
    return Fit(model.coef_[:, :-1], model.coef_[:, -1], model.n_iter_, model.dual_gap_)


def with_constant(X: Any) -> Any:
    """X with a last feature of ones."""
    ones = np.ones((X.shape[0], 1), X.dtype)
    if not sparse.issparse(X):
        return np.hstack([X, ones])
    joined = sparse.csr_array(sparse.hstack([X, ones], format="csr"))
    joined.indices, joined.indptr = joined.indices.astype(np.int32), joined.indptr.astype(np.int32)
    return joined


COMPETITORS = [
    Competitor(
        f"sklearn-sparsemax/{solver}",
        "sparsemax",
        partial(fit, loss="sparsemax", solver=solver),
        takes_label_sets=True,
        forms_hessian=solver == "newton-cholesky",
        certifies=True,
    )
    for solver in SOLVERS
]
COMPETITORS += [
    Competitor(
        f"sklearn-sparsemax {loss}/{solver}",
        loss,
        partial(fit, loss=loss, solver=solver),
        takes_label_sets=True,
        certifies=True,
    )
    for loss in ESTIMATORS
    if loss != "sparsemax"
    for solver in ("auto", "sdca")
]
COMPETITORS += [
    Competitor(
        "sklearn-sparsemax logistic, intercept penalised/auto",
        liblinear.LOSS,
        fit_penalised,
        takes_label_sets=True,
        certifies=True,
    )
]

"""scikit-learn's RidgeClassifier: least squares on targets of -1 and 1, with a free intercept.

Its default solver factorises the matrix of second derivatives of dense features, and takes
conjugate gradients for sparse ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    from sklearn.linear_model import RidgeClassifier

    iterates = sparse.issparse(X)
    model = RidgeClassifier(
        alpha * X.shape[0],
        max_iter=max_iter if iterates else None,
        tol=tol or 1e-16,
        random_state=0,
    ).fit(X, y.toarray() if sparse.issparse(y) else y)
    return Fit(model.coef_, np.ravel(model.intercept_), max_iter if iterates else 1)


COMPETITORS = [Competitor("RidgeClassifier", "squares", fit, takes_label_sets=True)]

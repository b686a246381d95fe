"""scikit-learn's SGDClassifier: one against rest, with its default schedule.

Its objective is the sum of its K problems, each a mean log loss with the penalty
alpha/2 ||w_k||^2: the independent logistic loss, whose minimum can be computed.
"""

from __future__ import annotations

from typing import Any

from benchmarks.machine import thread_count

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(
        loss="log_loss",
        alpha=alpha,
        max_iter=max_iter,
        tol=tol or None,
        n_jobs=thread_count(),
        random_state=0,
    ).fit(X, y)
    return Fit(model.coef_, model.intercept_, model.n_iter_)


COMPETITORS = [Competitor("SGDClassifier", "logistic", fit)]

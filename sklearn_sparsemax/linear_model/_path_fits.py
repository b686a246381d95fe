"""The fits of one fold along a part of a path, and the scores of the rows that it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._compat import callback_management, give_callbacks, safe_indexing
from .._problem.progress import training_data
from .._solvers.path import PathSolver
from .._typing import Array
from ._base import SOLVERS

Scorer = Callable[..., float]


class Task(NamedTuple):
    """Fits of one model to one fold, for neighbouring alphas from large to small."""

    model: Any
    train: Array
    test: Array
    alphas: Array
    note: str
    context: Any  # scikit-learn's callback context of these fits, or None


def accuracy(model: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """The accuracy, without the checks that scikit-learn's scorer makes for each model anew."""
    is_right = model.predict(X) == np.asarray(y)
    return float(np.average(is_right, weights=sample_weight))


class PathFits(NamedTuple):
    """What the fits found, for each alpha."""

    scores: Array  # (n_scorers, n_alphas)
    dual_gaps: Array  # (n_alphas,)
    n_iters: Array  # (n_alphas,)
    coefs: list[Array]  # with the intercept as last column; empty unless asked for


def joined(parts: list[PathFits]) -> PathFits:
    """The fits of one fold, from those of its parts."""
    return PathFits(
        np.concatenate([part.scores for part in parts], axis=1),
        np.concatenate([part.dual_gaps for part in parts]),
        np.concatenate([part.n_iters for part in parts]),
        [coef for part in parts for coef in part.coefs],
    )


def fit_path(
    task: Task,
    X: Any,
    y: Any,
    weights: Array | None,
    scorers: list[Scorer],
    score_params: list[dict[str, Any]],
    *,
    store_coefs: bool,
    caller: Any,
) -> PathFits:
    """Fit some rows for one alpha after the other, and score the others.

    `caller` is the estimator to which the callbacks belong.
    """
    model = task.model
    X_train, y_train = safe_indexing(X, task.train), safe_indexing(y, task.train)
    X_test, y_test = safe_indexing(X, task.test), safe_indexing(y, task.test)
    of_train = None if weights is None else weights[task.train]
    of_test = [
        {name: safe_indexing(value, task.test) for name, value in params.items()}
        for params in score_params
    ]
    given = training_data(X_train, y_train, of_train)
    features, encoder, encoded = model._encode(X_train, y_train, of_train)
    objective = model.set_params(alpha=1.0)._objective(
        features, encoded.targets, encoded.weights, encoder.reference_output
    )
    path = PathSolver(
        objective,
        model.solver,
        SOLVERS[model.solver],
        tol=model.tol,
        max_iter=model.max_iter,
        random_state=model.random_state,
    )

    def complete(fitted: Any) -> None:
        fitted._adopt(encoder)
        fitted._complete(features, encoded)

    if task.context is not None:
        task.context.call_on_fit_task_begin(estimator=caller, **given)
    scores, gaps, n_iters, coefs = [], [], [], []
    for alpha in task.alphas.tolist():
        model.alpha = alpha
        with _told(task.context, f"alpha {alpha:.3g}", model, caller, given):
            model._run(objective, partial(path.solve, alpha), given, complete)
        scores.append(
            [
                scorer(model, X_test, y_test, **params)
                for scorer, params in zip(scorers, of_test, strict=True)
            ]
        )
        gaps.append(model.dual_gap_)
        n_iters.append(model.n_iter_)
        if store_coefs:
            coefs.append(np.column_stack([model.coef_, model.intercept_]))
        if task.note:
            note = f"{task.note}  alpha {alpha:.3e}  {model.n_iter_} iterations"
            print(f"{note}  {scores[-1][0]:.6g}")
    if task.context is not None:
        task.context.call_on_fit_task_end(estimator=caller, **given)
    return PathFits(np.transpose(scores), np.array(gaps), np.array(n_iters), coefs)


@contextmanager
def _told(
    context: Any, name: str, model: Any, caller: Any, given: dict[str, Any]
) -> Iterator[None]:
    """Tell the callbacks of a fit of the model, and give the model those that it inherits."""
    if context is None:
        yield
        return
    give_callbacks(caller, model)
    of_fit = context.subcontext(task_name=name)
    with of_fit.propagate_callback_context(model), callback_management(model):
        of_fit.call_on_fit_task_begin(estimator=caller, **given)
        yield
        of_fit.call_on_fit_task_end(estimator=caller, **given)

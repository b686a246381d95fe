"""One table each of losses, solvers and estimators, from which the common tests are drawn.

A new loss, solver or estimator joins its table with one entry, and gets all common tests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import exact
import numpy as np
import textbook
from sklearn.datasets import load_iris

import sklearn_sparsemax as package
from sklearn_sparsemax._solvers import auto, lbfgs, newton_cg, newton_cholesky, sdca, sgd
from sklearn_sparsemax.losses import (
    BinarySparsemaxLoss,
    EntmaxLoss,
    FenchelYoungLoss,
    LogisticLoss,
    SoftmaxLoss,
    SparsemaxLoss,
)

# --- losses -------------------------------------------------------------------------------

ON_THE_SIMPLEX = ("binary", "multiclass", "label sets", "distributions")


class LossCase(NamedTuple):
    """A loss, and independent definitions of it.

    `kinds` are those of the targets that it takes. `exact_loss` and `exact_probabilities` take one
    row, in exact or 60-digit arithmetic; `probabilities` and `regularizer` take all rows.
    """

    loss: FenchelYoungLoss
    function: Callable[..., Any]
    kinds: tuple[str, ...]
    exact_loss: Callable[..., Any]
    exact_probabilities: Callable[..., Any]
    probabilities: Callable[[np.ndarray], np.ndarray]
    regularizer: Callable[[np.ndarray], np.ndarray]


LOSSES = {
    case.loss.name: case
    for case in (
        LossCase(
            SparsemaxLoss(),
            package.sparsemax_loss,
            ON_THE_SIMPLEX,
            exact.sparsemax_loss,
            exact.sparsemax,
            textbook.sparsemax,
            textbook.half_squares,
        ),
        LossCase(
            SoftmaxLoss(),
            package.softmax_loss,
            ON_THE_SIMPLEX,
            exact.softmax_loss,
            exact.softmax,
            textbook.softmax,
            textbook.negative_entropy,
        ),
        LossCase(
            EntmaxLoss(1.5),
            package.entmax_loss,
            ON_THE_SIMPLEX,
            partial(exact.entmax_loss, alpha=1.5),
            exact.entmax15,
            textbook.entmax,
            textbook.entmax_regularizer,
        ),
        LossCase(
            LogisticLoss(),
            package.logistic_loss,
            ("labels",),
            exact.logistic_loss,
            exact.logistic,
            textbook.sigmoid,
            textbook.negative_binary_entropies,
        ),
        LossCase(
            BinarySparsemaxLoss(),
            package.binary_sparsemax_loss,
            ("labels",),
            exact.binary_sparsemax_loss,
            exact.binary_sparsemax,
            textbook.clipped,
            textbook.binary_squares,
        ),
    )
}

# --- solvers ------------------------------------------------------------------------------

ALL_LOSSES = tuple(LOSSES)


class SolverCase(NamedTuple):
    """A solver, the losses that it serves, and how it works.

    One that visits rows takes them in random order, has epochs for iterations, and may need many
    of them where the penalty is weak.
    """

    solve: Callable[..., Any]
    losses: tuple[str, ...] = ALL_LOSSES
    visits_rows: bool = False
    needs_penalty: bool = False


SOLVERS = {
    "auto": SolverCase(auto.solve),
    "lbfgs": SolverCase(lbfgs.solve),
    "newton-cg": SolverCase(newton_cg.solve),
    "newton-cholesky": SolverCase(newton_cholesky.solve),
    "sdca": SolverCase(sdca.solve, visits_rows=True, needs_penalty=True),
    "sgd": SolverCase(sgd.solve, visits_rows=True),
}

# --- estimators ---------------------------------------------------------------------------


def classes():
    return load_iris(return_X_y=True)


def label_sets(n_rows=60, n_labels=4, seed=0):
    """Features, and an indicator matrix of the labels that depend on them; some rows have none."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3)) * [1, 3, 0.3] + [0, 2, 0]
    scores = (X - [0, 2, 0]) @ rng.normal(size=(3, n_labels)) + rng.normal(size=(n_rows, n_labels))
    return X, (scores > 0.7).astype(int)


def proportions(n_rows=60, n_outputs=4, seed=0):
    """Features, and proportions with zeros that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3)) * [1, 3, 0.3] + [0, 2, 0]
    scores = X @ rng.normal(size=(3, n_outputs)) / 3 + 0.5 * rng.normal(size=(n_rows, n_outputs))
    return X, textbook.sparsemax(scores)


DATA = {"classes": classes, "label sets": label_sets, "proportions": proportions}

THROUGH_THE_ORIGIN = {
    "check_class_weight_classifiers": (
        "expects class weights to move all predictions to one class: a model through the "
        "origin cannot, as a test shows for LogisticRegression"
    )
}
ZERO_PROBABILITIES = {
    "check_classifiers_multilabel_output_format_predict_proba": (
        "demands probabilities strictly between 0 and 1; those of sparsemax are exactly 0 "
        "for labels that are ruled out"
    )
}
ROWS_TAKE_TURNS = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "a row of weight 2 is visited once, the same row given twice is visited twice, at other "
    "places of the epoch; scikit-learn declares the same of SGDClassifier",
)


class EstimatorCase(NamedTuple):
    """An estimator, and what the common tests must know of it.

    `checked` are the parameters with which scikit-learn's checks run; `failures` the checks that
    it cannot pass, with reasons. `kind` is that of its targets, a key of `DATA`. `is_stream` says
    that it has `partial_fit` and no certificate.
    """

    make: type
    kind: str
    loss: str
    checked: tuple[dict[str, Any], ...] = ({},)
    failures: dict[str, str] = {}
    is_stream: bool = False

    @property
    def name(self):
        return self.make.__name__

    @property
    def solvers(self):
        """Names of the solvers that serve its loss."""
        if self.is_stream:
            return []
        return [name for name, solver in SOLVERS.items() if self.loss in solver.losses]

    def model(self, **options):
        if self.is_stream:
            options = {"max_iter": 5, "tol": None, "random_state": 0, **options}
        return self.make(**{"alpha": 1e-2, **options})

    def data(self):
        return DATA[self.kind]()


# L-BFGS stops anywhere within tol of the minimum. The checks that demand equality to 1e-9 under
# repeated rows need a problem on which that pins down the predictions.
LBFGS = {"solver": "lbfgs", "alpha": 1e-2}
NEWTON = {"solver": "newton-cholesky"}

ESTIMATORS = (
    EstimatorCase(
        package.SparsemaxClassifier,
        "classes",
        "sparsemax",
        checked=(
            {},
            NEWTON,
            LBFGS,
            {"fit_intercept": False},
            {"class_weight": "balanced"},
            {"warm_start": True},
        ),
    ),
    EstimatorCase(
        package.EntmaxClassifier,
        "classes",
        "1.5-entmax",
        checked=({}, {**NEWTON, "entmax_alpha": 1.2, "class_weight": "balanced"}),
    ),
    EstimatorCase(
        package.MultilabelSparsemaxClassifier,
        "label sets",
        "sparsemax",
        checked=(
            {},
            {**LBFGS, "empty": "uniform"},
            {**NEWTON, "empty": "drop", "class_weight": "balanced"},
        ),
        failures=ZERO_PROBABILITIES,
    ),
    EstimatorCase(
        package.MultilabelEntmaxClassifier,
        "label sets",
        "1.5-entmax",
        checked=({}, {"entmax_alpha": 1, "empty": "drop"}),
        failures=ZERO_PROBABILITIES,
    ),
    EstimatorCase(
        package.MultilabelSoftmaxClassifier,
        "label sets",
        "softmax",
        checked=({}, {**LBFGS, "empty": "drop", "class_weight": "balanced"}),
    ),
    EstimatorCase(
        package.MultilabelLogisticClassifier,
        "label sets",
        "logistic",
        checked=({}, {**LBFGS, "class_weight": "balanced", "threshold": 0.3}),
    ),
    EstimatorCase(
        package.MultilabelBinarySparsemaxClassifier,
        "label sets",
        "binary_sparsemax",
        checked=({}, {**NEWTON, "class_weight": "balanced", "threshold": 0.3}),
        failures=ZERO_PROBABILITIES,
    ),
    EstimatorCase(
        package.SparsemaxRegressor,
        "proportions",
        "sparsemax",
        checked=({}, {**LBFGS, "fit_intercept": False}),
    ),
    EstimatorCase(package.EntmaxRegressor, "proportions", "1.5-entmax"),
    EstimatorCase(package.SoftmaxRegressor, "proportions", "softmax"),
    EstimatorCase(
        package.SGDSparsemaxClassifier,
        "classes",
        "sparsemax",
        checked=(
            {},
            {"average": False, "learning_rate": "constant", "shuffle": False},
            {"loss": "softmax"},
            {"loss": "binary_sparsemax"},
        ),
        failures=ROWS_TAKE_TURNS,
        is_stream=True,
    ),
    EstimatorCase(
        package.SGDMultilabelSparsemaxClassifier,
        "label sets",
        "sparsemax",
        checked=({}, {"empty": "uniform", "threshold": 0.2}, {"loss": "logistic"}),
        failures={**ROWS_TAKE_TURNS, **ZERO_PROBABILITIES},
        is_stream=True,
    ),
)

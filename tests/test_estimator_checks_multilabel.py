"""scikit-learn's own checks, on the estimators of label sets and of proportions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_sparsemax import (
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    SoftmaxRegressor,
    SparsemaxRegressor,
)

SPAN = 8.0


class _AnyTarget:
    """For tests only: lets a regressor of proportions take the arbitrary y of the checks.

    scikit-learn has no tag for targets on the simplex. Behind the estimator's own validation, each
    of the c columns of y is mapped from [-SPAN, SPAN] to a share in [0, 1/c], and what is left to
    1 is one more output; predictions are mapped back. Values beyond SPAN are clipped: the checks
    that ask for a good score use standardised y. Everything else is the estimator's own code.
    """

    def _validate_fit(self, X, y, **options):
        X, y = super()._validate_fit(X, y, **options)
        if y.ndim != 2:
            return X, y
        shares = (np.clip(y.astype(np.float64), -SPAN, SPAN) + SPAN) / (2 * SPAN * y.shape[1])
        return X, np.hstack([shares, 1 - shares.sum(axis=1, keepdims=True)])

    def predict(self, X):
        shares = super().predict(X)[:, :-1]
        return 2 * SPAN * shares.shape[1] * shares - SPAN


class SparsemaxRegressorOfAnyTarget(_AnyTarget, SparsemaxRegressor):
    pass


class SoftmaxRegressorOfAnyTarget(_AnyTarget, SoftmaxRegressor):
    pass


LBFGS = {"solver": "lbfgs", "alpha": 1e-2}
NEWTON = {"solver": "newton-cholesky"}
CLASSIFIERS = [
    MultilabelSparsemaxClassifier(),
    MultilabelSparsemaxClassifier(**LBFGS, empty="uniform"),
    MultilabelSparsemaxClassifier(**NEWTON, empty="drop", class_weight="balanced"),
    MultilabelSoftmaxClassifier(),
    MultilabelSoftmaxClassifier(**LBFGS, empty="drop", class_weight="balanced"),
    MultilabelLogisticClassifier(),
    MultilabelLogisticClassifier(**LBFGS, class_weight="balanced", threshold=0.3),
]
REGRESSORS = [
    SparsemaxRegressorOfAnyTarget(),
    SparsemaxRegressorOfAnyTarget(**LBFGS, fit_intercept=False),
    SoftmaxRegressorOfAnyTarget(),
]


def expected_failures(estimator):
    if isinstance(estimator, MultilabelSparsemaxClassifier):
        return {
            "check_classifiers_multilabel_output_format_predict_proba": (
                "demands probabilities strictly between 0 and 1; those of sparsemax are exactly 0 "
                "for labels that are ruled out"
            )
        }
    return {}


@parametrize_with_checks(CLASSIFIERS + REGRESSORS, expected_failed_checks=expected_failures)
def test_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
@pytest.mark.parametrize(
    "estimator",
    [
        MultilabelSparsemaxClassifier(),
        MultilabelSoftmaxClassifier(),
        MultilabelLogisticClassifier(),
        SparsemaxRegressorOfAnyTarget(),
        SoftmaxRegressorOfAnyTarget(),
    ],
    ids=str,
)
def test_further_checks(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize("base", [SparsemaxRegressor, SoftmaxRegressor])
def test_the_regressors_themselves_have_the_interface_that_was_checked(base):
    assert list(inspect.signature(base.fit).parameters) == ["self", "X", "y", "sample_weight"]
    assert not hasattr(base, "decision_function")

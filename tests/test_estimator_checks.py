"""scikit-learn's own checks, on several configurations of `SparsemaxClassifier`."""

from __future__ import annotations

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import (
    check_class_weight_classifiers,
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_sparsemax import SparsemaxClassifier

CONFIGURATIONS = [
    SparsemaxClassifier(),
    SparsemaxClassifier(solver="newton-cholesky"),
    # L-BFGS stops anywhere within tol of the minimum. The checks that demand equality to 1e-9
    # under repeated rows need a problem on which that pins down the predictions.
    SparsemaxClassifier(solver="lbfgs", alpha=1e-2),
    SparsemaxClassifier(fit_intercept=False),
    SparsemaxClassifier(class_weight="balanced"),
    SparsemaxClassifier(warm_start=True),
]


def expected_failures(estimator):
    if estimator.fit_intercept:
        return {}
    return {
        "check_class_weight_classifiers": (
            "expects class weights to move all predictions to one class: a model through the "
            "origin cannot, as the test below shows for LogisticRegression"
        )
    }


@parametrize_with_checks(CONFIGURATIONS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_no_linear_classifier_through_the_origin_passes_the_check_of_class_weights():
    with pytest.raises(AssertionError):
        check_class_weight_classifiers(
            "LogisticRegression", LogisticRegression(fit_intercept=False)
        )
    check_class_weight_classifiers("LogisticRegression", LogisticRegression())


# the generator above leaves these out
@pytest.mark.parametrize("estimator", CONFIGURATIONS, ids=repr)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_further_scikit_learn_checks(estimator, check):
    check("SparsemaxClassifier", estimator)

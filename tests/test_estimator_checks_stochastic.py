"""scikit-learn's own checks, on the estimators of data that arrive in pieces."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_sparsemax import SGDMultilabelSparsemaxClassifier, SGDSparsemaxClassifier

ESTIMATORS = [
    SGDSparsemaxClassifier(),
    SGDSparsemaxClassifier(average=False, learning_rate="constant", shuffle=False),
    SGDMultilabelSparsemaxClassifier(),
    SGDMultilabelSparsemaxClassifier(empty="uniform", threshold=0.2),
]

ROWS_TAKE_TURNS = (
    "a row of weight 2 is visited once, the same row given twice is visited twice, at other "
    "places of the epoch; scikit-learn declares the same of SGDClassifier"
)


def expected_failures(estimator):
    failures = {
        "check_sample_weight_equivalence_on_dense_data": ROWS_TAKE_TURNS,
        "check_sample_weight_equivalence_on_sparse_data": ROWS_TAKE_TURNS,
    }
    if isinstance(estimator, SGDMultilabelSparsemaxClassifier):
        failures["check_classifiers_multilabel_output_format_predict_proba"] = (
            "demands probabilities strictly between 0 and 1; those of sparsemax are exactly 0 "
            "for labels that are ruled out"
        )
    return failures


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
@pytest.mark.parametrize(
    "estimator", [SGDSparsemaxClassifier(), SGDMultilabelSparsemaxClassifier()], ids=str
)
def test_further_checks(estimator, check):
    check(type(estimator).__name__, estimator)

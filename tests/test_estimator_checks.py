"""scikit-learn's own checks, on every estimator of the table."""

from __future__ import annotations

import inspect

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import (
    check_class_weight_classifiers,
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)
from tables import ESTIMATORS, THROUGH_THE_ORIGIN, ZERO_PROBABILITIES

from sklearn_sparsemax import _arrays

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
        y = _arrays.moved_beside(y, X)
        xp = _arrays.namespace(y)
        shares = (xp.clip(_arrays.in_double(y), -SPAN, SPAN) + SPAN) / (2 * SPAN * y.shape[1])
        return X, _arrays.beside_each_other([shares, 1 - xp.sum(shares, axis=1, keepdims=True)])

    def predict(self, X):
        shares = super().predict(X)[:, :-1]
        return 2 * SPAN * shares.shape[1] * shares - SPAN


def checkable(case):
    """The class of the estimator, or a stand-in that takes what the checks give."""
    if case.kind != "proportions":
        return case.make
    return type(f"{case.name}OfAnyTarget", (_AnyTarget, case.make), {"__module__": __name__})


CHECKABLE = {case.name: checkable(case) for case in ESTIMATORS}
# where pickle finds them
globals().update({made.__name__: made for made in CHECKABLE.values()})
CASE_OF = {made.__name__: case for made, case in zip(CHECKABLE.values(), ESTIMATORS, strict=True)}

CONFIGURATIONS = [
    CHECKABLE[case.name](**options) for case in ESTIMATORS for options in case.checked
]


def expected_failures(estimator):
    case = CASE_OF[type(estimator).__name__]
    failures = dict(case.failures)
    if case.kind == "classes" and not estimator.fit_intercept:
        failures |= THROUGH_THE_ORIGIN
    if estimator._loss.full_support:
        failures = {name: why for name, why in failures.items() if name not in ZERO_PROBABILITIES}
    return failures


@parametrize_with_checks(CONFIGURATIONS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# the generator above leaves these out
@pytest.mark.parametrize("estimator", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_further_scikit_learn_checks(estimator, check):
    check(type(estimator).__name__, estimator)


def test_no_linear_classifier_through_the_origin_passes_the_check_of_class_weights():
    with pytest.raises(AssertionError):
        check_class_weight_classifiers(
            "LogisticRegression", LogisticRegression(fit_intercept=False)
        )
    check_class_weight_classifiers("LogisticRegression", LogisticRegression())


@pytest.mark.parametrize("base", [case.make for case in ESTIMATORS if case.kind == "proportions"])
def test_the_regressors_themselves_have_the_interface_that_was_checked(base):
    assert list(inspect.signature(base.fit).parameters) == ["self", "X", "y", "sample_weight"]
    assert not hasattr(base, "decision_function")

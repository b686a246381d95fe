"""The list of all estimators."""

from __future__ import annotations

import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from tables import ESTIMATORS

import sklearn_sparsemax
from sklearn_sparsemax.utils import all_estimators


def test_all_estimators_of_the_package_are_listed():
    listed = dict(all_estimators())
    assert list(listed) == sorted(listed)
    public = {
        name
        for name in sklearn_sparsemax.__all__
        if isinstance(getattr(sklearn_sparsemax, name), type)
    }
    assert set(listed) == public
    assert {case.make for case in ESTIMATORS} <= set(listed.values())
    assert all(issubclass(thing, BaseEstimator) for thing in listed.values())


def test_filters():
    classifiers, regressors = all_estimators("classifier"), all_estimators("regressor")
    assert sorted(classifiers + regressors) == all_estimators(["classifier", "regressor"])
    for case in ESTIMATORS:
        kind = is_classifier if case.make in dict(classifiers).values() else is_regressor
        assert kind(case.make())


def test_unknown_filter():
    with pytest.raises(ValueError, match=r"type_filter='transformer'; it must be None"):
        all_estimators("transformer")

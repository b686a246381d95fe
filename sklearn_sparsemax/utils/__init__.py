"""Tools for developers: the list of all estimators, as in :mod:`sklearn.utils`."""

from .discovery import all_estimators

__all__ = ["all_estimators"]

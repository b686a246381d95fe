"""The list of all estimators, for tests and tools that go through a library."""

from __future__ import annotations

import inspect

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

__all__ = ["all_estimators"]

KINDS = {"classifier": ClassifierMixin, "regressor": RegressorMixin}


def all_estimators(
    type_filter: str | list[str] | None = None,
) -> list[tuple[str, type[BaseEstimator]]]:
    """List the estimators of this package, as :func:`sklearn.utils.discovery.all_estimators`.

    Parameters
    ----------
    type_filter : {"classifier", "regressor"}, list of them or None, default=None
        Which estimators to list; None lists all.

    Returns
    -------
    estimators : list of tuples of (str, class)
        Name and class of each estimator, sorted by name.

    Raises
    ------
    ValueError
        If `type_filter` is another value.

    Examples
    --------
    >>> from sklearn_sparsemax.utils import all_estimators
    >>> [name for name, _ in all_estimators("regressor")]
    ['EntmaxRegressor', 'SoftmaxRegressor', 'SparsemaxRegressor']
    """
    wanted = [type_filter] if isinstance(type_filter, str) else type_filter
    for kind in wanted or ():
        if kind not in KINDS:
            raise ValueError(
                f"type_filter={type_filter!r}; it must be None, or one of {list(KINDS)} or a list "
                "of them."
            )
    import sklearn_sparsemax

    found = [(name, getattr(sklearn_sparsemax, name)) for name in sklearn_sparsemax.__all__]
    return sorted(
        (name, thing)
        for name, thing in found
        if inspect.isclass(thing)
        and issubclass(thing, BaseEstimator)
        and (wanted is None or issubclass(thing, tuple(KINDS[kind] for kind in wanted)))
    )

"""The one place for what scikit-learn keeps private and its own estimators rely on."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context as fit_context
from sklearn.utils._openmp_helpers import (
    _openmp_effective_n_threads as openmp_effective_n_threads,
)
from sklearn.utils._param_validation import Interval, StrOptions

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks."""


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "StrOptions",
    "callback_context",
    "fit_context",
    "has_callbacks",
    "openmp_effective_n_threads",
]


def has_callbacks(estimator: Any) -> bool:
    """Whether `set_callbacks` has given the estimator any."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def callback_context(estimator: Any, *, max_subtasks: int) -> Any:
    """The root of the tasks of a fit, which `fit_context` tears down in the end."""
    return estimator._init_callback_context(max_subtasks=max_subtasks)

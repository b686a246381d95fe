"""The one place for what scikit-learn keeps private and its own estimators rely on."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context as fit_context

# scikit-learn documents it for such use, its leading underscore notwithstanding
from sklearn.utils import _safe_indexing as safe_indexing
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
    "metric_of_labels",
    "openmp_effective_n_threads",
    "safe_indexing",
]


def has_callbacks(estimator: Any) -> bool:
    """Whether `set_callbacks` has given the estimator any."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def callback_context(estimator: Any, *, max_subtasks: int) -> Any:
    """The root of the tasks of a fit, which `fit_context` tears down in the end."""
    return estimator._init_callback_context(max_subtasks=max_subtasks)


def metric_of_labels(scorer: Any) -> tuple[Any, dict[str, Any]]:
    """The metric of predicted labels that a scorer maximises, with its options.

    (None, {}) for a scorer of another kind, or one that does not say.
    """
    is_such = getattr(scorer, "_sign", None) == 1 and scorer._response_method == "predict"
    function = getattr(scorer, "_score_func", None) if is_such else None
    return function, dict(getattr(scorer, "_kwargs", {})) if is_such else {}

"""The one place for what scikit-learn keeps private and its own estimators rely on."""

from __future__ import annotations

from typing import Any

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _array_api

# scikit-learn documents it for such use, its leading underscore notwithstanding
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._openmp_helpers import (
    _openmp_effective_n_threads as openmp_effective_n_threads,
)
from sklearn.utils._param_validation import Interval, StrOptions

# before scikit-learn 1.8, there is no array API for estimators of other packages
HAS_ARRAY_API = hasattr(_array_api, "move_to")

get_namespace_and_device = _array_api.get_namespace_and_device
convert_to_numpy = _array_api._convert_to_numpy


def array_namespace(array: Any) -> Any:
    """The functions for an array of another library than NumPy."""
    if not HAS_ARRAY_API:
        raise ImportError("Arrays of other libraries than NumPy need scikit-learn 1.8 or newer.")
    return _array_api.array_api_compat.array_namespace(array)


def move_to(array: Any, *, xp: Any, device: Any) -> Any:
    """The array as one of a namespace, on a device."""
    return _array_api.move_to(array, xp=xp, device=device)


try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback._base import AutoPropagatedCallback
    from sklearn.callback._callback_support import (
        callback_management_context as callback_management,
    )
except ImportError:  # before scikit-learn 1.9
    from contextlib import nullcontext as callback_management

    AutoPropagatedCallback = None

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks."""


__all__ = [
    "HAS_ARRAY_API",
    "CallbackSupportMixin",
    "Interval",
    "StrOptions",
    "array_namespace",
    "callback_context",
    "callback_management",
    "convert_to_numpy",
    "fit_context",
    "get_namespace_and_device",
    "give_callbacks",
    "has_callbacks",
    "metric_of_labels",
    "move_to",
    "openmp_effective_n_threads",
    "safe_indexing",
]


def has_callbacks(estimator: Any) -> bool:
    """Whether `set_callbacks` has given the estimator any."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def give_callbacks(estimator: Any, inner: Any) -> None:
    """Give an inner estimator the callbacks of its owner that scikit-learn does not propagate."""
    callbacks = getattr(estimator, "_skl_callbacks", [])
    inner.set_callbacks(*(one for one in callbacks if not isinstance(one, AutoPropagatedCallback)))


def callback_context(estimator: Any, *, max_subtasks: int, sequential_subtasks: bool = True) -> Any:
    """The root of the tasks of a fit, which `fit_context` tears down in the end."""
    return estimator._init_callback_context(
        max_subtasks=max_subtasks, sequential_subtasks=sequential_subtasks
    )


def metric_of_labels(scorer: Any) -> tuple[Any, dict[str, Any]]:
    """The metric of predicted labels that a scorer maximises, with its options.

    (None, {}) for a scorer of another kind, or one that does not say.
    """
    is_such = getattr(scorer, "_sign", None) == 1 and scorer._response_method == "predict"
    function = getattr(scorer, "_score_func", None) if is_such else None
    return function, dict(getattr(scorer, "_kwargs", {})) if is_such else {}

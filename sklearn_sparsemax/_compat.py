"""The one place for what scikit-learn keeps private and its own estimators rely on."""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._openmp_helpers import (
    _openmp_effective_n_threads as openmp_effective_n_threads,
)
from sklearn.utils._param_validation import Interval, StrOptions

__all__ = ["Interval", "StrOptions", "fit_context", "openmp_effective_n_threads"]

"""Pickles that know the version of the package that wrote them."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

from ._version import __version__

VERSION_KEY = "_sklearn_sparsemax_version"


class VersionedPickleMixin:
    """An estimator whose pickle warns where another version of the package reads it.

    scikit-learn does the same for its own estimators: the state may have changed its meaning.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), VERSION_KEY: __version__}  # type: ignore[dict-item]

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        written_by = state.pop(VERSION_KEY, "before 0.1.0")
        if written_by != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=f"sklearn-sparsemax {__version__}",
                    original_sklearn_version=f"sklearn-sparsemax {written_by}",
                ),
                stacklevel=2,
            )
        super().__setstate__(state)  # type: ignore[misc]

"""Label sets as they are given, and as they are returned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array

from .._typing import Array, Matrix
from ..losses.targets import check_indicator


class Container(NamedTuple):
    """What label sets were given as, and are returned as."""

    classes: Array | None = None  # both, where the label sets are a 1-D array of classes
    sparse: type | None = None

    def hold(self, labels: Array) -> Matrix:
        """Boolean label sets (n, K) in this container."""
        if self.classes is not None:
            return self.classes[labels[:, 0].astype(int)]
        labels = labels.astype(int)
        return labels if self.sparse is None else self.sparse(labels)


class Targets(NamedTuple):
    given: Matrix
    indicator: Matrix  # CSR (n, K)
    container: Container


def check_targets(y: Any) -> Targets:
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None.")
    y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
    if sparse.issparse(y):
        form = sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
        return Targets(y, check_indicator(y, name="y"), Container(sparse=form))
    if y.ndim == 2:
        return Targets(y, check_indicator(y, name="y"), Container())
    check_classification_targets(y)
    classes = np.unique(y)
    if classes.size != 2:
        raise ValueError(
            f"y has one dimension and {classes.size} class(es). Only binary classification is "
            "supported for such y; label sets are an indicator matrix of shape (n_samples, "
            "n_labels)."
        )
    indicator = sparse.csr_array((y == classes[1])[:, None])
    return Targets(y, indicator, Container(classes=classes))

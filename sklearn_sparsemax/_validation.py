"""Checks of input that scikit-learn's public functions leave to the caller."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_weights(sample_weight: ArrayLike | None, n_rows: int) -> NDArray[np.float64]:
    """Weights of the rows (n,), ones by default; an error unless finite and 0 or more."""
    if sample_weight is None:
        return np.ones(n_rows)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has the shape {weights.shape}; it must be ({n_rows},), one weight a "
            "row."
        )
    if not ((weights >= 0) & (weights < np.inf)).all():
        wrong = weights[~((weights >= 0) & (weights < np.inf))][0]
        raise ValueError(f"sample_weight holds {wrong:g}; weights must be finite and 0 or more.")
    return weights

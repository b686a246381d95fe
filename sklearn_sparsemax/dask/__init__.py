"""The linear estimators for rows in partitions, on a Dask cluster.

They take dask arrays, dask dataframes and lists of delayed blocks, and find the same coefficients
as the estimators of the same names in `sklearn_sparsemax`, with the same certificate. They need the
extra `dask`: `pip install "sklearn-sparsemax[dask]"`.
"""

try:
    import dask.array
    import dask.delayed  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_sparsemax.dask needs dask, which is not installed; "
        'pip install "sklearn-sparsemax[dask]" installs it.'
    ) from error

from .estimators import (
    EntmaxClassifier,
    EntmaxRegressor,
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    SoftmaxRegressor,
    SparsemaxClassifier,
    SparsemaxRegressor,
)

__all__ = [
    "EntmaxClassifier",
    "EntmaxRegressor",
    "MultilabelBinarySparsemaxClassifier",
    "MultilabelEntmaxClassifier",
    "MultilabelLogisticClassifier",
    "MultilabelSoftmaxClassifier",
    "MultilabelSparsemaxClassifier",
    "SoftmaxRegressor",
    "SparsemaxClassifier",
    "SparsemaxRegressor",
]

"""The estimators: each validates, encodes y, calls a solver and stores the result."""

from .classifier import EntmaxClassifier, SparsemaxClassifier
from .multilabel import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)
from .multilabel_path import (
    MultilabelBinarySparsemaxClassifierCV,
    MultilabelEntmaxClassifierCV,
    MultilabelLogisticClassifierCV,
    MultilabelSoftmaxClassifierCV,
    MultilabelSparsemaxClassifierCV,
)
from .path import EntmaxClassifierCV, SparsemaxClassifierCV
from .regressor import EntmaxRegressor, SoftmaxRegressor, SparsemaxRegressor
from .stochastic import SGDMultilabelSparsemaxClassifier, SGDSparsemaxClassifier

__all__ = [
    "EntmaxClassifier",
    "EntmaxClassifierCV",
    "EntmaxRegressor",
    "MultilabelBinarySparsemaxClassifier",
    "MultilabelBinarySparsemaxClassifierCV",
    "MultilabelEntmaxClassifier",
    "MultilabelEntmaxClassifierCV",
    "MultilabelLogisticClassifier",
    "MultilabelLogisticClassifierCV",
    "MultilabelSoftmaxClassifier",
    "MultilabelSoftmaxClassifierCV",
    "MultilabelSparsemaxClassifier",
    "MultilabelSparsemaxClassifierCV",
    "SGDMultilabelSparsemaxClassifier",
    "SGDSparsemaxClassifier",
    "SoftmaxRegressor",
    "SparsemaxClassifier",
    "SparsemaxClassifierCV",
    "SparsemaxRegressor",
]

"""The estimators: each validates, encodes y, calls a solver and stores the result."""

from .classifier import EntmaxClassifier, SparsemaxClassifier
from .multilabel import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)
from .regressor import EntmaxRegressor, SoftmaxRegressor, SparsemaxRegressor
from .stochastic import SGDMultilabelSparsemaxClassifier, SGDSparsemaxClassifier

__all__ = [
    "EntmaxClassifier",
    "EntmaxRegressor",
    "MultilabelBinarySparsemaxClassifier",
    "MultilabelEntmaxClassifier",
    "MultilabelLogisticClassifier",
    "MultilabelSoftmaxClassifier",
    "MultilabelSparsemaxClassifier",
    "SGDMultilabelSparsemaxClassifier",
    "SGDSparsemaxClassifier",
    "SoftmaxRegressor",
    "SparsemaxClassifier",
    "SparsemaxRegressor",
]

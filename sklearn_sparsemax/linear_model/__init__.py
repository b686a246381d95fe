"""The estimators: each validates, encodes y, calls a solver and stores the result."""

from .classifier import SparsemaxClassifier
from .multilabel import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)
from .regressor import SoftmaxRegressor, SparsemaxRegressor
from .stochastic import SGDMultilabelSparsemaxClassifier, SGDSparsemaxClassifier

__all__ = [
    "MultilabelBinarySparsemaxClassifier",
    "MultilabelLogisticClassifier",
    "MultilabelSoftmaxClassifier",
    "MultilabelSparsemaxClassifier",
    "SGDMultilabelSparsemaxClassifier",
    "SGDSparsemaxClassifier",
    "SoftmaxRegressor",
    "SparsemaxClassifier",
    "SparsemaxRegressor",
]

"""The estimators of `linear_model`, for rows in partitions."""

from __future__ import annotations

from .. import linear_model
from ._estimator import (
    ClassesOverPartitions,
    LabelSetsOverPartitions,
    ProportionsOverPartitions,
    over_partitions,
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


@over_partitions
class SparsemaxClassifier(ClassesOverPartitions, linear_model.SparsemaxClassifier):
    """Linear classifier with sparse probabilities, for rows in partitions."""


@over_partitions
class EntmaxClassifier(ClassesOverPartitions, linear_model.EntmaxClassifier):
    """Linear classifier as sparse as one number says, for rows in partitions."""


@over_partitions
class MultilabelSparsemaxClassifier(
    LabelSetsOverPartitions, linear_model.MultilabelSparsemaxClassifier
):
    """Multilabel classifier with sparse probabilities, for rows in partitions."""


@over_partitions
class MultilabelSoftmaxClassifier(
    LabelSetsOverPartitions, linear_model.MultilabelSoftmaxClassifier
):
    """Multilabel classifier with the softmax loss, for rows in partitions."""


@over_partitions
class MultilabelLogisticClassifier(
    LabelSetsOverPartitions, linear_model.MultilabelLogisticClassifier
):
    """Multilabel classifier with logistic losses, for rows in partitions."""


@over_partitions
class MultilabelBinarySparsemaxClassifier(
    LabelSetsOverPartitions, linear_model.MultilabelBinarySparsemaxClassifier
):
    """Multilabel classifier with a sparse probability for each label, for rows in partitions."""


@over_partitions
class MultilabelEntmaxClassifier(LabelSetsOverPartitions, linear_model.MultilabelEntmaxClassifier):
    """Multilabel classifier as sparse as one number says, for rows in partitions."""


@over_partitions
class SparsemaxRegressor(ProportionsOverPartitions, linear_model.SparsemaxRegressor):
    """Regression of proportions, with exact zeros, for rows in partitions."""


@over_partitions
class SoftmaxRegressor(ProportionsOverPartitions, linear_model.SoftmaxRegressor):
    """Regression of proportions, for rows in partitions."""


@over_partitions
class EntmaxRegressor(ProportionsOverPartitions, linear_model.EntmaxRegressor):
    """Regression of proportions as sparse as one number says, for rows in partitions."""

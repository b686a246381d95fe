"""Types that skops may load: models in files that run no code when they are read.

A file of :mod:`skops.io` is loaded with the types of this package that it may hold::

    import skops.io
    from sklearn_sparsemax.skops import TRUSTED_TYPES

    skops.io.dump(classifier, "classifier.skops")
    classifier = skops.io.load("classifier.skops", trusted=TRUSTED_TYPES)

Each of them holds numbers, and runs nothing when it is made. This module does not import skops.
"""

from __future__ import annotations

__all__ = ["TRUSTED_TYPES"]

ESTIMATORS = (
    "calibration.classifier.CalibratedSparsemaxClassifierCV",
    "calibration.multilabel.CalibratedMultilabelClassifierCV",
    "linear_model.classifier.EntmaxClassifier",
    "linear_model.classifier.SparsemaxClassifier",
    "linear_model.multilabel.MultilabelBinarySparsemaxClassifier",
    "linear_model.multilabel.MultilabelEntmaxClassifier",
    "linear_model.multilabel.MultilabelLogisticClassifier",
    "linear_model.multilabel.MultilabelSoftmaxClassifier",
    "linear_model.multilabel.MultilabelSparsemaxClassifier",
    "linear_model.multilabel_path.MultilabelBinarySparsemaxClassifierCV",
    "linear_model.multilabel_path.MultilabelEntmaxClassifierCV",
    "linear_model.multilabel_path.MultilabelLogisticClassifierCV",
    "linear_model.multilabel_path.MultilabelSoftmaxClassifierCV",
    "linear_model.multilabel_path.MultilabelSparsemaxClassifierCV",
    "linear_model.path.EntmaxClassifierCV",
    "linear_model.path.SparsemaxClassifierCV",
    "linear_model.regressor.EntmaxRegressor",
    "linear_model.regressor.SoftmaxRegressor",
    "linear_model.regressor.SparsemaxRegressor",
    "linear_model.stochastic.SGDMultilabelSparsemaxClassifier",
    "linear_model.stochastic.SGDSparsemaxClassifier",
    "model_selection.thresholds.TunedMultilabelThresholdCV",
)

# What fitted estimators hold: encoders of y, losses, and the state of a stream.
PARTS = (
    "_kernels.sgd_state.Iterate",
    "_kernels.sgd_state.Moments",
    "_solvers.sgd.State",
    "linear_model._classes.ClassEncoder",
    "linear_model._label_sets.LabelSetEncoder",
    "losses.binary_sparsemax.BinarySparsemaxLoss",
    "losses.entmax.EntmaxLoss",
    "losses.logistic.LogisticLoss",
    "losses.softmax.SoftmaxLoss",
    "losses.sparsemax.SparsemaxLoss",
    "model_selection._targets.Container",
)

TRUSTED_TYPES: list[str] = [
    *(f"sklearn_sparsemax.{name}" for name in (*ESTIMATORS, *PARTS)),
    # the container of predicted label sets, and the type of the numbers of a stream
    "numpy.asarray",
    "numpy.dtype",
]
"""Names of the types, for the argument `trusted` of :func:`skops.io.load`."""

"""Linear classifiers whose probabilities contain exact zeros, for scikit-learn."""

from ._version import __version__ as __version__
from .activations import (
    entmax,
    entmax_jacobian,
    entmax_jvp,
    entmax_support,
    entmax_threshold,
    softmax,
    softmax_jacobian,
    softmax_jvp,
    sparsemax,
    sparsemax_jacobian,
    sparsemax_jvp,
    sparsemax_support,
    sparsemax_threshold,
)
from .calibration import CalibratedMultilabelClassifierCV, CalibratedSparsemaxClassifierCV
from .compilation import compile_kernels
from .linear_model.classifier import EntmaxClassifier, SparsemaxClassifier
from .linear_model.multilabel import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)
from .linear_model.multilabel_path import (
    MultilabelBinarySparsemaxClassifierCV,
    MultilabelEntmaxClassifierCV,
    MultilabelLogisticClassifierCV,
    MultilabelSoftmaxClassifierCV,
    MultilabelSparsemaxClassifierCV,
)
from .linear_model.path import EntmaxClassifierCV, SparsemaxClassifierCV
from .linear_model.regressor import EntmaxRegressor, SoftmaxRegressor, SparsemaxRegressor
from .linear_model.stochastic import SGDMultilabelSparsemaxClassifier, SGDSparsemaxClassifier
from .losses import (
    binary_sparsemax_loss,
    entmax_loss,
    logistic_loss,
    softmax_loss,
    sparsemax_loss,
)
from .model_selection import TunedMultilabelThresholdCV

__all__ = [
    "CalibratedMultilabelClassifierCV",
    "CalibratedSparsemaxClassifierCV",
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
    "TunedMultilabelThresholdCV",
    "binary_sparsemax_loss",
    "compile_kernels",
    "entmax",
    "entmax_jacobian",
    "entmax_jvp",
    "entmax_loss",
    "entmax_support",
    "entmax_threshold",
    "logistic_loss",
    "softmax",
    "softmax_jacobian",
    "softmax_jvp",
    "softmax_loss",
    "sparsemax",
    "sparsemax_jacobian",
    "sparsemax_jvp",
    "sparsemax_loss",
    "sparsemax_support",
    "sparsemax_threshold",
]

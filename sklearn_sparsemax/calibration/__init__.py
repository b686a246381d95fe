"""Calibration of sparse probabilities: shortlists with a stated coverage, and Brier scores."""

from .classifier import CalibratedSparsemaxClassifierCV
from .multilabel import CalibratedMultilabelClassifierCV

__all__ = ["CalibratedMultilabelClassifierCV", "CalibratedSparsemaxClassifierCV"]

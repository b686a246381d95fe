"""Calibration of sparse probabilities: shortlists with a stated coverage, and Brier scores."""

from .classifier import CalibratedSparsemaxClassifierCV

__all__ = ["CalibratedSparsemaxClassifierCV"]

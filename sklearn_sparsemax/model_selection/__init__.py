"""Choosing what a fit leaves open: decision thresholds, by cross-validation."""

from .thresholds import TunedMultilabelThresholdCV

__all__ = ["TunedMultilabelThresholdCV"]

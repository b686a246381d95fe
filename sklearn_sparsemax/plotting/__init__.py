"""Displays of sparse probabilities, in the way of scikit-learn's displays.

Each has `from_estimator` and `from_predictions`, which compute and draw, and `plot`, which draws
again. They need the extra ``plot``; matplotlib is imported only to draw.
"""

from ._alpha_path import AlphaPathDisplay
from ._convergence import ConvergenceDisplay
from ._coverage import CoverageDisplay
from ._heatmap import ProbabilityHeatmapDisplay
from ._simplex import SimplexDisplay
from ._support_size import SupportSizeDisplay

__all__ = [
    "AlphaPathDisplay",
    "ConvergenceDisplay",
    "CoverageDisplay",
    "ProbabilityHeatmapDisplay",
    "SimplexDisplay",
    "SupportSizeDisplay",
]

"""Maps from scores to probabilities, and their derivatives. There is one file for each map.

The Jacobian of each map is symmetric. So its product with a vector serves forward and backward
differentiation.

A shift of the scores, z -> z + c, changes no map. So the largest entry of each row is subtracted
first. The results are then accurate for scores of any finite size.
"""

from ._entmax import entmax, entmax_jacobian, entmax_jvp, entmax_support, entmax_threshold
from ._softmax import softmax, softmax_jacobian, softmax_jvp
from ._sparsemax import (
    sparsemax,
    sparsemax_jacobian,
    sparsemax_jvp,
    sparsemax_support,
    sparsemax_threshold,
)

__all__ = [
    "entmax",
    "entmax_jacobian",
    "entmax_jvp",
    "entmax_support",
    "entmax_threshold",
    "softmax",
    "softmax_jacobian",
    "softmax_jvp",
    "sparsemax",
    "sparsemax_jacobian",
    "sparsemax_jvp",
    "sparsemax_support",
    "sparsemax_threshold",
]

"""Natural language inference: whether a premise entails or contradicts a hypothesis.

Needs the extra ``nli``, which brings PyTorch and skorch.
"""

try:
    import skorch as _skorch  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_sparsemax.torch.nli needs skorch: pip install 'sklearn-sparsemax[nli]'"
    ) from error

from ._classifier import AttentionNLIClassifier

__all__ = ["AttentionNLIClassifier"]

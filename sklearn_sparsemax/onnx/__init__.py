"""Export to ONNX: models that are served without Python.

Needs the extra ``onnx``. One call makes skl2onnx know the estimators of this package, alone and in
pipelines::

    from skl2onnx import to_onnx
    from sklearn_sparsemax.onnx import register_converters

    register_converters()
    model = to_onnx(pipeline, X[:1])
"""

try:
    import skl2onnx as _skl2onnx  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_sparsemax.onnx needs skl2onnx: pip install 'sklearn-sparsemax[onnx]'"
    ) from error

from ._converters import register_converters

__all__ = ["register_converters"]

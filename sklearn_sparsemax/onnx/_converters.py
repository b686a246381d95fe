"""Converters of the estimators: scores, probabilities, and what `predict` returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
    guess_numpy_type,
)

from .. import linear_model
from ..linear_model._classifier import LinearClassifier
from ..linear_model.regressor import ProportionsRegressor
from ._graphs import Graph, probabilities

CLASSIFIERS = tuple(
    model
    for name in linear_model.__all__
    if issubclass(model := getattr(linear_model, name), LinearClassifier)
)
REGRESSORS = tuple(
    model
    for name in linear_model.__all__
    if issubclass(model := getattr(linear_model, name), ProportionsRegressor)
)


def register_converters() -> None:
    """Make skl2onnx know the estimators of this package.

    Classifiers have the outputs `label`, what `predict` returns, and `probabilities`, what
    `predict_proba` returns. Regressors have the output `variable`.

    Examples
    --------
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import SparsemaxClassifier
    >>> from sklearn_sparsemax.onnx import register_converters
    >>> X, y = load_iris(return_X_y=True)
    >>> register_converters()
    >>> model = to_onnx(SparsemaxClassifier().fit(X, y), X[:1])
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    for model in CLASSIFIERS:
        update_registered_converter(
            model,
            f"SklearnSparsemax{model.__name__}",
            _shapes_of_classifier,
            _convert_classifier,
            parser=_parse_classifier,
        )
    for model in REGRESSORS:
        update_registered_converter(
            model, f"SklearnSparsemax{model.__name__}", _shapes_of_regressor, _convert_regressor
        )


def _parse_classifier(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    alias = f"SklearnSparsemax{type(model).__name__}"
    operator = scope.declare_local_operator(alias, model)
    operator.inputs.append(inputs[0])
    label = scope.declare_local_variable("label", _label_type(model)([None]))
    p = scope.declare_local_variable("probabilities", _number_type(inputs[0])([None, None]))
    operator.outputs += [label, p]
    return operator.outputs


def _shapes_of_classifier(operator: Any) -> None:
    model = operator.raw_operator
    n_rows = operator.inputs[0].get_first_dimension()
    n_columns = _n_columns(model)
    label = [n_rows, n_columns] if _has_label_sets(model) else [n_rows]
    operator.outputs[0].type = _label_type(model)(label)
    operator.outputs[1].type = _number_type(operator.inputs[0])([n_rows, n_columns])


def _shapes_of_regressor(operator: Any) -> None:
    n_rows = operator.inputs[0].get_first_dimension()
    shape = [n_rows, operator.raw_operator.coef_.shape[0]]
    operator.outputs[0].type = _number_type(operator.inputs[0])(shape)


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    graph = Graph(scope, container, _dtype_of(operator.inputs[0]))
    scores = _scores(model, operator.inputs[0], graph)
    loss, n_outputs = model._decoder().loss, model.coef_.shape[0]
    label_name, p_name = (output.full_name for output in operator.outputs)
    if _has_label_sets(model):
        p = probabilities(loss, scores, n_outputs, graph)
        bounds = (graph.integers(bound) for bound in (0, model.n_labels_, 1))
        p = graph.node("Slice", p, *bounds, output=p_name)
        present = graph.node("Greater", p, graph.number(model.threshold_))
        graph.as_integers(present, output=label_name)
    else:
        p, best = _of_classes(loss, scores, n_outputs, graph)
        graph.node("Identity", p, output=p_name)
        classes = model.classes_
        classes = classes.astype(str if classes.dtype.kind in "OU" else np.int64)
        graph.node("Gather", classes, best, output=label_name, axis=0)


def _of_classes(loss: Any, scores: str, n_outputs: int, graph: Graph) -> tuple[str, str]:
    """Probabilities (n, K), and the place of the class with the largest score."""
    if n_outputs > 1:
        p = probabilities(loss, scores, n_outputs, graph)
        if loss.independent_outputs:
            p = graph.node("Div", p, graph.row_sum(p))
        return p, graph.node("ArgMax", scores, axis=1, keepdims=0)
    pair = graph.node("Concat", graph.node("Mul", scores, graph.number(0)), scores, axis=1)
    best = graph.node("ArgMax", pair, axis=1, keepdims=0)
    if not loss.independent_outputs:
        return probabilities(loss, pair, 2, graph), best
    second = probabilities(loss, scores, 1, graph)
    first = graph.node("Sub", graph.number(1), second)
    return graph.node("Concat", first, second, axis=1), best


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    graph = Graph(scope, container, _dtype_of(operator.inputs[0]))
    scores = _scores(model, operator.inputs[0], graph)
    loss = getattr(model, "_fitted_loss", model._loss)
    p = probabilities(loss, scores, model.coef_.shape[0], graph)
    graph.node("Identity", p, output=operator.outputs[0].full_name)


def _scores(model: Any, X: Any, graph: Graph) -> str:
    coef = model.coef_.toarray() if hasattr(model.coef_, "toarray") else np.asarray(model.coef_)
    features = X.full_name
    if guess_numpy_type(X.type) != graph.dtype:
        features = graph.as_numbers(features)
    product = graph.node("MatMul", features, np.ascontiguousarray(coef.T).astype(graph.dtype))
    return graph.node("Add", product, model.intercept_.astype(graph.dtype))


def _has_label_sets(model: Any) -> bool:
    return bool(getattr(model, "multilabel_", False))


def _n_columns(model: Any) -> int:
    return int(model.n_labels_) if _has_label_sets(model) else len(model.classes_)


def _label_type(model: Any) -> Any:
    if _has_label_sets(model) or model.classes_.dtype.kind in "biu":
        return Int64TensorType
    if model.classes_.dtype.kind in "OU":
        return StringTensorType
    raise NotImplementedError(
        f"The classes are of {model.classes_.dtype}; ONNX takes integers and strings."
    )


def _dtype_of(variable: Any) -> Any:
    return np.dtype(np.float64 if isinstance(variable.type, DoubleTensorType) else np.float32)


def _number_type(variable: Any) -> Any:
    return DoubleTensorType if _dtype_of(variable) == np.float64 else FloatTensorType

"""Activations as graphs of ONNX's standard operators, from scores (n, K) to probabilities (n, K).

The sparsemax and the 1.5-entmax take their thresholds from the sorted scores (Martins & Astudillo
2016; Peters, Niculae & Martins 2019). Other entmax maps bisect for the threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from ..losses import (
    BinarySparsemaxLoss,
    EntmaxLoss,
    FenchelYoungLoss,
    LogisticLoss,
    SoftmaxLoss,
    SparsemaxLoss,
)

TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
}
# Halvings of an interval of length 1 that leave no more than rounding.
HALVINGS = {"float32": 30, "float64": 60}


class Graph:
    """Nodes that are added one after the other. A value of the graph is its name.

    Parameters
    ----------
    scope, container
        Those that skl2onnx gives to a converter.
    dtype : numpy.dtype
        Type of the numbers, float32 or float64.
    """

    def __init__(self, scope: Any, container: Any, dtype: np.dtype) -> None:
        self.scope = scope
        self.container = container
        self.dtype = dtype

    def node(
        self, operator: str, *inputs: Any, output: str | None = None, **attributes: Any
    ) -> str:
        """Add an operator. Inputs are names, or arrays that become constants."""
        name = output or self.scope.get_unique_variable_name(operator.lower())
        # the first output of an operator that has more is all that is used
        outputs = (
            [name, self.scope.get_unique_variable_name("rest")] if operator == "TopK" else name
        )
        self.container.add_node(
            operator,
            [value if isinstance(value, str) else self._constant(value) for value in inputs],
            outputs,
            op_version=self.container.target_opset,
            name=self.scope.get_unique_operator_name(operator),
            **attributes,
        )
        return name

    def _constant(self, values: Any) -> str:
        array = np.asarray(values)
        name = self.scope.get_unique_variable_name("constant")
        if array.dtype.kind == "U":
            texts = [text.encode() for text in array.tolist()]
            self.container.add_initializer(name, TensorProto.STRING, list(array.shape), texts)
        else:
            kind = TYPES[array.dtype.name]
            self.container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def number(self, *values: float) -> Any:
        return np.array(values, dtype=self.dtype)

    def integers(self, *values: int) -> Any:
        return np.array(values, dtype=np.int64)

    def row_sum(self, values: str) -> str:
        return self.node("ReduceSum", values, self.integers(1), keepdims=1)

    def as_numbers(self, values: str) -> str:
        return self.node("Cast", values, to=TYPES[self.dtype.name])

    def as_integers(self, values: str, output: str | None = None) -> str:
        return self.node("Cast", values, output=output, to=TensorProto.INT64)

    def cumulated(self, values: str) -> str:
        return self.node("CumSum", values, np.array(1, dtype=np.int64))

    def positive_part(self, values: str) -> str:
        return self.node("Max", values, self.number(0))

    def below_largest(self, scores: str, factor: float = 1.0) -> str:
        """The scores minus the largest of their row, times a factor."""
        below = self.node("Sub", scores, self.node("TopK", scores, self.integers(1)))
        return below if factor == 1 else self.node("Mul", below, self.number(factor))


def probabilities(loss: FenchelYoungLoss, scores: str, n_outputs: int, graph: Graph) -> str:
    """Add p(z) of a loss."""
    if isinstance(loss, SparsemaxLoss):
        return _sparsemax(scores, n_outputs, graph)
    if isinstance(loss, SoftmaxLoss):
        return graph.node("Softmax", scores, axis=1)
    if isinstance(loss, EntmaxLoss):
        if loss.alpha == 1.5:
            return _entmax15(scores, n_outputs, graph)
        return _entmax(scores, loss.alpha, graph)
    if isinstance(loss, LogisticLoss):
        return graph.node("Sigmoid", scores)
    if isinstance(loss, BinarySparsemaxLoss):
        doubled = graph.node("Add", scores, graph.number(1))
        halves = graph.node("Mul", doubled, graph.number(0.5))
        return graph.node("Clip", halves, *(np.array(v, dtype=graph.dtype) for v in (0, 1)))
    raise NotImplementedError(f"The {loss.name} loss has no graph of its probabilities.")


def _sparsemax(scores: str, n_outputs: int, graph: Graph) -> str:
    z = graph.below_largest(scores)
    ordered = graph.node("TopK", z, graph.integers(n_outputs))
    ranks = graph.number(*range(1, n_outputs + 1))
    # 1 + k z_(k) > sum of the k largest
    left = graph.node("Add", graph.node("Mul", ordered, ranks), graph.number(1))
    inside = graph.node("Greater", left, graph.cumulated(ordered))
    size = graph.row_sum(graph.as_numbers(inside))
    total = graph.row_sum(graph.node("Where", inside, ordered, graph.number(0)))
    tau = graph.node("Div", graph.node("Sub", total, graph.number(1)), size)
    return graph.positive_part(graph.node("Sub", z, tau))


def _entmax15(scores: str, n_outputs: int, graph: Graph) -> str:
    z = graph.below_largest(scores, 0.5)
    ordered = graph.node("TopK", z, graph.integers(n_outputs))
    ranks = graph.number(*range(1, n_outputs + 1))
    sums = graph.cumulated(ordered)
    mean = graph.node("Div", sums, ranks)
    squares = graph.cumulated(graph.node("Mul", ordered, ordered))
    spread = graph.node("Sub", squares, graph.node("Mul", sums, mean))
    free = graph.node("Div", graph.node("Sub", graph.number(1), spread), ranks)
    tau = graph.node("Sub", mean, graph.node("Sqrt", graph.positive_part(free)))
    inside = graph.node("LessOrEqual", tau, ordered)
    size = graph.row_sum(graph.as_numbers(inside))
    last = graph.as_integers(graph.node("Sub", size, graph.number(1)))
    tau = graph.node("GatherElements", tau, last, axis=1)
    above = graph.positive_part(graph.node("Sub", z, tau))
    return graph.node("Mul", above, above)


def _entmax(scores: str, alpha: float, graph: Graph) -> str:
    gamma = alpha - 1
    z = graph.below_largest(scores, gamma)

    def at(tau: str) -> str:
        above = graph.positive_part(graph.node("Sub", z, tau))
        return graph.node("Pow", above, graph.number(1 / gamma))

    # the threshold of a row lies between -1 and 0; its lower bound rises
    zeros = graph.node("Mul", graph.node("TopK", z, graph.integers(1)), graph.number(0))
    low = graph.node("Sub", zeros, graph.number(1))
    for halving in range(1, HALVINGS[graph.dtype.name] + 1):
        middle = graph.node("Add", low, graph.number(0.5**halving))
        is_too_low = graph.node("Greater", graph.row_sum(at(middle)), graph.number(1))
        low = graph.node("Where", is_too_low, middle, low)
    p = at(low)
    return graph.node("Div", p, graph.row_sum(p))

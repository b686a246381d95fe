"""The losses over arrays of any library, with the methods of those over NumPy's arrays.

Targets are dense, of the type of the scores. The terms of a value are in the type of the scores,
and their sums in double precision. Nothing but single numbers reaches the host.
"""

from __future__ import annotations

from typing import Any

from .. import _arrays
from .._kernels import array_rows


class ArrayLoss:
    """A loss over the arrays of one library.

    Parameters
    ----------
    xp : module
        The functions for its arrays.
    loss : FenchelYoungLoss
        The same loss over NumPy's arrays.
    """

    def __init__(self, xp: Any, loss: Any) -> None:
        self.xp = xp
        self.name: str = loss.name
        self.independent_outputs: bool = loss.independent_outputs
        self.full_support: bool = loss.full_support

    def of_rows(self) -> None:
        """Compiled kernels of single rows, of which there are none."""

    def probabilities(self, scores: Any) -> Any:
        """The probabilities p(z) (n, K), block by block of rows."""
        ranges = array_rows.row_ranges(*scores.shape)
        if len(ranges) <= 1:
            return self.map(scores)
        return self.xp.concat([self.map(scores[rows, :]) for rows in ranges], axis=0)

    def map(self, scores: Any) -> Any:
        """The probabilities p(z) (n, K) of one block of rows."""
        raise NotImplementedError

    def evaluate(self, scores: Any, targets: Any) -> tuple[Any, Any]:
        """The loss of each row (n,), in double precision, and its gradient p(z) - q (n, K)."""
        raise NotImplementedError

    def curvature(self, p: Any) -> tuple[Any, Any]:
        """Arrays c and u (n, K) such that the derivative of p by z is diag(c) - u u^T."""
        raise NotImplementedError

    def value_and_residual(self, scores: Any, targets: Any) -> Any:
        """Return the loss of each row (n,), and overwrite the scores (n, K) by the gradient."""
        losses, residual = self.evaluate(scores, targets)
        scores[:, :] = residual
        return losses

    def value(self, scores: Any, targets: Any) -> Any:
        """The loss of each row (n,)."""
        return self.evaluate(scores, targets)[0]

    def mean_jacobian(self, p: Any, weights: Any) -> Any:
        """Weighted sum over the rows of the derivative of p by z, shape (K, K)."""
        c, u = self.curvature(p)
        weights = _arrays.cast(weights, c.dtype)
        diagonal = (weights @ c)[:, None] * _arrays.identity(c.shape[1], c)
        if not self.independent_outputs:
            diagonal = diagonal - (u * weights[:, None]).T @ u
        return _arrays.cast(diagonal, _arrays.double(p))

    def positive(self, values: Any) -> Any:
        """The values, 0 where they are negative."""
        return self.xp.maximum(values, self.xp.zeros_like(values))


class SparsemaxOverArrays(ArrayLoss):
    """The sparsemax loss."""

    def map(self, scores: Any) -> Any:
        return array_rows.sparsemax(self.xp, scores)

    def evaluate(self, scores: Any, targets: Any) -> tuple[Any, Any]:
        xp = self.xp
        p = self.map(scores)
        residual = p - targets
        # the entries above the threshold lie as far above it as their probability
        tau = -xp.max(p, axis=1, keepdims=True)
        shortfall = self.positive(tau - array_rows.below_largest(xp, scores))
        terms = 0.5 * residual**2 + xp.where(targets > 0, targets * shortfall, xp.zeros_like(p))
        return _arrays.row_sums(terms), residual

    def curvature(self, p: Any) -> tuple[Any, Any]:
        support = _arrays.cast(p > 0, p.dtype)
        return support, support / self.xp.sqrt(self.xp.sum(support, axis=1, keepdims=True))


class SoftmaxOverArrays(ArrayLoss):
    """The softmax loss."""

    def map(self, scores: Any) -> Any:
        return array_rows.softmax(self.xp, scores)

    def evaluate(self, scores: Any, targets: Any) -> tuple[Any, Any]:
        xp = self.xp
        below = array_rows.below_largest(xp, scores)
        powers = xp.exp(below)
        places = xp.arange(scores.shape[1], dtype=xp.int64, device=scores.device)
        is_winner = places[None, :] == xp.argmax(below, axis=1)[:, None]
        # log sum exp = log(1 + sum of the others): so a loss of 1e-20 keeps all its digits
        others = _arrays.row_sums(xp.where(is_winner, xp.zeros_like(powers), powers))
        p = powers / _arrays.cast(1 + others, powers.dtype)[:, None]
        of_targets = xp.where(
            targets > 0, targets * (_logarithm(xp, targets) - below), xp.zeros_like(p)
        )
        losses = self.positive(xp.log1p(others) + _arrays.row_sums(of_targets))
        return losses, p - targets

    def curvature(self, p: Any) -> tuple[Any, Any]:
        return p, p


class LogisticOverArrays(ArrayLoss):
    """The logistic loss of independent labels."""

    def map(self, scores: Any) -> Any:
        powers = self.xp.exp(-self.xp.abs(scores))
        return self.xp.where(scores >= 0, self.xp.ones_like(powers), powers) / (1 + powers)

    def evaluate(self, scores: Any, targets: Any) -> tuple[Any, Any]:
        xp = self.xp
        # log(1 + e^z) - q z, and the negative entropy of q
        terms = self.positive(scores) - targets * scores + xp.log1p(xp.exp(-xp.abs(scores)))
        for q in (targets, 1 - targets):
            terms = terms + xp.where(q > 0, q * _logarithm(xp, q), xp.zeros_like(q))
        return self.positive(_arrays.row_sums(terms)), self.map(scores) - targets

    def curvature(self, p: Any) -> tuple[Any, Any]:
        return p * (1 - p), self.xp.zeros_like(p)


class BinarySparsemaxOverArrays(ArrayLoss):
    """The sparsemax loss of independent labels."""

    def map(self, scores: Any) -> Any:
        halves = self.positive((scores + 1) * 0.5)
        return self.xp.minimum(halves, self.xp.ones_like(halves))

    def evaluate(self, scores: Any, targets: Any) -> tuple[Any, Any]:
        residual = self.map(scores) - targets
        # distance of a score from [-1, 1]; there p is 0 or 1, and the factor q or 1 - q is |p - q|
        beyond = self.positive(self.xp.abs(scores) - 1) * self.xp.abs(residual)
        return _arrays.row_sums(residual**2 + beyond), residual

    def curvature(self, p: Any) -> tuple[Any, Any]:
        between = (p > 0) & (p < 1)
        return 0.5 * _arrays.cast(between, p.dtype), self.xp.zeros_like(p)


def _logarithm(xp: Any, values: Any) -> Any:
    """Logarithms, 0 where the value is not positive."""
    return xp.log(xp.where(values > 0, values, xp.ones_like(values)))

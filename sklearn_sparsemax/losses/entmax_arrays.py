"""The entmax losses over arrays of any library."""

from __future__ import annotations

from typing import Any

from .. import _arrays
from .._kernels import array_rows
from .._kernels._entmax_constants import MOST_TERMS, NEAR
from .arrays import ArrayLoss

# Below this alpha - 1, powers of probabilities are near 1, and single precision is too coarse.
NEAR_SOFTMAX = 0.1


class EntmaxOverArrays(ArrayLoss):
    """The entmax loss of one alpha above 1; its slopes are at most `steepest`."""

    def __init__(self, xp: Any, loss: Any, *, steepest: float) -> None:
        super().__init__(xp, loss)
        self.alpha = float(loss.alpha)
        self.steepest = steepest

    def map(self, scores: Any) -> Any:
        return array_rows.entmax(self.xp, scores, self.alpha)

    def evaluate(self, scores: Any, targets: Any) -> tuple[Any, Any]:
        xp, gamma, dtype = self.xp, self.alpha - 1, scores.dtype
        if gamma < NEAR_SOFTMAX:
            wide = _arrays.double(scores)
            scores, targets = _arrays.cast(scores, wide), _arrays.cast(targets, wide)
        p = self.map(scores)
        below = -array_rows.below_largest(xp, scores)
        # the largest probability p_0 has the distance 0 from the largest score
        slack = self.positive(below - xp.max(p, axis=1, keepdims=True) ** gamma / gamma)
        linear = xp.where((targets > 0) & (p == 0), targets * slack, xp.zeros_like(p))
        terms = (
            self._divergence15(targets, p) if self.alpha == 1.5 else self._divergence(targets, p)
        )
        return _arrays.row_sums(terms + linear), _arrays.cast(p - targets, dtype)

    def curvature(self, p: Any) -> tuple[Any, Any]:
        xp = self.xp
        # in double precision, since a negative power of a small float32 may overflow
        wide = _arrays.cast(p, _arrays.double(p))
        inside, one = wide > 0, xp.ones_like(wide)
        slopes = xp.where(inside, wide, one) ** (2 - self.alpha)
        slopes = xp.where(inside, xp.minimum(slopes, self.steepest * one), 0 * one)
        return slopes, slopes / xp.sqrt(xp.sum(slopes, axis=1, keepdims=True))

    def _divergence15(self, q: Any, p: Any) -> Any:
        """The same as `_divergence`, for alpha = 1.5."""
        u, v = self.xp.sqrt(q), self.xp.sqrt(p)
        total = self.xp.where(u + v > 0, u + v, self.xp.ones_like(u))
        return (2 / 3) * ((q - p) / total) ** 2 * (2 * u + v)

    def _divergence(self, q: Any, p: Any) -> Any:
        """h(q) - h(p) - h'(p) (q - p) of each entry, with h(p) = p^alpha / (alpha (alpha - 1))."""
        xp, alpha, gamma = self.xp, self.alpha, self.alpha - 1
        one = xp.ones_like(p)
        both = (q > 0) & (p > 0)
        single = xp.where(q > 0, q**alpha / (alpha * gamma), p**alpha / alpha)
        q, p = xp.where(both, q, one), xp.where(both, p, one)
        # q^gamma - p^gamma, without cancellation if both are near
        log_ratio = xp.log(q / p)
        power = p**gamma
        near = xp.expm1(xp.minimum(gamma * log_ratio, one))
        is_near = gamma * xp.abs(log_ratio) < 1
        growth = xp.where(is_near, power * near, q**gamma - power) / gamma
        far = self.positive(q * growth - power * (q - p)) / alpha
        delta = (q - p) / p
        is_near = xp.abs(delta) * (alpha + 1) <= NEAR
        delta = xp.where(is_near, delta, xp.zeros_like(delta))
        # the binomial series
        total, term = xp.zeros_like(delta), 0.5 * one
        for k in range(2, MOST_TERMS):
            total = total + term
            term = term * delta * ((alpha - k) / (k + 1))
        return xp.where(both, xp.where(is_near, p * power * delta**2 * total, far), single)

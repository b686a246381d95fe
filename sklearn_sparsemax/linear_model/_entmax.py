"""The loss of the entmax estimators, which a parameter chooses."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from .._compat import Interval
from ..losses import FenchelYoungLoss, loss_of_entmax


class EntmaxMixin:
    """An estimator with the parameter `entmax_alpha`."""

    entmax_alpha: float

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "entmax_alpha": [Interval(Real, 1, 50, closed="both")],
    }

    @property
    def _loss(self) -> FenchelYoungLoss:
        return loss_of_entmax(self.entmax_alpha)

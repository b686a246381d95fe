"""Paths that choose the sparsity of the probabilities too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from ..losses import FenchelYoungLoss, loss_of_entmax
from ._alpha_path import AlphaPathMixin


class EntmaxPathMixin(AlphaPathMixin):
    """A path for an estimator with `entmax_alpha`, of which `entmax_alphas` are compared."""

    entmax_alphas: ArrayLike

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"entmax_alphas": ["array-like"]}

    @property
    def _loss(self) -> FenchelYoungLoss:
        # before the choice, that of the first candidate serves to check the data
        return loss_of_entmax(getattr(self, "entmax_alpha_", self._candidates()[0]))

    def _candidates(self) -> list[float]:
        values = np.asarray(self.entmax_alphas, dtype=np.float64).ravel()
        if values.size == 0 or not np.all((values >= 1) & (values <= 50)):
            raise ValueError(
                f"entmax_alphas is {self.entmax_alphas!r}; it must list numbers from 1 to 50."
            )
        return values.tolist()

    def _plain(self) -> Any:
        return super()._plain().set_params(entmax_alpha=self._candidates()[0])

    def _members(self, plain: Any) -> Iterator[Any]:
        for entmax_alpha in self._candidates():
            yield clone(plain).set_params(entmax_alpha=entmax_alpha)

    def _adopt_member(self, model: Any) -> None:
        self.entmax_alpha_ = model.entmax_alpha

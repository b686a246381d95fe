r"""Change of variables that standardises the features without computing them.

All methods are slow if the features differ in scale or are far from centred. In the variables
(U, c) of standardised features, the scores are the same,

    W^T x + b = U^T (scale * (x - mean)) + c,     W = scale * U,   b = c - W^T mean,

so a solver can work on (U, c). The objective, the penalty and the certificate are still those of
(W, b). This changes the variables, not the problem. It costs O(d K) for each evaluation, and needs
no copy of X, sparse or dense. The scale of feature j is 1 / sqrt(var_j / K + alpha). This is the
inverse square root of the diagonal of the Hessian, if the mean curvature of the loss is 1 / K,
which is accurate enough.

A row far beyond the others would determine the scale. Second-order methods know the curvature of
such an outlier from the Hessian. So they compute the scale without outliers, and it suits the other
rows. A first-order method does not know this curvature, and the steep slope of an outlier would
mislead it. So it computes the scale with outliers.
"""

from __future__ import annotations

import numpy as np

from .. import _arrays
from .._problem.protocol import Problem
from .._typing import Array


class Standardisation:
    """The change of variables between (U, c) and (W, b).

    Parameters
    ----------
    objective : Problem
        The data.
    with_outliers : bool, default=False
        Whether outlying rows count in the scale.
    """

    def __init__(self, objective: Problem, *, with_outliers: bool = False) -> None:
        mean, variance = objective.feature_moments(with_outliers=with_outliers)
        curvature = variance / objective.n_outputs + objective.alpha
        # a constant feature without a penalty has no curvature at all
        xp = _arrays.namespace(curvature)
        curvature = xp.where(curvature > 0, curvature, xp.ones_like(curvature))
        self.scale = (1 / xp.sqrt(curvature))[:, None]
        self.mean = mean if objective.fit_intercept else None

    def to_coef(self, variables: Array) -> Array:
        if self.mean is None:
            return variables * self.scale
        if not _arrays.is_numpy(variables):
            W = variables[:-1, :] * self.scale
            return _arrays.with_last_row(W, variables[-1, :] - self.mean @ W)
        coef = np.empty_like(variables)
        np.multiply(variables[:-1], self.scale, out=coef[:-1])
        np.subtract(variables[-1], self.mean @ coef[:-1], out=coef[-1])
        return coef

    def from_coef(self, coef: Array) -> Array:
        if self.mean is None:
            return coef / self.scale
        return _arrays.with_last_row(
            coef[:-1, :] / self.scale, coef[-1, :] + self.mean @ coef[:-1, :]
        )

    def hessian(self, objective: Problem, coef: Array) -> Array:
        hessian = objective.hessian(coef, center=self.mean)
        n_free = coef.shape[1]
        scale = np.ones(coef.size)
        scale[: self.scale.size * n_free] = np.repeat(self.scale[:, 0], n_free)
        hessian *= scale[:, None]
        hessian *= scale
        return hessian

    def gradient(self, gradient: Array) -> Array:
        if self.mean is None:
            return gradient * self.scale
        if not _arrays.is_numpy(gradient):
            of_scaled = (gradient[:-1, :] - self.mean[:, None] * gradient[-1, :]) * self.scale
            return _arrays.with_last_row(of_scaled, gradient[-1, :])
        result = np.empty_like(gradient)
        np.multiply(self.mean[:, None], gradient[-1], out=result[:-1])
        np.subtract(gradient[:-1], result[:-1], out=result[:-1])
        result[:-1] *= self.scale
        result[-1] = gradient[-1]
        return result

r"""The certificate: a proven bound on the distance of F from its minimum.

Take any distributions p'_i with sum_i omega_i p'_i = sum_i omega_i q_i. (Without an intercept,
this condition is not needed.) Weak duality then gives a lower bound on the minimum of F,

    D(P') = sum_i omega_i (Omega(q_i) - Omega(p'_i)) - alpha/2 ||W(P')||^2,
    W(P') = 1/alpha sum_i omega_i x_i (q_i - p'_i)^T.

With Omega*(z_i) = L(z_i; p'_i) + <p'_i, z_i> - Omega(p'_i), the duality gap becomes

    F(W, b) - D(P') = alpha/2 ||W - W(P')||^2 + sum_i omega_i L(z_i; p'_i),

a sum of two terms that are never negative. The gap is computed in this form. The difference of F
and D would lose all its digits to rounding, long before the gap itself is that small.

**A feasible P'.** The probabilities p(z_i) satisfy the condition where grad_b F = 0. For this
reason the intercept is balanced first (`intercept`). The remaining error is repaired exactly. Let
pbar and qbar be the weighted means. In outputs with pbar_k > qbar_k, each row keeps the part
qbar_k / pbar_k of its probability. What the row loses goes to the other outputs, in proportion to
what these lack. So no more mass moves than necessary. Without the balance, this mass and the gap
would be of first order in the error of b. The first term above is only of second order in the error
of W.

Some solvers keep dual variables, and their W is W(P). They pass these in place of p(z_i). Then only
the second term is left.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _arrays
from .._typing import Array
from .protocol import Problem, Repair, Scores


class Certificate(NamedTuple):
    """The objective at a point, and a bound on its distance from the minimum."""

    objective: float
    dual_gap: float


def certificate(
    objective: Problem, coef: Array, dual: Any = None, scores: Scores | None = None
) -> Certificate:
    """F and the duality gap of the coefficients, in double precision.

    Parameters
    ----------
    objective : Problem
        The objective F.
    coef : ndarray of the shape of the objective
        Coefficients.
    dual : csr_array of shape (n, K), default=None
        Probabilities of the dual. By default they are p(z).
    scores : Scores, default=None
        The scores of these coefficients, if they are known already.

    Returns
    -------
    Certificate
        With alpha = 0 there is no dual, and the gap is infinite.
    """
    scores = scores or objective.scores(coef)
    intercept = coef[-1, :] if objective.fit_intercept else None
    repair = None
    if intercept is not None:
        repair = _repair(objective, scores.mean(intercept, dual))
    loss, loss_to_feasible, data_gradient = scores.losses(intercept, repair, dual)
    W = coef[: objective.n_features, :]
    value = loss + 0.5 * objective.alpha * _arrays.dot(W, W)
    if objective.alpha == 0:
        return Certificate(value, np.inf)
    # W - W(P'), in place
    difference = data_gradient[: objective.n_features, :]
    difference /= objective.alpha
    difference += W
    of_coef = 0.5 * objective.alpha * _arrays.dot(difference, difference)
    return Certificate(value, of_coef + loss_to_feasible)


def _repair(objective: Problem, mean: Array) -> Repair:
    """What makes rows of P with the mean (K,) feasible."""
    xp, target_mean = _arrays.namespace(mean), objective.target_mean
    factors = _ratio(target_mean, mean)
    if objective.loss.independent_outputs:
        # a label that is predicted too rarely is absent too often
        absent = _ratio(1 - target_mean, 1 - mean)
        return Repair(xp.minimum(factors, absent), _arrays.cast(factors == 1, mean.dtype))
    deficit = xp.maximum(target_mean - mean, xp.zeros_like(mean))
    total = float(xp.sum(deficit))
    return Repair(factors, deficit / total if total > 0 else target_mean)


def _ratio(target: Array, mean: Array) -> Array:
    """The part of each entry of the mean that stays in place, target / mean but at most 1."""
    xp = _arrays.namespace(mean)
    one = xp.ones_like(mean)
    return xp.minimum(one, xp.where(mean > 0, target / xp.where(mean > 0, mean, one), one))

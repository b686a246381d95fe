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
from scipy import sparse

from .._typing import Array
from ..losses.rows import subtract_targets
from .intercept import ScoresOfIntercepts
from .objective import Objective
from .products import add_outer


class Certificate(NamedTuple):
    """The objective at a point, and a bound on its distance from the minimum."""

    objective: float
    dual_gap: float


def certificate(
    objective: Objective,
    coef: Array,
    dual: sparse.csr_array | None = None,
    scores: ScoresOfIntercepts | None = None,
) -> Certificate:
    """F and the duality gap of the coefficients, in double precision.

    Parameters
    ----------
    objective : Objective
        The objective F.
    coef : ndarray of the shape of the objective
        Coefficients.
    dual : csr_array of shape (n, K), default=None
        Probabilities of the dual. By default they are p(z).
    scores : ScoresOfIntercepts, default=None
        The scores of these coefficients, if they are known already.

    Returns
    -------
    Certificate
        With alpha = 0 there is no dual, and the gap is infinite.
    """
    scores = scores or ScoresOfIntercepts(objective, coef)
    intercept = coef[-1] if objective.fit_intercept else None
    if dual is None:
        loss, loss_to_feasible, data_gradient = _at_probabilities(objective, scores, intercept)
    else:
        loss, loss_to_feasible, data_gradient = _at_dual(objective, scores, intercept, dual)
    W = coef[: objective.n_features]
    value = loss + 0.5 * objective.alpha * float(np.vdot(W, W))
    if objective.alpha == 0:
        return Certificate(value, np.inf)
    # W - W(P'), in place
    difference = data_gradient[: objective.n_features]
    difference /= objective.alpha
    difference += W
    of_coef = 0.5 * objective.alpha * float(np.vdot(difference, difference))
    return Certificate(value, of_coef + loss_to_feasible)


def _at_probabilities(
    objective: Objective, scores: ScoresOfIntercepts, intercept: Array | None
) -> tuple[float, float, Array]:
    """Mean losses L(z; q) and L(z; p'), and sum_i omega_i x_i (p'_i - q_i)^T, for P = p(z)."""
    loss = objective.loss
    if intercept is not None:
        mean = np.zeros(objective.n_outputs)
        for block, z in scores.at(intercept):
            mean += block.weights @ loss.probabilities(z)
        factors, refill = _repair(objective, mean)
    total: Any = 0.0
    total_to_feasible: Any = 0.0
    data_gradient = np.zeros(objective.shape)
    for block, z in scores.at(intercept):
        total += block.weights @ loss.value(z, block.targets)
        feasible = loss.probabilities(z.copy())
        if intercept is not None:
            _make_feasible(feasible, factors, refill, loss.independent_outputs)
            total_to_feasible += block.weights @ loss.value_and_residual(z, feasible)
        subtract_targets(feasible, block.targets)
        objective.add_data_gradient(data_gradient, block, feasible)
    return float(total), float(total_to_feasible), data_gradient


def _at_dual(
    objective: Objective,
    scores: ScoresOfIntercepts,
    intercept: Array | None,
    dual: sparse.csr_array,
) -> tuple[float, float, Array]:
    """Do the same for sparse rows that a solver keeps.

    The repair leaves a sparse part of them. What it adds is the same for all rows, up to a factor.
    So no product of X with a dense matrix is needed.
    """
    factors, refill = np.ones(objective.n_outputs), np.zeros(objective.n_outputs)
    if intercept is not None:
        factors, refill = _repair(objective, objective.weights @ dual)
    total: Any = 0.0
    total_to_feasible: Any = 0.0
    for block, z in scores.at(intercept):
        total += block.weights @ objective.loss.value(z, block.targets)
        feasible = dual[block.rows].toarray()
        _make_feasible(feasible, factors, refill, objective.loss.independent_outputs)
        total_to_feasible += block.weights @ objective.loss.value_and_residual(z, feasible)
    left = dual.copy()
    left.data *= factors[left.indices]
    if objective.loss.independent_outputs:
        moved, refill = objective.weights, (1 - factors) * refill
    else:
        moved = objective.weights * (dual @ (1 - factors))
    data_gradient = objective.coef_of_dual(left)
    data_gradient *= -objective.alpha
    add_outer(data_gradient[: objective.n_features], objective.sum_of_rows(moved), refill)
    return float(total), float(total_to_feasible), data_gradient[:, objective.free_outputs]


def _repair(objective: Objective, mean: Array) -> tuple[Array, Array]:
    """Factors (K,) and refill (K,) for `_make_feasible`, from the mean (K,) of the rows of P."""
    target_mean = objective.target_mean
    factors = _ratio(target_mean, mean)
    if objective.loss.independent_outputs:
        # a label that is predicted too rarely is absent too often
        absent = _ratio(1 - target_mean, 1 - mean)
        return np.minimum(factors, absent), (factors == 1).astype(np.float64)
    deficit = np.maximum(target_mean - mean, 0)
    total = deficit.sum()
    return factors, deficit / total if total > 0 else target_mean


def _make_feasible(
    probabilities: Array, factors: Array, refill: Array, independent_outputs: bool
) -> None:
    """Turn the rows p_i into p'_i, in place."""
    if independent_outputs:
        probabilities *= factors
        probabilities += (1 - factors) * refill
    else:
        moved = probabilities @ (1 - factors)
        probabilities *= factors
        probabilities += moved[:, None] * refill


def _ratio(target: Array, mean: Array) -> Array:
    """The part of each entry of the mean that stays in place, target / mean but at most 1."""
    return np.minimum(1, np.divide(target, mean, out=np.ones_like(mean), where=mean > 0))

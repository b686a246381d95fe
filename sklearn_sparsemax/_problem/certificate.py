r"""The proof of how far coefficients are from the minimum of their objective.

For any distributions p'_i with sum_i omega_i p'_i = sum_i omega_i q_i (no such condition
without an intercept), weak duality bounds the minimum of F from below by

    D(P') = sum_i omega_i (Omega(q_i) - Omega(p'_i)) - alpha/2 ||W(P')||^2,
    W(P') = 1/alpha sum_i omega_i x_i (q_i - p'_i)^T,

and inserting Omega*(z_i) = L(z_i; p'_i) + <p'_i, z_i> - Omega(p'_i) turns the gap into

    F(W, b) - D(P') = alpha/2 ||W - W(P')||^2 + sum_i omega_i L(z_i; p'_i),

a sum of two terms that are never negative. It is computed in this form: the difference of F
and D would drown in rounding long before the gap does.

**A feasible P'.** The probabilities p(z_i) satisfy the condition where grad_b F = 0, which is
why the intercept is balanced first (`_intercept`). What is left is repaired exactly: with the
weighted means pbar, qbar, outputs with pbar_k > qbar_k keep the part qbar_k / pbar_k of each
row's probability, and what the row loses goes to the other outputs in proportion to what these
lack. Only as much mass moves as must. With the intercept unbalanced that mass, and with it the
gap, is of first order in the error of b, while the first term above is of second order in the
error of W. A solver that keeps dual variables of its own, whose W(P) is its W, offers these in
the place of p(z_i): then only the second term is left.
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
    """The objective at a point and a bound on its distance from the minimum."""

    objective: float
    dual_gap: float


def certificate(
    objective: Objective,
    coef: Array,
    dual: sparse.csr_array | None = None,
    scores: ScoresOfIntercepts | None = None,
) -> Certificate:
    """F and the duality gap of the coefficients, in double precision.

    The distributions of the dual are p(z), or those of a solver that keeps its own, sparse
    rows (n, K) on the simplex. There is no dual with alpha = 0, where the gap is infinite.
    Scores of these coefficients may be passed on.
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
    """Do the same for the sparse rows of a solver.

    What the repair leaves of them is sparse still, and what it adds is the same for all rows up
    to a factor: neither needs a product of X with a dense matrix.
    """
    factors, refill = np.ones(objective.n_outputs), np.zeros(objective.n_outputs)
    if intercept is not None:
        factors, refill = _repair(objective, objective.weights @ dual)
    total: Any = 0.0
    total_to_feasible: Any = 0.0
    for block, z in scores.at(intercept):
        total += block.weights @ objective.loss.value(z, block.targets)
        feasible = dual[block.rows].toarray()
        _make_feasible(feasible, factors, refill, independent_outputs=False)
        total_to_feasible += block.weights @ objective.loss.value_and_residual(z, feasible)
    left = dual.copy()
    left.data *= factors[left.indices]
    moved = objective.weights * (dual @ (1 - factors))
    data_gradient = objective.coef_of_dual(left)
    data_gradient *= -objective.alpha
    add_outer(data_gradient[: objective.n_features], objective.sum_of_rows(moved), refill)
    return float(total), float(total_to_feasible), data_gradient[:, objective.free_outputs]


def _repair(objective: Objective, mean: Array) -> tuple[Array, Array]:
    """Factors (K,) and refill (K,) that make P of a mean feasible, for `_make_feasible`."""
    target_mean = objective.target_mean
    factors = _ratio(target_mean, mean)
    if objective.loss.independent_outputs:
        # where a label is predicted too seldom, its absence is too frequent
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
    """What part of each entry of the mean the target leaves in place, at most 1."""
    return np.minimum(1, np.divide(target, mean, out=np.ones_like(mean), where=mean > 0))

"""The alpha-entmax of one row, from the distances below its largest score."""

import numpy as np

from ._entmax_constants import LAST_STEP, MOST_STEPS, MOST_TERMS, NEAR, ROUNDING
from ._jit import inside, njit, sums_in_any_order


@inside
def power(base, exponent):
    """base^exponent, with fast cases for the exponents of alpha = 1.5."""
    if exponent == 0.5:
        return np.sqrt(base)
    if exponent == 1.5:
        return base * np.sqrt(base)
    return base**exponent


@inside
def solve(values, size, alpha):
    """Overwrite the distances d_k of `size` entries by their probabilities.

    Returns the level s^gamma. If an entry is NaN, so is the level.
    """
    if alpha == 1.5:
        return _solve15(values, size)
    if alpha <= 2.0:
        return _solve_for_largest(values, size, alpha - 1.0)
    return _solve_for_smallest(values, size, alpha - 1.0)


@njit
def _solve15(values, size):
    """Solve for r, with p_k = (r - d_k / 2)_+^2: the norm of the square roots of the p_k is 1.

    The norm is a convex function of r, and nearly linear. Newton's method needs few steps.
    """
    r = 1.0
    for _ in range(MOST_STEPS):
        total, slope = _sum15(values, size, r)
        norm = np.sqrt(total)
        change = (norm - 1.0) * norm / slope
        r -= change
        if not change > LAST_STEP * r:
            break
    for c in range(size):
        above = r - 0.5 * values[c]
        values[c] = 0.0 if above <= 0.0 else above * above
    return r


@sums_in_any_order
def _sum15(values, size, r):
    """The sum of (r - d_k / 2)_+^2, and that of (r - d_k / 2)_+, half its derivative."""
    total, slope = 0.0, 0.0
    for c in range(size):
        above = r - 0.5 * values[c]
        above = 0.0 if above <= 0.0 else above
        total += above * above
        slope += above
    return total, slope


@njit
def _solve_for_largest(values, size, gamma):
    """Solve for s, with p_k = s (1 - w_k)_+^(1 / gamma) and w_k = gamma d_k s^(-gamma)."""
    s = 1.0
    for _ in range(MOST_STEPS):
        inverse_level = s ** (-gamma)
        total, slope = 0.0, 0.0
        for c in range(size):
            w = gamma * values[c] * inverse_level
            if not w >= 1.0:
                ratio = np.exp(np.log1p(-w) / gamma)
                total += ratio
                slope += ratio / (1.0 - w)
        change = (s * total - 1.0) / slope
        s -= change
        if not change > ROUNDING * s:
            break
    inverse_level = s ** (-gamma)
    for c in range(size):
        w = gamma * values[c] * inverse_level
        values[c] = 0.0 if w >= 1.0 else s * np.exp(np.log1p(-w) / gamma)
    return s**gamma


@njit
def _solve_for_smallest(values, size, gamma):
    """Solve for t, with p_k = (t^gamma + gamma (d - d_k))^(1 / gamma).

    t and d are the probability and the distance of the lowest score in the support.
    """
    d, n_inside = _last_in_support(values, size, gamma)
    t = 1.0 / n_inside
    for _ in range(MOST_STEPS):
        total, slope = 0.0, 0.0
        for c in range(size):
            if not values[c] > d:
                p = _above_smallest(t, gamma * (d - values[c]), gamma)
                total += p
                slope += (t / p) ** (gamma - 1.0)
        change = (total - 1.0) / slope
        t -= change
        if not change > ROUNDING * t:
            break
    for c in range(size):
        outside = values[c] > d
        values[c] = 0.0 if outside else _above_smallest(t, gamma * (d - values[c]), gamma)
    return t**gamma + gamma * d


@njit
def _above_smallest(t, difference, gamma):
    # t itself is exact, and need not survive its power
    return t if difference == 0.0 else (t**gamma + difference) ** (1.0 / gamma)


@njit
def _last_in_support(values, size, gamma):
    """The largest distance of the support, and the number of entries up to it.

    A distance d is in the support if the probabilities of the scores above it, at the level
    gamma d, sum to less than 1.
    """
    ordered = np.sort(values[:size])
    # NaN comes last
    if np.isnan(ordered[size - 1]):
        return np.nan, 1
    inside, outside = 0, size
    while outside - inside > 1:
        middle = (inside + outside) // 2
        total = 0.0
        for c in range(middle):
            total += (gamma * (ordered[middle] - ordered[c])) ** (1.0 / gamma)
        if total < 1.0:
            inside = middle
        else:
            outside = middle
    return ordered[inside], inside + 1


@inside
def divergence(q, p, alpha):
    """h(q) - h(p) - h'(p) (q - p), 0 or more."""
    if q == p:
        return 0.0
    gamma = alpha - 1.0
    if q == 0.0:
        return p * power(p, gamma) / alpha
    if p == 0.0:
        return q * power(q, gamma) / (alpha * gamma)
    if alpha == 1.5:
        u, v = np.sqrt(q), np.sqrt(p)
        # u - v without cancellation
        difference = (q - p) / (u + v)
        return (2.0 / 3.0) * difference * difference * (2.0 * u + v)
    if abs(q - p) * (alpha + 1.0) <= NEAR * p:
        return _near_divergence((q - p) / p, p, alpha)
    log_ratio = np.log(q / p)
    if gamma * abs(log_ratio) < 1.0:
        # q^gamma - p^gamma without cancellation
        growth = power(p, gamma) * np.expm1(gamma * log_ratio) / gamma
    else:
        growth = (power(q, gamma) - power(p, gamma)) / gamma
    return max(q * growth - power(p, gamma) * (q - p), 0.0) / alpha


@njit
def _near_divergence(delta, p, alpha):
    """The divergence of p (1 + delta) from p, by the binomial series."""
    total, term = 0.0, 0.5
    for k in range(2, MOST_TERMS):
        total += term
        term *= delta * (alpha - k) / (k + 1)
        if abs(term) < 1e-17 * total:
            break
    return p * power(p, alpha - 1.0) * delta * delta * total

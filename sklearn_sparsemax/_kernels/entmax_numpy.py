"""The kernels of `entmax_compiled` in NumPy, for small arrays, where loading Numba takes longer."""

import numpy as np

from ._entmax_constants import LAST_STEP, MOST_STEPS, MOST_TERMS, NEAR, ROUNDING


def map_rows(scores, probabilities, alpha):
    """Do what `entmax_compiled.map_rows` does."""
    p, _, largest, _ = _solve(scores, alpha)
    probabilities[:] = p
    return _first_infinite(largest)


def threshold_rows(scores, thresholds, alpha):
    """Do what `entmax_compiled.threshold_rows` does."""
    _, _, largest, level = _solve(scores, alpha)
    thresholds[:] = ((alpha - 1) * largest - level)[:, 0]
    return _first_infinite(largest)


def loss_rows(scores, indptr, indices, data, losses, alpha):
    """Do what `entmax_compiled.loss_rows` does."""
    target = np.zeros(scores.shape)
    rows = np.repeat(np.arange(len(scores)), np.diff(indptr))
    np.add.at(target, (rows, indices[indptr[0] : indptr[-1]]), data[indptr[0] : indptr[-1]])
    loss_rows_dense(scores, target, losses, alpha)


def loss_rows_dense(scores, targets, losses, alpha):
    """Do what `entmax_compiled.loss_rows_dense` does."""
    p, below, _, level = _solve(scores, alpha)
    q = targets.astype(np.float64)
    slack = np.maximum(below - level / (alpha - 1), 0)
    linear = np.multiply(q, slack, out=np.zeros_like(q), where=(q > 0) & (p == 0))
    losses[:] = (_divergence(q, p, alpha) + linear).sum(axis=1)
    scores[:] = p - q


def multiply_jacobian_rows(p, v, products, alpha):
    """Do what `entmax_compiled.multiply_jacobian_rows` does."""
    p = p.astype(np.float64)
    inside = p != 0
    slopes = np.power(p, 2 - alpha, out=np.zeros_like(p), where=inside)
    # where, not a product: NaN or infinities of v outside the support have no influence
    v = np.where(inside, v, 0)
    mean = (slopes * v).sum(axis=1, keepdims=True) / slopes.sum(axis=1, keepdims=True)
    products[:] = slopes * np.where(inside, v - mean, 0)


def _solve(scores, alpha):
    """Probabilities (n, K), distances below the largest score, that (n, 1), and level (n, 1)."""
    z = scores.astype(np.float64)
    largest = z.max(axis=1, keepdims=True)
    gamma = alpha - 1
    # differences may overflow, those of infinities are NaN, and powers of -inf are right
    with np.errstate(all="ignore"):
        below = largest - z
        solve = (
            _solve15 if alpha == 1.5 else _solve_for_largest if alpha <= 2 else _solve_for_smallest
        )
        p, level = solve(below, gamma)
    return p, below, largest, level


def _solve15(below, gamma):
    a, r = gamma * below, np.ones((len(below), 1))
    for _ in range(MOST_STEPS):
        above = np.maximum(r - a, 0)
        norm = np.sqrt(np.einsum("ij,ij->i", above, above))[:, None]
        change = (norm - 1) * norm / above.sum(axis=1, keepdims=True)
        r -= change
        if not (change > LAST_STEP * r).any():
            break
    return np.square(np.maximum(r - a, 0)), r


def _solve_for_largest(below, gamma):
    s = np.ones((len(below), 1))
    for _ in range(MOST_STEPS):
        w = np.minimum(gamma * below * s**-gamma, 1)
        ratios = np.exp(np.log1p(-w) / gamma)
        slopes = np.divide(ratios, 1 - w, out=np.zeros_like(w), where=w != 1)
        change = (s * ratios.sum(axis=1, keepdims=True) - 1) / slopes.sum(axis=1, keepdims=True)
        s -= change
        if not (change > ROUNDING * s).any():
            break
    w = np.minimum(gamma * below * s**-gamma, 1)
    return s * np.exp(np.log1p(-w) / gamma), s**gamma


def _solve_for_smallest(below, gamma):
    d = _last_in_support(below, gamma)
    outside = below > d
    differences = np.where(outside, 0, gamma * (d - below))

    def probabilities(t):
        return np.where(differences == 0, t, (t**gamma + differences) ** (1 / gamma))

    t = 1 / (~outside).sum(axis=1, keepdims=True)
    for _ in range(MOST_STEPS):
        p = probabilities(t)
        slopes = np.where(outside, 0, (t / p) ** (gamma - 1)).sum(axis=1, keepdims=True)
        change = (np.where(outside, 0, p).sum(axis=1, keepdims=True) - 1) / slopes
        t -= change
        if not (change > ROUNDING * t).any():
            break
    return np.where(outside, 0, probabilities(t)), t**gamma + gamma * d


def _last_in_support(below, gamma):
    """The largest distance (n, 1) of the support of each row; NaN if the row has NaN."""
    ordered = np.sort(below, axis=1)
    # NaN comes last
    has_nan = np.isnan(ordered[:, -1:])
    inside = np.zeros((len(below), 1), int)
    outside = np.full_like(inside, below.shape[1])
    while (outside - inside > 1).any():
        middle = (inside + outside) // 2
        at_middle = np.take_along_axis(ordered, middle, axis=1)
        # differences of infinities are NaN, whose sum is not below 1
        differences = np.where(below < at_middle, at_middle - below, 0)
        total = ((gamma * differences) ** (1 / gamma)).sum(axis=1, keepdims=True)
        is_inside = total < 1
        inside, outside = np.where(is_inside, middle, inside), np.where(is_inside, outside, middle)
    return np.where(has_nan, np.nan, np.take_along_axis(ordered, inside, axis=1))


def _divergence(q, p, alpha):
    """h(q) - h(p) - h'(p) (q - p) of `entmax_compiled`, 0 or more."""
    gamma = alpha - 1
    if alpha == 1.5:
        u, v = np.sqrt(q), np.sqrt(p)
        ratio = np.divide(q - p, u + v, out=np.zeros_like(q), where=u + v > 0)
        return (2 / 3) * ratio**2 * (2 * u + v)
    both = (q > 0) & (p > 0)
    result = np.where(q > 0, q * q**gamma / (alpha * gamma), p * p**gamma / alpha)
    q, p = q[both], p[both]
    # q^gamma - p^gamma, without cancellation if both are near
    log_ratio = np.log(q / p)
    near = np.minimum(gamma * log_ratio, 1)
    growth = np.where(
        gamma * abs(log_ratio) < 1,
        p**gamma * np.expm1(near) / gamma,
        (q**gamma - p**gamma) / gamma,
    )
    far = np.maximum(q * growth - p**gamma * (q - p), 0) / alpha
    delta = (q - p) / p
    is_near = abs(delta) * (alpha + 1) <= NEAR
    delta = np.where(is_near, delta, 0)
    # the binomial series
    total, term = np.zeros_like(delta), np.full_like(delta, 0.5)
    for k in range(2, MOST_TERMS):
        total += term
        term = term * delta * ((alpha - k) / (k + 1))
    result[both] = np.where(is_near, p * p**gamma * delta**2 * total, far)
    return result


def _first_infinite(largest):
    infinite = np.flatnonzero(np.isinf(largest))
    return int(infinite[0]) if infinite.size else -1

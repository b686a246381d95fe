r"""Stochastic descent on F: implicit steps on one row after the other.

A step of length gamma on row i, of weight w_i relative to their mean, ends where
w_i L(W^T x + b; q_i) + alpha/2 ||W||^2 + ||(W, b) - (W, b)_before||^2 / (2 gamma) is least.
All of it is decided by the K scores of the row:

    W <- (W - gamma w_i x_i r_i^T) / (1 + gamma alpha),   r_i = p - q_i,

with p from the implicit step of length sigma = gamma w_i ||x_i||^2 / (1 + gamma alpha) on the
shrunken scores (`implicit`). However long gamma is, W moves no farther than the row asks.

**Memory.** Near the minimum the rows still pull in different directions. Where the residuals r_i
of their last visits are kept, with the mean G = sum_i omega_i x_i r_i^T, the pull of all rows at
their last visits is added to that of the row, and its own at its last visit is taken off:

    W <- (W - gamma G - gamma w_i x_i (r_i_new - r_i_old)^T) / (1 + gamma alpha).

This is Point-SAGA (Defazio 2016). At the minimum the pulls cancel, so that gamma can stay as long
as it is, and a visit changes only the outputs whose residual changes.

**Step length.** With R^2 the mean square length of the rows, and c the largest curvature of the
loss by the scores, c R^2 bounds the curvature of the mean loss by W, and

    gamma = 1 / (c R^2 / LENGTH + alpha n)

for n rows. Along a stream n grows, and gamma falls as 1 / (alpha n) in the end.

**Nothing dense moves.** Three matrices grow by multiples of the same x_i delta^T, and the iterate
and its average are combinations of them,

    W = s V - g G,      mean = u A + v V - c G,

so that shrinking, the pull of G and averaging change five scalars. What a visit adds to V and G
would change what these stood for before; multiples of x_i delta^T on V and on A make up for it.
The average is polynomial (Shamir & Zhang 2013): visit t enters with rho_t = (DECAY + 1) /
(t + DECAY), and what was there before keeps 1 - rho_t.

**Centred features are never formed.** All three matrices are sums of (x - m) delta^T over visits,
kept as R = sum x delta^T, with total = sum delta and along = R^T m: the scores of x - m are
R^T x - along + (||m||^2 - <m, x>) total. The intercept, that of the centred features, belongs to
a constant feature of square CONSTANT R^2 and is not shrunk. In a stream the mean is taken anew
after 1, 2, 4, 8, ... rows, which costs a pass over W each time, and moves only its representation.
"""

import numpy as np

from ._jit import njit
from ._rows import add_outer, add_scattered, copy_row, longest_row
from .implicit import CURVATURE, implicit_step, row_loss
from .products import add_combination
from .sgd_state import INVERSE_SCALING, OPTIMAL

LENGTH = 5.0
CONSTANT = 0.1
DECAY = 6.0
# What is less of the squares of the features than this may be rounding.
LEAST_SPREAD = 1e-12
# Scalars that shrink are multiplied out before their inverses overflow in single precision.
SMALLEST = 1e-9
# One number of a delta in so many, or fewer, are added one by one; else all, several at a time.
FEW_CHANGES = 8


@njit
def visit_rows(
    order, features, targets, weights, residuals, loss, alpha, intercept, schedule, moments, iterate
):
    """Visit rows in the given order; returns the sum of w L(z; q), each before its visit.

    Features are the arrays (indptr, indices, data) of a CSR matrix, or (X,) for a dense one,
    targets those of a CSR matrix (n, K); rows without weight are passed over. The residuals are
    (n, K), and the moments those of all rows; or the residuals are (0, K), and the rows a stream
    that the moments follow. Without an intercept nothing is centred. Overwrites the residuals,
    the moments and the iterate.
    """
    n_outputs = residuals.shape[1]
    has_memory = residuals.shape[0] > 0
    V, G, scalars, b = iterate.V, iterate.G, iterate.scalars, iterate.intercepts[0]
    columns = np.empty(longest_row(features), np.int64)
    entries = np.empty(columns.shape[0], V.rows.dtype)
    zV, zG = np.zeros(n_outputs, V.rows.dtype), np.zeros(n_outputs, V.rows.dtype)
    z, q, p = np.empty(n_outputs), np.zeros(n_outputs), np.empty(n_outputs)
    scratch = np.empty(n_outputs)
    delta, scaled = np.empty(n_outputs, V.rows.dtype), np.empty(n_outputs, V.rows.dtype)
    changed = np.empty(n_outputs, np.int64)
    curvature = CURVATURE[loss]
    total_loss = 0.0
    for visit in range(order.shape[0]):
        i = order[visit]
        if weights[i] == 0.0:
            continue
        n_entries = copy_row(features, i, columns, entries)
        square, along = _square_and_projection(columns, entries, n_entries, moments.mean)
        deviation = max(square - 2.0 * along + moments.sums[4], 0.0)
        if not has_memory:
            _follow(moments, columns, entries, n_entries, weights[i], square, deviation)
        n_rows, sum_of_weights, squares, deviations, square_of_mean = moments.sums
        w = weights[i] * n_rows / sum_of_weights
        spread = max(deviations, LEAST_SPREAD * squares) / sum_of_weights
        # without any features there is the intercept still
        spread = spread if spread > 0.0 else 1.0
        constant = CONSTANT * spread if intercept else 0.0
        bound = curvature * (spread + constant)
        gamma = _step_length(schedule, bound, alpha, n_rows, iterate.n_visits[0] + 1.0)
        shrink = 1.0 / (1.0 + gamma * alpha)

        _write_target(targets, i, q)
        _write_product(V, columns, entries, n_entries, square_of_mean - along, zV)
        if has_memory:
            _write_product(G, columns, entries, n_entries, square_of_mean - along, zG)
        for k in range(n_outputs):
            z[k] = scalars[0] * zV[k] - scalars[1] * zG[k] + b[k]
        total_loss += weights[i] * row_loss(loss, z, q)

        scalars[0] *= shrink
        scalars[1] = (scalars[1] + gamma) * shrink if has_memory else 0.0
        sigma = w * gamma * (shrink * deviation + constant)
        for k in range(n_outputs):
            b[k] -= gamma * constant * G.total[k]
            z[k] = scalars[0] * zV[k] - scalars[1] * zG[k] + b[k]
            if has_memory:
                z[k] += sigma * residuals[i, k]
        implicit_step(loss, z, q, sigma, p, scratch)

        n_changed = 0
        for k in range(n_outputs):
            delta[k] = p[k] - q[k]
            if has_memory:
                before = residuals[i, k]
                # stored, and so rounded to its type, before it is compared
                residuals[i, k] = delta[k]
                delta[k] = residuals[i, k] - before
            if delta[k] != 0.0:
                b[k] -= gamma * constant * w * delta[k]
                changed[n_changed] = k
                n_changed += 1
        if n_changed > 0:
            on_G = w / n_rows if has_memory else 0.0
            on_V = (scalars[1] * on_G - gamma * shrink * w) / scalars[0]
            on_A = (scalars[4] * on_G - scalars[3] * on_V) / scalars[2]
            row = columns, entries, n_entries, along
            _add(V, row, on_V, delta, changed, n_changed, scaled)
            _add(iterate.A, row, on_A, delta, changed, n_changed, scaled)
            if has_memory:
                _add(G, row, on_G, delta, changed, n_changed, scaled)
        _average(iterate)
        if not has_memory and intercept and _is_power_of_two(n_rows):
            _centre(moments, iterate)
        if min(scalars[0], scalars[2]) < SMALLEST:
            multiply_out(iterate)
        _erase_target(targets, i, q)
    return total_loss


@njit
def multiply_out(iterate):
    """Form W + g G in V and the average in A, with scalars of 1 and 0 but for g."""
    scalars = iterate.scalars
    _combine(iterate.A, scalars[2], iterate.V, scalars[3])
    if iterate.G.rows.shape[0] > 0:
        _combine(iterate.A, 1.0, iterate.G, -scalars[4])
    _combine(iterate.V, scalars[0], iterate.V, 0.0)
    scalars[0], scalars[2], scalars[3], scalars[4] = 1.0, 1.0, 0.0, 0.0


@njit
def _combine(result, factor, other, other_factor):
    """Overwrite a combination by a sum of multiples of it and of another."""
    for j in range(result.rows.shape[0]):
        for k in range(result.rows.shape[1]):
            result.rows[j, k] = factor * result.rows[j, k] + other_factor * other.rows[j, k]
    for k in range(result.total.shape[0]):
        result.total[k] = factor * result.total[k] + other_factor * other.total[k]
        result.along[k] = factor * result.along[k] + other_factor * other.along[k]


@njit
def _square_and_projection(columns, entries, n_entries, mean):
    """||x||^2 and <m, x>, in double precision."""
    square, along = 0.0, 0.0
    for e in range(n_entries):
        x = np.float64(entries[e])
        square += x * x
        along += x * mean[columns[e]]
    return square, along


@njit
def _follow(moments, columns, entries, n_entries, weight, square, deviation):
    """Add a row to the sums."""
    for e in range(n_entries):
        moments.features[columns[e]] += weight * entries[e]
    sums = moments.sums
    sums[0] += 1.0
    sums[1] += weight
    sums[2] += weight * square
    sums[3] += weight * deviation


@njit
def _is_power_of_two(n_rows):
    n = np.int64(n_rows)
    return n & (n - 1) == 0


@njit
def _centre(moments, iterate):
    """Take the mean so far as the centre; the iterate and its average remain what they are."""
    multiply_out(iterate)
    mean, sums = moments.mean, moments.sums
    _move_centre(iterate.V, iterate.intercepts[0], moments)
    _move_centre(iterate.A, iterate.intercepts[1], moments)
    sums[4] = 0.0
    for j in range(mean.shape[0]):
        mean[j] = moments.features[j] / sums[1]
        sums[4] += mean[j] * mean[j]
    sums[3] = max(sums[2] - sums[1] * sums[4], 0.0)


@njit
def _move_centre(part, intercept, moments):
    """Form W = R - m total^T, and the intercept for the new centre."""
    mean, sums = moments.mean, moments.sums
    for k in range(intercept.shape[0]):
        intercept[k] -= part.along[k] - sums[4] * part.total[k]
        part.along[k] = 0.0
    for j in range(mean.shape[0]):
        new = moments.features[j] / sums[1]
        for k in range(intercept.shape[0]):
            part.rows[j, k] -= mean[j] * part.total[k]
            part.along[k] += new * part.rows[j, k]
    for k in range(intercept.shape[0]):
        intercept[k] += part.along[k]
        part.total[k] = 0.0


@njit
def _step_length(schedule, bound, alpha, n_rows, t):
    """Gamma at visit t, for a bound on the curvature of the mean loss."""
    first = schedule.eta0 if schedule.eta0 > 0.0 else LENGTH / bound
    if schedule.rule == OPTIMAL:
        return 1.0 / (1.0 / first + alpha * n_rows)
    if schedule.rule == INVERSE_SCALING:
        return first / t**schedule.power
    return first


@njit
def _write_target(targets, i, q):
    """Write row i into q, which is 0."""
    for entry in range(targets[0][i], targets[0][i + 1]):
        q[targets[1][entry]] = targets[2][entry]


@njit
def _erase_target(targets, i, q):
    for entry in range(targets[0][i], targets[0][i + 1]):
        q[targets[1][entry]] = 0.0


@njit
def _write_product(part, columns, entries, n_entries, slope, scores):
    """Write the scores of the centred row."""
    for k in range(scores.shape[0]):
        scores[k] = slope * part.total[k] - part.along[k]
    add_combination(scores, columns, entries, 0, n_entries, part.rows)


@njit
def _add(part, row, factor, delta, changed, n_changed, scaled):
    """Add a multiple of (x - m) delta^T, for a delta that is zero but in the outputs `changed`."""
    columns, entries, n_entries, along = row
    for m in range(n_changed):
        k = changed[m]
        part.total[k] += factor * delta[k]
        part.along[k] += factor * along * delta[k]
    if FEW_CHANGES * n_changed <= delta.shape[0]:
        for m in range(n_changed):
            scaled[m] = factor * delta[changed[m]]
        add_scattered(part.rows, columns, entries, n_entries, changed, scaled, n_changed)
    else:
        for k in range(delta.shape[0]):
            scaled[k] = factor * delta[k]
        add_outer(part.rows, columns, entries, n_entries, scaled)


@njit
def _average(iterate):
    """Let the iterate enter its average."""
    iterate.n_visits[0] += 1.0
    rho = (DECAY + 1.0) / (iterate.n_visits[0] + DECAY)
    s, g, u, v, c = iterate.scalars
    iterate.scalars[2] = (1.0 - rho) * u
    iterate.scalars[3] = v + rho * (s - v)
    iterate.scalars[4] = c + rho * (g - c)
    current, mean = iterate.intercepts
    for k in range(mean.shape[0]):
        mean[k] += rho * (current[k] - mean[k])

r"""Stochastic descent on F: implicit steps on one row after the other.

A step of length gamma on row i, of weight w_i relative to their mean, ends where
w_i L(W^T x + b; q_i) + alpha/2 ||W||^2 + ||(W, b) - (W, b)_before||^2 / (2 gamma) is least.
All of it is decided by the K scores of the row:

    W <- (W - gamma w_i x_i r_i^T) / (1 + gamma alpha),   r_i = p - q_i,

with p from the implicit step of length sigma = gamma w_i ||x_i||^2 / (1 + gamma alpha) on the
shrunken scores (`row_losses`). However long gamma is, W moves no farther than the row asks.

**Memory.** Near the minimum the rows still pull in different directions. Where the residuals r_i
of their last visits are kept, with the mean G = sum_i omega_i x_i r_i^T, the pull of all rows at
their last visits is added to that of the row, and its own at its last visit is taken off:

    W <- (W - gamma G - gamma w_i x_i (r_i_new - r_i_old)^T) / (1 + gamma alpha).

This is Point-SAGA (Defazio 2016). At the minimum the pulls cancel, so that gamma can stay as long
as it is, and a visit changes only the outputs whose residual changes.

**Step length.** With R^2 the mean square length of the rows, and c the largest curvature of the
loss by the scores, c R^2 bounds the curvature of the mean loss by W, and

    gamma = 1 / (c R^2 / LENGTH + alpha n)

for n rows. Along a stream n grows, and gamma falls as 1 / (alpha n) in the end. LENGTH is 5 with
memory, and 2 along a stream.

**Nothing dense moves.** Three matrices grow by multiples of the same x_i delta^T, and the iterate
and its average are combinations of them,

    W = s V - g G,      mean = u A + v V - c G,

so that shrinking, the pull of G and averaging change five scalars. What a visit adds to V and G
would change what these stood for before; multiples of x_i delta^T on V and on A make up for it.
The average is polynomial (Shamir & Zhang 2013): visit t enters with rho_t = (DECAY + 1) /
(t + DECAY), and what was there before keeps 1 - rho_t. DECAY is 6 with memory: early iterates are
forgotten soon. Along a stream it is 1. Rows may come in runs of one class, and the last iterates
then know the last classes best: an average that gives them little more weight, over shorter steps,
remembers the others (`python -m benchmarks streams`).

**Centred features are never formed.** All three matrices are sums of (x - m) delta^T over visits,
kept as R = sum x delta^T, with total = sum delta and along = R^T m: the scores of x - m are
R^T x - along + (||m||^2 - <m, x>) total. The intercept, that of the centred features, belongs to
a constant feature of square CONSTANT R^2 and is not shrunk. In a stream the mean is taken anew
after 1, 2, 4, 8, ... rows, which costs a pass over W each time, and moves only its representation.
"""

import numpy as np

from ._jit import njit
from ._rows import add_outer, add_scattered, copy_row, longest_row
from .products import add_combination
from .row_losses import N_SCRATCH, implicit_step, loss_of_row
from .sgd_state import INVERSE_SCALING, OPTIMAL

LENGTH, STREAM_LENGTH = 5.0, 2.0
CONSTANT = 0.1
DECAY, STREAM_DECAY = 6.0, 1.0
# What is less of the squares of the features than this may be rounding.
LEAST_SPREAD = 1e-12
# Scalars that shrink are multiplied out before their inverses overflow in single precision.
SMALLEST = 1e-9
# One number of a delta in so many, or fewer, are added one by one; else all, several at a time.
FEW_CHANGES = 8


def visit_rows(order, *arguments):
    """Visit rows in the given order; returns the sum of w L(z; q), each before its visit.

    The arguments are those of `visit_part`. Passes over all coefficients come in between, by NumPy:
    they are rare, and compiling them would take a second of every first fit.
    """
    *_, moments, iterate = arguments
    total_loss = 0.0
    while order.size:
        n_visited, loss, centre = visit_part(order, *arguments)
        order, total_loss = order[n_visited:], total_loss + loss
        if centre:
            _centre(moments, iterate)
        elif iterate.scalars[[0, 2]].min() < SMALLEST:
            _multiply_out(iterate)
    return total_loss


@njit
def visit_part(
    order, features, targets, weights, residuals, loss, alpha, intercept, schedule, moments, iterate
):
    """Visit rows until the coefficients must be formed, or the features be centred anew.

    Features are the arrays (indptr, indices, data) of a CSR matrix, or (X,) for a dense one,
    targets those of a CSR matrix (n, K); rows without weight are passed over. The loss is one of
    `row_losses`. The residuals are (n, K), and the moments those of all rows; or the residuals
    are (0, K), and the rows a stream that the moments follow. Without an intercept nothing is
    centred. Overwrites the residuals, the moments and the iterate. Returns the number of visits,
    the sum of w L(z; q), each before its visit, and whether the features must be centred.
    """
    n_outputs = residuals.shape[1]
    has_memory = residuals.shape[0] > 0
    scalars, b, total = iterate.scalars, iterate.intercepts[0], iterate.total
    dtype = iterate.rows.dtype
    columns = np.empty(longest_row(features), np.int64)
    entries = np.empty(columns.shape[0], dtype)
    # of V and G; without memory, the scores of G remain 0
    scores = np.zeros(2 * n_outputs, dtype)
    read = scores if has_memory else scores[:n_outputs]
    z, q, p = np.empty(n_outputs), np.zeros(n_outputs), np.empty(n_outputs)
    scratch, delta = np.empty((N_SCRATCH, n_outputs)), np.empty(n_outputs, dtype)
    scaled, changed = np.empty(total.shape[0], dtype), np.empty(total.shape[0], np.int64)
    length, decay = (LENGTH, DECAY) if has_memory else (STREAM_LENGTH, STREAM_DECAY)
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
        bound = loss.curvature * (spread + constant)
        first = schedule.eta0 if schedule.eta0 > 0.0 else length / bound
        gamma = _step_length(schedule, first, alpha, n_rows, iterate.n_visits[0] + 1.0)
        shrink = 1.0 / (1.0 + gamma * alpha)

        _write_target(targets, i, q)
        for k in range(read.shape[0]):
            read[k] = (square_of_mean - along) * total[k] - iterate.along[k]
        add_combination(read, columns, entries, 0, n_entries, iterate.rows)
        for k in range(n_outputs):
            z[k] = scalars[0] * scores[k] - scalars[1] * scores[n_outputs + k] + b[k]
        total_loss += weights[i] * loss_of_row(loss, z, q, scratch)

        scalars[0] *= shrink
        scalars[1] = (scalars[1] + gamma) * shrink if has_memory else 0.0
        sigma = w * gamma * (shrink * deviation + constant)
        for k in range(n_outputs):
            if has_memory:
                b[k] -= gamma * constant * total[n_outputs + k]
            z[k] = scalars[0] * scores[k] - scalars[1] * scores[n_outputs + k] + b[k]
            if has_memory:
                z[k] += sigma * residuals[i, k]
        implicit_step(loss, z, q, sigma, p, scratch)

        n_changed = np.int64(0)  # typed, for one compilation of what it is passed to
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
            factors = (on_V, on_G, on_A) if has_memory else (on_V, on_A, 0.0)
            row = columns, entries, n_entries, along
            _add(iterate, row, factors, delta, changed, n_changed, scaled)
        _average(iterate, decay)
        _erase_target(targets, i, q)
        centre = not has_memory and intercept and _is_power_of_two(n_rows)
        if centre or min(scalars[0], scalars[2]) < SMALLEST:
            return visit + 1, total_loss, centre
    return order.shape[0], total_loss, False


def _multiply_out(iterate):
    """Form W + g G in V and the average in A, with scalars of 1 and 0 but for g."""
    s, _, u, v, c = iterate.scalars
    n_outputs = iterate.intercepts.shape[1]
    for rows in (iterate.rows, iterate.total, iterate.along):
        first, second, last = (rows[..., part] for part in _parts(n_outputs))
        # without memory c is 0, and what stands second is A
        last[:] = u * last + v * first - c * second
        first *= s
    iterate.scalars[[0, 2, 3, 4]] = 1.0, 1.0, 0.0, 0.0


def _parts(n_outputs):
    """Slices of the first matrix, of the second one, and of the last one."""
    return slice(n_outputs), slice(n_outputs, 2 * n_outputs), slice(-n_outputs, None)


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


def _centre(moments, iterate):
    """Take the mean so far as the centre; the iterate and its average remain what they are."""
    _multiply_out(iterate)
    mean, sums = moments.mean, moments.sums
    rows, total, along = iterate.rows, iterate.total, iterate.along
    # V and A, whose intercepts stand in the same order
    intercepts = iterate.intercepts.reshape(total.shape)
    intercepts -= along - sums[4] * total
    rows -= np.outer(mean, total)
    mean[:] = moments.features / sums[1]
    along[:] = mean @ rows
    intercepts += along
    total[:] = 0.0
    sums[4] = mean @ mean
    sums[3] = max(sums[2] - sums[1] * sums[4], 0.0)


@njit
def _step_length(schedule, first, alpha, n_rows, t):
    """Gamma at visit t, for the length of the first steps."""
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
def _add(iterate, row, factors, delta, changed, n_changed, scaled):
    """Add a multiple of (x - m) delta^T to each matrix, for a delta that changes few outputs."""
    columns, entries, n_entries, along = row
    n_outputs = delta.shape[0]
    n_parts = scaled.shape[0] // n_outputs
    few = FEW_CHANGES * n_changed <= n_outputs
    for part in range(n_parts):
        for m in range(n_changed):
            k = changed[m]
            value = factors[part] * delta[k]
            iterate.total[part * n_outputs + k] += value
            iterate.along[part * n_outputs + k] += along * value
            if few:
                changed[part * n_changed + m] = part * n_outputs + k
                scaled[part * n_changed + m] = value
        if not few:
            for k in range(n_outputs):
                scaled[part * n_outputs + k] = factors[part] * delta[k]
    if few:
        n_changed *= n_parts
        add_scattered(iterate.rows, columns, entries, n_entries, changed, scaled, n_changed)
    else:
        add_outer(iterate.rows, columns, entries, n_entries, scaled)


@njit
def _average(iterate, decay):
    """Let the iterate enter its average."""
    iterate.n_visits[0] += 1.0
    rho = (decay + 1.0) / (iterate.n_visits[0] + decay)
    s, g, u, v, c = iterate.scalars
    iterate.scalars[2] = (1.0 - rho) * u
    iterate.scalars[3] = v + rho * (s - v)
    iterate.scalars[4] = c + rho * (g - c)
    current, mean = iterate.intercepts
    for k in range(mean.shape[0]):
        mean[k] += rho * (current[k] - mean[k])

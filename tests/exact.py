"""The definitions of the package's functions for one row, in exact or 60-digit arithmetic.

They take sequences of floats, each of which is a rational number, and share no code and no
formula arranged for floating point with the package.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction

SIXTY_DIGITS = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
# Where a search ends: as bisection in 250 steps would.
SMALLEST = Decimal(2) ** -250


def sparsemax_threshold(z):
    """Algorithm 1 of Martins & Astudillo (2016), which sorts."""
    total = Fraction(0)
    for k, z_k in enumerate(sorted(map(Fraction, map(float, z)), reverse=True), start=1):
        total += z_k
        if 1 + k * z_k > total:
            threshold = (total - 1) / k
    return threshold


def sparsemax(z):
    threshold = sparsemax_threshold(z)
    return [max(Fraction(float(z_j)) - threshold, Fraction(0)) for z_j in z]


def sparsemax_loss(z, q):
    """L(z; q) = Omega*(z) + Omega(q) - <q, z>, the conjugate as in section 3.2 of the paper."""
    z, q = [Fraction(float(z_j)) for z_j in z], [Fraction(float(q_j)) for q_j in q]
    threshold = sparsemax_threshold(z)
    conjugate = sum(z_j**2 - threshold**2 for z_j in z if z_j > threshold) / 2
    return conjugate + sum(q_j**2 for q_j in q) / 2 - _dot(q, z)


def entmax15(z):
    """The threshold by sorting: the largest of those of the k largest scores, for each k."""
    with localcontext(SIXTY_DIGITS):
        halves = [z_j / 2 for z_j in _below_largest(z)]
        ordered = sorted(halves, reverse=True)
        for k in range(1, len(ordered) + 1):
            mean = sum(ordered[:k]) / k
            spread = sum((half - mean) ** 2 for half in ordered[:k])
            threshold = mean - ((1 - spread) / k).sqrt()
            if k == len(ordered) or ordered[k] <= threshold:
                break
        return [max(half - threshold, Decimal(0)) ** 2 for half in halves]


def entmax(z, alpha):
    """The support by sorting, and the smallest probability on it by a search between two bounds.

    A threshold would not do: for alpha = 50, one off by 1e-60 moves a probability by 0.06.
    """
    with localcontext(SIXTY_DIGITS):
        gamma = Decimal(float(alpha)) - 1
        scaled = [gamma * z_j for z_j in _below_largest(z)]

        def power(value, exponent):
            return value**exponent if value > 0 else Decimal(0)

        def probabilities(last, smallest):
            """That of the score `last` is `smallest`; scores below it have 0."""
            least = power(smallest, gamma)
            return [
                power(least + (score - last), 1 / gamma) if score >= last else Decimal(0)
                for score in scaled
            ]

        # the further down the support ends, the larger is the sum
        ordered = sorted(scaled, reverse=True)
        n_inside = bisect_left(
            ordered, True, key=lambda score: sum(probabilities(score, Decimal(0))) >= 1
        )
        last = ordered[n_inside - 1]
        low, high = Decimal(0), Decimal(1)
        excess = {x: sum(probabilities(last, x)) - 1 for x in (low, high)}
        # bisection, and a straight line between the bounds, in turns
        for turn in range(500):
            if turn % 2 or not excess[high] > excess[low]:
                middle = (low + high) / 2
            else:
                middle = (low * excess[high] - high * excess[low]) / (excess[high] - excess[low])
            # a little inside, so that both bounds come near the root
            margin = (high - low) * Decimal("1e-12")
            middle = min(max(middle, low + margin), high - margin)
            if high - low < SMALLEST or middle in (low, high):
                break
            excess[middle] = sum(probabilities(last, middle)) - 1
            low, high = (middle, high) if excess[middle] < 0 else (low, middle)
        return probabilities(last, low)


def entmax_loss(z, q, alpha):
    """<p, z> - Omega(p) + Omega(q) - <q, z> with p = entmax(z)."""
    p = entmax15(z) if alpha == 1.5 else entmax(z, alpha)
    with localcontext(SIXTY_DIGITS):
        alpha = Decimal(float(alpha))
        z, q = _below_largest(z), [Decimal(float(q_j)) for q_j in q]

        def regularizer(values):
            return sum(v**alpha - v for v in values if v) / (alpha * (alpha - 1))

        return _dot(p, z) - regularizer(p) + regularizer(q) - _dot(q, z)


def softmax(z):
    with localcontext(SIXTY_DIGITS):
        exponentials = [z_j.exp() for z_j in _below_largest(z)]
        return [value / sum(exponentials) for value in exponentials]


def softmax_loss(z, q):
    with localcontext(SIXTY_DIGITS):
        z, q = _below_largest(z), [Decimal(float(q_j)) for q_j in q]
        return sum(z_j.exp() for z_j in z).ln() - _dot(q, z) + sum(map(_x_log_x, q))


def logistic(z):
    with localcontext(SIXTY_DIGITS):
        return [1 / (1 + (-Decimal(float(z_j))).exp()) for z_j in z]


def logistic_loss(z, q):
    with localcontext(SIXTY_DIGITS):
        z, q = [Decimal(float(z_j)) for z_j in z], [Decimal(float(q_j)) for q_j in q]
        log_partition = sum((1 + (-abs(z_j)).exp()).ln() + max(z_j, Decimal(0)) for z_j in z)
        negative_entropy = sum(_x_log_x(q_j) + _x_log_x(1 - q_j) for q_j in q)
        return log_partition - _dot(q, z) + negative_entropy


def binary_sparsemax(z):
    half, one = Fraction(1, 2), Fraction(1)
    return [min(max((Fraction(float(z_j)) + 1) * half, Fraction(0)), one) for z_j in z]


def binary_sparsemax_loss(z, q):
    """Sum of the conjugates of p^2 - p on [0, 1], plus q^2 - q - q z."""
    z, q = [Fraction(float(z_j)) for z_j in z], [Fraction(float(q_j)) for q_j in q]
    conjugates = sum(0 if z_j <= -1 else z_j if z_j >= 1 else (z_j + 1) ** 2 / 4 for z_j in z)
    return conjugates + sum(q_j**2 - q_j for q_j in q) - _dot(q, z)


def _below_largest(z):
    largest = Decimal(float(max(z)))
    return [Decimal(float(z_j)) - largest for z_j in z]


def _x_log_x(x):
    return x * x.ln() if x else x


def _dot(q, z):
    return sum(q_j * z_j for q_j, z_j in zip(q, z, strict=True))

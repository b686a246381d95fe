"""What every solver claims about random problems, at the edges of what is allowed."""

from __future__ import annotations

import pytest
import random_problems


# `python tests/random_problems.py --n 1000` looks at more of them
@pytest.mark.parametrize("first", range(0, 24, 12))
def test_no_claim_contradicts_another(first):
    wrong = [
        f"seed {seed}: {words}"
        for seed in range(first, first + 12)
        for words in random_problems.violations(seed)
    ]
    assert not wrong


def test_a_wrong_claim_is_seen(monkeypatch):
    """A bound too small, and an objective that is not that of the coefficients."""
    case, found = random_problems.claims(0)
    name, (objective, gap, stored, rounding) = next(iter(found.items()))
    for wrong in ((objective + 0.1, gap, stored, rounding), (objective, gap - 1, stored, rounding)):
        monkeypatch.setattr(random_problems, "claims", lambda seed, w=wrong: (case, {name: w}))
        assert random_problems.violations(0)

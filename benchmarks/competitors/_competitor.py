"""What an adapter has to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

# A dense matrix of second derivatives larger than this is not worth the attempt.
LARGEST_HESSIAN = 2 * 2**30


class Fit(NamedTuple):
    """Coefficients (K, d), intercepts (K,), iterations made, and the certified gap if any."""

    coef: np.ndarray
    intercept: np.ndarray
    n_iter: int
    dual_gap: float | None = None


@dataclass(frozen=True)
class Competitor:
    """A way to fit a linear model.

    Parameters
    ----------
    name : str
        Unique, and what tables call it.
    loss : str
        Name in `objectives.LOSSES` of what it minimises.
    fit : callable
        ``fit(X, y, alpha=, max_iter=, tol=)`` returns a `Fit`. With tol=0 the method runs for
        `max_iter` iterations or until floating point stops it.
    requires : tuple of str
        Packages to import.
    takes_label_sets : bool
        Whether y may be an indicator matrix.
    forms_hessian : bool
        Whether memory grows with the square of the number of coefficients.
    one_label_at_a_time : bool
        Whether these are the coefficients of one output alone.
    certifies : bool
        Whether `tol` bounds a duality gap, in units of the objective of the all-zero model.
    """

    name: str
    loss: str
    fit: Callable[..., Fit]
    requires: tuple[str, ...] = ()
    takes_label_sets: bool = False
    forms_hessian: bool = False
    one_label_at_a_time: bool = False
    certifies: bool = False

    def why_not(self, label_sets: bool, n_coefficients: int, n_outputs: int = 1) -> str | None:
        """The reason not to run it, or None."""
        if self.one_label_at_a_time:
            n_coefficients //= n_outputs
        missing = [package for package in self.requires if find_spec(package) is None]
        if missing:
            return f"{' and '.join(missing)} not installed"
        if label_sets and not self.takes_label_sets:
            return "takes no label sets"
        if self.forms_hessian and 8 * n_coefficients**2 > LARGEST_HESSIAN:
            return f"Hessian of {n_coefficients:,} coefficients"
        return None

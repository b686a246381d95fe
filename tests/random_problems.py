"""Random problems at the edges of what is allowed, and what every solver claims about them.

Each solver returns coefficients, their objective and a bound on how far it is from the minimum.
The claims of all solvers on one problem must agree: no lower bound `objective_ - dual_gap_` lies
above the objective of any coefficients, evaluated here in long double for the coefficients as
they are stored. As a command, this draws many problems::

    python tests/random_problems.py --n 10000 --jobs 2
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import textbook
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from tables import ESTIMATORS, LOSSES

ROUNDING = 1e-9
# No solver gets more, so that hard problems end: their certificates must hold all the same.
MAX_ITER = 60


def random_problem(seed):
    """A case of the table of estimators, its parameters, and data with edges."""
    rng = np.random.default_rng(seed)
    cases = [case for case in ESTIMATORS if not case.is_stream]
    case = cases[rng.integers(len(cases))]
    n_rows, n_features, n_outputs = rng.integers(4, 40), rng.integers(1, 12), rng.integers(2, 6)
    X = rng.normal(size=(n_rows, n_features))
    if rng.random() < 0.3:
        X *= 10.0 ** rng.integers(-12, 9)
    if rng.random() < 0.3:
        X = X * 10.0 ** rng.integers(-3, 4, size=n_features)
    if rng.random() < 0.3:
        X += 10.0 ** rng.integers(0, 7) * np.abs(X).max()
    if rng.random() < 0.2:
        X[:, rng.integers(n_features)] = rng.normal()
    if rng.random() < 0.1:
        X[rng.integers(n_rows)] *= 10.0 ** rng.integers(3, 8)
    y = random_targets(case, rng, n_rows, n_outputs)
    weights = None
    if rng.random() < 0.5:
        exponents = rng.uniform(-12, 0, size=n_rows)
        weights = 10.0**exponents if rng.random() < 0.5 else rng.random(n_rows) + 1e-3
    if rng.random() < 0.4:
        X = X.astype(np.float32)
    if rng.random() < 0.4:
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.5, X, 0))
        if rng.random() < 0.5:
            X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    options = {
        "alpha": 10.0 ** rng.integers(-7, 2),
        "fit_intercept": bool(rng.random() < 0.7),
        "tol": 10.0 ** rng.integers(-6, -2),
    }
    if case.loss == "1.5-entmax":
        options["entmax_alpha"] = rng.choice([1, 1.1, 1.5, 1.8, 2, 2.5])
    return case, options, X, y, weights


def random_targets(case, rng, n_rows, n_outputs):
    if case.kind == "classes":
        n_classes = min(n_outputs, n_rows)
        return np.concatenate(
            [np.arange(n_classes), rng.integers(n_classes, size=n_rows - n_classes)]
        )
    if case.kind == "label sets":
        return (rng.random((n_rows, n_outputs)) < 0.4).astype(int)
    shares = rng.exponential(size=(n_rows, n_outputs)) * (rng.random((n_rows, n_outputs)) < 0.6)
    shares[:, 0] += shares.sum(axis=1) == 0
    return shares / shares.sum(axis=1, keepdims=True)


def exact_objective(case, model, X, y, weights):
    """F of the coefficients as they are stored, in long double."""
    from test_estimators import targets_of

    probabilities, regularizer = formulas(case, model)
    X = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.longdouble)
    weights = np.ones(len(X)) if weights is None else weights
    W, b = (np.asarray(array, dtype=np.longdouble) for array in (model.coef_, model.intercept_))
    scores = X @ W.T + b
    q = targets_of(case, y)
    if case.kind == "classes" and scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    p = probabilities(scores)
    losses = ((p - q) * scores).sum(axis=1) + regularizer(q) - regularizer(p)
    return float(weights @ losses / weights.sum() + 0.5 * model.alpha_ * (W**2).sum())


def formulas(case, model):
    """The probabilities and the regulariser of the model's loss, as a textbook writes them."""
    if case.loss == "1.5-entmax":
        alpha = model.entmax_alpha
        if alpha == 1:
            return textbook.softmax, textbook.negative_entropy
        return partial(textbook.entmax, alpha=alpha), partial(
            textbook.entmax_regularizer, alpha=alpha
        )
    return LOSSES[case.loss].probabilities, LOSSES[case.loss].regularizer


class Zero:
    def __init__(self, model):
        self.entmax_alpha = getattr(model, "entmax_alpha", None)
        self.alpha_ = model.alpha_
        self.coef_ = np.zeros_like(model.coef_)
        self.intercept_ = np.zeros_like(model.intercept_)


def rounding_of_scores(model, X):
    """Bound on what double precision may round away of a score."""
    X = np.abs(X.toarray() if sparse.issparse(X) else X).astype(np.float64)
    terms = X @ np.abs(model.coef_).T + np.abs(model.intercept_)
    return (X.shape[1] + 1) * np.finfo(np.float64).eps * terms.max()


def claims(seed):
    """What each solver says of the problem, in units of F(0, 0).

    Maps the solver's name to (objective_, dual_gap_, exact F of what is stored, rounding of the
    scores), or to the message of the ValueError with which it refuses the problem.
    """
    case, options, X, y, weights = random_problem(seed)
    found = {}
    for solver in case.solvers:
        model = case.make(**options, solver=solver, max_iter=MAX_ITER)
        if solver in ("auto", "sdca", "sgd"):
            model.set_params(random_state=0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, y, sample_weight=weights)
        except (ValueError, Warning) as error:
            found[solver] = f"{type(error).__name__}: {error}"
            continue
        zero = exact_objective(case, Zero(model), X, y, weights) or 1.0
        stored = exact_objective(case, model, X, y, weights)
        found[solver] = tuple(
            float(value) / zero
            for value in (model.objective_, model.dual_gap_, stored, rounding_of_scores(model, X))
        )
    return case, found


def violations(seed):
    """Sentences on claims that cannot be true, none if all is well."""
    case, found = claims(seed)
    wrong = []
    numbers = {name: claim for name, claim in found.items() if not isinstance(claim, str)}
    for name, (objective, gap, stored, rounding) in numbers.items():
        if not np.isfinite([objective, gap, stored]).all():
            wrong.append(f"{case.name} {name}: not finite: {objective}, {gap}, {stored}")
        if gap < 0:
            wrong.append(f"{case.name} {name}: negative gap {gap:.3g}")
        if not abs(objective - stored) <= ROUNDING * max(1, stored) + rounding:
            wrong.append(f"{case.name} {name}: objective_ off by {objective - stored:.3g}")
    for name, (objective, gap, *_) in numbers.items():
        for other, (_, _, attained, _) in numbers.items():
            if objective - gap > attained + ROUNDING * max(1, attained):
                bound = f"lower bound {objective - gap:.12g} above {attained:.12g} of {other}"
                wrong.append(f"{case.name} {name}: {bound}")
    wrong += [
        f"{case.name} {name}: {claim}"
        for name, claim in found.items()
        if isinstance(claim, str) and "X holds" not in claim
    ]
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--n", type=int, default=10_000, help="number of problems")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    from joblib import Parallel, delayed

    seeds = range(options.seed, options.seed + options.n)
    results = Parallel(n_jobs=options.jobs, batch_size=50)(delayed(violations)(s) for s in seeds)
    wrong = [(seed, words) for seed, found in zip(seeds, results, strict=True) for words in found]
    for seed, words in wrong[:50]:
        print(f"seed {seed}: {words}")
    kinds = Counter(words.split(":")[0] for _, words in wrong)
    n_wrong = len({seed for seed, _ in wrong})
    print(f"{options.n} problems, {n_wrong} with a wrong claim", dict(kinds))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

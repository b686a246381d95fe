r"""Choice of the penalty by cross-validation along a path of falling alphas.

**The largest alpha.** At W = 0, with the best intercept, let G be the gradient of the mean loss by
W. No coefficients can lower the objective by more than ||G||^2 / (2 alpha) (`_problem.certificate`:
this is the duality gap there). So at

    alpha = ||G||^2 / (2 SHARE F(0, 0)),

the model can gain at most the share `SHARE` of F(0, 0) over one without features. A path begins
here.

**Warm starts.** Each fit of a fold starts from the coefficients of the next larger alpha, and with
dual ascent from its distributions too. A model with a strong penalty is found quickly, and is near
the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed

from .._compat import Interval, safe_indexing
from .._problem.intercept import balance_intercept
from .._problem.objective import Objective
from .._typing import Array
from .._validation import check_weights
from ._classifier import LinearClassifier

# The share of F(0, 0) that the coefficients can gain at the largest alpha.
SHARE = 0.01

Scorer = Callable[..., float]

# The parameters of a path for classes.
OF_CLASSES: dict[str, list[Any]] = {
    **{
        name: constraint
        for name, constraint in LinearClassifier._parameter_constraints.items()
        if name not in ("alpha", "warm_start")
    },
    "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "ratio": [Interval(Real, 0, 1, closed="neither")],
    "cv": ["cv_object"],
    "scoring": [str, callable, list, tuple, None],
    "one_standard_error": ["boolean"],
    "store_coefs": ["boolean"],
    "n_jobs": [Integral, None],
}


class PathFits(NamedTuple):
    """What the fits of one fold found, for each alpha."""

    scores: Array  # (n_scorers, n_alphas)
    dual_gaps: Array  # (n_alphas,)
    n_iters: Array  # (n_alphas,)
    coefs: list[Array]  # with the intercept as last column; empty unless asked for


class AlphaPathMixin:
    """A linear classifier that chooses `alpha` by itself. It stands before the classifier.

    A subclass has the constructor parameters of `OF_CLASSES`, and `_plain_class` is the
    estimator that is fitted along the path.
    """

    _plain_class: ClassVar[Any]

    # what the estimator with a given alpha has as a parameter
    warm_start = False

    # the strength of the final fit
    _chosen_alpha: float | None = None

    default_scoring: ClassVar[str | None] = None

    def _plain(self: Any) -> Any:
        """The estimator that is fitted along the path, with the parameters of this one."""
        ours = self.get_params(deep=False)
        names = self._plain_class._get_param_names()
        return self._plain_class(**{name: ours[name] for name in names if name in ours})

    def _strength(self, sample_weight: Array) -> float:
        assert self._chosen_alpha is not None
        return self._chosen_alpha

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        self._search(X, y, sample_weight)
        return super()._fit(X, y, sample_weight)  # type: ignore[misc]

    def _search(self: Any, X: Any, y: Any, sample_weight: Any) -> None:
        """Set the attributes of the search, and the choice."""
        plain = self._plain()
        # this checks the data, too
        objective = clone(plain).set_params(alpha=1.0)._objective_of(X, y, sample_weight)
        X, y = indexable(X, y)
        if not sparse.issparse(y) and np.ndim(y) == 2 and np.shape(y)[1] == 1:
            # a column of classes; `fit` has warned once, or will
            y = np.asarray(y).ravel()
        self.alphas_ = self._grid(objective)
        scorers = self._scorers(plain)
        splits = list(self._splits(X, y))
        models = list(self._members(plain))
        weights = None if sample_weight is None else check_weights(sample_weight, _num_rows(y))
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_path)(
                clone(model),
                X,
                y,
                weights,
                split,
                self.alphas_,
                list(scorers.values()),
                store_coefs=self.store_coefs,
                note=self._note(number, len(splits)),
            )
            for model in models
            for number, split in enumerate(splits, start=1)
        )
        self._keep(found, models, list(scorers), len(splits))

    def _keep(
        self: Any, found: list[PathFits], models: list[Any], names: list[str], n_folds: int
    ) -> None:
        shape = (len(models), n_folds)
        scores = np.stack([fits.scores for fits in found]).reshape(*shape, len(names), -1)
        # (members, folds, alphas) of the first scorer, which chooses
        member, place = self._choose(scores[:, :, 0])
        squeeze = slice(None) if len(models) > 1 else 0
        self.scores_ = {name: scores[squeeze, :, j] for j, name in enumerate(names)}
        for name in ("dual_gaps", "n_iters"):
            stacked = np.stack([getattr(fits, name) for fits in found]).reshape(*shape, -1)
            setattr(self, f"{name}_", stacked[squeeze])
        if self.store_coefs:
            stacked = np.stack([np.stack(fits.coefs) for fits in found])
            self.coefs_paths_ = stacked.reshape(*shape, *stacked.shape[1:])[squeeze]
        self._chosen_alpha = float(self.alphas_[place])
        self.best_score_ = float(scores[member, :, 0, place].mean())
        self._adopt_member(models[member])

    def _choose(self: Any, scores: Array) -> tuple[int, int]:
        """The member and the place of the alpha, from scores (members, folds, alphas)."""
        means = scores.mean(axis=1)
        # of equal ones the first: the strongest penalty
        member, place = np.unravel_index(np.argmax(means), means.shape)
        if self.one_standard_error and scores.shape[1] > 1:
            error = scores[member, :, place].std(ddof=1) / np.sqrt(scores.shape[1])
            place = np.argmax(means[member] >= means[member, place] - error)
        return int(member), int(place)

    def _members(self, plain: Any) -> Iterator[Any]:
        """The estimators that are compared besides alpha."""
        yield plain

    def _adopt_member(self, model: Any) -> None:
        """Take over what the chosen member has besides alpha."""

    def _grid(self: Any, objective: Objective) -> Array:
        """The alphas, from the largest on."""
        if not isinstance(self.alphas, Integral):
            alphas = np.sort(np.asarray(self.alphas, dtype=np.float64).ravel())[::-1]
            if alphas.size == 0 or not np.all((alphas > 0) & np.isfinite(alphas)):
                raise ValueError(
                    f"alphas is {self.alphas!r}; it must be a number of alphas, or list finite "
                    "numbers above 0."
                )
            return alphas
        return largest_alpha(objective) * np.geomspace(1, self.ratio, self.alphas)

    def _scorers(self: Any, plain: Any) -> dict[str, Scorer]:
        """Scorers by name; the first one chooses."""
        from sklearn.metrics import check_scoring

        if isinstance(self.scoring, list | tuple):
            if not self.scoring:
                raise ValueError("scoring is empty; name a scorer, or leave it at None.")
            return {str(name): check_scoring(plain, scoring=name) for name in self.scoring}
        scoring = self.default_scoring if self.scoring is None else self.scoring
        name = scoring if isinstance(scoring, str) else "score"
        return {name: check_scoring(plain, scoring=scoring)}

    def _splits(self: Any, X: Any, y: Any) -> Iterator[tuple[Array, Array]]:
        from sklearn.model_selection import KFold, StratifiedKFold, check_cv

        if self.cv is None or isinstance(self.cv, Integral):
            folds = StratifiedKFold if np.ndim(y) == 1 else KFold
            n_folds = 5 if self.cv is None else self.cv
            cv = folds(n_folds, shuffle=True, random_state=self.random_state)
        else:
            cv = check_cv(self.cv)
        return cv.split(X, y)

    def _note(self: Any, fold: int, n_folds: int) -> str:
        return f"[path] fold {fold} of {n_folds}" if self.verbose else ""


def fit_path(
    model: Any,
    X: Any,
    y: Any,
    weights: Array | None,
    split: tuple[Array, Array],
    alphas: Array,
    scorers: list[Scorer],
    *,
    store_coefs: bool,
    note: str,
) -> PathFits:
    """Fit some rows for one alpha after the other, and score the others."""
    train, test = split
    X_train, y_train = safe_indexing(X, train), safe_indexing(y, train)
    X_test, y_test = safe_indexing(X, test), safe_indexing(y, test)
    of_train = {} if weights is None else {"sample_weight": weights[train]}
    of_test = {} if weights is None else {"sample_weight": weights[test]}
    scores, gaps, n_iters, coefs = [], [], [], []
    model.set_params(warm_start=True)
    for alpha in alphas:
        model.set_params(alpha=float(alpha)).fit(X_train, y_train, **of_train)
        scores.append([scorer(model, X_test, y_test, **of_test) for scorer in scorers])
        gaps.append(model.dual_gap_)
        n_iters.append(model.n_iter_)
        if store_coefs:
            coefs.append(np.column_stack([model.coef_, model.intercept_]))
        if note:
            print(f"{note}  alpha {alpha:.3e}  {model.n_iter_} iterations  {scores[-1][0]:.6g}")
    return PathFits(np.transpose(scores), np.array(gaps), np.array(n_iters), coefs)


def _num_rows(y: Any) -> int:
    return y.shape[0] if hasattr(y, "shape") else len(y)


def largest_alpha(objective: Objective) -> float:
    """The alpha at which the coefficients can gain no more than `SHARE` of F(0, 0)."""
    zero = balance_intercept(objective, np.zeros(objective.shape))
    slopes = objective.value_and_gradient(zero, np.float64)[1][: objective.n_features]
    gain = 0.5 * float(np.vdot(slopes, slopes))
    unit = objective.value_at_zero()
    # features that say nothing, or targets that are met without them
    return gain / (SHARE * unit) if gain > 0 and unit > 0 else 1.0

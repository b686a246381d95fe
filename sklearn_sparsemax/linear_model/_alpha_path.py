r"""Choice of the penalty by cross-validation along a path of falling alphas.

**The largest alpha.** At W = 0, with the best intercept, let G be the gradient of the mean loss by
W. No coefficients can lower the objective by more than ||G||^2 / (2 alpha) (`_problem.certificate`:
this is the duality gap there). So at

    alpha = ||G||^2 / (2 SHARE F(0, 0)),

the model can gain at most the share `SHARE` of F(0, 0) over one without features. A path begins
here.

**Warm starts.** Each fit of a fold starts from the solution of the next larger alpha
(`_solvers.path`). A model with a strong penalty is found quickly, and is near the next one. A path
is divided into parts of at most `PART` alphas, whose first fit starts from zero. So there are
enough parts to keep all processes busy, and the results do not depend on their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils import Bunch, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.parallel import Parallel, delayed

from .._compat import Interval, callback_context, fit_context, give_callbacks, has_callbacks
from .._problem.intercept import balance_intercept
from .._problem.objective import Objective
from .._problem.progress import training_data
from .._typing import Array, Matrix
from .._validation import check_weights
from ._classifier import LinearClassifier
from ._path_fits import PathFits, Scorer, Task, accuracy, fit_path, joined
from ._texts import described

# The share of F(0, 0) that the coefficients can gain at the largest alpha.
SHARE = 0.1
# Alphas that are fitted one after the other.
PART = 10

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
    "scoring": [str, callable, list, tuple, dict, None],
    "one_standard_error": ["boolean"],
    "store_coefs": ["boolean"],
    "n_jobs": [Integral, None],
}


class AlphaPathMixin:
    """A linear classifier that chooses `alpha` by itself. It stands before the classifier.

    A subclass has the constructor parameters of `OF_CLASSES`, and `_plain_class` is the
    estimator that is fitted along the path.
    """

    _plain_class: ClassVar[Any]

    _takes_arrays = False

    # what chooses where `scoring` is None; None is the accuracy
    default_scoring: ClassVar[str | None] = None

    @fit_context(prefer_skip_nested_validation=True)
    @described()
    def fit(
        self: Any, X: Matrix, y: Any, sample_weight: ArrayLike | None = None, **params: Any
    ) -> Any:
        """Choose `alpha` by cross-validation, and fit all rows with it.

        Parameters
        ----------
        %(X_path)s
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or an indicator matrix of label sets for the classifiers of these.
        %(sample_weight)s
        **params : dict
            Metadata for the splitter and the scorers, such as `groups`, by metadata routing.

        %(fit_results)s
        """
        self._options_of(X)
        X, y = indexable(X, y)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, _num_rows(y))
        routed = self._routed(sample_weight, params)
        plain = self._plain()
        # this checks the data, too
        objective = clone(plain).set_params(alpha=1.0)._objective_of(X, y, sample_weight)
        if not sparse.issparse(y) and np.ndim(y) == 2 and np.shape(y)[1] == 1:
            # a column of classes; the check has warned
            y = np.asarray(y).ravel()
        self.alphas_ = self._grid(objective)
        del objective
        given = training_data(X, y, sample_weight)
        splits = list(self._splitter(y).split(X, y, **routed.splitter.split))
        members = list(self._members(plain))
        root = None
        if has_callbacks(self):
            n_tasks = len(members) * len(splits) * len(self._parts()) + 1
            root = callback_context(self, max_subtasks=n_tasks, sequential_subtasks=False)
            root.call_on_fit_task_begin(estimator=self, **given)
        self._search(X, y, sample_weight, members, splits, routed, root)
        self._refit(X, y, sample_weight, given, root)
        if root is not None:
            root.call_on_fit_task_end(estimator=self, **given, reconstruction_attributes={})
        return self

    def _plain(self: Any) -> Any:
        """The estimator that is fitted along the path, with the parameters of this one."""
        ours = self.get_params(deep=False)
        names = self._plain_class._get_param_names()
        return self._plain_class(**{name: ours[name] for name in names if name in ours})

    def _search(
        self: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        members: list[Any],
        splits: list[tuple[Array, Array]],
        routed: Bunch,
        root: Any,
    ) -> None:
        """Set the attributes of the search, and the choice."""
        scorers = self._scorers()
        parts = self._parts()
        tasks: list[Task] = []
        for member in members:
            for number, (train, test) in enumerate(splits, start=1):
                for part in parts:
                    note = f"[path] fold {number} of {len(splits)}" if self.verbose else ""
                    context = None
                    if root is not None:
                        name = f"fold {number}, alphas from {part[0]:.3g} to {part[-1]:.3g}"
                        options = {"task_id": len(tasks), "max_subtasks": part.size}
                        context = root.subcontext(name, **options)
                    tasks.append(Task(clone(member), train, test, part, note, context))
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_path)(
                task,
                X,
                y,
                sample_weight,
                list(scorers.values()),
                [routed[f"scorer_{place}"].score for place in range(len(scorers))],
                store_coefs=self.store_coefs,
                caller=None if root is None else self,
            )
            for task in tasks
        )
        folds = [joined(found[i : i + len(parts)]) for i in range(0, len(found), len(parts))]
        self._keep(folds, members, list(scorers), len(splits))

    def _parts(self: Any) -> list[Array]:
        """Neighbouring alphas that are fitted one after the other."""
        return np.array_split(self.alphas_, -(-self.alphas_.size // PART))

    def _refit(
        self: Any, X: Any, y: Any, sample_weight: Any, given: dict[str, Any], root: Any
    ) -> None:
        """Fit all rows with the choice, and take over what that has found."""
        final = self._chosen
        del self._chosen
        told: Any = nullcontext()
        if root is not None:
            of_fit = root.subcontext("refit", task_id=root.max_subtasks - 1)
            give_callbacks(self, final)
            told = of_fit.propagate_callback_context(final)
            of_fit.call_on_fit_task_begin(estimator=self, **given)
        with told:
            final.fit(X, y, sample_weight)
        if root is not None:
            of_fit.call_on_fit_task_end(estimator=self, **given)
        for name in ("threshold_", *getattr(getattr(self, "_encoder", None), "attributes", ())):
            # of an earlier fit, maybe to another kind of y
            self.__dict__.pop(name, None)
        parameters = final.get_params(deep=False)
        for name, value in vars(final).items():
            if name not in parameters and not name.startswith("_skl"):
                setattr(self, name, value)

    def _routed(self: Any, sample_weight: Any, params: dict[str, Any]) -> Bunch:
        """The metadata of the splitter, and of each scorer."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", **weights, **params)
        if params:
            raise ValueError(
                f"fit was given {sorted(params)}, which needs metadata routing: call "
                "sklearn.set_config(enable_metadata_routing=True), and request it, for instance "
                "of a splitter or a scorer."
            )
        n_scorers = len(self._scorers())
        of_scorers = {f"scorer_{place}": Bunch(score=weights) for place in range(n_scorers)}
        return Bunch(splitter=Bunch(split={}), **of_scorers)

    def get_metadata_routing(self: Any) -> MetadataRouter:
        """Where `fit` sends metadata.

        Returns
        -------
        routing : MetadataRouter
            To this estimator, the `split` of `cv` and the scorers.
        """
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        mapping = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=self.cv, method_mapping=mapping)
        for place, scorer in enumerate(self._scorers().values()):
            mapping = MethodMapping().add(caller="fit", callee="score")
            router.add(method_mapping=mapping, **{f"scorer_{place}": scorer})
        return router

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
        self._chosen = clone(models[member]).set_params(alpha=float(self.alphas_[place]))
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

    def _scorers(self: Any) -> dict[str, Scorer]:
        """Scorers by name; the first one chooses."""
        from sklearn.metrics import get_scorer

        scoring = self.scoring
        if isinstance(scoring, list | tuple):
            if not scoring:
                raise ValueError("scoring is empty; name a scorer, or leave it at None.")
            return {str(name): get_scorer(name) for name in scoring}
        if isinstance(scoring, dict):
            return {name: get_scorer(scorer) for name, scorer in scoring.items()}
        if scoring is None:
            name = self.default_scoring
            return {"score": accuracy} if name is None else {name: get_scorer(name)}
        return {scoring if isinstance(scoring, str) else "score": get_scorer(scoring)}

    def _splitter(self: Any, y: Any) -> Any:
        from sklearn.model_selection import KFold, StratifiedKFold, check_cv

        if self.cv is None or isinstance(self.cv, Integral):
            folds = StratifiedKFold if np.ndim(y) == 1 else KFold
            n_folds = 5 if self.cv is None else self.cv
            return folds(n_folds, shuffle=True, random_state=self.random_state)
        return check_cv(self.cv)


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

"""What the estimators over partitions share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .._compat import StrOptions, fit_context
from .._problem.progress import training_data
from .._solvers import auto, lbfgs, newton_cg, newton_cholesky
from .._solvers.solution import Solution
from ..linear_model._base import LinearModel
from . import _predict, _scores, dual_ascent
from ._collections import is_lazy
from ._engine import Tasks
from ._examples import example
from ._fit import Options, Prepared, engine_of, prepare
from ._threshold import cut

Estimator = TypeVar("Estimator", bound="OverPartitions")

SOLVERS: dict[str, Callable[..., Solution]] = {
    "auto": partial(auto.solve, dual_ascent=dual_ascent),
    "lbfgs": lbfgs.solve,
    "newton-cg": newton_cg.solve,
    "newton-cholesky": newton_cholesky.solve,
    "sdca": dual_ascent.solve,
}

NEW_PARAMETERS = """\
client : distributed.Client, default=None
    The cluster. By default the current client, or the threads of this process if there is none.
persist : bool, default=True
    Whether the partitions stay in the memory of the workers during the fit, and on their disks
    where dask spills them. Otherwise each pass over the rows loads them again.
"""

# parameters that the plain estimators lack
OWN = ("client", "persist")

if TYPE_CHECKING:
    # what the mixin stands beside
    Beside = LinearModel
else:
    Beside = object


class OverPartitions(Beside):
    """A linear model that is fitted over partitions. It stands before a plain estimator."""

    client: Any
    persist: bool

    # the plain estimator, which `over_partitions` sets
    _plain: ClassVar[type[LinearModel]]
    _kind: ClassVar[str]
    _solvers: ClassVar[dict[str, Callable[..., Solution]]] = SOLVERS

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model over the blocks of the data.

        Parameters
        ----------
        X : dask array, dask dataframe or list of delayed blocks, of shape (n_samples, n_features)
            Features, finite. A block holds whole rows, in a NumPy array, a CSR matrix or a
            dataframe. The sizes of the blocks need not be known. float32 is kept, other types
            become float64.
        y : dask array, dask dataframe or series, or list of delayed blocks
            What the plain estimator takes, in the blocks of X. If the sizes of the blocks are
            known, it may have other blocks, or be an array.
        sample_weight : dask array, dask series or list of delayed blocks, default=None
            Weights of the rows, 0 or more, in the blocks of X like y.

        Returns
        -------
        self : object
            The fitted estimator. After an error it is as it was before the fit.

        Raises
        ------
        TypeError
            If X, y or `sample_weight` is no collection.
        ValueError
            If the data or a parameter is not as stated. If one partition is not, the message names
            it.
        RuntimeError
            If the client is closed, or the cluster loses all its workers.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or floating point ended the solver before `tol`.
        """
        before = dict(vars(self))
        tasks = Tasks(engine_of(self.client))
        try:
            return self._fit_partitions(X, y, sample_weight, tasks)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        finally:
            tasks.release()

    def _fit_partitions(self, X: Any, y: Any, sample_weight: Any, tasks: Tasks) -> Self:
        given = training_data(X, y, sample_weight)
        prepared = prepare(X, y, sample_weight, self._options(), tasks, persist=self.persist)

        def complete(model: Self) -> None:
            model.n_features_in_ = prepared.problem.n_features
            model.__dict__.pop("feature_names_in_", None)
            if prepared.feature_names is not None:
                model.feature_names_in_ = prepared.feature_names
            model._complete_partitions(prepared)

        self._minimize_problem(
            prepared.problem,
            start=self._start() if self._goes_on(prepared) else None,
            given=given,
            complete=complete,
        )
        return self

    def _options(self) -> Options:
        return Options(
            self._kind,
            self._loss,
            self.alpha,
            self.fit_intercept,
            getattr(self, "class_weight", None),
            getattr(self, "empty", None),
        )

    def _goes_on(self, prepared: Prepared) -> bool:
        """Whether the coefficients of a previous fit mean the same."""
        return True

    def _complete_partitions(self, prepared: Prepared) -> None:
        """Set what needs the encoder and the coefficients."""

    def _store(self, solution: Solution, alpha: float) -> None:
        # the rows of the dual belong to the partitions, which are released
        super()._store(solution._replace(dual=None), alpha)

    def to_local(self) -> LinearModel:
        """The plain estimator, with the same parameters and fitted attributes.

        Returns
        -------
        model : estimator
            The estimator of the same name in `sklearn_sparsemax`. It knows no cluster.
        """
        model = self._plain.__new__(self._plain)
        model.__dict__.update(
            {name: value for name, value in vars(self).items() if name not in OWN}
        )
        return model

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The score of the plain estimator, summed over the blocks of collections.

        Parameters
        ----------
        X : array-like, sparse matrix or collection of shape (n_samples, n_features)
            Features.
        y : array-like or collection
            What `fit` takes.
        sample_weight : array-like or collection of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Accuracy for classes and label sets, the coefficient of determination for proportions.
        """
        if not is_lazy(X):
            return self.to_local().score(X, y, sample_weight=sample_weight)
        check_is_fitted(self)
        return _scores.score(self.to_local(), self._kind, X, y, sample_weight, self.client)

    def _predict(self, method: str, X: Any) -> Any:
        check_is_fitted(self)
        model = self.to_local()
        return (
            _predict.predict_blocks(model, method, X) if is_lazy(X) else getattr(model, method)(X)
        )

    def predict(self, X: Any) -> Any:
        """Predict as the plain estimator does.

        Parameters
        ----------
        X : array-like, sparse matrix or collection of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray, sparse matrix, dask array or list of delayed blocks
            Lazy for a collection, and an array for an array.
        """
        return self._predict("predict", X)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "client": None}

    def __sklearn_clone__(self) -> Self:
        # a client is shared, not copied
        parameters = self.get_params(deep=False)
        client = parameters.pop("client")
        copies = {name: clone(value, safe=False) for name, value in parameters.items()}
        return type(self)(client=client, **copies)


class ClassesOverPartitions(OverPartitions):
    """A classifier over partitions."""

    _kind = "classes"

    def _goes_on(self, prepared: Prepared) -> bool:
        return bool(prepared.encoder.is_compatible(getattr(self, "_encoder", None)))

    def _complete_partitions(self, prepared: Prepared) -> None:
        self._adopt(prepared.encoder)

    def decision_function(self, X: Any) -> Any:
        """Scores of the classes or labels.

        Parameters
        ----------
        X : array-like, sparse matrix or collection of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray, dask array or list of delayed blocks
            Lazy for a collection, and an array for an array.
        """
        return self._predict("decision_function", X)

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes or labels.

        Parameters
        ----------
        X : array-like, sparse matrix or collection of shape (n_samples, n_features)
            Features.

        Returns
        -------
        p : ndarray, dask array or list of delayed blocks
            Lazy for a collection, and an array for an array.
        """
        return self._predict("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of the probabilities, -inf where the probability is 0.

        Parameters
        ----------
        X : array-like, sparse matrix or collection of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_p : ndarray, dask array or list of delayed blocks
            Lazy for a collection, and an array for an array.
        """
        return self._predict("predict_log_proba", X)

    def predict_support(self, X: Any) -> Any:
        """Classes or labels with a positive probability.

        Parameters
        ----------
        X : array-like, sparse matrix or collection of shape (n_samples, n_features)
            Features.

        Returns
        -------
        support : ndarray, dask array or list of delayed blocks
            Lazy for a collection, and an array for an array.
        """
        return self._predict("predict_support", X)


class LabelSetsOverPartitions(ClassesOverPartitions):
    """A classifier of label sets over partitions."""

    _kind = "labels"

    def _complete_partitions(self, prepared: Prepared) -> None:
        super()._complete_partitions(prepared)
        if self.multilabel_:
            automatic = self.threshold == "auto"
            self.threshold_ = cut(prepared.problem, self) if automatic else float(self.threshold)


class ProportionsOverPartitions(OverPartitions):
    """A regressor of proportions over partitions."""

    _kind = "proportions"

    def _complete_partitions(self, prepared: Prepared) -> None:
        self._fitted_loss = prepared.problem.loss


def over_partitions(cls: type[Estimator]) -> type[Estimator]:
    """Give a class the parameters of its plain sibling, `client` and `persist`.

    The sibling is the last of its bases. The docstring is that of the sibling, as far as it holds
    for both.
    """
    plain: Any = cls.__bases__[-1]
    cls._plain = plain
    cls._parameter_constraints = {
        **plain._parameter_constraints,
        "solver": [StrOptions(set(SOLVERS))],
        "client": [object],
        "persist": ["boolean"],
    }
    signature = inspect.signature(plain.__init__)
    extra = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in (("client", None), ("persist", True))
    ]

    @wraps(plain.__init__)
    def __init__(  # noqa: N807
        self: Any, *args: Any, client: Any = None, persist: bool = True, **options: Any
    ) -> None:
        plain.__init__(self, *args, **options)
        self.client = client
        self.persist = persist

    parameters = [*signature.parameters.values(), *extra]
    __init__.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    cls.__init__ = __init__  # type: ignore[method-assign]
    if plain.__doc__ is not None:
        cls.__doc__ = _docstring(cls, plain)
    return cls


def _docstring(cls: Any, plain: type) -> str:
    """The docstring of an estimator over partitions, from its summary and the plain sibling's."""
    _, rest = inspect.cleandoc(plain.__doc__ or "").split("\n", 1)
    about = (
        f"It is :class:`sklearn_sparsemax.{plain.__name__}` for collections of dask: the same\n"
        "objective, the same certificate, and the same coefficients up to `tol`."
    )
    attributes = "\nAttributes\n----------\n"
    rest = rest.replace(attributes, f"{NEW_PARAMETERS}{attributes}", 1)
    sections = re.split(r"\n(?=[A-Z][A-Za-z ]+\n-+\n)", rest)
    kept = [part for part in sections if not re.match(r"(Examples|See Also|Notes)\n-+\n", part)]
    body = "\n".join(kept).strip()
    return f"{cls.__doc__}\n\n{about}\n\n{body}\n\n{example(cls.__name__, cls._kind)}\n"

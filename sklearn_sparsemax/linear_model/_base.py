"""What every estimator shares: validate, solve, store, score.

An estimator turns y into target distributions and scores into predictions; it holds no
mathematics of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _arrays
from .._compat import (
    HAS_ARRAY_API,
    CallbackSupportMixin,
    Interval,
    StrOptions,
    has_callbacks,
)
from .._persistence import VersionedPickleMixin
from .._problem.array_objective import ArrayObjective
from .._problem.objective import Objective
from .._problem.progress import FitCallbacks, Listener, Progress
from .._problem.protocol import Problem
from .._problem.scaling import scaling_advice
from .._solvers import auto, lbfgs, newton_cg, newton_cholesky, sdca, sgd
from .._solvers.solution import Solution, no_worse_than_zero, zero_model
from .._typing import Array, Matrix
from .._validation import check_unmasked
from ..losses import FenchelYoungLoss

SOLVERS: dict[str, Callable[..., Solution]] = {
    "auto": auto.solve,
    "lbfgs": lbfgs.solve,
    "newton-cg": newton_cg.solve,
    "newton-cholesky": newton_cholesky.solve,
    "sdca": sdca.solve,
    "sgd": sgd.solve,
}

# The solvers of arrays of other libraries than NumPy.
ARRAY_SOLVERS = ("auto", "lbfgs", "newton-cg")

FEATURES: dict[str, Any] = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}


class LinearModel(VersionedPickleMixin, CallbackSupportMixin, BaseEstimator):
    """Scores X W^T + b, fitted by minimising a Fenchel-Young loss with an L2 penalty.

    A subclass sets the constructor parameters named in `_parameter_constraints`, and `_loss`.
    """

    coef_: Matrix

    # whether arrays of other libraries than NumPy are fitted where they lie
    _takes_arrays: ClassVar[bool] = True

    # distributions of the dual that the previous fit of a warm start has left
    _dual: sparse.csr_array | None = None

    # makes the listener of a fit without callbacks, from its problem
    _listener_of: Callable[[Problem], Listener] | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions(set(SOLVERS))],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    _solvers: ClassVar[dict[str, Callable[..., Solution]]] = SOLVERS

    # the links of the HTML representation
    _doc_link_module = "sklearn_sparsemax"
    _doc_link_template = (
        "https://github.com/sklearn-sparsemax/sklearn-sparsemax/blob/main/{estimator_path}"
    )

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        module = type(self).__module__
        return {"estimator_path": f"{module.replace('.', '/')}.py"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = (
            HAS_ARRAY_API and self._takes_arrays and self.solver in ARRAY_SOLVERS
        )
        return tags

    @property
    def _loss(self) -> FenchelYoungLoss:
        """The loss to minimise."""
        raise NotImplementedError

    def _validate_fit(self, X: Any, y: Any, **options: Any) -> tuple[Any, Any]:
        """X as float32 or float64, dense or CSR, and y as an array."""
        check_unmasked(X, "X", "value")
        check_unmasked(y, "y", "value")
        features = self._options_of(X)
        if _arrays.is_numpy(X):
            # everything follows X
            y = _arrays.moved_beside(y, X)
        elif features is not FEATURES and isinstance(y, list | tuple):
            # scikit-learn 1.8 takes no list beside such an array
            y = np.asarray(y)
        X, y = validate_data(self, X, y, **features, **options)
        return as_csr_array(X), y

    def _options_of(self, X: Any) -> dict[str, Any]:
        """The options of `validate_data` for the library of X; an error if it cannot be served."""
        library = _arrays.library_of(X)
        if library is None:
            return FEATURES
        if not HAS_ARRAY_API:
            raise ValueError("array_api_dispatch=True needs scikit-learn 1.8 or newer.")
        if not self._takes_arrays:
            raise TypeError(
                f"{type(self).__name__} takes arrays of NumPy and sparse matrices alone; X is a "
                f"{type(X).__module__}.{type(X).__name__}."
            )
        if self.solver not in ARRAY_SOLVERS:
            raise ValueError(
                f"solver={self.solver!r} takes arrays of NumPy and sparse matrices alone; for a "
                f"{type(X).__module__}.{type(X).__name__}, use {', '.join(ARRAY_SOLVERS)}."
            )
        widest = _arrays.widest(library, X.device)
        return {"dtype": [widest] if widest == library.float32 else [widest, library.float32]}

    def _minimize(
        self,
        X: Matrix,
        targets: Matrix,
        sample_weight: Array,
        *,
        start: Array | None,
        given: dict[str, Any],
        complete: Callable[[Self], None] | None = None,
        reference_output: bool = False,
    ) -> None:
        """Fit coefficients to the target distributions (n, K), and store the solution.

        `given` is the `training_data` of `fit`, for callbacks. Once a model has its coefficients,
        `complete` sets its other fitted attributes.
        """
        objective = self._objective(X, targets, sample_weight, reference_output)
        self._minimize_problem(objective, start=start, given=given, complete=complete)

    def _minimize_problem(
        self,
        objective: Problem,
        *,
        start: Array | None,
        given: dict[str, Any],
        complete: Callable[[Self], None] | None = None,
    ) -> None:
        """Fit coefficients to a problem, and store the solution; the rest is as in `_minimize`."""
        if start is not None:
            start = _arrays.moved_beside(start, objective.target_mean)
        if start is None or start.shape != objective.shape or _is_worse(objective, start):
            start = zero_model(objective)
        self._run(objective, partial(self._solve, objective, start), given, complete)

    def _run(
        self,
        objective: Problem,
        solve: Callable[[Progress], Solution],
        given: dict[str, Any],
        complete: Callable[[Self], None] | None,
    ) -> None:
        """Store what `solve` returns, and report its progress."""

        def store(model: Self, solution: Solution) -> None:
            model._store(solution, objective.alpha)
            if complete is not None:
                complete(model)

        listener: Listener | None = None
        if has_callbacks(self):
            listener = FitCallbacks(self, given, store)
        elif self._listener_of is not None:
            listener = self._listener_of(objective)
        progress = Progress(self.verbose, listener)
        solution = self._conclude(objective, solve(progress), progress)
        store(self, solution)
        progress.close()

    def _objective(
        self, X: Matrix, targets: Matrix, sample_weight: Array, reference_output: bool
    ) -> Any:
        """What is minimised: F over the rows with a positive weight."""
        rows = sample_weight > 0
        if not _arrays.any_true(rows):
            raise ValueError(
                "sample_weight, times class weights if any, is zero for every row; at least one "
                "row needs a positive weight."
            )
        over_arrays = not _arrays.is_numpy(X)
        if not _arrays.all_true(rows):
            targets = targets.of_rows(rows) if over_arrays else targets[rows]
            X, sample_weight = X[rows], sample_weight[rows]
        return (ArrayObjective if over_arrays else Objective)(
            X,
            targets,
            self._loss,
            alpha=self._strength(sample_weight),
            sample_weight=sample_weight,
            fit_intercept=self.fit_intercept,
            reference_output=reference_output,
        )

    def _strength(self, sample_weight: Array) -> float:
        """The alpha of the fit."""
        if self.alpha != "auto":
            return float(self.alpha)
        return 1 / float(_arrays.namespace(sample_weight).sum(sample_weight))

    def _solve(self, objective: Problem, start: Array, progress: Progress) -> Solution:
        """What the solver returns."""
        options = {"tol": self.tol, "max_iter": self.max_iter, "progress": progress}
        if self.solver in ("auto", "sdca", "sgd"):
            options["random_state"] = self.random_state
        if self.solver in ("auto", "sdca"):
            dual = self._dual if _arrays.any_true(start != 0) else None
            if dual is not None and dual.shape == (objective.n_rows, objective.n_outputs):
                options["dual_start"] = dual
        return self._solvers[self.solver](objective, start, **options)

    def _conclude(self, objective: Problem, solution: Solution, progress: Progress) -> Solution:
        """The model of a solution, with a warning if the solver ended before its tolerance."""
        if not solution.converged:
            solution = no_worse_than_zero(objective, self.tol, solution)
        if not (solution.converged or progress.stopped):
            names = getattr(self, "feature_names_in_", None)
            warnings.warn(
                f"{type(self).__name__} stopped before its tolerance after {solution.n_iter} "
                f"iterations of solver={self.solver!r}: {solution.message} The objective is "
                f"{solution.objective:.6g}, proven to lie within {solution.dual_gap:.2g} of its "
                f"minimum (tol={self.tol:g}). Increase max_iter, alpha or tol."
                f"{scaling_advice(objective, names)}",
                ConvergenceWarning,
                stacklevel=6,
            )
        if objective.alpha == 0 and objective.shift_invariant:
            # Without a penalty, coefficients that differ alike for all outputs are as good: of
            # all minima, this is the one whose coefficients sum to 0 over the outputs.
            mean = _arrays.namespace(solution.coef).mean(solution.coef, axis=1, keepdims=True)
            coef = solution.coef - mean
            solution = solution._replace(coef=coef)
        return solution

    def _store(self, solution: Solution, alpha: float) -> None:
        """Set the fitted attributes of a solution for a strength of the penalty.

        The coefficients stay in float64, whatever the type of X. Rounded to float32, they would
        not be those of the certificate: with features far from 0, the objective of the rounded
        ones may lie above `objective_` by more than `dual_gap_`.
        """
        self._dual = solution.dual if self.warm_start else None
        coef = solution.coef
        if self.fit_intercept:
            coef, self.intercept_ = coef[:-1, :], _arrays.copy_of(coef[-1, :])
        else:
            self.intercept_ = _arrays.zeros(coef.shape[1], coef)
        self.coef_ = _arrays.contiguous(coef.T)
        self.alpha_ = alpha
        self.n_iter_ = solution.n_iter
        self.objective_ = solution.objective
        self.dual_gap_ = solution.dual_gap

    def _start(self) -> Array | None:
        """Coefficients of the previous fit, in the layout of the objective."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        W = self.coef_.toarray().T if sparse.issparse(self.coef_) else self.coef_.T
        start = _arrays.with_last_row(W, self.intercept_) if self.fit_intercept else W
        return _arrays.in_double(start)

    def sparsify(self) -> Self:
        """Convert the coefficients to a sparse matrix.

        The penalty makes no coefficient zero. This pays where a feature is zero in all rows with
        a class, as in text, and `coef_` is therefore mostly zero.

        Returns
        -------
        self : object
            The estimator, with `coef_` in CSR format. `fit` makes it dense again.

        Raises
        ------
        NotFittedError
            If there are no coefficients yet.
        TypeError
            If the coefficients are of another library than NumPy.
        """
        check_is_fitted(self)
        if not _arrays.is_numpy(self.coef_):
            raise TypeError(
                f"coef_ is {_arrays.place(self.coef_)}, and only NumPy's arrays become sparse. "
                "Move the estimator with sklearn.utils._array_api.move_estimator_to(estimator, "
                "np, 'cpu')."
            )
        self._hold(sparse.csr_array(self.coef_))
        return self

    def densify(self) -> Self:
        """Convert the coefficients to a dense array, which is what `fit` makes.

        Returns
        -------
        self : object
            The estimator, with a dense `coef_`.

        Raises
        ------
        NotFittedError
            If there are no coefficients yet.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self._hold(self.coef_.toarray())
        return self

    def _hold(self, coef: Matrix) -> None:
        """Keep the coefficients in another container."""
        self.coef_ = coef

    def _scores(self, X: Matrix, method: str) -> Array:
        """Scores (n, m) in the type of X, one column for each row of `coef_`, for a method."""
        check_is_fitted(self)
        check_unmasked(X, "X", "value")
        features = self._options_of(X)
        self._check_library(X, method)
        return self._linear(as_csr_array(validate_data(self, X, **features, reset=False)))

    def _check_library(self, X: Any, method: str) -> None:
        """Refuse X of another library, or on another device, than the coefficients."""
        of_numpy = _arrays.library_of(X) is None
        if _arrays.is_numpy(self.coef_) if of_numpy else _arrays.is_beside(self.coef_, X):
            return
        raise ValueError(
            f"Inputs passed to {type(self).__name__}.{method}() must use the same namespace and "
            f"the same device as those passed to fit(), with array_api_dispatch=True. X is "
            f"{_arrays.place(X)}, and coef_ is {_arrays.place(self.coef_)}. Move the estimator "
            "with sklearn.utils._array_api.move_estimator_to(estimator, xp, device)."
        )

    def _linear(self, X: Matrix) -> Array:
        """Scores (n, m) of validated X."""
        if not _arrays.is_numpy(X):
            W = _arrays.cast(self.coef_.T, X.dtype)
            return X @ W + _arrays.cast(self.intercept_, X.dtype)
        scores = safe_sparse_dot(X, self.coef_.T.astype(X.dtype, copy=False), dense_output=True)
        scores += self.intercept_.astype(X.dtype, copy=False)
        return np.ascontiguousarray(scores)


def _is_worse(objective: Problem, start: Array) -> bool:
    """Whether the data have changed so much that the previous coefficients are no help."""
    return objective.value_and_gradient(start)[0] > objective.value_at_zero()


def as_csr_array(X: Any) -> Any:
    return sparse.csr_array(X) if sparse.issparse(X) else X

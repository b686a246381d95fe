"""Classifiers for data that arrive in pieces, or of which few epochs are enough."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from .._compat import Interval, StrOptions, fit_context
from .._kernels.sgd_state import CONSTANT_STEP, INVERSE_SCALING, OPTIMAL, Schedule
from .._problem.objective import Objective, check_squares
from .._problem.progress import STOPPED, Progress
from .._solvers.sgd import Epochs, State
from .._solvers.solution import Solution
from .._typing import Array, Matrix
from .._validation import check_weights
from ..losses import SparsemaxLoss
from ..losses.targets import check_indicator, one_hot, with_null_output, with_uniform_rows
from ._base import FEATURES, as_csr_array
from .classifier import LinearClassifier, class_weights
from .multilabel import DistributionOverLabels, holds_label_sets, row_class_weights

__all__ = ["SGDMultilabelSparsemaxClassifier", "SGDSparsemaxClassifier"]

RULES = {"optimal": OPTIMAL, "constant": CONSTANT_STEP, "invscaling": INVERSE_SCALING}
# Rows of a stream that are kept, to choose the threshold of label sets.
RECENT_ROWS = 1000


class StochasticClassifier(LinearClassifier):
    """Stochastic descent, over all rows at once or as they arrive. A subclass binds the loss."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "learning_rate": [StrOptions(set(RULES))],
        "eta0": [Interval(Real, 0, None, closed="neither"), None],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "average": ["boolean"],
        "shuffle": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    loss_curve_: list[float]

    # where the descent is
    _state: State | None = None

    @property
    def coef_(self) -> Array:  # type: ignore[override]
        """Coefficients W, a row for each output."""
        return self._formed("coef_")[0]

    @property
    def intercept_(self) -> Array:
        """Intercept b."""
        return self._formed("intercept_")[1]

    def _formed(self, name: str) -> tuple[Array, Array]:
        state = self._state
        if state is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} yet")
        key = f"coefficients, average={self.average}"
        if key not in state.derived:
            coef = state.coef(average=self.average).astype(state.dtype)
            if self._is_binary():
                coef = coef[:, 1:] - coef[:, :1]
            W, b = np.split(coef, [state.n_features])
            intercept = b[0] if len(b) else np.zeros(coef.shape[1], state.dtype)
            state.derived[key] = np.ascontiguousarray(W.T), intercept
        return state.derived[key]

    def _is_binary(self) -> bool:
        return self.classes_.ndim == 1 and len(self.classes_) == 2

    # --- all rows at once ---------------------------------------------------------------------

    def _solve(self, objective: Objective, start: Array, progress: Progress) -> Solution:
        random = check_random_state(self.random_state)
        unit = objective.value_at_zero()
        held_out = None
        if self.early_stopping:
            objective, held_out = self._held_out(objective, random)
        descent = Epochs(objective, start, objective.X.dtype, self._schedule())
        curve: list[float] = []
        # what `_store` keeps of it
        self._descent = descent.state, curve

        def here() -> Solution:
            coef = descent.coef(average=self.average)
            return Solution(coef, len(curve), np.nan, np.nan, False, STOPPED)

        lowest, since_lowest = np.inf, 0
        for n_iter in range(1, self.max_iter + 1):
            progress.begin("sgd epoch", here)
            order = np.arange(descent.n_rows)
            if self.shuffle:
                random.shuffle(order)
            curve.append(descent.visit(order))
            loss = curve[-1]
            if held_out is not None:
                loss = held_out.mean_loss(descent.coef(average=self.average))
            progress.line("[sgd] epoch %4d  mean loss %.8e", n_iter, loss)
            if progress.end(here):
                break
            if self.tol is not None:
                since_lowest = 0 if loss < lowest - self.tol * unit else since_lowest + 1
                lowest = min(lowest, loss)
                if since_lowest == self.n_iter_no_change:
                    break
        else:
            if self.tol is not None:
                warnings.warn(
                    f"{type(self).__name__} stopped at max_iter={self.max_iter} epochs while the "
                    f"mean loss, now {loss:.6g}, still fell by more than tol={self.tol:g} of "
                    "that of the all-zero model. Increase max_iter or tol.",
                    ConvergenceWarning,
                    stacklevel=4,
                )
        return here()

    def _held_out(
        self, objective: Objective, random: np.random.RandomState
    ) -> tuple[Objective, Objective]:
        """The objectives of the rows to learn from, and of those held out."""
        n_rows = objective.X.shape[0]
        n_held_out = round(self.validation_fraction * n_rows)
        if not 0 < n_held_out < n_rows:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of the {n_rows} rows leaves "
                f"{n_held_out} held out and {n_rows - n_held_out} to learn from; neither may be 0."
            )
        order = random.permutation(n_rows)
        learnt, held_out = np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
        return objective.of_rows(learnt), objective.of_rows(held_out)

    def _store(self, solution: Solution, dtype: Any) -> None:
        state, curve = self.__dict__.pop("_descent")
        self._state = state.as_stream(average=self.average)
        self.loss_curve_ = list(curve)
        self.n_iter_ = solution.n_iter
        self.t_ = self._state.n_visits

    def _schedule(self) -> Schedule:
        eta0 = 0.0 if self.eta0 is None else float(self.eta0)
        return Schedule(RULES[self.learning_rate], eta0, float(self.power_t))

    # --- as they arrive -----------------------------------------------------------------------

    @contextmanager
    def _unchanged_if_refused(self) -> Iterator[None]:
        """Nothing remains of a chunk that is refused."""
        before = self.__dict__.copy()
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _validate_chunk(self, X: Any, y: Any, **options: Any) -> tuple[Any, Any]:
        """X in the type of the first rows, dense or CSR, and y as an array."""
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees a few; give "
                "it a dict of weights instead, such as sklearn.utils.compute_class_weight makes."
            )
        state = self._state
        dtype = FEATURES["dtype"] if state is None else state.dtype
        options = {**FEATURES, "dtype": dtype, "reset": state is None, **options}
        X, y = validate_data(self, X, y, **options)
        values = X.data if sparse.issparse(X) else X
        if values.size:
            with np.errstate(over="ignore"):
                squares = np.square([values.min(), values.max()], dtype=np.float64)
                check_squares(squares, values.dtype)
        return as_csr_array(X), y

    def _visit(self, X: Matrix, targets: Matrix, weights: Array) -> Self:
        """Descend along the rows of a chunk."""
        if self._state is None:
            self._state = State(
                X.shape[1], targets.shape[1], fit_intercept=self.fit_intercept, dtype=X.dtype
            )
            self.loss_curve_ = []
        alpha = self.alpha * (2 if self._is_binary() else 1)
        loss = self._state.visit(
            X, targets, weights, self._loss, float(alpha), schedule=self._schedule()
        )
        if weights.any():
            self.loss_curve_.append(float(loss / weights.sum()))
        self.n_iter_ = 1
        self.t_ = self._state.n_visits
        return self

    def _visit_classes(
        self, X: Matrix, y: Any, classes: ArrayLike | None, sample_weight: ArrayLike | None
    ) -> Self:
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self._name_classes(classes)
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[codes] != y
        if unknown.any():
            first = y[unknown].tolist()[0]
            raise ValueError(
                f"y holds the class {first!r}, which is none of those that the first call "
                f"named: {self.classes_.tolist()}."
            )
        weights = check_weights(sample_weight, codes.size)
        of_classes = class_weights(self.class_weight, self.classes_, codes, weights)
        targets = one_hot(codes, len(self.classes_))
        return self._visit(X, targets, weights * of_classes[codes])

    def _name_classes(self, classes: ArrayLike | None) -> None:
        if self._state is None:
            if classes is None:
                raise ValueError(
                    "The first call of partial_fit needs classes: all that y may ever hold."
                )
            self.classes_ = np.unique(np.asarray(classes))
            if self.classes_.size < 2:
                raise ValueError(
                    f"classes names {self.classes_.tolist()}; a classifier needs at least two "
                    "classes."
                )
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes names {np.unique(classes).tolist()}, but the first call named "
                f"{self.classes_.tolist()}."
            )


class SGDSparsemaxClassifier(StochasticClassifier):
    """Linear classifier with sparse probabilities, for data that arrive in pieces.

    Minimises the objective of :class:`SparsemaxClassifier` by stochastic descent with steps that
    need no tuning.
    `fit` keeps the residual of each row, (n_samples, n_classes) numbers, and with their help
    converges to the minimum; `partial_fit` keeps none, and approaches the minimum as more rows
    arrive. Both take one row at a time. Results do not depend on how a stream is cut into calls.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, 0 or more; the intercept is not penalised.
    fit_intercept : bool, default=True
        Whether to fit an intercept, of features that are centred as they are read.
    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply `sample_weight`; classes missing from the dict weigh
        1. "balanced" gives all classes the same total weight, and is for `fit` alone.
    learning_rate : {"optimal", "constant", "invscaling"}, default="optimal"
        The length of the steps.

        - "optimal": 1 / (1 / eta0 + alpha * n), for the n rows of `fit`, or the n rows that a
          stream has brought so far.
        - "constant": eta0.
        - "invscaling": eta0 / t ** power_t at the t-th row visited.
    eta0 : float, default=None
        The length of the first steps. None takes 5 / (mean square length of the centred rows,
        and of a feature for the intercept), of the rows so far in a stream. Steps are implicit: no
        length makes them diverge.
    power_t : float, default=0.5
        The exponent of "invscaling".
    average : bool, default=True
        Whether the coefficients are the average of all iterates, of which later ones have more
        weight, or the last one.
    shuffle : bool, default=True
        Whether `fit` visits the rows of each epoch in random order.
    tol : float or None, default=1e-5
        `fit` ends when the mean loss has not fallen by more than tol * (that of the all-zero
        model) for `n_iter_no_change` epochs in a row. With None it never does.
    max_iter : int, default=1000
        Most epochs of `fit`.
    early_stopping : bool, default=False
        Whether to hold out rows from the fit and to watch their mean loss instead.
    validation_fraction : float, default=0.1
        The part of the rows that is held out for `early_stopping`.
    n_iter_no_change : int, default=5
        Epochs without progress after which `fit` ends.
    warm_start : bool, default=False
        Whether `fit` starts from the coefficients so far, if they are for the same classes and
        as many features, and better than zero.
    random_state : int, RandomState instance or None, default=None
        Draws the order of the rows, and those that are held out.
    verbose : int, default=0
        Whether to print the mean loss of each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W, in the type of X (of the first rows of a stream); a single row for two
        classes.
    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercept b, 0 if `fit_intercept=False`.
    t_ : int
        Rows visited so far; those of no weight do not count.
    n_iter_ : int
        Epochs of `fit`; 1 after `partial_fit`.
    loss_curve_ : list of float
        The mean loss of the rows of each epoch, or of each call of `partial_fit`, each just before
        it was learnt from. Along a stream this is the loss on new rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X had string column names.

    See Also
    --------
    SparsemaxClassifier : Fits to a proven tolerance; there, solver="sgd" takes the same steps.
    sklearn.linear_model.SGDClassifier : Other losses, one class against the rest.

    Notes
    -----
    Steps are exact proximal steps on one row: a batch of rows has none in closed form, so there is
    no batch size. Features should be of about the same scale: they are centred, not scaled.

    References
    ----------
    Defazio (2016), "A Simple Practical Accelerated Method for Finite Sums", NeurIPS.
    https://arxiv.org/abs/1602.02442

    Shamir & Zhang (2013), "Stochastic Gradient Descent for Non-smooth Optimization", ICML.
    https://arxiv.org/abs/1212.1824

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_sparsemax import SGDSparsemaxClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = SGDSparsemaxClassifier(random_state=0)
    >>> for chunk in range(0, 1500, 100):
    ...     rows = slice(chunk, chunk + 100)
    ...     classifier = classifier.partial_fit(X[rows] / 16, y[rows], classes=range(10))
    >>> classifier.t_, classifier.score(X[1500:] / 16, y[1500:]) > 0.85
    (1500, True)
    """

    _loss = SparsemaxLoss()

    def __init__(
        self,
        alpha: float = 1e-4,
        *,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        learning_rate: str = "optimal",
        eta0: float | None = None,
        power_t: float = 0.5,
        average: bool = True,
        shuffle: bool = True,
        tol: float | None = 1e-5,
        max_iter: int = 1000,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.average = average
        self.shuffle = shuffle
        self.tol = tol
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Matrix,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from rows as they arrive, each visited once in the order given.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite, at least one row. The first call decides between float32 and
            float64, to which later rows are converted.
        y : array-like of shape (n_samples,)
            Class labels, of those in `classes`.
        classes : array-like of shape (n_classes,), default=None
            All classes that y may ever hold; needed in the first call, unless `fit` was called.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more, relative to all that were given so far.

        Returns
        -------
        self : object
            The estimator. Where an error is raised, it is as it was before the call.

        Raises
        ------
        ValueError
            If an argument is not as stated, or does not fit what the first call gave.
        """
        with self._unchanged_if_refused():
            X, y = self._validate_chunk(X, y)
            return self._visit_classes(X, y, classes, sample_weight)


class SGDMultilabelSparsemaxClassifier(StochasticClassifier, DistributionOverLabels):
    """Linear multilabel classifier with sparse probabilities, for data that arrive in pieces.

    Minimises the objective of :class:`MultilabelSparsemaxClassifier` by stochastic descent with
    steps that need no tuning.
    `fit` keeps the residual of each row, (n_samples, n_labels) numbers, and with their help
    converges to the minimum; `partial_fit` keeps none, and approaches the minimum as more rows
    arrive. Both take one row at a time. Results do not depend on how a stream is cut into calls.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, 0 or more; the intercept is not penalised.
    threshold : float or "auto", default="auto"
        A label is predicted where its probability exceeds this, 0 or more and below 1. "auto"
        takes the cut at which as many labels are predicted for the rows of `fit`, or the last 1000
        rows of a stream, as these have. It is kept in `threshold_`.
    empty : {"null", "drop", "uniform"}, default="null"
        What rows with no label mean. "null" adds a virtual output that takes their mass, whether
        there are any or not, since a stream may still bring them. "drop" leaves the rows out.
        "uniform" spreads them over all labels.
    fit_intercept : bool, default=True
        Whether to fit an intercept, of features that are centred as they are read.
    class_weight : dict or "balanced", default=None
        Weights of the labels, by column of y; columns missing from the dict weigh 1. The
        weight of a row is multiplied by the mean weight of its labels, or by 1 if it has
        none. "balanced" weighs labels inversely to their frequency, and is for `fit` alone.
    learning_rate : {"optimal", "constant", "invscaling"}, default="optimal"
        The length of the steps.

        - "optimal": 1 / (1 / eta0 + alpha * n), for the n rows of `fit`, or the n rows that a
          stream has brought so far.
        - "constant": eta0.
        - "invscaling": eta0 / t ** power_t at the t-th row visited.
    eta0 : float, default=None
        The length of the first steps. None takes 5 / (mean square length of the centred rows,
        and of a feature for the intercept), of the rows so far in a stream. Steps are implicit: no
        length makes them diverge.
    power_t : float, default=0.5
        The exponent of "invscaling".
    average : bool, default=True
        Whether the coefficients are the average of all iterates, of which later ones have more
        weight, or the last one.
    shuffle : bool, default=True
        Whether `fit` visits the rows of each epoch in random order.
    tol : float or None, default=1e-5
        `fit` ends when the mean loss has not fallen by more than tol * (that of the all-zero
        model) for `n_iter_no_change` epochs in a row. With None it never does.
    max_iter : int, default=1000
        Most epochs of `fit`.
    early_stopping : bool, default=False
        Whether to hold out rows from the fit and to watch their mean loss instead.
    validation_fraction : float, default=0.1
        The part of the rows that is held out for `early_stopping`.
    n_iter_no_change : int, default=5
        Epochs without progress after which `fit` ends.
    warm_start : bool, default=False
        Whether `fit` starts from the coefficients so far, if they are for the same labels and
        as many features, and better than zero.
    random_state : int, RandomState instance or None, default=None
        Draws the order of the rows, and those that are held out.
    verbose : int, default=0
        Whether to print the mean loss of each epoch.

    Attributes
    ----------
    multilabel_ : bool
        Whether the rows have label sets, rather than classes.
    n_labels_ : int
        Number of labels, the columns of y.
    classes_ : ndarray of shape (n_labels_, 2) or (n_classes,)
        The values 0 and 1 of each label, a row for each; for classes, the class labels.
    threshold_ : float
        The cut that `predict` uses, for label sets.
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in the type of X (of the first rows of a stream), a row for each label, and
        a last one for the virtual output of `empty="null"`.
    intercept_ : ndarray of shape (n_outputs,)
        Intercept b, 0 if `fit_intercept=False`.
    t_ : int
        Rows visited so far; those of no weight do not count.
    n_iter_ : int
        Epochs of `fit`; 1 after `partial_fit`.
    loss_curve_ : list of float
        The mean loss of the rows of each epoch, or of each call of `partial_fit`, each just before
        it was learnt from. Along a stream this is the loss on new rows.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X had string column names.

    See Also
    --------
    MultilabelSparsemaxClassifier : Fits to a proven tolerance.

    Notes
    -----
    As for :class:`SGDSparsemaxClassifier`.

    References
    ----------
    Defazio (2016), "A Simple Practical Accelerated Method for Finite Sums", NeurIPS.
    https://arxiv.org/abs/1602.02442

    Shamir & Zhang (2013), "Stochastic Gradient Descent for Non-smooth Optimization", ICML.
    https://arxiv.org/abs/1212.1824

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import SGDMultilabelSparsemaxClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = SGDMultilabelSparsemaxClassifier(alpha=0.1, random_state=0)
    >>> for row in range(100):
    ...     classifier = classifier.partial_fit(X[[row]], Y[[row]])
    >>> classifier.predict(X[:2])
    array([[1, 0, 0, 0],
           [1, 1, 0, 0]])
    """

    _loss = SparsemaxLoss()

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **StochasticClassifier._parameter_constraints,
        "threshold": DistributionOverLabels._parameter_constraints["threshold"],
        "empty": DistributionOverLabels._parameter_constraints["empty"],
    }

    multilabel_: bool

    # the cut; or the last rows of a stream, from which it is chosen when somebody asks for it
    _cut: float | None = None
    _recent: tuple[tuple[Matrix, Matrix, Array], ...] = ()

    def __init__(
        self,
        alpha: float = 1e-4,
        *,
        threshold: float | str = "auto",
        empty: str = "null",
        fit_intercept: bool = True,
        class_weight: dict[int, float] | str | None = None,
        learning_rate: str = "optimal",
        eta0: float | None = None,
        power_t: float = 0.5,
        average: bool = True,
        shuffle: bool = True,
        tol: float | None = 1e-5,
        max_iter: int = 1000,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.threshold = threshold
        self.empty = empty
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.average = average
        self.shuffle = shuffle
        self.tol = tol  # type: ignore[assignment]
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @property
    def threshold_(self) -> float:
        """The cut that `predict` uses, for label sets."""
        if self._cut is not None:
            return self._cut
        if not self._recent or self._state is None:
            raise AttributeError(f"{type(self).__name__!r} object has no threshold_ yet")
        derived = self._state.derived
        if "threshold" not in derived:
            derived["threshold"] = self._threshold(*self._recent_rows())
        return derived["threshold"]

    @threshold_.setter
    def threshold_(self, value: float) -> None:
        self._cut, self._recent = value, ()

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Matrix,
        y: Matrix,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from rows as they arrive, each visited once in the order given.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite, at least one row. The first call decides between float32 and
            float64, to which later rows are converted.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the label sets, or one-dimensional class labels.
        classes : array-like, default=None
            For classes, all that y may ever hold, needed in the first call, unless `fit` was
            called. For label sets, nothing but 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more, relative to all that were given so far.

        Returns
        -------
        self : object
            The estimator. Where an error is raised, it is as it was before the call.

        Raises
        ------
        ValueError
            If an argument is not as stated, or does not fit what the first call gave.
        """
        with self._unchanged_if_refused():
            container = type(y) if sparse.issparse(y) else np.asarray
            X, y = self._validate_chunk(X, y, multi_output=True)
            first, label_sets = self._state is None, holds_label_sets(y)
            if not first and label_sets != self.multilabel_:
                kinds = ("classes", "label sets")
                raise ValueError(
                    f"y holds {kinds[label_sets]}, but the first rows had {kinds[not label_sets]}."
                )
            self.multilabel_ = label_sets
            if not label_sets:
                return self._visit_classes(X, y, classes, sample_weight)
            self._container = container
            return self._visit_label_sets(X, y, classes, sample_weight)

    def _visit_label_sets(
        self, X: Matrix, Y: Matrix, classes: ArrayLike | None, sample_weight: ArrayLike | None
    ) -> Self:
        if classes is not None and not np.isin(classes, (0, 1)).all():
            raise ValueError(
                f"classes is {classes!r}; for label sets, whose labels are the columns of y, it is "
                "None or holds 0 and 1."
            )
        indicator = check_indicator(Y, name="y")
        if self._state is None:
            self.n_labels_ = Y.shape[1]
            self.classes_ = np.tile([0, 1], (self.n_labels_, 1))
        elif Y.shape[1] != self.n_labels_:
            raise ValueError(f"y has {Y.shape[1]} labels, but the first rows had {self.n_labels_}.")
        weights = check_weights(sample_weight, indicator.shape[0])
        weights = weights * row_class_weights(self.class_weight, indicator, weights)
        targets, weights = self._targets(indicator, weights)
        self._remember(X, indicator, weights)
        return self._visit(X, targets, weights)

    def _targets(self, indicator: Matrix, weights: Array) -> tuple[Matrix, Array]:
        if self.empty == "null":
            null = np.diff(indicator.indptr) == 0
            return with_null_output(indicator, null, always=True), weights
        if self.empty == "drop":
            return with_null_output(indicator, np.zeros(0, bool)), weights * (
                np.diff(indicator.indptr) > 0
            )
        return with_uniform_rows(indicator), weights

    def _remember(self, X: Matrix, indicator: Matrix, weights: Array) -> None:
        """Keep the last rows, of which parts before them are let go once they are not needed."""
        last = slice(max(0, X.shape[0] - RECENT_ROWS), None)
        parts = [*self._recent, (X[last], indicator[last], weights[last])]
        n_rows = sum(len(part[2]) for part in parts)
        while n_rows - len(parts[0][2]) >= RECENT_ROWS:
            n_rows -= len(parts.pop(0)[2])
        self._cut, self._recent = None, tuple(parts)

    def _recent_rows(self) -> tuple[Matrix, Matrix, Array]:
        features, indicators, weights = zip(*self._recent, strict=True)
        stack = sparse.vstack if sparse.issparse(features[0]) else np.vstack
        last = slice(-RECENT_ROWS, None)
        X = as_csr_array(stack(features))
        indicator = sparse.csr_array(sparse.vstack(indicators, format="csr"))
        return X[last], indicator[last], np.concatenate(weights)[last]

"""Stochastic descent for classifiers: over all rows at once, or over rows as they arrive."""

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
from sklearn.utils.validation import validate_data

from .._compat import Interval, StrOptions
from .._kernels.sgd_state import CONSTANT_STEP, INVERSE_SCALING, OPTIMAL, Schedule
from .._problem.objective import Objective
from .._problem.progress import STOPPED, Progress
from .._solvers.sgd import Epochs, State
from .._solvers.solution import Solution
from .._typing import Array, Matrix
from .._validation import check_no_label_lists, check_squares, check_unmasked
from ..losses import (
    BinarySparsemaxLoss,
    EntmaxLoss,
    FenchelYoungLoss,
    LogisticLoss,
    SoftmaxLoss,
    SparsemaxLoss,
)
from ._base import FEATURES, as_csr_array
from ._classes import ClassEncoder, Encoded
from ._classifier import LinearClassifier

# The losses by the names that users give.
LOSSES: dict[str, FenchelYoungLoss] = {
    "sparsemax": SparsemaxLoss(),
    "entmax15": EntmaxLoss(1.5),
    "softmax": SoftmaxLoss(),
    "binary_sparsemax": BinarySparsemaxLoss(),
    "logistic": LogisticLoss(),
}

RULES = {"optimal": OPTIMAL, "constant": CONSTANT_STEP, "invscaling": INVERSE_SCALING}


class StochasticClassifier(LinearClassifier):
    """Stochastic descent, over all rows at once or as they arrive, on the loss of a parameter.

    In this order: the coefficients, `fit` over all rows, and `partial_fit` of rows as they arrive.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
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

    _takes_arrays = False

    loss: str
    loss_curve_: list[float]

    # where the descent is
    _state: State | None = None

    @property
    def _loss(self) -> FenchelYoungLoss:
        return LOSSES[self.loss]

    @property
    def coef_(self) -> Array:
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
        key = self._derived_key()
        if key not in state.derived:
            coef = state.coef(average=self.average).astype(state.dtype)
            if self._encoder.reference_output:
                coef = coef[:, 1:] - coef[:, :1]
            W, b = np.split(coef, [state.n_features])
            intercept = b[0] if len(b) else np.zeros(coef.shape[1], state.dtype)
            state.derived[key] = np.ascontiguousarray(W.T), intercept
        return state.derived[key]

    def _derived_key(self) -> str:
        return f"coefficients, average={self.average}"

    def _hold(self, coef: Matrix) -> None:
        if self._state is not None:
            # until the next visit
            self._state.derived[self._derived_key()] = coef, self.intercept_

    def _conclude(self, objective: Any, solution: Solution, progress: Progress) -> Solution:
        # there is no certificate to judge it by
        return solution

    def _solve(self, objective: Any, start: Array, progress: Progress) -> Solution:
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

    def _store(self, solution: Solution, alpha: float) -> None:
        state, curve = self.__dict__.pop("_descent")
        self._state = state.as_stream(average=self.average)
        self.loss_curve_ = list(curve)
        self.n_iter_ = solution.n_iter
        self.t_ = self._state.n_visits

    def _schedule(self) -> Schedule:
        eta0 = 0.0 if self.eta0 is None else float(self.eta0)
        return Schedule(RULES[self.learning_rate], eta0, float(self.power_t))

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
        self._options_of(X)
        X, y = validate_data(self, X, y, **options)
        values = X.data if sparse.issparse(X) else X
        if values.size:
            with np.errstate(over="ignore"):
                squares = np.square([values.min(), values.max()], dtype=np.float64)
                check_squares(squares, X, values.dtype)
        return as_csr_array(X), y

    def _partial_fit(
        self, X: Matrix, y: Any, classes: ArrayLike | None, sample_weight: ArrayLike | None
    ) -> Self:
        """Visit the rows of a chunk, each once."""
        with self._unchanged_if_refused():
            check_no_label_lists(y)
            check_unmasked(X, "X", "value")
            check_unmasked(y, "y", "value")
            given = y
            X, y = self._validate_chunk(X, y, **self._y_options)
            if self._state is None:
                self._adopt(self._stream_encoder(y, given, classes))
            self._check_stream(y, classes)
            encoded = self._encoder.encode(y, sample_weight, self.class_weight)
            return self._visit(X, encoded)

    def _stream_encoder(self, y: Any, given: Any, classes: ArrayLike | None) -> Any:
        """The encoder for the first rows of a stream; `given` is y as the user gave it."""
        return ClassEncoder.of_stream(classes, self._loss)

    def _check_stream(self, y: Any, classes: ArrayLike | None) -> None:
        """Check that y, classes and the loss are what they were for the first rows."""
        if self._encoder.loss.name != self._loss.name:
            raise ValueError(
                f"loss is {self.loss!r}, but the first rows were learnt with the "
                f"{self._encoder.loss.name} loss; fit anew to change it."
            )
        self._encoder.check_stream(y, classes)

    def _visit(self, X: Matrix, encoded: Encoded) -> Self:
        """Descend along the rows of a chunk."""
        targets, weights, _ = encoded
        if self._state is None:
            self._state = State(
                X.shape[1], targets.shape[1], fit_intercept=self.fit_intercept, dtype=X.dtype
            )
            self.loss_curve_ = []
        alpha = self.alpha * (2 if self._encoder.reference_output else 1)
        loss = self._state.visit(
            X, targets, weights, self._loss, float(alpha), schedule=self._schedule()
        )
        if weights.any():
            self.loss_curve_.append(float(loss / weights.sum()))
        self.n_iter_ = 1
        self.t_ = self._state.n_visits
        return self

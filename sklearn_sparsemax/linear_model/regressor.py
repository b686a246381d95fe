"""Regression of label proportions: targets and predictions on the simplex."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from .. import _arrays
from .._compat import fit_context
from .._problem.progress import training_data
from .._typing import Array, Matrix
from .._validation import check_no_label_lists, check_weights
from ..losses import FenchelYoungLoss, SoftmaxLoss, SparsemaxLoss
from ..losses.array_targets import distributions_of_array
from ..losses.targets import check_distributions
from ._base import LinearModel
from ._entmax import EntmaxMixin
from ._texts import described

__all__ = ["EntmaxRegressor", "SoftmaxRegressor", "SparsemaxRegressor"]


class ProportionsRegressor(RegressorMixin, LinearModel):
    """What the regressors share; a subclass binds the loss."""

    # the loss of the fitted model: the parameters may have changed since
    _fitted_loss: FenchelYoungLoss

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = LinearModel._parameter_constraints

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    @described()
    def fit(self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        %(X_fit)s
        y : {array-like, sparse matrix} of shape (n_samples, n_outputs)
            Proportions: entries 0 or more, rows that sum to 1 within 1e-6. An error names a
            row that is not so.
        %(sample_weight)s

        %(fit_results)s
        """
        given = training_data(X, y, sample_weight)
        check_no_label_lists(y)
        X, y = self._validate_fit(X, y, multi_output=True)
        y = _arrays.moved_beside(y, X)
        if y.ndim != 2:
            raise ValueError(
                f"y has the shape {tuple(y.shape)}; it must hold proportions in rows, of shape "
                "(n_samples, n_outputs)."
            )
        of_numpy = _arrays.is_numpy(X)
        targets = check_distributions(y, "y") if of_numpy else distributions_of_array(y, "y")
        weights = check_weights(sample_weight, y.shape[0], X)
        loss = self._loss

        def complete(model: Self) -> None:
            model._fitted_loss = loss

        self._minimize(X, targets, weights, start=self._start(), given=given, complete=complete)
        return self

    @described()
    def predict(self, X: Matrix) -> Array:
        """Predict proportions.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        P : ndarray of shape (n_samples, n_outputs)
            Proportions, in the type of X; rows sum to 1.
        """
        scores = self._scores(X, "predict")
        # a model whose coefficients a user has set has no fitted loss
        return getattr(self, "_fitted_loss", self._loss).like(scores).probabilities(scores)


@described()
class SparsemaxRegressor(ProportionsRegressor):
    """Linear regression of proportions, with exact zeros.

    Minimises the mean sparsemax loss of the scores W x + b against the rows of y, plus
    alpha / 2 times the squared Frobenius norm of W. Predictions are sparsemax(W x + b).

    Parameters
    ----------
    %(alpha)s
    %(fit_intercept)s
    %(solver_options)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64.
    %(intercept_)s
    %(solution)s

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn_sparsemax import SparsemaxRegressor
    >>> from sklearn_sparsemax.datasets import make_label_proportions
    >>> X, Y = make_label_proportions(100, n_classes=3, random_state=0)
    >>> regressor = SparsemaxRegressor(alpha=0.1).fit(X, Y)
    >>> Y[:2].round(2)
    array([[0. , 1. , 0. ],
           [0.5, 0.5, 0. ]])
    >>> regressor.predict(X[:2]).round(2)
    array([[0.04, 0.93, 0.03],
           [0.61, 0.39, 0.  ]])
    """

    _loss = SparsemaxLoss()


@described()
class SoftmaxRegressor(ProportionsRegressor):
    """Linear regression of proportions.

    Minimises the mean softmax loss of the scores W x + b against the rows of y, plus
    alpha / 2 times the squared Frobenius norm of W. Predictions are softmax(W x + b), all positive.

    Parameters
    ----------
    %(alpha)s
    %(fit_intercept)s
    %(solver_options)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64.
    %(intercept_)s
    %(solution)s

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn_sparsemax import SoftmaxRegressor
    >>> from sklearn_sparsemax.datasets import make_label_proportions
    >>> X, Y = make_label_proportions(100, n_classes=3, random_state=0)
    >>> regressor = SoftmaxRegressor(alpha=0.1).fit(X, Y)
    >>> Y[:2].round(2)
    array([[0. , 1. , 0. ],
           [0.5, 0.5, 0. ]])
    >>> regressor.predict(X[:2]).round(2)
    array([[0.01, 0.98, 0.01],
           [0.77, 0.22, 0.01]])
    """

    _loss = SoftmaxLoss()


@described()
class EntmaxRegressor(EntmaxMixin, ProportionsRegressor):
    """Linear regression of proportions that are as sparse as one number says.

    Minimises the mean entmax loss of the scores W x + b against the rows of y, plus alpha / 2 times
    the squared Frobenius norm of W. Predictions are entmax(W x + b). With `entmax_alpha=1` it is
    the :class:`SoftmaxRegressor`, with `entmax_alpha=2` the :class:`SparsemaxRegressor`.

    Parameters
    ----------
    %(alpha)s
    %(entmax_alpha)s
    %(fit_intercept)s
    %(solver_options)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64.
    %(intercept_)s
    %(solution)s

    References
    ----------
    %(peters_2019)s

    Examples
    --------
    >>> from sklearn_sparsemax import EntmaxRegressor
    >>> from sklearn_sparsemax.datasets import make_label_proportions
    >>> X, Y = make_label_proportions(100, n_classes=3, random_state=0)
    >>> regressor = EntmaxRegressor(alpha=0.1).fit(X, Y)
    >>> Y[:2].round(2)
    array([[0. , 1. , 0. ],
           [0.5, 0.5, 0. ]])
    >>> regressor.predict(X[:2]).round(2)
    array([[0.02, 0.96, 0.02],
           [0.66, 0.34, 0.  ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ProportionsRegressor._parameter_constraints,
        **EntmaxMixin._parameter_constraints,
    }

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        entmax_alpha: float = 1.5,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.entmax_alpha = entmax_alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

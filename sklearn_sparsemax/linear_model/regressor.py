"""Regression of label proportions: targets and predictions on the simplex."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from .._compat import fit_context
from .._problem.progress import training_data
from .._typing import Array, Matrix
from .._validation import check_weights
from ..losses import SoftmaxLoss, SparsemaxLoss
from ..losses.targets import check_distributions
from ._base import LinearModel

__all__ = ["SoftmaxRegressor", "SparsemaxRegressor"]


class ProportionsRegressor(RegressorMixin, LinearModel):
    """What the regressors share; a subclass binds the loss."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = LinearModel._parameter_constraints

    def __init__(
        self,
        alpha: float = 1e-4,
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
    def fit(self, X: Matrix, y: Matrix, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite. float32 is kept, other types become float64; sparse
            containers become CSR.
        y : {array-like, sparse matrix} of shape (n_samples, n_outputs)
            Proportions: entries 0 or more, rows that sum to 1 within 1e-6.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more; only their proportions matter.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter is not as stated; a row of y off the
            simplex is named.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or floating point ended the solver before `tol`.
        """
        given = training_data(X, y, sample_weight)
        X, y = self._validate_fit(X, y, multi_output=True)
        if y.ndim != 2:
            raise ValueError(
                f"y has the shape {y.shape}; it must hold proportions in rows, of shape "
                "(n_samples, n_outputs)."
            )
        targets = check_distributions(y, name="y")
        weights = check_weights(sample_weight, targets.shape[0])
        self._minimize(X, targets, weights, start=self._start(), given=given)
        return self

    def predict(self, X: Matrix) -> Array:
        """Predict proportions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        P : ndarray of shape (n_samples, n_outputs)
            Proportions, in the type of X; rows sum to 1.
        """
        return self._loss.probabilities(self._scores(X))


class SparsemaxRegressor(ProportionsRegressor):
    """Linear regression of proportions, with exact zeros.

    Minimises the mean sparsemax loss of the scores W x + b against the rows of y, plus
    alpha / 2 times the squared Frobenius norm of W. Predictions are sparsemax(W x + b).

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, 0 or more; the intercept is not
        penalised. With 0 there is no dual: `tol` then bounds the largest entry of the
        gradient, in units of that of the all-zero model, and `dual_gap_` is infinite.
    fit_intercept : bool, default=True
        Whether to fit an intercept. The mean of the predictions over the training rows is
        then that of y.
    solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky", "sdca", "sgd"}, default="auto"
        As in :class:`SparsemaxClassifier`.
    tol : float, default=1e-4
        The objective is to be proven within tol * F(0, 0) of its minimum, with F(0, 0) the
        objective of the all-zero model.
    max_iter : int, default=1000
        Most iterations of the solver; for "sdca" and "sgd", epochs over the rows.
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit, if that had as many
        outputs and features, where they are better than zero.
    random_state : int, RandomState instance or None, default=None
        For "sdca" and "sgd", and "auto" where it chooses "sdca", which visit the rows in
        random order.
    verbose : int, default=0
        Whether to print the objective and its distance from the tolerance as it falls.

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in the type of X.
    intercept_ : ndarray of shape (n_outputs,)
        Intercept b, 0 if `fit_intercept=False`.
    n_iter_ : int
        Iterations of the solver.
    objective_ : float
        F at the solution.
    dual_gap_ : float
        Proven bound on `objective_` minus the minimum of F.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X had string column names.

    References
    ----------
    Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
    and Multi-Label Classification", ICML, section 4.1. https://arxiv.org/abs/1602.02068

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


class SoftmaxRegressor(ProportionsRegressor):
    """Linear regression of proportions.

    Minimises the mean softmax loss of the scores W x + b against the rows of y, plus
    alpha / 2 times the squared Frobenius norm of W. Predictions are softmax(W x + b), all positive.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, 0 or more; the intercept is not
        penalised. With 0 there is no dual: `tol` then bounds the largest entry of the
        gradient, in units of that of the all-zero model, and `dual_gap_` is infinite.
    fit_intercept : bool, default=True
        Whether to fit an intercept. The mean of the predictions over the training rows is
        then that of y.
    solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky", "sgd"}, default="auto"
        As in :class:`SparsemaxClassifier`.
    tol : float, default=1e-4
        The objective is to be proven within tol * F(0, 0) of its minimum, with F(0, 0) the
        objective of the all-zero model.
    max_iter : int, default=1000
        Most iterations of the solver; for "sdca" and "sgd", epochs over the rows.
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit, if that had as many
        outputs and features, where they are better than zero.
    random_state : int, RandomState instance or None, default=None
        For "sdca" and "sgd", and "auto" where it chooses "sdca", which visit the rows in
        random order.
    verbose : int, default=0
        Whether to print the objective and its distance from the tolerance as it falls.

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in the type of X.
    intercept_ : ndarray of shape (n_outputs,)
        Intercept b, 0 if `fit_intercept=False`.
    n_iter_ : int
        Iterations of the solver.
    objective_ : float
        F at the solution.
    dual_gap_ : float
        Proven bound on `objective_` minus the minimum of F.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X had string column names.

    References
    ----------
    Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
    and Multi-Label Classification", ICML, section 4.1. https://arxiv.org/abs/1602.02068

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

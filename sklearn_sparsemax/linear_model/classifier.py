"""Binary and multiclass classification."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import normalize
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._compat import StrOptions, fit_context
from .._problem.progress import training_data
from .._typing import Array, Matrix
from .._validation import check_weights
from ..losses import SparsemaxLoss
from ..losses.targets import one_hot
from ._base import LinearModel

__all__ = ["SparsemaxClassifier"]


class LinearClassifier(ClassifierMixin, LinearModel):
    """Classes from a loss: what the classifiers share. A subclass binds the loss."""

    classes_: Any

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LinearModel._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Matrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, finite. float32 is kept, other types become float64; sparse
            containers become CSR.
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more. A weight of 2 is the same as the row twice, a
            weight of 0 as no such row; only their proportions matter.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y, `sample_weight` or a parameter is not as stated.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or floating point ended the solver before `tol`.
        """
        given = training_data(X, y, sample_weight)
        return self._fit_classes(*self._validate_fit(X, y), sample_weight, given)

    def _fit_classes(
        self,
        X: Matrix,
        y: Array,
        sample_weight: ArrayLike | None,
        given: dict[str, Any],
        **attributes: Any,
    ) -> Self:
        """Fit classes; `attributes` are set with the others of a fitted model."""
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if classes.size < 2:
            raise ValueError(
                f"y holds only one class, {classes.item()!r}; a classifier needs at least two "
                "classes."
            )
        start = self._start() if np.array_equal(getattr(self, "classes_", ()), classes) else None
        weights = check_weights(sample_weight, codes.size)
        weights = weights * class_weights(self.class_weight, classes, codes, weights)[codes]
        targets = one_hot(codes, classes.size)

        def complete(model: Self) -> None:
            model.classes_ = classes
            for name, value in attributes.items():
                setattr(model, name, value)

        options: dict[str, Any] = {"start": start, "given": given, "complete": complete}
        binary = classes.size == 2
        if binary and self._loss.independent_outputs:
            self._minimize(X, targets[:, [1]], weights, **options)
        else:
            self._minimize(X, targets, weights, reference_output=binary, **options)
        return self

    def decision_function(self, X: Matrix) -> Array:
        """Scores of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            W x + b. For two classes, the score of the second relative to the first.
        """
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Matrix) -> Array:
        """Most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        scores = self._scores(X)
        codes = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Matrix) -> Array:
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the type of X. Rows sum to 1.
        """
        scores = self._scores(X)
        if self._loss.independent_outputs:
            p = self._loss.probabilities(scores)
            return np.hstack([1 - p, p]) if p.shape[1] == 1 else normalize(p, norm="l1")
        if scores.shape[1] == 1:
            scores = np.hstack([np.zeros_like(scores), scores])
        return self._loss.probabilities(scores)

    def predict_log_proba(self, X: Matrix) -> Array:
        """Logarithms of the probabilities, -inf where the probability is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Natural logarithms.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict_support(self, X: Matrix) -> Array:
        """Classes with a positive probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        support : ndarray of bool of shape (n_samples, n_classes)
            True where the probability is positive; at least one class in each row.
        """
        return self.predict_proba(X) > 0


class SparsemaxClassifier(LinearClassifier):
    r"""Linear classifier with sparse probabilities.

    Minimises the convex objective

    .. math::
        F(W, b) = \sum_i \omega_i L(W x_i + b; y_i) + \frac{\alpha}{2} \|W\|_F^2,

    with the sparsemax loss L and row weights omega_i that sum to 1. The predicted
    probabilities sparsemax(W x + b) are exactly 0 for classes that the scores rule out.
    The features need not be scaled to be fitted fast, but their scale sets how strongly
    `alpha` penalises each.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the L2 penalty on the coefficients, 0 or more; the intercept is not
        penalised. It is 1 / (C * n_samples) in terms of the `C` of
        :class:`~sklearn.linear_model.LogisticRegression`. With 0 there is no dual:
        `tol` then bounds the largest entry of the gradient, in units of that of the
        all-zero model, and `dual_gap_` is infinite.
    fit_intercept : bool, default=True
        Whether to fit an intercept. The mean of the predicted probabilities over the
        training rows is then the (weighted) frequency of each class.
    class_weight : dict or "balanced", default=None
        Weights of the classes, which multiply `sample_weight`; classes missing from the
        dict weigh 1. "balanced" gives all classes the same total weight.
    solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky", "sdca", "sgd"}, default="auto"
        "auto" chooses by the number of rows, features and classes, and by the progress made.

        - "lbfgs" is L-BFGS, for any size.
        - "newton-cg" takes Newton steps by conjugate gradients, which read only the rows
          whose probabilities are not yet settled: for dense features.
        - "newton-cholesky" forms and factorises the Hessian of all coefficients, and reaches
          the minimum up to rounding in some ten iterations: for up to a few thousand
          coefficients.
        - "sdca" is dual coordinate ascent, an exact step for one row at a time that touches
          only the classes whose probability changes: for many rows, features or classes,
          sparse features above all. It needs `alpha` > 0.
        - "sgd" is stochastic descent with memory of each row, whose steps need no tuning: for
          many rows of features of about the same scale.

        The first three see standardised features through a change of variables, "sdca" and
        "sgd" centred ones; the problem remains that of the given features.
    tol : float, default=1e-4
        The objective is to be proven within tol * F(0, 0) of its minimum, with F(0, 0) the
        objective of the all-zero model. The rule is the same for all solvers; all but
        "newton-cholesky" stop as soon as it holds.
    max_iter : int, default=1000
        Most iterations of the solver; for "sdca" and "sgd", epochs over the rows.
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit, if that had the same
        classes and as many features, where they are better than zero.
    random_state : int, RandomState instance or None, default=None
        For "sdca" and "sgd", and "auto" where it chooses "sdca", which visit the rows in
        random order.
    verbose : int, default=0
        Whether to print the objective and its distance from the tolerance as it falls.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W, in the type of X. A single row for two classes: the scores are then
        0 for the first class and `decision_function` for the second, whose probability is
        clip((score + 1) / 2, 0, 1).
    intercept_ : ndarray of shape (n_classes,) or (1,)
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

    See Also
    --------
    sparsemax : From scores to probabilities.
    sparsemax_loss : The loss of scores.
    sklearn.linear_model.LogisticRegression : The softmax counterpart, with dense
        probabilities.

    References
    ----------
    Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
    and Multi-Label Classification", ICML. https://arxiv.org/abs/1602.02068

    Blondel, Martins & Niculae (2020), "Learning with Fenchel-Young Losses", JMLR.
    https://arxiv.org/abs/1901.02324

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import SparsemaxClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = SparsemaxClassifier(alpha=1e-3).fit(X, y)
    >>> classifier.predict_proba(X[[0, 70]]).round(2)
    array([[1.  , 0.  , 0.  ],
           [0.  , 0.44, 0.56]])
    >>> classifier.dual_gap_ < 1e-4
    True
    """

    _loss = SparsemaxLoss()

    def __init__(
        self,
        alpha: float = 1e-4,
        *,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose


def class_weights(
    class_weight: dict[Any, float] | str | None,
    classes: Array,
    codes: Array,
    sample_weight: Array,
) -> Array:
    """Weight of each class (K,).

    scikit-learn's ``compute_class_weight`` counts rows; here "balanced" sums their weights,
    so that a weight of 2 remains the same as the row twice.
    """
    if class_weight is None:
        return np.ones(classes.size)
    if isinstance(class_weight, str):
        # "balanced", the only string that passes validation
        totals = np.bincount(codes, weights=sample_weight, minlength=classes.size)
        return np.divide(totals.sum(), classes.size * totals, out=totals * 0, where=totals > 0)
    known = {label: code for code, label in enumerate(classes.tolist())}
    weights = np.ones(classes.size)
    for label, weight in class_weight.items():
        if label not in known:
            raise ValueError(
                f"class_weight names the class {label!r}, which y does not hold; its classes are "
                f"{classes.tolist()}."
            )
        if isinstance(weight, int | float | np.number) and 0 <= weight < np.inf:
            weights[known[label]] = weight
        else:
            raise ValueError(
                f"class_weight gives the class {label!r} the weight {weight!r}; it must be a "
                "finite number, 0 or more."
            )
    return weights

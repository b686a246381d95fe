"""Binary and multiclass classification."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..losses import SparsemaxLoss
from ._classifier import LinearClassifier
from ._entmax import EntmaxMixin
from ._texts import described

__all__ = ["EntmaxClassifier", "SparsemaxClassifier"]


@described()
class SparsemaxClassifier(LinearClassifier):
    r"""Linear classifier with sparse probabilities.

    Minimises the convex objective

    .. math::
        F(W, b) = \sum_i \omega_i L(W x_i + b; y_i) + \frac{\alpha}{2} \|W\|_F^2,

    with the sparsemax loss L and row weights omega_i that sum to 1. The predicted
    probabilities sparsemax(W x + b) are exactly 0 for classes that the scores rule out.
    Features of different scales are no obstacle to a fast fit, but the scale of a feature sets
    how strongly `alpha` penalises it.

    Parameters
    ----------
    %(alpha)s
    %(fit_intercept)s
    %(class_weight)s
    solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky", "sdca", "sgd"}, default="auto"
        "auto" chooses by the number of rows, features and classes, and by the progress made.

        - "lbfgs" is L-BFGS, for any size.
        - "newton-cg" takes Newton steps by conjugate gradients. They read only the rows
          whose probabilities are not yet settled: for dense features.
        - "newton-cholesky" forms and factorises the Hessian of all coefficients, and reaches
          the minimum up to rounding in some ten iterations: for up to a few thousand
          coefficients.
        - "sdca" is dual coordinate ascent, an exact step for one row at a time that touches
          only the classes whose probability changes: for many rows, features or classes,
          sparse features above all. It needs `alpha` > 0.
        - "sgd" is stochastic descent with memory of each row, whose steps need no tuning: for
          many rows of features of about the same scale.

        The first three work on standardised features through a change of variables, "sdca" and
        "sgd" on centred ones. The problem remains that of the given features. All but
        "newton-cholesky" stop as soon as the rule of `tol` holds.
    %(stopping_options)s

    Attributes
    ----------
    %(classes_)s
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W, in float64. A single row for two classes: the scores are then
        0 for the first class and `decision_function` for the second, whose probability is
        clip((score + 1) / 2, 0, 1).
    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercept b, 0 if `fit_intercept=False`.
    %(solution)s

    See Also
    --------
    sparsemax : From scores to probabilities.
    sparsemax_loss : The loss of scores.
    EntmaxClassifier : Probabilities that are less sparse, or more.
    sklearn.linear_model.LogisticRegression : The softmax counterpart, with dense
        probabilities.

    References
    ----------
    %(martins_2016)s

    %(blondel_2020)s

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
        alpha: float | str = "auto",
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


@described()
class EntmaxClassifier(EntmaxMixin, LinearClassifier):
    """Linear classifier whose probabilities are as sparse as one number says.

    Minimises the mean entmax loss of the scores W x + b, plus alpha / 2 times the squared Frobenius
    norm of W. The probabilities are entmax(W x + b). With `entmax_alpha=2` it is the
    :class:`SparsemaxClassifier`, with `entmax_alpha=1` multinomial logistic regression, whose
    probabilities are all positive. The default lies between the two.

    Parameters
    ----------
    %(alpha)s
    %(entmax_alpha)s
    %(fit_intercept)s
    %(class_weight)s
    %(solver_options)s

    Attributes
    ----------
    %(classes_)s
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W, in float64. A single row for two classes: the scores are then
        0 for the first class and `decision_function` for the second.
    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercept b, 0 if `fit_intercept=False`.
    %(solution)s

    See Also
    --------
    entmax : From scores to probabilities.
    entmax_loss : The loss of scores.
    SparsemaxClassifier : The same for `entmax_alpha=2`, with more about the solvers.
    sklearn.linear_model.LogisticRegression : The same for `entmax_alpha=1`, with
        C = 1 / (alpha * n_samples).

    References
    ----------
    %(peters_2019)s

    %(blondel_2020)s

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import EntmaxClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = EntmaxClassifier(alpha=1e-3).fit(X, y)
    >>> classifier.predict_proba(X[[0, 70]]).round(2)
    array([[1.  , 0.  , 0.  ],
           [0.  , 0.45, 0.55]])
    >>> classifier.set_params(entmax_alpha=1).fit(X, y).predict_proba(X[[0, 70]]).round(3)
    array([[0.996, 0.004, 0.   ],
           [0.   , 0.433, 0.566]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LinearClassifier._parameter_constraints,
        **EntmaxMixin._parameter_constraints,
    }

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        entmax_alpha: float = 1.5,
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
        self.entmax_alpha = entmax_alpha
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

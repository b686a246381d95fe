"""Linear classifiers that choose the strength of the penalty by cross-validation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._alpha_path import OF_CLASSES, AlphaPathMixin
from ._entmax_path import EntmaxPathMixin
from ._texts import described
from .classifier import EntmaxClassifier, SparsemaxClassifier

__all__ = [
    "EntmaxClassifierCV",
    "SparsemaxClassifierCV",
]


class PathOfClasses(AlphaPathMixin):
    """The parameters of a path for classes."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = OF_CLASSES

    def __init__(
        self,
        alphas: int | ArrayLike = 20,
        *,
        ratio: float = 1e-4,
        cv: Any = None,
        scoring: Any = None,
        one_standard_error: bool = False,
        store_coefs: bool = False,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alphas = alphas
        self.ratio = ratio
        self.cv = cv
        self.scoring = scoring
        self.one_standard_error = one_standard_error
        self.store_coefs = store_coefs
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


@described()
class SparsemaxClassifierCV(PathOfClasses, SparsemaxClassifier):
    """Linear classifier with sparse probabilities, and `alpha` chosen by cross-validation.

    Fits :class:`SparsemaxClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(fit_intercept)s
    %(class_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(classes_)s
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(path)s

    See Also
    --------
    SparsemaxClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import SparsemaxClassifierCV
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = SparsemaxClassifierCV(random_state=0).fit(X, y)
    >>> classifier.alphas_.size, classifier.scores_["score"].shape
    (20, (5, 20))
    >>> classifier.best_score_ > 0.95
    True
    """

    _plain_class = SparsemaxClassifier


@described()
class EntmaxClassifierCV(EntmaxPathMixin, EntmaxClassifier):
    """Linear classifier whose `alpha` and sparsity are chosen by cross-validation.

    Fits :class:`EntmaxClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(entmax_alphas)s
    %(fit_intercept)s
    %(class_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(classes_)s
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(entmax_alpha_)s
    %(path)s

    See Also
    --------
    EntmaxClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_sparsemax import EntmaxClassifierCV
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = EntmaxClassifierCV(entmax_alphas=[1.5, 2], random_state=0).fit(X, y)
    >>> classifier.entmax_alpha_, classifier.scores_["score"].shape
    (1.5, (2, 5, 20))
    """

    _plain_class = EntmaxClassifier

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **OF_CLASSES,
        **EntmaxPathMixin._parameter_constraints,
    }

    def __init__(
        self,
        alphas: int | ArrayLike = 20,
        *,
        ratio: float = 1e-4,
        cv: Any = None,
        scoring: Any = None,
        one_standard_error: bool = False,
        store_coefs: bool = False,
        entmax_alphas: ArrayLike = (1.25, 1.5, 2),
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alphas = alphas
        self.ratio = ratio
        self.cv = cv
        self.scoring = scoring
        self.one_standard_error = one_standard_error
        self.store_coefs = store_coefs
        self.entmax_alphas = entmax_alphas
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

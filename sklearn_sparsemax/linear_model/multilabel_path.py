"""Linear multilabel classifiers that choose the strength of the penalty by cross-validation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._alpha_path import OF_CLASSES, AlphaPathMixin
from ._entmax_path import EntmaxPathMixin
from ._label_set_classifier import DistributionOverLabels, LabelSetMixin
from ._texts import described
from .multilabel import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
)

__all__ = [
    "MultilabelBinarySparsemaxClassifierCV",
    "MultilabelEntmaxClassifierCV",
    "MultilabelLogisticClassifierCV",
    "MultilabelSoftmaxClassifierCV",
    "MultilabelSparsemaxClassifierCV",
]

OF_LABELS = {**OF_CLASSES, **LabelSetMixin._parameter_constraints}


class PathOfDistributions(AlphaPathMixin):
    """The parameters of a path for label sets as distributions."""

    default_scoring = "f1_micro"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **OF_LABELS,
        "empty": DistributionOverLabels._parameter_constraints["empty"],
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
        threshold: float | str = "auto",
        empty: str = "null",
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
        self.threshold = threshold
        self.empty = empty
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


class PathOfIndependentLabels(AlphaPathMixin):
    """The parameters of a path for independent labels."""

    default_scoring = "f1_micro"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = OF_LABELS

    def __init__(
        self,
        alphas: int | ArrayLike = 20,
        *,
        ratio: float = 1e-4,
        cv: Any = None,
        scoring: Any = None,
        one_standard_error: bool = False,
        store_coefs: bool = False,
        threshold: float | str = "auto",
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
        self.threshold = threshold
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


@described()
class MultilabelSparsemaxClassifierCV(PathOfDistributions, MultilabelSparsemaxClassifier):
    """Linear multilabel classifier with sparse probabilities, and `alpha` by cross-validation.

    Fits :class:`MultilabelSparsemaxClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(threshold)s
    %(empty)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(path)s

    See Also
    --------
    MultilabelSparsemaxClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelSparsemaxClassifierCV
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelSparsemaxClassifierCV([1, 0.1, 0.01], random_state=0)
    >>> classifier.fit(X, Y).alpha_
    0.1
    """

    _plain_class = MultilabelSparsemaxClassifier


@described()
class MultilabelSoftmaxClassifierCV(PathOfDistributions, MultilabelSoftmaxClassifier):
    """Linear multilabel classifier with the softmax loss, and `alpha` by cross-validation.

    Fits :class:`MultilabelSoftmaxClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(threshold)s
    %(empty)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(path)s

    See Also
    --------
    MultilabelSoftmaxClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelSoftmaxClassifierCV
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelSoftmaxClassifierCV([1, 0.1, 0.01], random_state=0)
    >>> classifier.fit(X, Y).alpha_
    0.1
    """

    _plain_class = MultilabelSoftmaxClassifier


@described()
class MultilabelLogisticClassifierCV(PathOfIndependentLabels, MultilabelLogisticClassifier):
    """Linear multilabel classifier with logistic losses, and `alpha` by cross-validation.

    Fits :class:`MultilabelLogisticClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(threshold)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(path)s

    See Also
    --------
    MultilabelLogisticClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelLogisticClassifierCV
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelLogisticClassifierCV([1, 0.1, 0.01], random_state=0)
    >>> classifier.fit(X, Y).alpha_
    0.1
    """

    _plain_class = MultilabelLogisticClassifier


@described()
class MultilabelBinarySparsemaxClassifierCV(
    PathOfIndependentLabels, MultilabelBinarySparsemaxClassifier
):
    """Linear multilabel classifier with a sparse probability for each label, and `alpha` chosen.

    Fits :class:`MultilabelBinarySparsemaxClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(threshold)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(path)s

    See Also
    --------
    MultilabelBinarySparsemaxClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelBinarySparsemaxClassifierCV
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelBinarySparsemaxClassifierCV([1, 0.1, 0.01], random_state=0)
    >>> classifier.fit(X, Y).alpha_
    1.0
    """

    _plain_class = MultilabelBinarySparsemaxClassifier


@described()
class MultilabelEntmaxClassifierCV(EntmaxPathMixin, MultilabelEntmaxClassifier):
    """Linear multilabel classifier whose `alpha` and sparsity are chosen by cross-validation.

    Fits :class:`MultilabelEntmaxClassifier` for one `alpha` after the other,
    from strong to weak penalties, on all folds but one, and scores the fold that is left out. With
    the best `alpha` it fits all rows. Each fit starts from the one before, and has its own
    certificate.

    Parameters
    ----------
    %(path_options)s
    %(entmax_alphas)s
    %(threshold)s
    %(empty)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver)s
    %(path_end)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W of the fit to all rows, in float64.
    %(intercept_)s
    %(entmax_alpha_)s
    %(path)s

    See Also
    --------
    MultilabelEntmaxClassifier : The same for a given `alpha`.
    sklearn.model_selection.GridSearchCV : For any parameters, without warm starts.

    References
    ----------
    %(peters_2019)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelEntmaxClassifierCV
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelEntmaxClassifierCV([1, 0.1, 0.01], random_state=0)
    >>> classifier.fit(X, Y).scores_["f1_micro"].shape
    (3, 5, 3)
    """

    _plain_class = MultilabelEntmaxClassifier

    default_scoring = "f1_micro"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PathOfDistributions._parameter_constraints,
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
        threshold: float | str = "auto",
        empty: str = "null",
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
        self.threshold = threshold
        self.empty = empty
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

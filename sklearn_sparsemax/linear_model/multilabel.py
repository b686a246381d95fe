"""Multilabel classification: one estimator a loss."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..losses import BinarySparsemaxLoss, LogisticLoss, SoftmaxLoss, SparsemaxLoss
from ._entmax import EntmaxMixin
from ._label_set_classifier import DistributionOverLabels, IndependentLabels
from ._texts import described

__all__ = [
    "MultilabelBinarySparsemaxClassifier",
    "MultilabelEntmaxClassifier",
    "MultilabelLogisticClassifier",
    "MultilabelSoftmaxClassifier",
    "MultilabelSparsemaxClassifier",
]


@described()
class MultilabelSparsemaxClassifier(DistributionOverLabels):
    """Linear multilabel classifier with sparse probabilities.

    Minimises the mean sparsemax loss of the scores W x + b against the uniform
    distribution over the labels of each row, plus alpha / 2 times the squared Frobenius norm of W.

    Parameters
    ----------
    %(alpha)s
    %(threshold)s
    %(empty)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver_options)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64, a row for each label, and a last one for the
        virtual output of rows with no label where `empty="null"` needs it.
    %(intercept_)s
    %(solution)s

    Notes
    -----
    The default of `threshold` was chosen on the training halves of four benchmarks, by
    5-fold cross-validation with alpha = 0.1 on standardised features. Micro-F1 of the
    out-of-fold predictions, sparsemax loss:

    =============  ========  =====  =====  ======
    rule           Emotions  Scene  Birds  CAL500
    =============  ========  =====  =====  ======
    "auto"             63.6   74.4   41.3    44.2
    p > 1 / K          66.2   67.6   34.5    43.4
    p > 0.5 max p      64.4   72.1   32.4    36.7
    p > 0              58.1   59.4   26.0    34.5
    =============  ========  =====  =====  ======

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelSparsemaxClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelSparsemaxClassifier(alpha=0.1).fit(X, Y)
    >>> classifier.predict_proba(X[:2]).round(2)
    array([[0.43, 0.  , 0.18, 0.  ],
           [0.27, 0.2 , 0.02, 0.  ]])
    >>> classifier.predict(X[:2])
    array([[1, 0, 1, 0],
           [1, 1, 0, 0]])
    """

    _loss = SparsemaxLoss()


@described()
class MultilabelSoftmaxClassifier(DistributionOverLabels):
    """Linear multilabel classifier with the softmax loss.

    Minimises the mean softmax loss of the scores W x + b against the uniform
    distribution over the labels of each row, plus alpha / 2 times the squared Frobenius norm of W.

    Parameters
    ----------
    %(alpha)s
    %(threshold)s
    %(empty)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver_options)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64, a row for each label, and a last one for the
        virtual output of rows with no label where `empty="null"` needs it.
    %(intercept_)s
    %(solution)s

    Notes
    -----
    The default of `threshold` was chosen on the training halves of four benchmarks, by
    5-fold cross-validation with alpha = 0.1 on standardised features. Micro-F1 of the
    out-of-fold predictions, softmax loss:

    =============  ========  =====  =====  ======
    rule           Emotions  Scene  Birds  CAL500
    =============  ========  =====  =====  ======
    "auto"             65.1   74.9   42.5    47.1
    p > 1 / K          67.7   70.4   37.8    46.2
    p > 0.5 max p      65.5   72.9   27.2    35.6
    =============  ========  =====  =====  ======

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelSoftmaxClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelSoftmaxClassifier(alpha=0.1).fit(X, Y)
    >>> classifier.predict_proba(X[:2]).round(2)
    array([[0.41, 0.01, 0.18, 0.01],
           [0.23, 0.19, 0.07, 0.07]])
    >>> classifier.predict(X[:2])
    array([[1, 0, 1, 0],
           [1, 1, 0, 0]])
    """

    _loss = SoftmaxLoss()


@described()
class MultilabelLogisticClassifier(IndependentLabels):
    """Linear multilabel classifier with independent logistic losses.

    Minimises the mean logistic loss of the scores W x + b against the label set
    of each row, summed over labels, plus alpha / 2 times the squared Frobenius norm of W.

    Parameters
    ----------
    %(alpha)s
    %(threshold)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver_options)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64, a row for each label.
    %(intercept_)s
    %(solution)s

    See Also
    --------
    MultilabelBinarySparsemaxClassifier : With probabilities that are exactly 0 or 1 where the
        scores are clear.

    Notes
    -----
    The default of `threshold` was chosen on the training halves of four benchmarks, by
    5-fold cross-validation with alpha = 0.1 on standardised features. Micro-F1 of the
    out-of-fold predictions, logistic loss:

    =============  ========  =====  =====  ======
    rule           Emotions  Scene  Birds  CAL500
    =============  ========  =====  =====  ======
    "auto"             66.5   71.3   44.0    47.0
    p > 0.3            67.6   71.9   41.1    47.8
    p > 0.5            61.7   66.2   36.3    35.5
    =============  ========  =====  =====  ======

    References
    ----------
    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelLogisticClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelLogisticClassifier(alpha=0.1).fit(X, Y)
    >>> classifier.predict_proba(X[:2]).round(2)
    array([[0.91, 0.02, 0.58, 0.01],
           [0.45, 0.79, 0.15, 0.13]])
    >>> classifier.predict(X[:2])
    array([[1, 0, 1, 0],
           [0, 1, 0, 0]])
    """

    _loss = LogisticLoss()


@described()
class MultilabelBinarySparsemaxClassifier(IndependentLabels):
    """Linear multilabel classifier with a sparse probability for each label on its own.

    Minimises the mean binary sparsemax loss of the scores W x + b against the label set of each
    row, summed over labels, plus alpha / 2 times the squared Frobenius norm of W. The probability
    of a label is clip((score + 1) / 2, 0, 1): exactly 0 where the label is ruled out, exactly 1
    where it is certain. The probabilities of a row need not sum to 1, and rows with no label are
    like any other.

    It is the model of :class:`~sklearn.multiclass.OneVsRestClassifier` around a
    :class:`SparsemaxClassifier` with the same number for `alpha`, in one fit.

    Parameters
    ----------
    %(alpha)s
    %(threshold)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver_options)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64, a row for each label.
    %(intercept_)s
    %(solution)s

    See Also
    --------
    MultilabelSparsemaxClassifier : One distribution over all labels of a row.
    MultilabelLogisticClassifier : Independent labels with probabilities between 0 and 1.

    References
    ----------
    %(martins_2016)s

    %(blondel_2020)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelBinarySparsemaxClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelBinarySparsemaxClassifier(alpha=0.1).fit(X, Y)
    >>> classifier.predict_proba(X[:2]).round(2)
    array([[0.98, 0.  , 0.57, 0.  ],
           [0.46, 0.79, 0.15, 0.02]])
    >>> classifier.predict(X[:2])
    array([[1, 0, 1, 0],
           [0, 1, 0, 0]])
    """

    _loss = BinarySparsemaxLoss()


@described()
class MultilabelEntmaxClassifier(EntmaxMixin, DistributionOverLabels):
    """Linear multilabel classifier whose probabilities are as sparse as one number says.

    Minimises the mean entmax loss of the scores W x + b against the uniform distribution over the
    labels of each row, plus alpha / 2 times the squared Frobenius norm of W. With `entmax_alpha=1`
    it is the :class:`MultilabelSoftmaxClassifier`, with `entmax_alpha=2` the
    :class:`MultilabelSparsemaxClassifier`.

    Parameters
    ----------
    %(alpha)s
    %(entmax_alpha)s
    %(threshold)s
    %(empty)s
    %(fit_intercept)s
    %(label_weight)s
    %(solver_options)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in float64, a row for each label, and a last one for the
        virtual output of rows with no label where `empty="null"` needs it.
    %(intercept_)s
    %(solution)s

    References
    ----------
    %(peters_2019)s

    %(martins_2016)s

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_sparsemax import MultilabelEntmaxClassifier
    >>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
    >>> classifier = MultilabelEntmaxClassifier(alpha=0.1).fit(X, Y)
    >>> classifier.predict_proba(X[:2]).round(2)
    array([[0.43, 0.  , 0.18, 0.  ],
           [0.25, 0.19, 0.05, 0.03]])
    >>> classifier.predict(X[:2])
    array([[1, 0, 1, 0],
           [1, 1, 0, 0]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **DistributionOverLabels._parameter_constraints,
        **EntmaxMixin._parameter_constraints,
    }

    def __init__(
        self,
        alpha: float | str = "auto",
        *,
        entmax_alpha: float = 1.5,
        threshold: float | str = "auto",
        empty: str = "null",
        fit_intercept: bool = True,
        class_weight: dict[int, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 1000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.entmax_alpha = entmax_alpha
        self.threshold = threshold
        self.empty = empty
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

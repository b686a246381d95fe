"""Classifiers for data that arrive in pieces, or for which few epochs are enough."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._compat import fit_context
from .._typing import Array, Matrix
from ._base import as_csr_array
from ._classes import Encoded
from ._label_set_classifier import DistributionOverLabels, LabelSetMixin
from ._label_sets import holds_label_sets
from ._stochastic_classifier import StochasticClassifier
from ._texts import described

__all__ = ["SGDMultilabelSparsemaxClassifier", "SGDSparsemaxClassifier"]

# Rows of a stream that are kept, to choose the threshold of label sets.
RECENT_ROWS = 1000


@described()
class SGDSparsemaxClassifier(StochasticClassifier):
    """Linear classifier with sparse probabilities, for data that arrive in pieces.

    Minimises the objective of :class:`SparsemaxClassifier`, or that of another loss, by stochastic
    descent with steps that need no tuning.
    `fit` keeps the residual of each row, (n_samples, n_classes) numbers, and with their help
    converges to the minimum; `partial_fit` keeps none, and approaches the minimum as more rows
    arrive. Both take one row at a time. Results do not depend on how a stream is cut into calls.

    Parameters
    ----------
    %(stream_alpha)s
    %(stream_loss)s
    %(stream_fit_intercept)s
    %(stream_class_weight)s
    %(descent_options)s

    Attributes
    ----------
    %(classes_)s
    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients W, in the type of X (of the first rows of a stream); a single row for two
        classes.
    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercept b, 0 if `fit_intercept=False`.
    %(descent)s

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
    %(defazio_2016)s

    %(shamir_2013)s

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

    def __init__(
        self,
        alpha: float = 1e-4,
        *,
        loss: str = "sparsemax",
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
        self.loss = loss
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
    @described()
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
        %(X_stream)s
        y : array-like of shape (n_samples,)
            Class labels, of those in `classes`.
        classes : array-like of shape (n_classes,), default=None
            All classes that y may ever hold. The first call needs them, unless `fit` was called.
        %(sample_weight_stream)s

        %(partial_fit_results)s
        """
        return self._partial_fit(X, y, classes, sample_weight)


@described()
class SGDMultilabelSparsemaxClassifier(LabelSetMixin, StochasticClassifier):
    """Linear multilabel classifier with sparse probabilities, for data that arrive in pieces.

    Minimises the objective of :class:`MultilabelSparsemaxClassifier`, or that of another loss, by
    stochastic descent with steps that need no tuning.
    `fit` keeps the residual of each row, (n_samples, n_labels) numbers, and with their help
    converges to the minimum; `partial_fit` keeps none, and approaches the minimum as more rows
    arrive. Both take one row at a time. Results do not depend on how a stream is cut into calls.

    Parameters
    ----------
    %(stream_alpha)s
    %(stream_loss)s
    %(stream_threshold)s
    %(stream_empty)s
    %(stream_fit_intercept)s
    %(stream_label_weight)s
    %(descent_options)s

    Attributes
    ----------
    %(label_sets)s
    coef_ : ndarray of shape (n_outputs, n_features)
        Coefficients W, in the type of X (of the first rows of a stream), a row for each label, and
        a last one for the virtual output of `empty="null"`.
    %(intercept_)s
    %(descent)s

    See Also
    --------
    MultilabelSparsemaxClassifier : Fits to a proven tolerance.

    Notes
    -----
    As for :class:`SGDSparsemaxClassifier`.

    References
    ----------
    %(defazio_2016)s

    %(shamir_2013)s

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
           [0, 1, 0, 0]])
    """

    _of_stream = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **StochasticClassifier._parameter_constraints,
        **LabelSetMixin._parameter_constraints,
        "empty": DistributionOverLabels._parameter_constraints["empty"],
    }

    multilabel_: bool

    # the cut; or the last rows of a stream, from which it is chosen when somebody asks for it
    _chosen_cut: float | None = None
    _recent: tuple[tuple[Matrix, Array, Array], ...] = ()

    def __init__(
        self,
        alpha: float = 1e-4,
        *,
        loss: str = "sparsemax",
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
        self.loss = loss
        self.threshold = threshold
        self.empty = empty
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

    @property
    def threshold_(self) -> float:
        """The cut that `predict` uses, for label sets."""
        if self._chosen_cut is not None:
            return self._chosen_cut
        if not self._recent or self._state is None:
            raise AttributeError(f"{type(self).__name__!r} object has no threshold_ yet")
        derived = self._state.derived
        if "threshold" not in derived:
            derived["threshold"] = self._cut(*self._recent_rows())
        return derived["threshold"]

    @threshold_.setter
    def threshold_(self, value: float) -> None:
        self._chosen_cut, self._recent = value, ()

    def _forget_threshold(self) -> None:
        self._chosen_cut, self._recent = None, ()

    @fit_context(prefer_skip_nested_validation=True)
    @described()
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
        %(X_stream)s
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the label sets, or one-dimensional class labels.
        classes : array-like, default=None
            For classes, all that y may ever hold. The first call needs them, unless `fit` was
            called. For label sets, nothing but 0 and 1.
        %(sample_weight_stream)s

        %(partial_fit_results)s
        """
        return self._partial_fit(X, y, classes, sample_weight)

    def _stream_encoder(self, y: Any, given: Any, classes: ArrayLike | None) -> Any:
        if holds_label_sets(y):
            return self._encoder_of(y, given)
        return super()._stream_encoder(y, given, classes)

    def _check_stream(self, y: Any, classes: ArrayLike | None) -> None:
        if holds_label_sets(y) != self.multilabel_:
            kinds = ["label sets", "classes"]
            raise ValueError(
                f"y holds {kinds[self.multilabel_]}, but the first rows had "
                f"{kinds[not self.multilabel_]}."
            )
        super()._check_stream(y, classes)

    def _visit(self, X: Matrix, encoded: Encoded) -> Self:
        if self.multilabel_:
            self._remember(X, encoded)
        return super()._visit(X, encoded)

    def _remember(self, X: Matrix, encoded: Encoded) -> None:
        """Keep the last rows, and let go of parts that are no longer among them."""
        last = slice(max(0, X.shape[0] - RECENT_ROWS), None)
        parts = [*self._recent, (X[last], encoded.n_labels[last], encoded.weights[last])]
        n_rows = sum(len(part[2]) for part in parts)
        while n_rows - len(parts[0][2]) >= RECENT_ROWS:
            n_rows -= len(parts.pop(0)[2])
        self._chosen_cut, self._recent = None, tuple(parts)

    def _recent_rows(self) -> tuple[Matrix, Array, Array]:
        """Features, numbers of labels and weights of the last rows."""
        features, n_labels, weights = zip(*self._recent, strict=True)
        stack = sparse.vstack if sparse.issparse(features[0]) else np.vstack
        last = slice(-RECENT_ROWS, None)
        X = as_csr_array(stack(features))
        return X[last], np.concatenate(n_labels)[last], np.concatenate(weights)[last]

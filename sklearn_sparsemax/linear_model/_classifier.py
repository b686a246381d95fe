"""What all classifiers share: the encoder of y stands between the user and the scores."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from .. import _arrays
from .._compat import StrOptions, fit_context
from .._problem.objective import Objective
from .._problem.progress import training_data
from .._typing import Array, Matrix
from .._validation import check_no_label_lists
from ._base import LinearModel
from ._classes import ClassEncoder, Encoded
from ._texts import described


class LinearClassifier(ClassifierMixin, LinearModel):
    """Classes from a loss. A subclass binds the loss.

    At `fit` an encoder is made of y. It turns y into target distributions, and scores into
    predictions, and names the fitted attributes that depend on the kind of y.
    """

    classes_: Any
    # the encoder of the fitted model, a `ClassEncoder` or another of its methods
    _encoder: Any

    # options of `sklearn.utils.validation.validate_data` for y
    _y_options: ClassVar[dict[str, Any]] = {}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **LinearModel._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    @fit_context(prefer_skip_nested_validation=True)
    @described()
    def fit(self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        %(X_fit)s
        y : array-like of shape (n_samples,)
            Class labels, numbers or strings, of at least two classes.
        %(sample_weight)s

        %(fit_results)s
        """
        return self._fit(X, y, sample_weight)

    def _fit(self, X: Matrix, y: Any, sample_weight: ArrayLike | None) -> Self:
        given = training_data(X, y, sample_weight)
        X, encoder, encoded = self._encode(X, y, sample_weight)
        goes_on = encoder.is_compatible(getattr(self, "_encoder", None))

        def complete(model: Self) -> None:
            model._adopt(encoder)
            model._complete(X, encoded)

        self._minimize(
            X,
            encoded.targets,
            encoded.weights,
            start=self._start() if goes_on else None,
            given=given,
            complete=complete,
            reference_output=encoder.reference_output,
        )
        return self

    def _objective_of(self, X: Matrix, y: Any, sample_weight: ArrayLike | None) -> Objective:
        """The objective that `fit` would minimise."""
        X, encoder, encoded = self._encode(X, y, sample_weight)
        return self._objective(X, encoded.targets, encoded.weights, encoder.reference_output)

    def _encode(
        self, X: Matrix, y: Any, sample_weight: ArrayLike | None
    ) -> tuple[Matrix, Any, Encoded]:
        """Validated X, the encoder of y, and what it makes of y."""
        check_no_label_lists(y)
        given = y
        X, y = self._validate_fit(X, y, **self._y_options)
        encoder = self._encoder_of(y, given)
        return X, encoder, encoder.encode(y, sample_weight, self.class_weight, X)

    def _encoder_of(self, y: Array, given: Any) -> Any:
        """The encoder for validated y; `given` is y as the user gave it."""
        return ClassEncoder.of_rows(y, self._loss)

    def _adopt(self, encoder: Any) -> None:
        """Set the attributes that the encoder names, and remove those of the last encoder."""
        previous = getattr(self, "_encoder", None)
        if previous is not None:
            for name in previous.attributes:
                self.__dict__.pop(name, None)
        self._encoder = encoder
        for name, value in encoder.attributes.items():
            setattr(self, name, value)

    def _decoder(self) -> Any:
        """The encoder of the fitted model, or of classes and coefficients that a user has set."""
        encoder = getattr(self, "_encoder", None)
        return ClassEncoder(self.classes_, self._loss) if encoder is None else encoder

    def _complete(self, X: Matrix, encoded: Encoded) -> None:
        """Set what needs the coefficients and the training rows."""

    @described()
    def decision_function(self, X: Matrix) -> Array:
        """Scores of the classes.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            W x + b. For two classes, the score of the second relative to the first.
        """
        scores = self._scores(X, "decision_function")
        return self._decoder().decision(scores)

    @described()
    def predict(self, X: Matrix) -> Array:
        """Most probable class of each row.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        scores = self._scores(X, "predict")
        return self._decoder().predict(scores)

    @described()
    def predict_proba(self, X: Matrix) -> Array:
        """Probabilities of the classes.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the type of X. Rows sum to 1.
        """
        return self._probabilities(X, "predict_proba")

    @described()
    def predict_log_proba(self, X: Matrix) -> Array:
        """Logarithms of the probabilities, -inf where the probability is 0.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        log_p : ndarray of the shape of `predict_proba`
            Natural logarithms.
        """
        p = self._probabilities(X, "predict_log_proba")
        with np.errstate(divide="ignore"):
            return _arrays.namespace(p).log(p)

    @described()
    def predict_support(self, X: Matrix) -> Array:
        """Classes with a positive probability.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        support : ndarray of bool of the shape of `predict_proba`
            True where the probability is positive. For classes, at least one in each row.
        """
        return self._probabilities(X, "predict_support") > 0

    def _probabilities(self, X: Matrix, method: str) -> Array:
        """What `predict_proba` returns, for a method."""
        scores = self._scores(X, method)
        return self._decoder().probabilities(scores)

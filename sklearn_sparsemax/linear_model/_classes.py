"""Encoder of classes: from class labels to target distributions, from scores to class labels."""

from __future__ import annotations

from numbers import Number
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import normalize
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .. import _arrays
from .._typing import Array, Matrix
from .._validation import check_weights
from ..losses import FenchelYoungLoss
from ..losses.array_targets import (
    DenseTargets,
    OneHotTargets,
    balanced_weights,
    column_totals,
)
from ..losses.targets import one_hot


class Encoded(NamedTuple):
    """What y becomes.

    Target distributions (n, K), weights of the rows (n,), and the number of labels of each row
    (n,). Over arrays of another library than NumPy, the targets are of `array_targets`, and there
    is no number of labels for classes.
    """

    targets: Matrix
    weights: Array
    n_labels: Any


class ClassEncoder:
    """One class for each row.

    Two classes have a single score, that of the second relative to the first.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels, sorted, at least two.
    loss : FenchelYoungLoss
        The loss of the model.

    Attributes
    ----------
    reference_output : bool
        Whether the score of the first output is fixed at 0.
    """

    def __init__(self, classes: Array, loss: FenchelYoungLoss) -> None:
        self.classes = classes
        self.loss = loss
        self.n_classes = _arrays.size(classes)
        self.is_binary = self.n_classes == 2
        self.reference_output = self.is_binary and not loss.independent_outputs

    @classmethod
    def of_rows(cls, y: Any, loss: FenchelYoungLoss) -> Self:
        """The encoder of the classes that y (n,) holds."""
        classes = _arrays.unique(_check_labels(y))
        if _arrays.size(classes) < 2:
            only = _arrays.on_host(classes).item()
            raise ValueError(
                f"y holds only one class, {only!r}; a classifier needs at least two classes."
            )
        return cls(classes, loss)

    @classmethod
    def of_stream(cls, classes: ArrayLike | None, loss: FenchelYoungLoss) -> Self:
        """The encoder of the classes that the first call of `partial_fit` names."""
        if classes is None:
            raise ValueError(
                "The first call of partial_fit needs classes: all that y may ever hold."
            )
        named = _check_classes(classes)
        if named.size < 2:
            raise ValueError(
                f"classes names {named.tolist()}; a classifier needs at least two classes."
            )
        return cls(named, loss)

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the target distributions."""
        return 1 if self.is_binary and self.loss.independent_outputs else self.n_classes

    @property
    def attributes(self) -> dict[str, Any]:
        """Fitted attributes of the model."""
        return {"classes_": self.classes}

    def is_compatible(self, other: Any) -> bool:
        """Whether coefficients of a model with this encoder serve one with the other."""
        return isinstance(other, ClassEncoder) and np.array_equal(
            _arrays.on_host(self.classes), _arrays.on_host(other.classes)
        )

    def check_stream(self, y: Array, classes: ArrayLike | None) -> None:
        """Check that a later call of `partial_fit` means the same classes."""
        if classes is not None and not np.array_equal(_check_classes(classes), self.classes):
            raise ValueError(
                f"classes names {_check_classes(classes).tolist()}, but the first call named "
                f"{self.classes.tolist()}."
            )

    def encode(
        self,
        y: Any,
        sample_weight: Any,
        class_weight: dict[Any, float] | str | None,
        X: Any = None,
    ) -> Encoded:
        """Targets and weights of rows with the class labels y (n,), beside X."""
        if not _arrays.is_numpy(X):
            return self._encode_beside(X, y, sample_weight, class_weight)
        codes = self._codes(_check_labels(y))
        weights = check_weights(sample_weight, codes.size)
        weights = weights * class_weights(class_weight, self.classes, codes, weights)[codes]
        targets = one_hot(codes, self.classes.size)
        if self.n_outputs == 1:
            targets = targets[:, [1]]
        return Encoded(targets, weights, np.ones(codes.size, dtype=int))

    def _encode_beside(
        self, X: Any, y: Any, sample_weight: Any, class_weight: dict[Any, float] | str | None
    ) -> Encoded:
        """What `encode` returns, over arrays of another library than NumPy."""
        codes = _arrays.namespace(y).searchsorted(self.classes, _check_labels(y))
        codes = _arrays.moved_beside(codes, X)
        weights = check_weights(sample_weight, X.shape[0], X)
        targets: Any = OneHotTargets(codes, self.n_classes)
        if isinstance(class_weight, str):
            # "balanced", the only string that passes validation
            factors = balanced_weights(column_totals(weights, targets))
            weights = weights * _arrays.taken(factors, codes)
        elif class_weight is not None:
            classes = _arrays.on_host(self.classes)
            factors = class_weights(class_weight, classes, np.empty(0), np.empty(0))
            weights = weights * _arrays.taken(_arrays.beside(factors, X), codes)
        if self.n_outputs == 1:
            targets = DenseTargets(codes[:, None])
        return Encoded(targets, weights, None)

    def _codes(self, y: Array) -> Array:
        """Place of each label (n,) among the classes."""
        try:
            codes = np.searchsorted(self.classes, y).clip(max=self.classes.size - 1)
            unknown = self.classes[codes] != y
        except TypeError:  # numbers beside strings have no order
            known = set(self.classes.tolist())
            unknown = np.array([label not in known for label in y.tolist()])
        if unknown.any():
            first = y[unknown].tolist()[0]
            raise ValueError(
                f"y holds the class {first!r}, which is none of those that the first call "
                f"named: {self.classes.tolist()}."
            )
        return codes

    def decision(self, scores: Array) -> Array:
        """Scores of the classes (n, K), or (n,) for two classes, from those of the outputs."""
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def probabilities(self, scores: Array) -> Array:
        """Probabilities of the classes (n, K); may overwrite the scores."""
        loss = self.loss.like(scores)
        if loss.independent_outputs:
            p = loss.probabilities(scores)
            if p.shape[1] == 1:
                return _arrays.beside_each_other([1 - p, p])
            return _normalized(p)
        if scores.shape[1] == 1:
            scores = _arrays.beside_each_other([_arrays.zeros(scores.shape, scores), scores])
        return loss.probabilities(scores)

    def predict(self, scores: Array, threshold: float | None = None) -> Array:
        """Class labels (n,) with the largest score; classes have no threshold."""
        xp = _arrays.namespace(scores)
        if scores.shape[1] == 1:
            codes = _arrays.cast(scores[:, 0] > 0, xp.int64)
        else:
            codes = xp.argmax(scores, axis=1)
        if _arrays.is_numpy(self.classes) and self.classes.dtype.kind in "OUS":
            # no other library has strings
            return self.classes[_arrays.on_host(codes)]
        return _arrays.taken(_arrays.moved_beside(self.classes, scores), codes)


def class_weights(
    class_weight: dict[Any, float] | str | None,
    classes: Array,
    codes: Array,
    sample_weight: Array,
) -> Array:
    """Weight of each class (K,).

    scikit-learn's ``compute_class_weight`` counts rows; here "balanced" sums their weights,
    so that a weight of 2 remains the same as the row twice. Otherwise the rules are the same: a
    dict may name classes that y lacks, as a part of the rows may do, unless it leaves a class of
    y without a weight. Then the name is probably wrong.
    """
    if class_weight is None:
        return np.ones(classes.size)
    if isinstance(class_weight, str):
        # "balanced", the only string that passes validation
        totals = np.bincount(codes, weights=sample_weight, minlength=classes.size)
        return np.divide(totals.sum(), classes.size * totals, out=totals * 0, where=totals > 0)
    known = {label: code for code, label in enumerate(classes.tolist())}
    weights = np.ones(classes.size)
    unknown = [label for label in class_weight if label not in known]
    unweighted = [label for label in known if label not in class_weight]
    if unknown and unweighted:
        raise ValueError(
            f"class_weight names the class {unknown[0]!r}, which y does not hold, and gives no "
            f"weight to {unweighted[0]!r}, which it does hold; its classes are {classes.tolist()}."
        )
    for label, weight in class_weight.items():
        if not (isinstance(weight, int | float | np.number) and 0 <= weight < np.inf):
            raise ValueError(
                f"class_weight gives the class {label!r} the weight {weight!r}; it must be a "
                "finite number, 0 or more."
            )
        if label in known:
            weights[known[label]] = weight
    return weights


def _normalized(p: Any) -> Any:
    """The rows of p (n, K), each divided by its sum if that is not 0."""
    if _arrays.is_numpy(p):
        return normalize(p, norm="l1")
    totals = _arrays.namespace(p).sum(p, axis=1, keepdims=True)
    return p / (totals + _arrays.cast(totals == 0, p.dtype))


def _check_labels(y: Any) -> Array:
    """Class labels (n,), with a warning for a column of them."""
    y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    return y


def _check_classes(classes: Any) -> Array:
    """Class labels (K,), sorted, each once."""
    if isinstance(classes, set | frozenset):
        classes = list(classes)
    named = np.asarray(classes)
    if named.ndim != 1:
        raise ValueError(
            f"classes has the shape {named.shape}; it must list class labels in one dimension."
        )
    if named.dtype == object:
        # numbers as numbers: metrics take no predictions that are objects
        numbers = [isinstance(label, Number | np.number) for label in named]
        if any(numbers) and not all(numbers):
            raise ValueError(f"classes is {named.tolist()}; numbers and other labels do not mix.")
        named = np.array(named.tolist()) if all(numbers) else named
    if named.dtype.kind == "f" and not np.isfinite(named).all():
        wrong = named[~np.isfinite(named)][0]
        raise ValueError(f"classes holds {wrong:g}; class labels must be finite.")
    return np.unique(named)

"""The simulated documents on which the sparsemax paper estimates label proportions."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_scalar

_PROPORTIONS = ("uniform", "random")


def make_label_proportions(
    n_samples: int = 2400,
    *,
    n_classes: int = 10,
    n_features: int | None = None,
    n_labels: float = 1.0,
    length: float = 1000.0,
    proportions: str = "uniform",
    normalize: bool = False,
    return_distributions: bool = False,
    random_state: Any = None,
) -> tuple[np.ndarray, ...]:
    """Generate documents whose words come from a mixture of labels, and the mixtures.

    The simulation of section 4.1 of [1]_. Every label is a distribution over the vocabulary,
    drawn once from a flat Dirichlet distribution. Then, for each document:

    - the number of labels is Poisson(`n_labels`), redrawn until it is from 1 to `n_classes`;
    - the labels are that many distinct ones, all equally likely;
    - their proportions are equal, or drawn from a flat Dirichlet distribution;
    - the number of words is Poisson(`length`), redrawn while it is 0;
    - each word is drawn from the mixture of the labels' distributions in these proportions.

    The paper uses 1200 training, 200 validation and 1000 test documents, 10 or 50 labels, and
    200 to 2000 words. Draw all documents in one call and split them: the distributions of the
    labels differ between calls with a different seed, `n_classes` or `n_features`. With one
    seed, the labels of a document do not depend on `length`, nor the set of them on
    `proportions`.

    Parameters
    ----------
    n_samples : int, default=2400
        Number of documents: 1200 + 200 + 1000 as in the paper.
    n_classes : int, default=10
        Number of labels.
    n_features : int, default=None
        Number of words in the vocabulary. None means `n_classes`, as in the paper.
    n_labels : float, default=1.0
        Mean of the Poisson distribution of the number of labels, before rejection.
    length : float, default=1000.0
        Mean number of words of a document, at least 1.
    proportions : {"uniform", "random"}, default="uniform"
        Whether the labels of a document share it equally or in random proportions.
    normalize : bool, default=False
        Return word frequencies, whose rows sum to 1, instead of word counts.
    return_distributions : bool, default=False
        Also return the labels' distributions over words.
    random_state : int, RandomState instance or None, default=None
        Seed of the generator. Pass an int for the same documents at every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        Word counts, or frequencies with ``normalize=True``.
    Y : ndarray of shape (n_samples, n_classes), float64
        Proportions of the labels: rows are non-negative and sum to 1.
    word_probabilities : ndarray of shape (n_classes, n_features), float64
        Row k is the distribution of label k over words. Only with
        ``return_distributions=True``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is outside its range.

    See Also
    --------
    sklearn.datasets.make_multilabel_classification : Documents with a label set, not proportions.

    References
    ----------
    .. [1] A. F. T. Martins, R. F. Astudillo (2016). From softmax to sparsemax: a sparse model of
       attention and multi-label classification. ICML. arXiv:1602.02068.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_sparsemax.datasets import make_label_proportions
    >>> X, Y = make_label_proportions(n_classes=4, proportions="random", random_state=0)
    >>> X.shape, Y.shape
    ((2400, 4), (2400, 4))
    >>> bool(abs(Y.sum(axis=1) - 1).max() < 1e-12)
    True
    >>> X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=1000, shuffle=False)
    >>> X_train.shape
    (1400, 4)
    """
    n_features = n_classes if n_features is None else n_features
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_classes, "n_classes", Integral, min_val=1)
    check_scalar(n_features, "n_features", Integral, min_val=1)
    check_scalar(n_labels, "n_labels", Real, min_val=0, include_boundaries="neither")
    check_scalar(length, "length", Real, min_val=1)
    if proportions not in _PROPORTIONS:
        raise ValueError(f"proportions must be one of {_PROPORTIONS}, got {proportions!r}.")
    rng = check_random_state(random_state)

    word_probabilities = rng.dirichlet(np.ones(n_features), size=n_classes)
    active = _draw_label_sets(rng, n_samples, n_classes, n_labels)
    # Exponential variables divided by their sum have the flat Dirichlet distribution.
    shares = rng.standard_exponential(active.shape) if proportions == "random" else 1.0
    Y = np.where(active, shares, 0.0)
    Y /= Y.sum(axis=1, keepdims=True)

    # Splitting a Poisson number of words by type gives independent Poisson counts.
    rates = length * (Y @ word_probabilities)
    X = rng.poisson(rates)
    empty = X.sum(axis=1) == 0
    while empty.any():
        X[empty] = rng.poisson(rates[empty])
        empty = X.sum(axis=1) == 0
    X = X.astype(np.float64)
    if normalize:
        X /= X.sum(axis=1, keepdims=True)
    return (X, Y, word_probabilities) if return_distributions else (X, Y)


def _draw_label_sets(
    rng: np.random.RandomState, n_samples: int, n_classes: int, n_labels: float
) -> np.ndarray:
    """Boolean (n_samples, n_classes): uniform sets, their sizes Poisson given 1 to n_classes."""
    sizes = np.arange(1, n_classes + 1)
    # The Poisson probabilities up to a constant, as logarithms: n_labels**n overflows.
    log_weights = np.cumsum(np.log(n_labels) - np.log(sizes))
    weights = np.exp(log_weights - log_weights.max())
    n_active = rng.choice(sizes, size=n_samples, p=weights / weights.sum())
    ranks = rng.random_sample((n_samples, n_classes)).argsort(axis=1).argsort(axis=1)
    return ranks < n_active[:, np.newaxis]

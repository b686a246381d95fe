"""`AttentionNLIClassifier`: the network as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping
from skorch.helper import predefined_split
from torch import Tensor

from ..._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    fit_context,
    has_callbacks,
)
from ..._problem.progress import SILENT, FitCallbacks, Progress, training_data
from .._attention import ATTENTIONS
from ._batches import Pairs, SimilarLengths, collate
from ._checks import check_vectors, labels_of, pairs_of
from ._network import COMBINATIONS, NLINetwork
from ._training import CrossEntropyOfScores, Report, Training
from ._vocabulary import build_vocabulary, tokenizer

PREDICTION_BATCH = 256


class AttentionNLIClassifier(ClassifierMixin, CallbackSupportMixin, BaseEstimator):
    r"""Recurrent network with attention for pairs of a premise and a hypothesis.

    The natural language inference of section 4.3 of [1]_: whether a premise entails a
    hypothesis, contradicts it, or neither. A gated recurrent unit (GRU) reads the premise and goes
    on with the hypothesis, and its last state there, :math:`h`, attends to the states of the
    premise. With sparsemax attention, most words of the premise have a weight of exactly zero.

    Trained by Adam on the cross-entropy; the epoch with the highest accuracy on validation
    pairs is kept.

    Parameters
    ----------
    attention : {"none", "logistic", "softmax", "sparsemax"}, default="sparsemax"
        What the attention weights are, see :class:`~sklearn_sparsemax.torch.Attention`.
    combination : {"comparison", "sum"}, default="comparison"
        What is made of :math:`h` and the context :math:`c`, the weighted sum of states.

        - "sum": :math:`\tanh(W_c c + W_h h + b)`, as in [1]_;
        - "comparison": with :math:`W_p (c \circ h) + W_d |c - h|` in the sum, which needs fewer
          pairs to learn what premise and hypothesis have in common.
    vectors : tuple (words, vectors), default=None
        Word vectors that were trained elsewhere and are not trained further: a sequence of
        words, and an array with a row for each. They serve words in any spelling with capital
        letters. :func:`~sklearn_sparsemax.datasets.load_word_vectors` reads them from files.
        Other words of the training pairs get vectors that are learnt.
    hidden_size : int, default=100
        Size of all hidden states; and of the word vectors, if none are given.
    dropout : float, default=0.2
        Share of the entries of the word vectors and of the last hidden layer that are set to
        zero in training, from 0 to below 1.
    learning_rate : float, default=2e-3
        Step length of Adam.
    weight_decay : float, default=0.0
        Strength of the penalty on squared weights in Adam.
    batch_size : int, default=32
        Pairs in each step.
    max_iter : int, default=30
        Most epochs, that is, passes over the training pairs.
    n_iter_no_change : int, default=5
        Training ends after this many epochs without a higher validation accuracy.
    validation_fraction : float, default=0.1
        Share of the training pairs set aside for validation, unless `fit` is given others.
    min_df : int, default=2
        A word without given vector gets one if it occurs in this many sentences; all others
        share that of an unknown word.
    tokenizer : callable, default=None
        Divides a sentence into a list of words. None takes words, clitics ("n't", "'s") and
        punctuation marks, in lower case.
    device : str, default="cpu"
        Where PyTorch computes, such as "cuda".
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order, dropout and validation split. The same int gives the
        same model with the same number of threads.
    verbose : int, default=0
        Whether to print a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes.
    vocabulary_ : dict
        Index of each word that has a vector.
    net_ : skorch.NeuralNetClassifier
        The trained network, with its history.
    n_iter_ : int
        Epochs done.
    best_iter_ : int
        The epoch whose weights are kept, counted from 1.
    history_ : list of dict
        ``train_loss``, ``validation_loss``, ``validation_accuracy`` and ``seconds`` of each
        epoch.

    See Also
    --------
    sklearn_sparsemax.torch.Attention : The attention alone, for models of your own.

    References
    ----------
    .. [1] Martins & Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of Attention
       and Multi-Label Classification", ICML. https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> from sklearn_sparsemax.torch.nli import AttentionNLIClassifier
    >>> pairs = [("a dog runs", "an animal moves"), ("a dog runs", "a dog sleeps")] * 20
    >>> labels = ["entailment", "contradiction"] * 20
    >>> model = AttentionNLIClassifier(hidden_size=8, max_iter=5, random_state=0)
    >>> model.fit(pairs, labels).predict(pairs[:2])
    array(['entailment', 'contradiction'], dtype='<U13')
    >>> model.attention_weights(pairs[:1])[0].shape
    (3,)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "attention": [StrOptions(set(ATTENTIONS))],
        "combination": [StrOptions(set(COMBINATIONS))],
        "vectors": [tuple, None],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "min_df": [Interval(Integral, 1, None, closed="left")],
        "tokenizer": [callable, None],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        attention: str = "sparsemax",
        *,
        combination: str = "comparison",
        vectors: tuple[Sequence[str], ArrayLike] | None = None,
        hidden_size: int = 100,
        dropout: float = 0.2,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        max_iter: int = 30,
        n_iter_no_change: int = 5,
        validation_fraction: float = 0.1,
        min_df: int = 2,
        tokenizer: Callable[[str], list[str]] | None = None,
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.attention = attention
        self.combination = combination
        self.vectors = vectors
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.min_df = min_df
        self.tokenizer = tokenizer
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Index of each word that has a vector."""
        return self._vocabulary.indices

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Sequence[tuple[str, str]] | ArrayLike,
        y: ArrayLike,
        X_val: Sequence[tuple[str, str]] | ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> AttentionNLIClassifier:
        """Train on pairs of sentences.

        Parameters
        ----------
        X : sequence of (str, str), or array of shape (n_samples, 2)
            Premises and hypotheses.
        y : array-like of shape (n_samples,)
            Their classes, such as "entailment", "contradiction" and "neutral".
        X_val : like X, default=None
            Pairs on which epochs are compared. None sets some of X aside.
        y_val : like y, default=None
            Their classes.

        Returns
        -------
        self : AttentionNLIClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If a sentence is not a string.
        ValueError
            If a sentence has no words, lengths differ, there is only one class, one of `y_val`
            is not in `y`, or `vectors` are not a row of finite numbers for each word.
        """
        pairs, labels = pairs_of(X, "X"), labels_of(X, y, "X", "y")
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds {len(self.classes_)} class; at least 2 are needed.")
        random = check_random_state(self.random_state)
        sentences = self._split(pairs, "X")
        if X_val is None and y_val is None:
            seed = random.randint(2**31)
            split = _set_aside(codes, self.validation_fraction, seed)
            sentences, held_out = ([sentences[i] for i in rows] for rows in split)
            codes, held_out_codes = (codes[rows] for rows in split)
        else:
            if X_val is None or y_val is None:
                missing = "X_val" if X_val is None else "y_val"
                raise ValueError(f"{missing} is None; give both X_val and y_val, or neither.")
            held_out = self._split(pairs_of(X_val, "X_val"), "X_val")
            held_out_codes = self._encode(labels_of(X_val, y_val, "X_val", "y_val"))
        self._vocabulary = build_vocabulary(
            (words for pair in sentences for words in pair),
            check_vectors(self.vectors),
            self.min_df,
            self.hidden_size,
        )
        progress = Progress(self.verbose)
        if has_callbacks(self):
            data = training_data(X, y, None)
            progress = Progress(self.verbose, FitCallbacks(self, data, type(self)._store))
        rows = self._rows(sentences, codes)
        validation = self._rows(held_out, held_out_codes)
        # the generators of PyTorch are global: other users of them notice nothing
        with torch.random.fork_rng():
            torch.manual_seed(random.randint(2**31))
            self._store(self._train(rows, validation, progress))
        progress.close()
        return self

    def predict_proba(self, X: Sequence[tuple[str, str]] | ArrayLike) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : sequence of (str, str), or array of shape (n_samples, 2)
            Premises and hypotheses.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float32
            Positive, with sum 1.
        """
        scores = np.empty((len(pairs_of(X, "X")), len(self._fitted().classes_)), np.float32)
        for rows, batch, _ in self._outputs(X):
            scores[rows] = batch.softmax(dim=-1).numpy()
        return scores

    def predict(self, X: Sequence[tuple[str, str]] | ArrayLike) -> np.ndarray:
        """The most probable classes.

        Parameters
        ----------
        X : sequence of (str, str), or array of shape (n_samples, 2)
            Premises and hypotheses.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes.
        """
        return self._fitted().classes_[self.predict_proba(X).argmax(axis=1)]

    def attention_weights(self, X: Sequence[tuple[str, str]] | ArrayLike) -> list[np.ndarray]:
        """How much weight each word of each premise has.

        Parameters
        ----------
        X : sequence of (str, str), or array of shape (n_samples, 2)
            Premises and hypotheses.

        Returns
        -------
        weights : list of ndarray of shape (n_words,), float32
            The weights of each premise, in the order of :meth:`premise_words`. The state after a
            word has the word's weight, and knows of the words before it.
        """
        self._fitted()
        weights: list[Any] = [None] * len(pairs_of(X, "X"))
        lengths = [*map(len, self.premise_words(X))]
        for rows, _, batch in self._outputs(X):
            for i, row in zip(rows, batch.numpy(), strict=True):
                weights[i] = row[: lengths[i]].copy()
        return weights

    def premise_words(self, X: Sequence[tuple[str, str]] | ArrayLike) -> list[list[str]]:
        """The words into which the premises are divided.

        Parameters
        ----------
        X : sequence of (str, str), or array of shape (n_samples, 2)
            Premises and hypotheses.

        Returns
        -------
        words : list of list of str
            Words of each premise.
        """
        return [premise for premise, _ in self._split(pairs_of(X, "X"), "X")]

    def _train(self, rows: Pairs, validation: Pairs, progress: Progress) -> Training:
        report = Report(progress)
        net = NeuralNetClassifier(
            NLINetwork,
            module__vectors=self._vocabulary.vectors,
            module__n_learnt=self._vocabulary.n_learnt,
            module__n_classes=len(self.classes_),
            module__hidden_size=self.hidden_size,
            module__dropout=self.dropout,
            module__attention=self.attention,
            module__combination=self.combination,
            criterion=CrossEntropyOfScores,
            optimizer=torch.optim.Adam,
            optimizer__weight_decay=self.weight_decay,
            lr=self.learning_rate,
            max_epochs=self.max_iter,
            batch_size=self.batch_size,
            iterator_train__sampler=SimilarLengths(rows.lengths, self.batch_size),
            iterator_train__collate_fn=collate,
            iterator_valid__collate_fn=collate,
            iterator_valid__batch_size=PREDICTION_BATCH,
            train_split=predefined_split(validation.subset(np.argsort(validation.lengths))),
            classes=np.arange(len(self.classes_)),
            callbacks=[
                (
                    "stop",
                    EarlyStopping(
                        "valid_acc",
                        patience=self.n_iter_no_change,
                        lower_is_better=False,
                        threshold=0,
                        load_best=True,
                        sink=_ignore,
                    ),
                ),
                ("report", report),
            ],
            device=self.device,
            verbose=0,
        )
        net.fit(rows, None)
        if "valid_acc" not in net.history[-1]:
            # skorch ends a training quietly, but only those it ends itself end with an epoch
            raise KeyboardInterrupt
        # the network is kept, what it was trained with is not
        report.progress = SILENT
        net.train_split = net.iterator_train__sampler = None
        return Training(net, len(net.history))

    def _store(self, training: Training) -> None:
        self.net_ = net = training.net
        self.n_iter_ = training.n_iter
        self.history_ = [
            {
                "train_loss": epoch["train_loss"],
                "validation_loss": epoch["valid_loss"],
                "validation_accuracy": float(epoch["valid_acc"]),
                "seconds": epoch["dur"],
            }
            for epoch in net.history
        ]
        accuracies = [epoch["validation_accuracy"] for epoch in self.history_]
        self.best_iter_ = 1 + int(np.argmax(accuracies))

    def _fitted(self) -> AttentionNLIClassifier:
        check_is_fitted(self)
        return self

    def _encode(self, labels: np.ndarray) -> np.ndarray:
        unknown = np.setdiff1d(labels, self.classes_)
        if unknown.size:
            raise ValueError(f"y_val holds the class {unknown.tolist()[0]!r}, which y does not.")
        return np.searchsorted(self.classes_, labels)

    def _split(
        self, pairs: Sequence[tuple[str, str]], name: str
    ) -> list[tuple[list[str], list[str]]]:
        """Words of premises and hypotheses."""
        words_of = tokenizer(self.tokenizer)
        sentences = [(words_of(premise), words_of(hypothesis)) for premise, hypothesis in pairs]
        for i, sentence in enumerate(sentences):
            for kind, words in zip(("premise", "hypothesis"), sentence, strict=True):
                if not words:
                    raise ValueError(
                        f"The {kind} of {name}[{i}] has no words; at least one is needed."
                    )
        return sentences

    def _rows(
        self, sentences: Sequence[tuple[list[str], list[str]]], codes: np.ndarray | None = None
    ) -> Pairs:
        encode = self._vocabulary.encode
        premises, hypotheses = zip(*((encode(p), encode(h)) for p, h in sentences), strict=True)
        return Pairs(premises, hypotheses, codes)

    def _outputs(
        self, X: Sequence[tuple[str, str]] | ArrayLike
    ) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
        """Rows, scores and attention weights, batch by batch of similar length."""
        pairs = self._rows(self._split(pairs_of(X, "X"), "X"))
        order = np.argsort(pairs.lengths, kind="stable")
        batches = self.net_.forward_iter(pairs.subset(order), device="cpu")
        start = 0
        for scores, weights in batches:
            rows = order[start : start + len(scores)]
            start += len(scores)
            yield rows, scores, weights

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.non_deterministic = self.random_state is None
        return tags


def _ignore(_: str) -> None:
    """Print nothing: how often epochs were done is in the history."""


def _set_aside(codes: np.ndarray, fraction: float, seed: int) -> list[np.ndarray]:
    """Rows to learn from, and rows to compare epochs on; of all classes, where they have two."""
    alone = np.bincount(codes).min() < 2
    rows = np.arange(len(codes))
    stratify = None if alone else codes
    return train_test_split(rows, test_size=fraction, stratify=stratify, random_state=seed)

"""From sentences to word indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

# Words, what is left of "isn't" and "dog's", and every punctuation mark, as in the Penn Treebank.
TOKEN_PATTERN = r"(?u)n't|'(?:s|m|d|ll|re|ve)\b|\w+?(?=n't)|\w+|[^\w\s]"

PADDING, UNKNOWN, N_RESERVED = 0, 1, 2


class Vocabulary(NamedTuple):
    """Words and their indices: 0 is padding, 1 an unknown word, then words of either kind.

    Attributes
    ----------
    indices : dict
        Index of each word.
    n_learnt : int
        Indices below are learnt from the training pairs.
    vectors : ndarray of shape (n_given, size)
        Given vectors, of the words with the indices from `n_learnt` on.
    """

    indices: dict[str, int]
    n_learnt: int
    vectors: np.ndarray

    def encode(self, words: Sequence[str]) -> np.ndarray:
        """Indices of words."""
        return np.array([self.indices.get(word, UNKNOWN) for word in words], dtype=np.int64)


def tokenizer(custom: Callable[[str], list[str]] | None) -> Callable[[str], list[str]]:
    """What divides a sentence into words."""
    if custom is not None:
        return custom
    return CountVectorizer(lowercase=True, token_pattern=TOKEN_PATTERN).build_analyzer()


def build_vocabulary(
    sentences: Iterable[Sequence[str]],
    given: tuple[Sequence[str], np.ndarray] | None,
    min_df: int,
    size: int,
) -> Vocabulary:
    """Words with a given vector, and those in at least `min_df` of the sentences.

    A word takes the vector of its own spelling, else that of the first spelling which differs in
    capital letters only. Without given vectors, learnt ones have `size` numbers.
    """
    words, vectors = ((), np.zeros((0, size))) if given is None else given
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places.setdefault(str(word).lower(), place)
    places |= {str(word): place for place, word in enumerate(words)}
    counts = Counter(word for sentence in sentences for word in set(sentence))
    learnt = sorted(word for word, n in counts.items() if n >= min_df and word not in places)
    n_learnt = N_RESERVED + len(learnt)
    indices = {word: N_RESERVED + i for i, word in enumerate(learnt)}
    indices |= {word: n_learnt + place for word, place in places.items()}
    return Vocabulary(indices, n_learnt, np.asarray(vectors, dtype=np.float32))

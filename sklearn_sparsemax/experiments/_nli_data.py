"""Pairs of sentences for `nli`: generated, or read from published files."""

from __future__ import annotations

import argparse
import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Names of the splits of a file, and what they are called here.
SPLITS = {"train": ("train",), "dev": ("dev", "val", "validation"), "test": ("test",)}

NO_DATA = """\
Without --data, pairs are generated. Real ones, and the options that train on them:

  SNLI      https://nlp.stanford.edu/projects/snli/snli_1.0.zip
            --train snli_1.0_train.jsonl --dev snli_1.0_dev.jsonl --test snli_1.0_test.jsonl
  MultiNLI  https://cims.nyu.edu/~sbowman/multinli/multinli_1.0.zip
            --train multinli_1.0_train.jsonl --dev multinli_1.0_dev_mismatched.jsonl
            --test multinli_1.0_dev_matched.jsonl
  SICK      https://zenodo.org/records/2787612
            --train SICK.txt:TRAIN --dev SICK.txt:TRIAL --test SICK.txt:TEST
  vectors   https://nlp.stanford.edu/data/glove.840B.300d.zip
            --vectors glove.840B.300d.txt
"""

GENERATED = "generated pairs"

N_GENERATED = {"train": 4000, "dev": 500, "test": 1000}


@dataclass(frozen=True)
class Data:
    """Pairs and labels of the three splits."""

    name: str
    train: Any
    dev: Any
    test: Any


def source(text: str) -> tuple[Path, str | None]:
    """A file, and the split of it that is meant."""
    path, colon, split = text.rpartition(":")
    if not colon or Path(text).exists():
        path, split = text, ""
    if not Path(path).is_file():
        raise ArgumentTypeError(f"{path!r} is not a file")
    return Path(path), split or None


def load(arguments: argparse.Namespace) -> Data:
    """The three splits, without training pairs that are too long or in the other two."""
    sources = {split: list(getattr(arguments, split)) for split in SPLITS}
    if arguments.data is None and not any(sources.values()):
        print(NO_DATA, file=sys.stderr)
        return _generated()
    if arguments.data is not None:
        path, split = arguments.data
        if split is not None:
            raise ValueError(f"--data {path}:{split} names a split; --train takes one")
        for split in SPLITS:
            sources[split] = sources[split] or [(path, _split_of(path, split))]
    missing = [split for split, given in sources.items() if not given]
    if missing:
        raise ValueError(f"there are no {missing[0]} pairs: --{missing[0]} or --data is needed")
    train, dev, test = map(_read, sources.values())
    name = " + ".join(dict.fromkeys(path.name for path, _ in sources["train"]))
    train = _without_long(train, arguments.max_words)
    return Data(name, without_overlap(train, dev, test), dev, test)


def _generated() -> Data:
    from ..datasets import make_nli

    X, y = make_nli(sum(N_GENERATED.values()), random_state=0)
    splits, start = {}, 0
    for split, n in N_GENERATED.items():
        splits[split] = (X[start : start + n], y[start : start + n])
        start += n
    return Data(GENERATED, **splits)


def _split_of(path: Path, split: str) -> str:
    """What the file calls the split."""
    from ..datasets import load_nli_file

    failure: ValueError | None = None
    for name in SPLITS[split]:
        try:
            load_nli_file(path, name)
        except ValueError as error:
            failure = failure or error
        else:
            return name
    raise failure or ValueError(f"{path} has no {split} pairs")


def _read(sources: Iterable[tuple[Path, str | None]]) -> Any:
    import numpy as np

    from ..datasets import load_nli_file

    parts = [load_nli_file(*source) for source in sources]
    return [pair for X, _ in parts for pair in X], np.concatenate([y for _, y in parts])


def _without_long(split: Any, max_words: int) -> Any:
    kept = [i for i, pair in enumerate(split[0]) if max(len(s.split()) for s in pair) <= max_words]
    return _only(split, kept, f"of more than {max_words} words in a sentence")


def without_overlap(train: Any, *others: Any) -> Any:
    """The training pairs that are in none of the other splits, however they are written."""
    known = {letters(pair) for X, _ in others for pair in X}
    kept = [i for i, pair in enumerate(train[0]) if letters(pair) not in known]
    return _only(train, kept, "also among the dev or test pairs")


def letters(pair: Sequence[str]) -> tuple[str, ...]:
    """A pair without case, blanks and punctuation, in which corpora write it differently."""
    return tuple(re.sub(r"\W+", "", sentence).lower() for sentence in pair)


def _only(split: Any, kept: Sequence[int], left_out: str) -> Any:
    X, y = split
    if len(kept) < len(X):
        print(f"left out {count(len(X) - len(kept), 'training pair')} {left_out}", file=sys.stderr)
    if not kept:
        raise ValueError(f"no training pairs are left: all are {left_out}")
    return [X[i] for i in kept], y[kept]


def load_vectors(path: Path | None, data: Data) -> Any:
    """Vectors of the words that occur."""
    if path is None:
        return None
    from ..datasets import load_word_vectors
    from ..torch.nli._vocabulary import tokenizer

    words_of = tokenizer(None)
    pairs = [pair for X, _ in (data.train, data.dev, data.test) for pair in X]
    words = {word for pair in pairs for sentence in pair for word in words_of(sentence)}
    found = load_word_vectors(path, words)
    print(
        f"{path.name}: vectors of {len({w.lower() for w in found[0]} & words)} of the "
        f"{len(words)} words",
        file=sys.stderr,
    )
    return found


def count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"

"""Pairs of a premise and a hypothesis: files as published, word vectors, and a generated task."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_scalar

PairsAndLabels: TypeAlias = tuple[list[tuple[str, str]], np.ndarray]

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}

# premise, hypothesis and label as the corpora name them
_NAMES = (
    ("premise", "hypothesis", "label"),  # this package's JSON
    ("sentence1", "sentence2", "gold_label"),  # SNLI and MultiNLI
    ("sentence_A", "sentence_B", "entailment_label"),  # SICK
    ("sentence_A", "sentence_B", "entailment_judgment"),  # SICK as first distributed
)
# the column of SICK that tells the split
_SPLIT = "SemEval_set"
_NO_MAJORITY = "-"

NAMES = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Kate",
    "Leo", "Mary", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tina", "Victor",
)  # fmt: skip
# what a person may do, and what follows for the hypothesis that this person agrees
VERBS = {"agrees": "entailment", "denies": "contradiction", "wonders": "neutral"}


def load_nli_file(path: str | os.PathLike[str], split: str | None = None) -> PairsAndLabels:
    """Load pairs of a premise and a hypothesis, and what holds between them.

    Reads the files of SNLI and MultiNLI (``.jsonl`` or ``.txt``) and of SICK (``.txt``) as they
    are distributed, and ``.json`` files that hold for each split a list of objects with
    ``premise``, ``hypothesis`` and ``label``. Any may be compressed: a further ``.gz`` or
    ``.bz2``. Pairs on which the annotators did not agree, with the label "-", are left out.

    Parameters
    ----------
    path : str or path-like
        The file.
    split : str, default=None
        The part of the file to load: a key of a ``.json`` file, or a value in SICK's column
        ``SemEval_set`` (TRAIN, TRIAL, TEST). None loads the whole file.

    Returns
    -------
    X : list of (str, str)
        Premises and hypotheses.
    y : ndarray of str, shape (n_samples,)
        Labels in lower case, such as "entailment", "neutral" and "contradiction".

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it has no such split, is of another format, or holds no pair.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> from sklearn_sparsemax.datasets import load_nli_file
    >>> pair = {"premise": "A dog runs.", "hypothesis": "It rests.", "label": "contradiction"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "pairs.json"
    ...     _ = file.write_text(json.dumps({"train": [pair]}))
    ...     load_nli_file(file, "train")
    ([('A dog runs.', 'It rests.')], array(['contradiction'], dtype='<U13'))
    """
    path = Path(path)
    with _open(path) as stream:
        name = path.name.removesuffix(".gz").removesuffix(".bz2")
        read = {".json": _read_json, ".jsonl": _read_lines, ".txt": _read_table}
        extension = Path(name).suffix
        if extension not in read:
            raise ValueError(f"{path} does not end in {', '.join(read)}, or that with .gz or .bz2.")
        records = list(read[extension](stream, path, split))
    if not records:
        raise ValueError(f"{path} holds no pairs{'' if split is None else f' of {split}'}.")
    names = next((names for names in _NAMES if all(n in records[0] for n in names)), None)
    if names is None:
        raise ValueError(
            f"{path} has {', '.join(map(str, records[0]))}; one of "
            f"{'; '.join(', '.join(names) for names in _NAMES)} is needed."
        )
    rows = [tuple(record[name] for name in names) for record in records]
    rows = [row for row in rows if row[2] != _NO_MAJORITY]
    return [(premise, hypothesis) for premise, hypothesis, _ in rows], np.array(
        [label.lower() for *_, label in rows]
    )


def load_word_vectors(
    path: str | os.PathLike[str], words: Collection[str] | None = None
) -> tuple[list[str], np.ndarray]:
    r"""Load word vectors such as GloVe or word2vec in text.

    Parameters
    ----------
    path : str or path-like
        An ``.npz`` file with the arrays ``words`` and ``vectors``; or text with a word and its
        numbers in each line, separated by single blanks, as GloVe, fastText and word2vec write
        it, perhaps compressed (``.gz``, ``.bz2``). A first line of two numbers, words and size,
        is skipped.
    words : collection of str, default=None
        Load those only that are in it, in any spelling with capital letters. None loads all.

    Returns
    -------
    words : list of str
        The words.
    vectors : ndarray of shape (n_words, size), float32
        Their vectors.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is of another format, or holds none of the words.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sparsemax.datasets import load_word_vectors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "vectors.txt"
    ...     _ = file.write_text("the 0.5 1.5\ndog 1 -2\n")
    ...     load_word_vectors(file, ["Dog"])
    (['dog'], array([[ 1., -2.]], dtype=float32))
    """
    path = Path(path)
    wanted = None if words is None else {word.lower() for word in words}
    found: dict[str, np.ndarray] = {}
    for word, vector in _read_npz(path) if path.suffix == ".npz" else _read_vectors(path):
        if wanted is None or word.lower() in wanted:
            found.setdefault(word, vector())
    if not found:
        raise ValueError(f"{path} holds none of the words.")
    return list(found), np.array(list(found.values()), dtype=np.float32)


def make_nli(
    n_samples: int = 5500, *, n_facts: int = 12, random_state: Any = None
) -> PairsAndLabels:
    """Generate pairs whose label hangs on two words of the premise.

    The premise tells of `n_facts` people, of each whether the person agrees, denies or wonders;
    the hypothesis is that one of them agrees, which follows ("entailment"), is wrong
    ("contradiction"), or neither ("neutral"), with equal probabilities. Who reads the premise
    without knowing the hypothesis must remember everything; attention must find one name and
    what stands by it.

    Parameters
    ----------
    n_samples : int, default=5500
        Number of pairs.
    n_facts : int, default=12
        People in a premise, from 1 to 20.
    random_state : int, RandomState instance or None, default=None
        Seed of the generator. Pass an int for the same pairs at every call.

    Returns
    -------
    X : list of (str, str)
        Premises and hypotheses.
    y : ndarray of str, shape (n_samples,)
        "entailment", "contradiction" or "neutral".

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is outside its range.

    Examples
    --------
    >>> from sklearn_sparsemax.datasets import make_nli
    >>> X, y = make_nli(1, n_facts=3, random_state=0)
    >>> X[0]
    ('Rosa wonders , Olga agrees , Paul denies', 'Olga agrees')
    >>> y
    array(['entailment'], dtype='<U13')
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(n_facts, "n_facts", Integral, min_val=1, max_val=len(NAMES))
    random = check_random_state(random_state)
    people = random.uniform(size=(n_samples, len(NAMES))).argsort(axis=1)[:, :n_facts]
    verbs = random.randint(len(VERBS), size=(n_samples, n_facts))
    asked = random.randint(n_facts, size=n_samples)
    facts = np.array([[f"{name} {verb}" for verb in VERBS] for name in NAMES])[people, verbs]
    rows = np.arange(n_samples)
    hypotheses = np.array([f"{name} agrees" for name in NAMES])[people[rows, asked]]
    premises = map(" , ".join, facts.tolist())
    labels = np.array(list(VERBS.values()))[verbs[rows, asked]]
    return list(zip(premises, hypotheses.tolist(), strict=True)), labels


def _open(path: Path) -> Any:
    return _OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8")


def _read_json(stream: Iterable[str], path: Path, split: str | None) -> Iterator[Any]:
    try:
        splits = json.load(stream)  # type: ignore[arg-type]
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    if not isinstance(splits, dict) or not all(isinstance(rows, list) for rows in splits.values()):
        raise ValueError(f"{path} is not an object with a list for each split.")
    if split is not None and split not in splits:
        raise ValueError(f"{path} has no split {split!r}; it has {', '.join(splits)}.")
    for name, rows in splits.items():
        if split in (None, name):
            yield from rows


def _read_lines(stream: Iterable[str], path: Path, split: str | None) -> Iterator[Any]:
    _check_no_split(path, split)
    for number, line in enumerate(stream, start=1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}, is not JSON: {error}.") from None


def _read_table(stream: Iterable[str], path: Path, split: str | None) -> Iterator[Any]:
    rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
    if _SPLIT not in (rows.fieldnames or ()):
        _check_no_split(path, split)
        yield from rows
        return
    known = set()
    for row in rows:
        known.add(row[_SPLIT])
        if split is None or row[_SPLIT] == split:
            yield row
    if split is not None and split not in known:
        raise ValueError(f"{path} has no split {split!r}; it has {', '.join(sorted(known))}.")


def _check_no_split(path: Path, split: str | None) -> None:
    if split is not None:
        raise ValueError(f"{path} is not divided into splits; {split!r} is not in it.")


def _read_npz(path: Path) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    with np.load(path) as arrays:
        missing = [key for key in ("words", "vectors") if key not in arrays]
        if missing:
            raise ValueError(f"{path} has no array {missing[0]!r}; it has {', '.join(arrays)}.")
        words, vectors = arrays["words"], arrays["vectors"]
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise ValueError(f"{path} has {len(words)} words, but vectors of shape {vectors.shape}.")
    for word, vector in zip(words.tolist(), vectors, strict=True):
        yield word, vector.copy


def _read_vectors(path: Path) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    size = 0
    with _open(path) as stream:
        for number, line in enumerate(stream, start=1):
            n_numbers = line.rstrip().count(" ")
            if number == 1 and n_numbers == 1:
                continue
            size = size or n_numbers
            if n_numbers < max(size, 1):
                raise ValueError(
                    f"{path}, line {number}, has {n_numbers} numbers; {max(size, 1)} are needed."
                )
            # a few "words" of GloVe hold blanks
            word, *numbers = line.rstrip().rsplit(" ", size)

            def vector(numbers: list[str] = numbers, number: int = number) -> np.ndarray:
                try:
                    return np.array(numbers, dtype=np.float32)
                except ValueError as error:
                    raise ValueError(f"{path}, line {number}: {error}.") from None

            yield word, vector

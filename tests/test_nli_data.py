"""Files of sentence pairs and of word vectors, and generated pairs."""

from __future__ import annotations

import bz2
import gzip
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_sparsemax.datasets import load_nli_file, load_word_vectors, make_nli
from sklearn_sparsemax.datasets._nli import NAMES, VERBS

PAIRS = [("A dog runs.", "It rests."), ("A cat", 'says "no"')]
LABELS = ["contradiction", "neutral"]


def records(premise, hypothesis, label):
    return [
        {"id": i, premise: p, hypothesis: h, label: y}
        for i, ((p, h), y) in enumerate(zip(PAIRS, LABELS, strict=True))
    ]


def check(loaded):
    X, y = loaded
    assert X == PAIRS
    assert_array_equal(y, LABELS)


@pytest.mark.parametrize(("ending", "opener"), [("", open), (".gz", gzip.open), (".bz2", bz2.open)])
def test_json_with_splits(ending, opener, tmp_path):
    file = tmp_path / f"pairs.json{ending}"
    rows = records("premise", "hypothesis", "label")
    with opener(file, "wt", encoding="utf-8") as stream:
        json.dump({"train": rows, "test": rows[:1]}, stream)
    check(load_nli_file(file, "train"))
    assert load_nli_file(file, "test")[0] == PAIRS[:1]
    assert len(load_nli_file(str(file))[0]) == 3
    with pytest.raises(ValueError, match="no split 'dev'; it has train, test"):
        load_nli_file(file, "dev")


def test_jsonl_of_snli(tmp_path):
    rows = records("sentence1", "sentence2", "gold_label")
    rows.insert(1, {**rows[0], "gold_label": "-"})
    file = tmp_path / "snli.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    check(load_nli_file(file))
    with pytest.raises(ValueError, match="is not divided into splits; 'dev'"):
        load_nli_file(file, "dev")
    file.write_text(json.dumps(rows[0]) + "\nnothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2, is not JSON"):
        load_nli_file(file)


def test_table_of_sick(tmp_path):
    names = ("pair_ID", "sentence_A", "sentence_B", "entailment_label", "SemEval_set")
    lines = ["\t".join(names)]
    for i, ((p, h), y) in enumerate(zip(PAIRS, LABELS, strict=True)):
        lines += ["\t".join((str(i), p, h, y.upper(), split)) for split in ("TRAIN", "TRIAL")]
    file = tmp_path / "SICK.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    check(load_nli_file(file, "TRAIN"))
    check(load_nli_file(file, "TRIAL"))
    with pytest.raises(ValueError, match="no split 'TEST'; it has TRAIN, TRIAL"):
        load_nli_file(file, "TEST")


def test_table_of_snli(tmp_path):
    lines = ["gold_label\tsentence1\tsentence2"]
    lines += [f"{y}\t{p}\t{h}" for (p, h), y in zip(PAIRS, LABELS, strict=True)]
    file = tmp_path / "snli.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    check(load_nli_file(file))


def test_files_that_are_no_pairs(tmp_path):
    cases = {
        "pairs.csv": ("a,b", "does not end in .json, .jsonl, .txt"),
        "empty.jsonl": ("", "holds no pairs"),
        "list.json": ("[]", "not an object with a list for each split"),
        "text.json": ("text", "is not JSON"),
        "other.jsonl": ('{"a": 1, "b": 2}\n', "has a, b; one of premise, hypothesis, label;"),
    }
    for name, (text, message) in cases.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            load_nli_file(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_nli_file(tmp_path / "missing.json")


def test_vectors_in_text(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("3 2\nThe 1 2\n. . 3 4\ndog 5 -6e-1\n", encoding="utf-8")
    words, vectors = load_word_vectors(file)
    assert words == ["The", ". .", "dog"]
    assert vectors.dtype == np.float32
    assert_array_equal(vectors, np.array([[1, 2], [3, 4], [5, -0.6]], np.float32))
    words, vectors = load_word_vectors(file, {"the", "cat"})
    assert words == ["The"]
    with pytest.raises(ValueError, match="holds none of the words"):
        load_word_vectors(file, ["cat"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1\n", "line 2, has 1 numbers; 2 are needed"),
        ("a 1 2\nb 1 x\n", "line 2: could not convert"),
        ("a\n", "line 1, has 0 numbers"),
    ],
)
def test_texts_that_are_no_vectors(text, message, tmp_path):
    (tmp_path / "vectors.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_word_vectors(tmp_path / "vectors.txt")


def test_vectors_in_arrays(tmp_path):
    file = tmp_path / "vectors.npz"
    vectors = np.arange(6.0).reshape(3, 2)
    np.savez(file, words=np.array(["A", "b", "C"]), vectors=vectors)
    words, found = load_word_vectors(file, ["c", "a"])
    assert words == ["A", "C"]
    assert_array_equal(found, vectors[[0, 2]])
    np.savez(file, words=np.array(["A", "b"]), vectors=vectors)
    with pytest.raises(ValueError, match=r"has 2 words, but vectors of shape \(3, 2\)"):
        load_word_vectors(file)
    np.savez(file, words=np.array(["A", "b"]))
    with pytest.raises(ValueError, match="has no array 'vectors'; it has words"):
        load_word_vectors(file)


# --- generated pairs --------------------------------------------------------------------------


@pytest.mark.parametrize("n_facts", [1, 4, 20])
def test_labels_are_what_the_sentences_say(n_facts):
    X, y = make_nli(600, n_facts=n_facts, random_state=0)
    for (premise, hypothesis), label in zip(X, y, strict=True):
        verbs = dict(fact.split() for fact in premise.split(" , "))
        assert len(verbs) == n_facts
        assert set(verbs) <= set(NAMES)
        person, verb = hypothesis.split()
        assert verb == "agrees"
        assert VERBS[verbs[person]] == label
    counts = np.unique(y, return_counts=True)[1]
    assert counts.size == 3
    assert counts.min() > 150


def test_a_seed_gives_the_same_pairs():
    first, again, other = (make_nli(5, random_state=seed) for seed in (1, 1, 2))
    assert first[0] == again[0] != other[0]


@pytest.mark.parametrize("options", [{"n_samples": 0}, {"n_facts": 0}, {"n_facts": 21}])
def test_sizes_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make_nli(**options)

"""`nli`: the table, the examples and the figure, from generated pairs and from files."""

from __future__ import annotations

import gzip
import json
import re

import numpy as np
import pytest

from sklearn_sparsemax.datasets import load_nli_file, make_nli
from sklearn_sparsemax.experiments import _nli_data, main, nli


def rejection(argv, capsys):
    """The one sentence that rejects the arguments, after what else is said."""
    with pytest.raises(SystemExit) as exit_:
        main(["nli", *map(str, argv)])
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.out == ""
    return captured.err.splitlines()[-1]


@pytest.fixture
def needs_extra():
    pytest.importorskip("torch", reason="needs the extra nli")
    pytest.importorskip("skorch", reason="needs the extra nli")


def as_records(X, y):
    return [
        {"premise": p, "hypothesis": h, "label": label}
        for (p, h), label in zip(X, y.tolist(), strict=True)
    ]


@pytest.fixture
def file(tmp_path):
    X, y = make_nli(160, n_facts=3, random_state=0)
    rows = as_records(X, y)
    rows[0] = {**rows[0], "premise": "far too long " * 50}
    rows[1] = {**rows[150], "premise": rows[150]["premise"].upper().replace(" .", ".")}
    path = tmp_path / "pairs.json.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        json.dump({"train": rows[:100], "val": rows[100:130], "test": rows[130:]}, stream)
    return path


QUICK = ["--max-iter", "2", "--hidden-size", "6", "--batch-size", "16", "--seeds", "2"]


@pytest.mark.usefixtures("needs_extra")
def test_table_examples_and_files(file, tmp_path, capsys):
    vectors, report_file, figure = (tmp_path / name for name in ("v.npz", "r.json", "f.svg"))
    words = ["Anna", "agrees", "denies", "wonders", "felix"]
    rows = np.random.default_rng(0).normal(size=(5, 4))
    np.savez(vectors, words=np.array(words), vectors=rows)
    argv = ["nli", "--data", file, "--vectors", vectors, "--json", report_file, *QUICK]
    assert main([*map(str, argv), "--figure", str(figure), "--examples", "2"]) == 0
    out, err = capsys.readouterr()
    assert "left out 1 training pair of more than 100 words in a sentence" in err
    left_out = re.search(r"left out (\d+) training pairs? also among the dev or test pairs", err)
    assert "vectors of 5 of the" in err
    n_train = 99 - int(left_out[1])
    title, table, _, *examples = out.split("\n\n")
    assert title == f"pairs.json.gz: {n_train} train pairs, 30 dev pairs, 30 test pairs; 2 seeds."
    header, _, *lines = table.splitlines()
    assert re.split(" {2,}", header) == list(nli.COLUMNS)
    report = json.loads(report_file.read_text(encoding="utf-8"))
    results = report["results"]
    assert [(r["attention"], r["seed"]) for r in results] == [
        (attention, seed) for attention in nli.ATTENTIONS for seed in (0, 1)
    ]
    for line, first, second in zip(lines, results[::2], results[1::2], strict=True):
        row = dict(zip(nli.COLUMNS, re.split(" {2,}", line), strict=True))
        assert row["attention"] == first["attention"]
        accuracies = first["test_accuracy"], second["test_accuracy"]
        assert row["test"] == f"{np.mean(accuracies):.2f} ± {np.std(accuracies):.2f}"
        attended = [result["words_above_0"] for result in (first, second)]
        assert row["> 0"] == f"{np.mean(attended):.1f}"
    by_name = {result["attention"]: result for result in results}
    assert by_name["none"]["words_above_0"] == 1
    assert by_name["softmax"]["words_above_0"] == by_name["softmax"]["words"]
    assert len(examples) == len(report["examples"]) == 2
    for text, example in zip(examples, report["examples"], strict=True):
        assert set(example["weights"]) == {"logistic", "softmax", "sparsemax"}
        premise = text.strip().splitlines()[0].removeprefix("premise").split()
        marked = [word.startswith("[") for word in premise]
        assert marked == [weight > 0 for weight in example["weights"]["sparsemax"]]
    assert "<svg" in figure.read_text(encoding="utf-8")


@pytest.mark.usefixtures("needs_extra")
def test_splits_from_several_files(file, tmp_path, capsys):
    lines = tmp_path / "more.jsonl"
    X, y = make_nli(40, n_facts=3, random_state=1)
    records = [
        {"sentence1": p, "sentence2": h, "gold_label": label}
        for (p, h), label in zip(X, y.tolist(), strict=True)
    ]
    lines.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    argv = ["--train", f"{file}:train", lines, "--dev", f"{file}:val", "--test", f"{file}:test"]
    options = [*QUICK[:-1], "1", "--attention", "softmax", "--examples", "1", "--jobs", "2"]
    assert main(["nli", *map(str, argv), *options]) == 0
    out, _ = capsys.readouterr()
    assert re.match(r"pairs.json.gz \+ more.jsonl: 13\d train pairs, 30 dev pairs, 30 test", out)
    assert "softmax predicts" in out


@pytest.mark.usefixtures("needs_extra")
def test_without_data_pairs_are_generated(monkeypatch, capsys):
    monkeypatch.setattr(_nli_data, "N_GENERATED", {"train": 60, "dev": 20, "test": 20})
    assert main(["nli", *QUICK[:-1], "1", "--attention", "none", "--examples", "1"]) == 0
    out, err = capsys.readouterr()
    assert "snli_1.0.zip" in err
    assert out.startswith("generated pairs: 60 train pairs, 20 dev pairs, 20 test pairs; 1 seed.")
    assert "none predicts" in out


@pytest.mark.usefixtures("needs_extra")
def test_bad_data(file, tmp_path, capsys):
    broken = tmp_path / "broken.npz"
    np.savez(broken, words=np.array(["zebu"]))
    assert "has no array 'vectors'" in rejection(["--data", file, "--vectors", broken], capsys)
    assert "no dev pairs: --dev or --data" in rejection(["--train", f"{file}:train"], capsys)
    assert "names a split" in rejection(["--data", f"{file}:train"], capsys)
    short = rejection(["--data", file, "--max-words", "1"], capsys)
    assert "no training pairs are left" in short


def test_bad_arguments(file, tmp_path, capsys):
    assert "is not a file" in rejection(["--data", tmp_path / "none.json"], capsys)
    assert "'hard' is not one of" in rejection(["--attention", "hard"], capsys)
    assert "'0' is not an integer above 0" in rejection(["--seeds", "0"], capsys)
    nothing = rejection(["--examples", "0", "--figure", tmp_path / "f.png"], capsys)
    assert "there is nothing to draw" in nothing


def test_no_test_pair_is_left_in_training(data_home):
    """The corpora overlap: pairs that differ in blanks and punctuation alone count as one."""
    folder = data_home / "nli"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    counterfactual = folder / "snli_counterfactual.json.gz"
    dev, test = (load_nli_file(folder / "snli_dev_test.json.gz", s) for s in ("dev", "test"))
    leaked = load_nli_file(counterfactual, "original_test")
    assert len(set(map(_nli_data.letters, leaked[0])) & set(map(_nli_data.letters, test[0]))) > 300
    splits = "original_train", "original_test", "all_combined_train"
    parts = [load_nli_file(counterfactual, split) for split in splits]
    train = [pair for X, _ in parts for pair in X], np.concatenate([y for _, y in parts])
    kept, labels = _nli_data.without_overlap(train, dev, test)
    assert len(kept) == len(labels) < len(train[0]) - 300
    held_out = set(map(_nli_data.letters, [*dev[0], *test[0]]))
    assert not held_out & set(map(_nli_data.letters, kept))
    sick = [load_nli_file(folder / "sick.json.gz", split) for split in ("train", "dev", "test")]
    kept, _ = _nli_data.without_overlap(*sick)
    assert not set(kept) & {*sick[1][0], *sick[2][0]}

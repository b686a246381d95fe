"""The command line, and `compare` on data that scikit-learn ships."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import SparsemaxClassifier
from sklearn_sparsemax.experiments import compare, main

PAGE = Path(__file__).resolve().parents[1] / "docs/benchmarks/logistic_regression.md"


def cells(line):
    return re.split(" {2,}", line.strip())


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """(stdout, stderr, JSON) of a small comparison, asked for without naming the command."""
    file = tmp_path_factory.mktemp("compare") / "report.json"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["--json", str(file), "--splits", "2", "--alpha", "0.1", "--", "wine"])
    assert status == 0
    return out.getvalue(), err.getvalue(), json.loads(file.read_text(encoding="utf-8"))


def test_table(output):
    out, err, report = output
    table = out.split("\n\n")[1].splitlines()
    assert cells(table[0]) == list(compare.COLUMNS)
    assert set(table[1]) == {"-", " "}
    assert len({len(line) for line in table}) == 1
    rows = [dict(zip(compare.COLUMNS, cells(line), strict=True)) for line in table[2:]]
    assert [(row["data"], row["model"]) for row in rows] == [
        ("wine", "SparsemaxClassifier"),
        ("wine", "LogisticRegression"),
    ]
    for row in rows:
        fits = [fit for fit in report["results"] if fit["model"] == row["model"]]
        means = {key: np.mean([fit[key] for fit in fits]) for key in ("accuracy", "brier_score")}
        assert row["accuracy"].startswith(f"{means['accuracy']:.3f} ± ")
        assert row["Brier"] == f"{means['brier_score']:.3f}"
    assert float(rows[0]["gap"]) <= 1e-4
    assert rows[1]["gap"] == "-"
    assert rows[1]["classes"] == "3.00 of 3"
    assert all(f"\n{column} " in out for column in compare.COLUMNS)
    assert "178 rows, 13 features, 3 classes .." in err


def test_figures_are_those_of_a_plain_pipeline(output):
    fits = output[2]["results"]
    X, y = load_wine(return_X_y=True)
    splits = StratifiedShuffleSplit(2, test_size=0.25, random_state=0).split(X, y)
    for split, (train, test) in enumerate(splits):
        models = (
            SparsemaxClassifier(alpha=0.1),
            LogisticRegression(C=1 / (0.1 * len(train)), max_iter=10_000),
        )
        for model in models:
            pipeline = make_pipeline(StandardScaler(), model).fit(X[train], y[train])
            p = pipeline.predict_proba(X[test])
            (fit,) = (
                fit for fit in fits if (fit["split"], fit["model"]) == (split, type(model).__name__)
            )
            brier = ((p - np.eye(3)[y[test]]) ** 2).sum() / len(test)
            assert (fit["n_train"], fit["n_test"]) == (len(train), len(test))
            assert fit["accuracy"] == accuracy_score(y[test], pipeline.predict(X[test]))
            assert fit["brier_score"] == pytest.approx(brier, rel=1e-6)
            assert fit["mean_support_size"] == (p > 0).sum() / len(test)
            assert fit["fit_seconds"] > 0


def test_json_tells_how_to_obtain_it_again(output):
    report = output[2]
    options = report["options"]
    assert options.pop("json").endswith("report.json")
    assert options == {
        "datasets": ["wine"], "alpha": 0.1, "splits": 2, "test_size": 0.25, "seed": 0
    }  # fmt: skip
    assert set(report["versions"]) == {
        "python", "sklearn_sparsemax", "sklearn", "numpy", "scipy", "numba"
    }  # fmt: skip
    assert [(fit["split"], fit["dual_gap"] is None) for fit in report["results"]] == [
        (0, False), (0, True), (1, False), (1, True)
    ]  # fmt: skip


def test_one_split_has_no_spread(capsys):
    assert main(["compare", "wine", "wine", "--splits", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Means over 1 random split with 25 % of the rows held out;")
    assert "±" not in captured.out.split("\n\n")[1]
    assert captured.err.count("wine: ") == 1


def test_without_arguments_it_compares_on_every_data_set(monkeypatch):
    names = []
    monkeypatch.setattr(compare, "_fits", lambda name, _: names.append(name) or [])
    assert main([]) == 0
    assert names == ["digits", "wine", "breast_cancer"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["bogus"], "argument COMMAND: invalid choice: 'bogus'"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["compare", "iris"], "'iris' is not one of digits, wine, breast_cancer"),
        (["--alpha", "-1"], "argument --alpha: '-1' is not a finite number above 0"),
        (["--alpha", "0"], "argument --alpha: '0' is not a finite number above 0"),
        (["--alpha", "nan"], "argument --alpha: 'nan' is not a finite number above 0"),
        (["--alpha", "inf"], "argument --alpha: 'inf' is not a finite number above 0"),
        (["--alpha", "much"], "argument --alpha: 'much' is not a finite number above 0"),
        (["--splits", "0"], "argument --splits: '0' is not an integer above 0"),
        (["--splits", "2.5"], "argument --splits: '2.5' is not an integer above 0"),
        (["--test-size", "1"], "argument --test-size: '1' is not a number from 0.05 to 0.95"),
        (["--seed", "-3"], "argument --seed: '-3' is not an integer from 0 to 4294967295"),
    ],
)
def test_bad_arguments(argv, words, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("--help).\n")
    assert captured.out == ""


def test_unwritable_json_is_found_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "_fits", lambda *_: pytest.fail("it has begun to work"))
    for file in (tmp_path, tmp_path / "missing" / "report.json"):
        with pytest.raises(SystemExit) as exit_:
            main(["--json", str(file)])
        assert exit_.value.code == 2
        message = capsys.readouterr().err
        assert f"argument --json: '{file}' cannot be written: " in message.replace("\\\\", "\\")
        assert message.count("\n") == 1


def test_the_check_of_the_json_file_changes_nothing(tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text("kept")
    for file in (old, new):
        with pytest.raises(SystemExit):
            main(["--json", str(file), "--alpha", "-1"])
    assert old.read_text() == "kept"
    assert not new.exists()


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["compare", "--help"], ["--version"]])
def test_help(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    out = capsys.readouterr().out
    assert exit_.value.code == 0
    if "compare" in argv:
        assert all(column in out for column in compare.COLUMNS)
    elif argv != ["--version"]:
        assert "SparsemaxClassifier beside LogisticRegression" in out


def test_as_a_process():
    command = [sys.executable, "-m", "sklearn_sparsemax", "--splits", "0"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith("python -m sklearn_sparsemax compare: argument --splits: ")


def test_the_page_shows_the_columns_of_the_command():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    tables = [cells(line) for line in lines if line.startswith("data  ") and "seconds" in line]
    assert tables == [list(compare.COLUMNS)]

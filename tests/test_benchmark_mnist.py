"""`mnist`: the curve of each loss by epoch, from digits and from files, to the figure."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import logistic_loss, softmax_loss, sparsemax_loss
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax._solvers import sgd
from sklearn_sparsemax.experiments import main, mnist
from sklearn_sparsemax.losses import LogisticLoss, SoftmaxLoss, SparsemaxLoss
from sklearn_sparsemax.losses.targets import one_hot


def cells(line):
    return re.split(" {2,}", line.strip())


def rejection(argv, capsys):
    """The one sentence that rejects the arguments."""
    with pytest.raises(SystemExit) as exit_:
        main(["mnist", *map(str, argv)])
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def arrays():
    """Images as Keras keeps those of MNIST: bytes, in two dimensions."""
    X, y = load_digits(return_X_y=True)
    images = (15 * X[:300]).astype(np.uint8).reshape(-1, 8, 8)
    return {
        "x_train": images[:200], "y_train": y[:200], "x_test": images[200:], "y_test": y[200:300],
    }  # fmt: skip


@pytest.fixture
def file(arrays, tmp_path):
    np.savez(tmp_path / "digits.npz", **arrays)
    return tmp_path / "digits.npz"


def test_table_and_json(tmp_path, capsys):
    report_file = tmp_path / "report.json"
    argv = ["mnist", "--epochs", "3", "--alpha", "0.001", "--json", str(report_file)]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    report = json.loads(report_file.read_text(encoding="utf-8"))
    results = report["results"]
    assert report["options"]["alpha"] == 0.001
    assert [(r["loss"], r["epoch"]) for r in results] == [
        (loss, epoch) for loss in mnist.LOSSES for epoch in (1, 2, 3)
    ]
    title, table, _ = out.split("\n\n")
    assert title == (
        "digits: 1347 training rows, 450 test rows, 64 pixels, 10 classes; alpha = 0.001."
    )
    header, _, *lines = table.splitlines()
    assert cells(header) == list(mnist.COLUMNS)
    for line, result in zip(lines, results, strict=True):
        row = dict(zip(mnist.COLUMNS, cells(line), strict=True))
        assert (row["loss"], row["epoch"]) == (result["loss"], str(result["epoch"]))
        assert row["train loss"] == f"{result['train_loss']:.4f}"
        assert row["test loss"] == f"{result['test_loss']:.4f}"
        assert row["train error"] == f"{result['train_error']:.2f}"
        assert row["test error"] == f"{result['test_error']:.2f}"
    assert err.splitlines()[1:4] == ["  sparsemax ...", "  softmax ...", "  logistic ..."]


def test_values_are_those_of_plain_code(tmp_path):
    report_file = tmp_path / "report.json"
    main(["mnist", "--epochs", "2", "--seed", "3", "--json", str(report_file)])
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16).astype(np.float32), y, stratify=y, random_state=3
    )
    kinds = {
        "sparsemax": (SparsemaxLoss, sparsemax_loss),
        "softmax": (SoftmaxLoss, softmax_loss),
        "logistic": (LogisticLoss, logistic_loss),
    }
    for result in json.loads(report_file.read_text(encoding="utf-8"))["results"]:
        kind, mean_loss = kinds[result["loss"]]
        objective = Objective(X_train, one_hot(y_train, 10), kind(), alpha=1e-4)
        start = np.zeros(objective.shape)
        solution = sgd.solve(objective, start, tol=0.0, max_iter=result["epoch"], random_state=3)
        assert result["objective"] == pytest.approx(solution.objective, rel=1e-6)
        W, b = solution.coef[:-1], solution.coef[-1]
        for half, X, y in (("train", X_train, y_train), ("test", X_test, y_test)):
            scores = X @ W + b
            assert result[f"{half}_loss"] == pytest.approx(
                np.mean(mean_loss(scores, np.eye(10)[y])), rel=1e-5
            )
            assert result[f"{half}_error"] == pytest.approx(
                100 * np.mean(scores.argmax(axis=1) != y), abs=0.5
            )


def test_file(file, capsys):
    assert main(["mnist", "--file", str(file), "--epochs", "1", "--losses", "softmax"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("digits.npz: 200 training rows, 100 test rows, 64 pixels, 10 classes;")
    table = out.split("\n\n")[1].splitlines()
    assert len(table) == 3
    assert table[2].startswith("softmax")


def test_openml_has_the_test_rows_last(monkeypatch, capsys):
    images = np.arange(60_050)[:, None] * np.ones(2, dtype=np.int64)
    asked, seen = [], []

    def fetch(name, **options):
        asked.append((name, options))
        return images, (images[:, 0] % 10).astype(str).astype(object)

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    monkeypatch.setattr(mnist, "_results", lambda data, arguments: seen.append(data) or [])
    assert main(["mnist", "--openml"]) == 0
    assert capsys.readouterr().out.startswith("mnist_784: 60000 training rows, 50 test rows, 2 ")
    assert asked == [("mnist_784", {"version": 1, "return_X_y": True, "as_frame": False})]
    (data,) = seen
    assert data.X_train.max() == 1
    assert_allclose(data.X_test[:, 0] * 59_999, images[60_000:, 0], rtol=1e-6)
    assert set(data.y_test) == set("0123456789")


def test_files_that_cannot_be_used(arrays, tmp_path, capsys):
    def saved(**changes):
        content = {key: value for key, value in {**arrays, **changes}.items() if value is not None}
        np.savez(tmp_path / "changed.npz", **content)
        return ["--file", tmp_path / "changed.npz"]

    message = rejection(saved(x_test=None, y_test=None), capsys)
    assert "has no x_test and no y_test; it holds x_train, y_train" in message
    message = rejection(saved(y_train=arrays["y_train"][:-1]), capsys)
    assert "changed.npz has 200 images in x_train, but 199 in y_train" in message
    message = rejection(saved(y_test=arrays["y_test"] + 5), capsys)
    assert "changed.npz has the class 10 in y_test, but not in y_train" in message
    message = rejection(saved(y_train=np.array([{}] * 200)), capsys)
    assert "allow_pickle" in message
    message = rejection(saved(x_test=arrays["x_test"][:, 1:]), capsys)
    assert "x_test has 56 pixels an image, but x_train has 64" in message
    text = tmp_path / "text.npz"
    text.write_text("no arrays")
    assert "text.npz is not an .npz file" in rejection(["--file", text], capsys)
    single = tmp_path / "single.npy"
    np.save(single, np.zeros(3))
    assert "single.npy is not an .npz file" in rejection(["--file", single], capsys)
    assert "missing.npz" in rejection(["--file", tmp_path / "missing.npz"], capsys)


def result(loss, epoch):
    return mnist.Result(loss, epoch, 0.5, 1e-3, 1 / epoch, 1.1 / epoch, 9 / epoch, 10 / epoch, 0.1)


def test_figure(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    results = [result(loss, epoch) for loss in mnist.LOSSES for epoch in range(1, 5)]
    file = tmp_path / "figure.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        mnist.draw(results, file)
    text = file.read_text(encoding="utf-8")
    for words in (
        "sparsemax loss", "softmax loss", "logistic loss", "training rows", "test rows", "epoch",
        "rows predicted wrong (%)",
    ):  # fmt: skip
        assert words in text


def test_the_command_draws_the_figure(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    figure = tmp_path / "figure.png"
    assert main(["mnist", "--file", str(file), "--epochs", "1", "--figure", str(figure)]) == 0
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert f"wrote {figure}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--epochs", "0"], "argument --epochs: '0' is not an integer above 0"),
        (["--alpha", "-1"], "argument --alpha: '-1' is not a finite number above 0"),
        (["--losses", "hinge"], "'hinge' is not one of sparsemax, softmax, logistic"),
        (["--openml", "--file", "x.npz"], "not allowed with argument"),
        (["digits"], "unrecognized arguments: digits"),
    ],
)
def test_bad_arguments(argv, words, capsys):
    assert words in rejection(argv, capsys)


def test_unusable_figures_are_found_before_the_work(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(mnist, "_load", lambda *_: pytest.fail("it has begun to work"))
    assert "argument --figure: " in rejection(["--figure", tmp_path / "figure.txt"], capsys)


def test_help(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["mnist", "--help"])
    out = capsys.readouterr().out
    assert exit_.value.code == 0
    assert "x_train, y_train, x_test, y_test" in out
    assert "passes over the training rows" in out

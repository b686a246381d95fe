"""`proportions`: the paper's simulation, from a small grid to the figure."""

from __future__ import annotations

import builtins
import json
import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import SoftmaxRegressor, SparsemaxRegressor
from sklearn_sparsemax.datasets import make_label_proportions
from sklearn_sparsemax.experiments import main, proportions
from sklearn_sparsemax.metrics import (
    jensen_shannon_divergence,
    proportions_mean_squared_error,
)

SMALL = proportions.Grid(n_classes=(3,), lengths=(50, 400), alphas=(1e-4, 1e-1), n_seeds=1)


def cells(line):
    return re.split(" {2,}", line.strip())


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(proportions, "FULL", SMALL)


def rejection(argv, capsys):
    """The one sentence that rejects the arguments."""
    with pytest.raises(SystemExit) as exit_:
        main(["proportions", *map(str, argv)])
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_table_and_json(small, tmp_path, capsys):
    file = tmp_path / "report.json"
    assert main(["proportions", "--seeds", "2", "--json", str(file)]) == 0
    out, err = capsys.readouterr()
    report = json.loads(file.read_text(encoding="utf-8"))
    results = report["results"]
    assert (report["options"]["seeds"], report["options"]["quick"]) == (2, False)
    # K x proportions x lengths x seeds x losses
    assert len(results) == 1 * 2 * 2 * 2 * 2
    header, _, *lines = out.split("\n\n")[1].splitlines()
    assert cells(header) == list(proportions.COLUMNS)
    rows = [dict(zip(proportions.COLUMNS, cells(line), strict=True)) for line in lines]
    assert [(row["K"], row["proportions"], row["length"]) for row in rows] == [
        ("3", kind, length) for kind in ("uniform", "random") for length in ("50", "400")
    ]
    wins = 0
    for row in rows:
        means = {
            loss: np.mean(
                [
                    result["jensen_shannon_divergence"]
                    for result in results
                    if result["proportions"] == row["proportions"]
                    and str(result["length"]) == row["length"]
                    and result["loss"] == loss
                ]
            )
            for loss in ("softmax", "sparsemax")
        }
        assert row["JSD softmax"] == f"{means['softmax']:.4f}"
        assert row["JSD sparsemax"] == f"{means['sparsemax']:.4f}"
        wins += means["sparsemax"] <= means["softmax"]
    assert f"Of 4 kinds of data, sparsemax is at least as good as softmax on {wins} in JSD" in out
    assert "Means over 2 simulations." in out
    assert "K = 3, random ....\n" in err


def test_values_are_those_of_plain_code(small, tmp_path):
    file = tmp_path / "report.json"
    main(["proportions", "--json", str(file)])
    for result in json.loads(file.read_text(encoding="utf-8"))["results"]:
        X, Y = make_label_proportions(
            2400,
            n_classes=result["n_classes"],
            length=result["length"],
            proportions=result["proportions"],
            random_state=result["seed"],
        )
        X = StandardScaler().fit(X[:1200]).transform(X)
        estimator = {"softmax": SoftmaxRegressor, "sparsemax": SparsemaxRegressor}[result["loss"]]
        predicted, on_dev = {}, {}
        for alpha in SMALL.alphas:
            model = estimator(alpha, solver="lbfgs", max_iter=100, tol=1e-8)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X[:1200], Y[:1200])
            predicted[alpha] = model.predict(X[1400:])
            on_dev[alpha] = jensen_shannon_divergence(Y[1200:1400], model.predict(X[1200:1400]))
        P = predicted[result["alpha"]]
        assert result["alpha"] == min(on_dev, key=on_dev.get)
        assert result["validation_divergence"] == pytest.approx(min(on_dev.values()))
        assert result["jensen_shannon_divergence"] == pytest.approx(
            jensen_shannon_divergence(Y[1400:], P)
        )
        assert result["mean_squared_error"] == pytest.approx(
            proportions_mean_squared_error(Y[1400:], P)
        )
        assert result["mean_support_size"] == (P > 0).sum() / 1000
        assert result["labels_per_document"] == (Y[1400:] > 0).sum() / 1000


def test_quick(monkeypatch, capsys):
    quick = proportions.QUICK
    assert quick.n_seeds == 1
    assert set(quick.lengths) < set(proportions.FULL.lengths)
    monkeypatch.setattr(proportions, "QUICK", SMALL)
    assert main(["proportions", "--quick"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Means over 1 simulation.\n")
    assert captured.err.count(".") == 4


def test_the_grid_is_that_of_the_paper():
    full = proportions.FULL
    assert full.n_classes == (10, 50)
    assert full.lengths == tuple(range(200, 2001, 200))
    assert full.alphas == pytest.approx(np.logspace(-9, 0, 10))


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_figure(tmp_path, n_seeds):
    matplotlib = pytest.importorskip("matplotlib")
    results = [
        proportions.Result(K, kind, length, seed, loss, 1.0, 0.1, 40.0 / length + 0.1 * seed,
                           1.0 / length, 2.0, 2.0, 10, 0.1, 1e-9, 0.1)
        for K in (10, 50) for kind in ("uniform", "random") for length in (200, 400)
        for seed in range(n_seeds) for loss in proportions.LOSSES
    ]  # fmt: skip
    file = tmp_path / "figure.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        proportions.draw(results, file)
    text = file.read_text(encoding="utf-8")
    for words in (
        "K = 10, uniform proportions", "K = 50, random proportions", "words in a document",
        "Jensen–Shannon divergence (nats)", "mean squared error", "softmax", "sparsemax",
    ):  # fmt: skip
        assert words in text


def test_the_command_draws_the_figure(small, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    file = tmp_path / "figure.png"
    assert main(["proportions", "--figure", str(file)]) == 0
    assert file.read_bytes().startswith(b"\x89PNG")
    assert f"wrote {file}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--seeds", "0"], "argument --seeds: '0' is not an integer above 0"),
        (["--jobs", "-2"], "argument --jobs: '-2' is not -1 or an integer above 0"),
        (["--alpha", "1"], "unrecognized arguments"),
        (["emotions"], "unrecognized arguments: emotions"),
    ],
)
def test_bad_arguments(argv, words, capsys):
    assert words in rejection(argv, capsys)


def test_unusable_figures_are_found_before_the_work(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(proportions, "_results", lambda *_: pytest.fail("it has begun to work"))
    file = tmp_path / "figure.txt"
    assert "argument --figure: " in rejection(["--figure", file], capsys)
    assert "cannot be written" in rejection(["--figure", tmp_path / "no" / "figure.png"], capsys)

    def without_matplotlib(name, *arguments):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return import_(name, *arguments)

    import_ = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    message = rejection(["--figure", tmp_path / "figure.png"], capsys)
    assert "pip install 'sklearn-sparsemax[plot]'" in message


def test_help(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["proportions", "--help"])
    out = capsys.readouterr().out
    assert exit_.value.code == 0
    assert "section 4.1" in out
    assert "in the paper's figure" in out

"""The benchmarks of paths, guarantees and Brier scores, on small data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from benchmarks import brier, coverage, guarantees, paths
from benchmarks.tables import read_rows
from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, sparsemax


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.mark.slow
def test_searches_are_compared(tmp_path, monkeypatch):
    X, y = digits()
    monkeypatch.setattr(paths, "N_ALPHAS", 3)
    monkeypatch.setattr(
        paths, "DATA", {"digits": lambda: paths.Data(X[:500], y[:500], X[500:900], y[500:900])}
    )
    paths.run(repeats=1, threads=1, budget=60, out=tmp_path, with_logistic=["digits"])
    rows = {row["method"]: row for row in read_rows(tmp_path / "paths.csv")}
    assert list(rows) == ["path", "GridSearchCV", "LogisticRegressionCV"]
    ours, grid = rows["path"], rows["GridSearchCV"]
    assert ours["by_folds"] == pytest.approx(grid["by_folds"], abs=0.01)
    assert ours["held_out"] == pytest.approx(grid["held_out"], abs=0.03)
    assert rows["LogisticRegressionCV"]["bound"] == "folds alone"
    assert 0 < ours["cpu"] <= 1.5 * ours["seconds"] + 1
    assert rows["LogisticRegressionCV"]["cpu"] > 0
    assert ours["data"] == "digits, 1 thread"
    text = (tmp_path / "paths.md").read_text()
    assert f"{100 * ours['held_out']:.2f} (" in text


def test_scores_have_standard_errors():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(3, size=(2, 400))
    score, error = paths._score(y, predicted)
    assert score == np.mean(y == predicted)
    assert error == pytest.approx(np.sqrt(score * (1 - score) / 400))
    Y, P = rng.integers(2, size=(2, 300, 4))
    score, error = paths._score(Y, P)
    assert score == f1_score(Y, P, average="micro")
    assert 0.003 < error < 0.03


def test_coverage_is_that_of_the_estimator():
    X, y = digits()
    model = LogisticRegression(max_iter=500).fit(X[:500], y[:500])
    drawn = (X[500:1100], y[500:1100]), (X[1100:], y[1100:])
    shares, accuracy = guarantees._covered(model, drawn, False)
    assert accuracy == model.score(X[1100:], y[1100:])
    calibrated = CalibratedSparsemaxClassifierCV(model, cv="prefit").fit(X[500:1100], y[500:1100])
    for level, share in zip(coverage.LEVELS, shares, strict=True):
        report = calibrated.set_params(confidence_level=level).coverage(X[1100:], y[1100:])
        assert share == pytest.approx(report["coverage"])
    of_classes, accuracies = guarantees._covered(model, drawn, True)
    assert np.isnan(of_classes[-1]).all()  # 99 rows of each class are needed
    weights = np.bincount(y[1100:]) / len(y[1100:])
    assert accuracies @ weights == pytest.approx(accuracy)
    assert np.all(of_classes[1] >= 0.7)


def test_tables_of_guarantees(tmp_path, monkeypatch):
    X, y = digits()
    data = coverage.Data(X[:300], y[:300], X[300:1300], y[300:1300], 600)
    monkeypatch.setattr(guarantees, "N_SPLITS", 3)
    for cases in ("CASES", "OF_CLASSES"):
        monkeypatch.setattr(guarantees, cases, {"digits": lambda: guarantees.divided(data)})
    monkeypatch.setattr(guarantees, "BASES", {"logistic": LogisticRegression()})
    L, Y = make_multilabel_classification(300, n_classes=4, random_state=0)
    halves = L[:150], sparse.csr_array(Y[:150]), L[150:], sparse.csr_array(Y[150:])
    monkeypatch.setattr(guarantees, "LABEL_SETS", {"made": lambda: guarantees.Labels(*halves)})
    guarantees.run(threads=1, out=tmp_path)
    rows = read_rows(tmp_path / "guarantees.csv")
    parts = [row["part"] for row in rows]
    assert parts.count("coverage") == 4
    assert parts.count("classes") == 2 * 3
    assert parts.count("labels") == 3 * 3
    text = (tmp_path / "guarantees.md").read_text()
    assert f"{100 * rows[-1]['coverage']:.2f} (" in text


def test_draws_are_fresh():
    case = guarantees.draws()
    (X, y), (X_test, _) = case.draw(0)
    (X_again, y_again), _ = case.draw(0)
    (X_other, _), _ = case.draw(1)
    assert X.shape == (1500, 10)
    assert X_test.shape == (1000, 10)
    assert np.array_equal(X, X_again)
    assert np.array_equal(y, y_again)
    assert not np.isin(X_other[:, 0], X[:, 0]).any()
    assert not np.isin(case.X[:, 0], X[:, 0]).any()


def test_brier_scores(tmp_path, monkeypatch):
    iris = brier.Data(lambda: load_iris(return_X_y=True), [1e-3, 0.1], n_splits=2)
    monkeypatch.setattr(brier, "DATA", {"iris": iris})
    brier.run(threads=1, out=tmp_path)
    rows = read_rows(tmp_path / "brier.csv")
    assert [row["method"] for row in rows] == 2 * list(brier.METHODS)
    assert all(0 < row["brier"] < 0.2 for row in rows)
    # dense probabilities have all classes
    assert [row["support"] for row in rows][2:4] == [3, 3]
    assert all(row["support"] < 2 for row in rows[:2])
    assert "iris" in (tmp_path / "brier.md").read_text()


def test_the_scale_with_the_lowest_brier_score():
    z = np.random.default_rng(0).normal(size=(200, 3))
    targets = sparsemax(3 * z) > 0.5
    found = brier._best_scale(sparsemax, z, targets, 0.1)
    assert found[0] <= brier._brier(sparsemax(3 * z), targets)
    assert found[1] == 0.1

"""The benchmark of shortlists, on small data."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from benchmarks import coverage
from benchmarks.tables import read_rows
from sklearn_sparsemax import CalibratedSparsemaxClassifierCV


def digits():
    X, y = load_digits(return_X_y=True)
    return coverage.Data(X[:300] / 16, y[:300], X[300:900] / 16, y[300:900], 300)


def test_outcomes_are_those_of_the_estimator():
    data = digits()
    model = LogisticRegression().fit(data.X, data.y)
    z = model.decision_function(data.X_unseen)
    given = coverage.Given(model.classes_).fit(z, data.y_unseen)
    rows = np.arange(300), np.arange(300, 600)
    calibration, test = ((z[part], data.y_unseen[part]) for part in rows)
    found = coverage.ours(2, given, calibration, test)
    calibrated = CalibratedSparsemaxClassifierCV(model, cv="prefit")
    calibrated.fit(data.X_unseen[:300], data.y_unseen[:300])
    for level, (covered, size, empty) in zip(coverage.LEVELS, found, strict=True):
        calibrated.set_params(confidence_level=level)
        report = calibrated.coverage(data.X_unseen[300:], data.y_unseen[300:])
        assert (covered, size, empty) == (report["coverage"], report["mean_size"], 0)


def test_tables_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(coverage, "DATA", {"digits": digits})
    monkeypatch.setattr(coverage, "BASES", {"logistic": LogisticRegression()})
    coverage.run(threads=1, out=tmp_path, n_splits=3, n_mapie_splits=1)
    rows = read_rows(tmp_path / "coverage.csv")
    ours = [row for row in rows if row["method"] == "sparsemax"]
    assert [row["level"] for row in ours] == list(coverage.LEVELS)
    assert all(row["splits"] == 3 and row["size"] >= 1 for row in ours)
    text = (tmp_path / "coverage.md").read_text()
    assert f"{100 * ours[-1]['coverage']:.1f} (" in text

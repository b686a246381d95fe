"""The benchmarks of streams and of the default of alpha, on small data."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

pytest.importorskip("matplotlib")

from benchmarks import alpha, streams
from benchmarks.tables import read_rows


def test_orders_hold_every_row_once():
    y = np.random.default_rng(0).integers(4, size=1000)
    for kind in streams.ORDERS:
        order = streams.order_of(kind, y, np.random.default_rng(1))
        assert sorted(order) == list(range(1000))
    runs = y[streams.order_of("runs", y, np.random.default_rng(1))]
    assert 4 <= (np.diff(runs) != 0).sum() <= 16
    assert (np.diff(y[streams.order_of("sorted", y, np.random.default_rng(1))]) >= 0).all()


def test_streams_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "STREAMS", {"iris": lambda: load_iris(return_X_y=True)})
    streams.run(threads=1, out=tmp_path, seeds=(0,))
    rows = read_rows(tmp_path / "streams.csv")
    assert len(rows) == 4 * 4
    assert all(0 <= row["accuracy"] <= 100 for row in rows)
    text = (tmp_path / "streams.md").read_text()
    assert "SGDClassifier, log_loss" in text
    assert "| drifting clusters | drifting |" in text


def test_alpha_is_written(tmp_path):
    data = {name: alpha.DATA[name] for name in ("iris", "proportions, 200 rows")}
    alpha.run(threads=1, out=tmp_path, data=data)
    rows = read_rows(tmp_path / "alpha.csv")
    assert [row["data"] for row in rows] == ["iris", *["proportions, 200 rows"] * 2]
    for row in rows:
        assert min(row[rule] for rule in alpha.RULES) >= 0
    assert "| classes" in (tmp_path / "alpha.md").read_text()


@pytest.mark.slow
def test_a_stream_in_runs_is_learnt_about_as_well_as_a_shuffled_one(data_home):
    """Runs of one class: one pass stays within ten points, where the last iterate loses most."""
    X, y = streams.mnist(4000)
    rng = np.random.default_rng(0)
    order = streams.order_of("runs", y[:3000], rng)
    found = {
        name: streams.accuracies(X[rows], y[rows], X[3000:], y[3000:], 0)
        for name, rows in (("runs", order), ("shuffled", rng.permutation(3000)))
    }
    ours = {name: of_order["SGDSparsemaxClassifier"] for name, of_order in found.items()}
    assert ours["runs"] >= ours["shuffled"] - 10
    assert ours["runs"] >= found["runs"]["SGDClassifier, log_loss"]
    assert ours["runs"] >= found["runs"]["the same, average=False"] + 10

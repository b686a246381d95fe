"""The benchmark of GPUs runs on the CPU, on small problems."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from arrays import NEEDED

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.__main__ import main
from benchmarks.tables import read_rows

pytestmark = NEEDED


def test_dry_run(tmp_path):
    pytest.importorskip("torch")
    main(["gpu", "--dry-run", "--repeats", "1", "--threads", "1", "--out", str(tmp_path)])
    rows = read_rows(tmp_path / "gpu.csv")
    models = [row for row in rows if not row["problem"].startswith("layer")]
    assert len({row["problem"] for row in models}) == 2
    for row in models:
        assert "failure" not in row
        assert row["seconds"] > 0
    certified = [row for row in models if row["method"].startswith("ours")]
    assert len(certified) == 8
    for row in certified:
        assert 0 <= row["gap"] <= 1e-4
    # the loss of LogisticRegression is that of ours, whose lower bound none can pass
    theirs = [row for row in models if row["method"].startswith("LogisticRegression")]
    assert all(-1e-6 <= row["gap"] <= 0.1 for row in theirs)
    layers = [row for row in rows if row["problem"].startswith("layer")]
    assert {row["method"] for row in layers} >= {"torch.softmax", "our sparsemax"}
    text = (tmp_path / "gpu.md").read_text()
    assert "MNIST" in text
    assert "times softmax" in text


def test_without_a_gpu_it_says_so(tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SystemExit, match="--dry-run runs all parts on the CPU"):
        main(["gpu", "--out", str(tmp_path)])

"""The benchmark of the choice of the solver."""

from __future__ import annotations

from functools import partial

import pytest

from benchmarks import choice


@pytest.fixture
def small(monkeypatch):
    case = choice.Case("rows", partial(choice.normal, 300, 4, 3, decay=1.0), (1e-2,))
    monkeypatch.setattr(choice, "CASES", {case.name: case})


def test_the_default_is_measured_beside_the_others(small, tmp_path):
    choice.run([], repeats=1, threads=1, budget=60, out=tmp_path)
    header, _, line = (tmp_path / "choice.md").read_text().splitlines()[-3:]
    assert [cell.strip() for cell in header.split("|")[3:-2]] == list(choice.SOLVERS)
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[:2] == ["rows", "0.01"]
    assert min(map(float, cells[2:6])) > 0
    # the cells have three digits, the ratio two places
    assert float(cells[-1]) == pytest.approx(
        float(cells[2]) / min(map(float, cells[2:6])), rel=0.02, abs=0.01
    )


def test_documents_are_unit_rows_with_classes():
    X, y = choice.documents(50, 200, 4, noise=0.1)
    assert X.power(2).sum(axis=1) == pytest.approx(1)
    assert set(y) <= set(range(4))


def test_without_results_there_is_no_table(tmp_path):
    choice.write(tmp_path)
    assert list(tmp_path.iterdir()) == []

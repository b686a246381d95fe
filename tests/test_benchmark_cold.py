"""The benchmark of first calls: its table, from rows that are written here."""

from __future__ import annotations

from benchmarks import cold
from benchmarks.tables import replace_rows


def test_the_table_has_a_line_for_each_call(tmp_path):
    rows = [
        {
            "call": call,
            "process": process,
            "seconds": seconds,
            "again": 0.25,
            "cpu_seconds": seconds / 2,
            "cpu_again": 0.25,
        }
        for call in cold.CALLS
        for process, seconds in (("compiled", 8.0), ("loaded", 1.0))
    ]
    origin = {"machine": "one", "threads": "1", "python": "3", "versions": "", "date": "today"}
    replace_rows(tmp_path / "cold.csv", rows, "call", origin)
    cold.write(tmp_path)
    lines = (tmp_path / "cold.md").read_text().splitlines()
    cells = [line for line in lines if "8.00 (4.00)" in line and "1.00 (0.50)" in line]
    assert len(cells) == len(cold.CALLS)


def test_without_results_there_is_no_table(tmp_path):
    cold.write(tmp_path)
    assert list(tmp_path.iterdir()) == []

"""Rows in CSV files, the machine they come from, and Markdown tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Rows of a CSV file; numbers are numbers, and what is empty is left out."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {name: _number(text) for name, text in row.items() if text != ""}
            for row in csv.DictReader(file)
        ]


def replace_rows(
    path: Path, rows: Sequence[Row], key: str | Sequence[str], origin: dict[str, str]
) -> None:
    """Write rows in the place of those of the same key, so that these are all of one run.

    A key is a column, or several.

    The origin, with its date, goes to ``origin.json`` beside; each row keeps the date.
    """
    columns = [key] if isinstance(key, str) else key

    def key_of(row: Row) -> tuple[Any, ...]:
        return tuple(row[column] for column in columns)

    replaced = {key_of(row) for row in rows}
    rows = [{**row, "date": origin["date"]} for row in rows]
    rows = [row for row in read_rows(path) if key_of(row) not in replaced] + rows
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    origins = _origins(path.parent)
    origins[origin["date"]] = origin
    (path.parent / "origin.json").write_text(json.dumps(origins, indent=1) + "\n")


def origin_lines(folder: Path, rows: Iterable[Row]) -> list[str]:
    """What machine, versions, threads and date the rows come from."""
    origins = _origins(folder)
    dates = list(dict.fromkeys(row["date"] for row in rows))
    return [
        f"- {origin['date']}: {origin['machine']}; threads each: {origin['threads']}; "
        f"Python {origin['python']}; {origin['versions']}."
        for origin in (origins[date] for date in dates)
    ]


def markdown(header: Sequence[str], body: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table whose first `left` columns are aligned to the left, the others to the right."""
    lines = [list(header), *map(list, body)]
    widths = [max(3, *(len(line[j]) for line in lines)) for j in range(len(header))]
    rule = ["-" * w if j < left else "-" * (w - 1) + ":" for j, w in enumerate(widths)]
    lines.insert(1, rule)
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(w) if j < left else cell.rjust(w)
            for j, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def digits(value: float) -> str:
    """Three significant digits, without an exponent where it is readable without."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1e-3 else f"{value:.1e}"


def level_name(level: float) -> str:
    """1e-3, say."""
    return f"{level:.0e}".replace("e-0", "e-")


def _origins(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / "origin.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text

"""What the commands print and write."""

from __future__ import annotations

import json
import os
import platform
from argparse import Namespace
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> str:
    """Cells in aligned columns, of which the first `left` are flush left."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in table
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def legend(columns: Mapping[str, str]) -> str:
    """What the columns of a table hold; those with no text of their own are left out."""
    width = max(map(len, columns)) + 2
    return "\n".join(
        f"{name:{width}}" + meaning.replace("\n", "\n" + " " * width)
        for name, meaning in columns.items()
        if meaning
    )


def write_json(
    path: Path, arguments: Namespace, results: Sequence[dict[str, Any]], **more: Any
) -> None:
    """Write results, and `more`, with all that is needed to obtain them again."""
    options = {name: value for name, value in vars(arguments).items() if name != "run"}
    modules = ("sklearn_sparsemax", "sklearn", "numpy", "scipy", "numba")
    versions = {name: import_module(name).__version__ for name in modules}
    report = {
        "options": options,
        "versions": {"python": platform.python_version(), **versions},
        "machine": machine(),
        "results": list(results),
        **more,
    }
    path.write_text(json.dumps(report, indent=2, default=str) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Where the numbers were measured."""
    return {
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "processor": processor(),
    }


def processor() -> str:
    """Name, family and model: virtual machines of several generations share a name."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    of_first_core = cpuinfo.read_text().partition("\n\n")[0]
    fields = dict(
        [part.strip() for part in line.partition(":")[::2]] for line in of_first_core.splitlines()
    )
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    return f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']})"

"""First calls after an installation, where all kernels are compiled, and in a second process.

Each measurement has a new folder for the cache. The first process fills it, and the second one
loads from it. Both include the import of Numba, but neither that of the package nor the data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from . import machine
from .clock import Clock
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

CALLS = {
    "sparse fit": "SparsemaxClassifier, 20,000 x 5,000 CSR, 20 classes",
    "SGD fit": "SGDSparsemaxClassifier, 20,000 x 100 dense, 10 classes",
    "predict_proba": "SparsemaxClassifier, 90,000 rows, 20 classes",
}

# The rows of "predict_proba" are predicted by a small model, whose fit compiles nothing.
SCRIPT = """
import json, sys, time
import numpy as np
from scipy import sparse
from sklearn_sparsemax import SGDSparsemaxClassifier, SparsemaxClassifier

random, call = np.random.default_rng(0), sys.argv[1]
if call == "sparse fit":
    n, d, m = 20_000, 5_000, 30
    entries = random.random(n * m), random.integers(d, size=n * m, dtype=np.int32)
    X = sparse.csr_matrix((*entries, np.arange(0, n * m + 1, m, dtype=np.int32)), shape=(n, d))
    X.sum_duplicates()
    y = (X @ random.standard_normal((d, 20))).argmax(axis=1)
    function = lambda: SparsemaxClassifier().fit(X, y)
elif call == "SGD fit":
    X = random.standard_normal((20_000, 100))
    y = (X @ random.standard_normal((100, 10))).argmax(axis=1)
    function = lambda: SGDSparsemaxClassifier().fit(X, y)
else:
    X = random.standard_normal((90_000, 30))
    model = SparsemaxClassifier(tol=0.5).fit(X[:200], np.arange(200) % 20)
    function = lambda: model.predict_proba(X)
assert "numba" not in sys.modules
seconds = []
for _ in range(2):
    start, start_cpu = time.perf_counter(), time.process_time()
    function()
    seconds.append((time.perf_counter() - start, time.process_time() - start_cpu))
print(json.dumps(seconds))
"""

NOTES = """\
Seconds of the first call in a process, with the import of Numba. "compiled": with an empty cache.
"loaded": in a second process. "once more": the same call again. In parentheses: the time of the
processor, which grows less with the load of a shared machine.
"""


def run(*, repeats: int, threads: int, out: Path, **_: Any) -> None:
    """Measure each call in a new cache, and in a second process, in turns."""
    clock, rows = Clock(), []
    for _ in range(repeats):
        for call in CALLS:
            with tempfile.TemporaryDirectory() as cache:
                for process in ("compiled", "loaded"):
                    (wall, cpu), (again, cpu_again) = _seconds(call, cache, threads)
                    row: Row = {"call": call, "process": process, "seconds": wall, "again": again}
                    rows.append({**row, "cpu_seconds": cpu, "cpu_again": cpu_again})
                    clock.say(f"{call}, {process}: {wall:.2f} s, again {again:.2f} s")
    replace_rows(out / "cold.csv", rows, "call", machine.description(threads))
    write(out)


def _seconds(call: str, cache: str, threads: int) -> list[list[float]]:
    environment = {name: str(threads) for name in machine.THREAD_VARIABLES}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, call],
        env={**os.environ, **environment, "NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    result: list[list[float]] = json.loads(done.stdout)
    return result


def write(folder: Path) -> None:
    """Write the table."""
    rows = read_rows(folder / "cold.csv")
    if not rows:
        return
    body = []
    for call, description in CALLS.items():
        cells = [f"{call}: {description}"]
        for process in ("compiled", "loaded"):
            runs = [row for row in rows if (row["call"], row["process"]) == (call, process)]
            wall = median(row["seconds"] for row in runs)
            cells.append(f"{wall:.2f} ({median(row['cpu_seconds'] for row in runs):.2f})")
        again = median(row["again"] for row in rows if row["call"] == call)
        body.append([*cells, f"{again:.2f}"])
    header = ["first call", "compiled", "loaded", "once more"]
    parts = ["# First calls", "", NOTES, *origin_lines(folder, rows), "", markdown(header, body)]
    (folder / "cold.md").write_text("\n".join(parts) + "\n")

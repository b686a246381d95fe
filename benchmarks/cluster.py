"""A cluster of processes on this machine: overhead, memory, and fits whose workers are killed.

The workers are those of a `LocalCluster` on loopback, each with one thread. So the figures hold the
cost of tasks and of messages, but not that of a network.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy import sparse

import sklearn_sparsemax
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax.losses import SparsemaxLoss
from sklearn_sparsemax.losses.targets import one_hot

from . import machine
from .problems import rcv1_classes
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

NOTES = """\
Two workers with a thread each, on the cores of this machine, beside the plain estimators with as
many threads. `python -m benchmarks cluster` measures it.

- **evaluation**: F and its gradient over 8 partitions of 25,000 x 100 with 10 classes, in
  milliseconds: median and minimum of 40, here and there in turn. The limit is 1.5 times the median
  of one process plus 30.
- **dual ascent**: 787,150 documents of 47,236 words and 36 classes, which are 35 copies of the
  documents of the RCV1 sample in random order, in 8 partitions; `tol=1e-3`, seconds of `fit` once
  the partitions are in memory, and the largest memory of the client.
- **larger than memory**: 4 GB of features, made by the workers, each of which may use 1 GB.
- **killed workers**: 20 fits; in each, a random worker is killed at a random time. Right means that
  the objective is that of the plain estimator, within the sum of both gaps.
- **peers**: seconds to a suboptimality of 1e-4 and 1e-6 of F(0, 0) of each one's own objective, on
  two classes.
"""

PARTITIONS = 8


@contextmanager
def cluster(memory: str = "8GB") -> Iterator[Any]:
    """The client of two workers."""
    from distributed import Client, LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": memory}
    with LocalCluster(n_workers=2, **options) as workers, Client(workers) as client:
        yield client


def dense_partition(number: int, n_rows: int = 25_000, d: int = 100, K: int = 10) -> Any:
    """Features (n_rows, d), and classes that depend on them."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((n_rows, d))
    return X, (X[:, :K] + rng.standard_normal((n_rows, K))).argmax(axis=1)


def lazy(make: Callable[[int], Any], n_partitions: int) -> tuple[list[Any], list[Any]]:
    """Delayed X and y of partitions that `make` makes."""
    from dask.delayed import delayed

    pairs = [delayed(make, pure=False)(number) for number in range(n_partitions)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def overhead() -> list[Row]:
    """Milliseconds of an evaluation."""
    from sklearn_sparsemax.dask import _engine, _fit

    coef = 0.1 * np.random.default_rng(0).standard_normal((101, 10))
    X, y = zip(*(dense_partition(number) for number in range(PARTITIONS)), strict=True)
    objective = Objective(np.vstack(X), one_hot(np.concatenate(y), 10), SparsemaxLoss(), alpha=1e-4)
    options = _fit.Options("classes", SparsemaxLoss(), 1e-4, True, None, None)
    with cluster() as client:
        tasks = _engine.Tasks(_engine.Cluster(client))
        data = lazy(dense_partition, PARTITIONS)
        problem = _fit.prepare(*data, None, options, tasks, persist=True).problem
        here, there = [], []
        for repeat in range(45):
            for times, function in (
                (here, objective.value_and_gradient),
                (there, problem.value_and_gradient),
            ):
                start = time.perf_counter()
                function(coef)
                if repeat >= 5:
                    times.append(1e3 * (time.perf_counter() - start))
    return [
        {
            "what": "evaluation",
            "where": where,
            "ms": round(median(times), 1),
            "least_ms": round(min(times), 1),
            "limit": limit,
        }
        for where, times, limit in (
            ("one process", here, ""),
            ("cluster", there, round(1.5 * median(here) + 30, 1)),
        )
    ]


def documents() -> list[Path]:
    """Files of the partitions of 787,150 documents; written on the first call."""
    folder = Path(__file__).parent / ".cache" / "cluster"
    files = [folder / f"{number}.npz" for number in range(PARTITIONS)]
    if not files[-1].exists():
        X, y = rcv1_classes()
        rows = np.random.default_rng(0).permutation(35 * len(y)) % len(y)
        folder.mkdir(parents=True, exist_ok=True)
        for file, some in zip(files, np.array_split(rows, PARTITIONS), strict=True):
            part = sparse.csr_array(X)[some]
            arrays = {"data": part.data, "indices": part.indices, "indptr": part.indptr}
            np.savez(file, shape=part.shape, y=y[some], **arrays)
    return files


def read_documents(file: Path) -> tuple[Any, Any]:
    with np.load(file) as arrays:
        entries = arrays["data"], arrays["indices"], arrays["indptr"]
        return sparse.csr_array(entries, shape=tuple(arrays["shape"])), arrays["y"]


def ascent(where: str, alpha: float = 1e-5) -> list[Row]:
    """Seconds to a certified 1e-3 on documents, in this process or on the cluster."""
    files = documents()
    options = {"alpha": alpha, "tol": 1e-3, "random_state": 0}
    row: Row = {"what": f"dual ascent, alpha={alpha:g}", "where": where}
    if where == "one process":
        X, y = zip(*map(read_documents, files), strict=True)
        X, y = sparse.vstack(X, format="csr"), np.concatenate(y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # compiles or loads the kernels
            sklearn_sparsemax.SparsemaxClassifier(solver="sdca", max_iter=2).fit(X[:9000], y[:9000])
        model = sklearn_sparsemax.SparsemaxClassifier(**options)
        start = time.perf_counter()
        model.fit(X, y)
        row["seconds"] = round(time.perf_counter() - start, 1)
    else:
        from dask.base import persist
        from distributed import wait

        import sklearn_sparsemax.dask as over

        with cluster() as client, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            X, y = persist(*lazy(lambda number: read_documents(files[number]), PARTITIONS))
            wait([X, y])
            small = [part[:3000] for part in X[:3]], [part[:3000] for part in y[:3]]
            over.SparsemaxClassifier(solver="sdca", max_iter=2).fit(*small)
            model = over.SparsemaxClassifier(**options)
            start = time.perf_counter()
            model.fit(X, y)
            row["seconds"] = round(time.perf_counter() - start, 1)
            peaks = client.run(_peak_megabytes).values()
        row["workers_MB"] = round(max(peaks))
    row["MB"] = round(_peak_megabytes())
    row |= {"epochs": model.n_iter_, "gap": model.dual_gap_, "objective": model.objective_}
    return [row]


def _peak_megabytes() -> float:
    """Largest memory that this process has used since it was started, on Linux."""
    # not getrusage, which counts what the parent had used
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def larger_than_memory(persist: bool, gigabytes: float = 4.0, solver: str = "lbfgs") -> list[Row]:
    """A fit of more features than the workers may hold."""
    import sklearn_sparsemax.dask as over

    n_rows = 20_000
    n_partitions = round(gigabytes * 1e9 / (n_rows * 100 * 8))
    data = lazy(partial(dense_partition, n_rows=n_rows), n_partitions)
    with tempfile.TemporaryDirectory() as folder:
        import dask

        with dask.config.set({"temporary_directory": folder}), cluster("1GB") as client:
            before = set(client.run(os.getpid).values())
            model = over.SparsemaxClassifier(1e-4, solver=solver, tol=1e-4, persist=persist)
            start = time.perf_counter()
            model.fit(*data)
            seconds = time.perf_counter() - start
            peaks = client.run(_peak_megabytes).values()
            survived = set(client.run(os.getpid).values()) == before
    return [
        {
            "what": "larger than memory",
            "where": f"cluster, {solver}, persist={persist}",
            "seconds": round(seconds, 1),
            "MB": round(_peak_megabytes()),
            "workers_MB": round(max(peaks)),
            "workers_killed": int(not survived),
            "epochs": model.n_iter_,
            "gap": model.dual_gap_,
        }
    ]


def sparse_partition(number: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(number)
    X = rng.standard_normal((2000, 50)) * (rng.uniform(size=(2000, 50)) < 0.3)
    scores = X[:, :6] + 0.5 * rng.standard_normal((2000, 6))
    return sparse.csr_array(X), scores.argmax(axis=1)


def kills(first: int = 0, n_fits: int = 20) -> list[Row]:
    """Fits during each of which a random worker is killed."""
    import sklearn_sparsemax.dask as over

    rng = np.random.default_rng(first)
    X, y = zip(*map(sparse_partition, range(PARTITIONS)), strict=True)
    X, y = sparse.vstack(X, format="csr"), np.concatenate(y)
    solvers = ("lbfgs", "sdca", "newton-cg")
    expected, rows = {}, {solver: [0, 0, 0] for solver in solvers}
    for solver in solvers:
        options = {"alpha": 1e-3, "tol": 1e-6, "solver": solver, "max_iter": 3000}
        expected[solver] = sklearn_sparsemax.SparsemaxClassifier(**options).fit(X, y)
    with cluster() as client:
        data = lazy(sparse_partition, PARTITIONS)
        over.SparsemaxClassifier(**options).fit(*data)
        for number in range(first, first + n_fits):
            solver = solvers[number % len(solvers)]
            client.wait_for_workers(2)
            pids = sorted(client.run(os.getpid).values())
            model = over.SparsemaxClassifier(**{**options, "solver": solver})
            killer = threading.Timer(
                rng.uniform(0.05, 1.0), os.kill, (int(rng.choice(pids)), signal.SIGKILL)
            )
            killer.start()
            model.fit(*data)
            in_time = not killer.is_alive()
            killer.join()
            reference = expected[solver]
            distance = abs(model.objective_ - reference.objective_)
            rows[solver][0] += 1
            rows[solver][1] += in_time
            rows[solver][2] += distance <= model.dual_gap_ + reference.dual_gap_ + 1e-12
            print(number, solver, model.n_iter_, f"{distance:.1e}", in_time, flush=True)
    return [
        {"what": "killed workers", "where": solver, "fits": fits, "killed": killed, "right": right}
        for solver, (fits, killed, right) in rows.items()
    ]


def two_classes(number: int) -> tuple[Any, Any]:
    X, y = dense_partition(number)
    return X, (y < 5).astype(np.int64)


MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {
    "overhead": overhead,
    "ascent-here": partial(ascent, "one process"),
    "ascent-there": partial(ascent, "cluster"),
    "memory": partial(larger_than_memory, True),
    "memory-reload": partial(larger_than_memory, False),
    "kills": kills,
}


def run(names: Sequence[str], *, threads: int, out: Path) -> None:
    """Measure what the names say, by default everything."""
    for name in names or MEASUREMENTS:
        rows = MEASUREMENTS[name]()
        print(rows, flush=True)
        description = machine.description(threads)
        replace_rows(out / "cluster.csv", rows, ["what", "where"], description)
    write(out)


def write(folder: Path) -> None:
    """``cluster.md`` from ``cluster.csv``."""
    rows = read_rows(folder / "cluster.csv")
    if not rows:
        return
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [name for name in names if name not in ("what", "where", "date")]
    body = [
        [row["what"], row["where"], *(_cell(row.get(column)) for column in columns)] for row in rows
    ]
    parts = [
        "# A cluster",
        NOTES,
        "\n".join(origin_lines(folder, rows)),
        markdown(["what", "where", *columns], body, left=2),
    ]
    (folder / "cluster.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _cell(value: Any) -> str:
    if value in (None, ""):
        return ""
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1 else f"{value:g}"

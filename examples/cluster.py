"""
Fit data larger than the memory of a cluster
============================================

Rows in files, more than the workers may hold, fitted with the certificate of one machine.

    python examples/cluster.py [GIGABYTES]

Two workers may use 1 GB each. The first data set is dense, in a Zarr array on disk. The second one
is sparse, in npz files. `persist=False` loads a partition whenever a pass over the rows needs it,
so that a worker holds one partition at a time. With `persist=True`, the default, the partitions
stay in the workers, and dask moves to disk what does not fit. The script fails if a worker was
killed. It needs `pip install "sklearn-sparsemax[dask]" zarr`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask import delayed
from distributed import Client, LocalCluster
from scipy import sparse

from sklearn_sparsemax.dask import SparsemaxClassifier

N_FEATURES, N_CLASSES = 100, 5
ROWS_PER_PARTITION = 20_000
WORDS, WORDS_PER_ROW = 5_000, 50


def main(gigabytes: float) -> None:
    n_partitions = max(2, round(gigabytes * 1e9 / (8 * ROWS_PER_PARTITION * N_FEATURES)))
    with (
        tempfile.TemporaryDirectory() as folder,
        dask.config.set(temporary_directory=folder),
        LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit="1GB", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        X, y = zarr_array(Path(folder) / "dense", n_partitions)
        for persist in (False, True):
            fit(client, f"Zarr array, persist={persist}", X, y, persist=persist)
        X, y = npz_files(Path(folder) / "sparse", n_partitions)
        fit(client, "npz files, persist=False", X, y, persist=False)
        if client.run(os.getpid) != workers:
            raise SystemExit("a worker was killed")


def fit(client: Client, title: str, X, y, *, persist: bool) -> None:
    classifier = SparsemaxClassifier(1e-4, solver="lbfgs", tol=1e-3, persist=persist)
    start = time.perf_counter()
    classifier.fit(X, y)
    seconds = time.perf_counter() - start
    peak = max(client.run(peak_megabytes).values())
    print(
        f"{title}: {seconds:.0f} s, {classifier.n_iter_} iterations, objective "
        f"{classifier.objective_:.4f} within {classifier.dual_gap_:.1e} of the minimum, largest "
        f"memory of a worker so far {peak:.0f} MB"
    )


def peak_megabytes() -> float:
    """Largest memory of this process, on Linux."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def zarr_array(folder: Path, n_partitions: int) -> tuple[da.Array, da.Array]:
    """A dense data set on disk, as dask arrays. The workers write it, block by block."""
    rows = n_partitions * ROWS_PER_PARTITION
    X = da.random.default_rng(0).standard_normal(
        (rows, N_FEATURES), chunks=(ROWS_PER_PARTITION, N_FEATURES)
    )
    da.to_zarr(X, str(folder))
    X = da.from_zarr(str(folder), chunks=(ROWS_PER_PARTITION, N_FEATURES))
    return X, X[:, :N_CLASSES].argmax(axis=1)


def npz_files(folder: Path, n_partitions: int) -> tuple[list, list]:
    """A sparse data set on disk, as lists of delayed blocks."""
    folder.mkdir()
    files = [folder / f"{number}.npz" for number in range(n_partitions)]
    dask.compute(*(delayed(write_npz)(number, file) for number, file in enumerate(files)))
    blocks = [delayed(read_npz)(file) for file in files]
    return [block[0] for block in blocks], [block[1] for block in blocks]


def write_npz(number: int, file: Path) -> None:
    rng = np.random.default_rng(number)
    words = rng.integers(0, WORDS, (ROWS_PER_PARTITION, WORDS_PER_ROW))
    counts = np.ones(words.size)
    indptr = np.arange(0, words.size + 1, WORDS_PER_ROW)
    X = sparse.csr_array((counts, words.ravel(), indptr), shape=(ROWS_PER_PARTITION, WORDS))
    X.sum_duplicates()
    weights = np.random.default_rng(0).standard_normal((WORDS, N_CLASSES))
    y = (X @ weights).argmax(axis=1)
    np.savez(file, data=X.data, indices=X.indices, indptr=X.indptr, y=y)


def read_npz(file: Path) -> tuple[sparse.csr_array, np.ndarray]:
    with np.load(file) as arrays:
        entries = arrays["data"], arrays["indices"], arrays["indptr"]
        return sparse.csr_array(entries, shape=(ROWS_PER_PARTITION, WORDS)), arrays["y"]


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)

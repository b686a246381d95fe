"""
Learn from a file larger than the memory
========================================

Out of core: learn from a file that is larger than the allowed memory, and from a stream of text.

    python examples/out_of_core.py [FIGURE]

`partial_fit` takes the rows in chunks. The first stream is an svmlight file. The second one is
passages of text; a HashingVectorizer turns them into features without a vocabulary. The model
predicts each chunk before it learns from it. So the accuracies are those of unseen rows. The script
measures the memory that it needs in addition to its imports, and fails if this exceeds a limit.
On Linux it needs 25 MiB. The file alone, read at once, takes 72.
To use your own data, replace `svmlight_chunks` or `text_chunks`.
"""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import sklearn
from matplotlib import pyplot as plt
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file
from sklearn.feature_extraction.text import HashingVectorizer

from sklearn_sparsemax import SGDSparsemaxClassifier

MIB = 2**20
MEMORY_LIMIT = 48 * MIB
FILE_SIZE = 64 * MIB
CHUNK_SIZE = 2 * MIB

N_FEATURES, N_CLASSES, ENTRIES_PER_ROW = 2000, 10, 50
PACKAGES = ("cluster", "ensemble", "linear_model", "metrics", "model_selection", "preprocessing")
LINES_PER_PASSAGE, PASSAGES_PER_CHUNK = 5, 500

Chunk = tuple[sparse.csr_matrix, np.ndarray]
Curve = list[tuple[int, float]]


def main(figure: str = "out_of_core.png") -> None:
    load_kernels()
    before = reset_peak_memory()
    curves = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.svm"
        write_svmlight(file)
        title = f"svmlight file of {file.stat().st_size / MIB:.0f} MiB"
        curves[title] = learn(svmlight_chunks(file), np.arange(N_CLASSES), title)
    title = "passages of source code, by package"
    curves[title] = learn(text_chunks(), np.array(PACKAGES), title)

    taken = peak_memory() - before
    print(f"memory: {taken / MIB:.0f} MiB at most, of {MEMORY_LIMIT / MIB:.0f} allowed")
    if taken > MEMORY_LIMIT:
        sys.exit("The memory limit is exceeded.")
    plot(curves, figure)


def learn(chunks: Iterator[Chunk], classes: np.ndarray, title: str) -> Curve:
    """Accuracy on each chunk, by the number of rows learnt before it."""
    model = SGDSparsemaxClassifier(alpha=1e-6, random_state=0)
    n_rows, curve = 0, []
    for X, y in chunks:
        if n_rows:
            curve.append((n_rows, model.score(X, y)))
        model.partial_fit(X, y, classes=classes)
        n_rows += len(y)
    print(f"{title}: {n_rows} rows, accuracy {curve[0][1]:.3f} to {curve[-1][1]:.3f}")
    return curve


def svmlight_chunks(file: Path) -> Iterator[Chunk]:
    """Rows of an svmlight file. A chunk ends with the row that contains its last byte."""
    size = file.stat().st_size
    bounds = np.linspace(0, size, 1 + size // CHUNK_SIZE).astype(int)
    for first, last in pairwise(bounds):
        yield load_svmlight_file(
            file,
            n_features=N_FEATURES,
            zero_based=True,
            dtype=np.float32,
            offset=first,
            length=last - first,
        )


def text_chunks() -> Iterator[Chunk]:
    """Passages of scikit-learn's source code, and the packages that they come from."""
    vectorizer = HashingVectorizer(n_features=2**16, dtype=np.float32)
    stream = passages()
    while chunk := list(islice(stream, PASSAGES_PER_CHUNK)):
        texts, packages = zip(*chunk, strict=True)
        yield vectorizer.transform(texts), np.array(packages)


def passages() -> Iterator[tuple[bytes, str]]:
    """A few lines at a time, with their package. The next file is chosen at random."""
    rng = np.random.default_rng(0)
    root = Path(sklearn.__file__).parent
    files = [file for package in PACKAGES for file in sorted((root / package).rglob("*.py"))]
    left = np.array([file.stat().st_size for file in files])
    while left.any():
        turn = rng.choice(len(files), p=left / left.sum())
        with files[turn].open("rb") as stream:
            stream.seek(-left[turn], 2)
            text = b"".join(islice(stream, LINES_PER_PASSAGE))
        left[turn] -= len(text)
        yield text, files[turn].relative_to(root).parts[0]


def write_svmlight(file: Path) -> None:
    """Write a file of rows. The class of a row has the largest of its noisy linear scores."""
    rng = np.random.default_rng(0)
    coef = rng.normal(size=(N_FEATURES, N_CLASSES))
    n_rows = 5000
    indptr = np.arange(0, n_rows * ENTRIES_PER_ROW + 1, ENTRIES_PER_ROW)
    with file.open("wb") as stream:
        while stream.tell() < FILE_SIZE:
            columns = rng.integers(N_FEATURES, size=indptr[-1])
            values = rng.random(indptr[-1])
            X = sparse.csr_matrix((values, columns, indptr), shape=(n_rows, N_FEATURES))
            X.sum_duplicates()
            scores = X @ coef
            y = (scores + rng.normal(size=scores.shape)).argmax(axis=1)
            dump_svmlight_file(X, y, stream, zero_based=True)


def load_kernels() -> None:
    """Fit a few rows of both kinds. This imports the compiler, and compiles what is not cached."""
    X, y = load_svmlight_file(BytesIO(b"0 0:1\n1 1:1\n2 2:1\n"), dtype=np.float32)
    SGDSparsemaxClassifier().partial_fit(X, y, classes=y).predict(X)
    X = HashingVectorizer(dtype=np.float32).transform(["one", "two", "three"])
    SGDSparsemaxClassifier().partial_fit(X, y, classes=y).predict(X)


def peak_memory() -> int:
    """The largest memory of the process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def reset_peak_memory() -> int:
    """Start to measure the peak anew, and return it, in bytes.

    A system that cannot do this returns the earlier peak. Free memory is given back to the system
    first. Otherwise the process could use it again without raising the peak.
    """
    gc.collect()
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")
    return peak_memory()


def plot(curves: dict[str, Curve], file: str) -> None:
    """Accuracy by rows seen."""
    figure, panels = plt.subplots(1, len(curves), figsize=(9, 3.6), layout="constrained")
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        n_rows, accuracy = np.transpose(curve)
        axes.plot(n_rows / 1000, accuracy)
        axes.set(
            title=title, xlabel="thousands of rows learnt", ylabel="accuracy on the next chunk"
        )
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=150)
    print(f"wrote {file}")


if __name__ == "__main__":
    main(*sys.argv[1:2])

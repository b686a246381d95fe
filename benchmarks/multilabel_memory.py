"""Memory and time of a multilabel fit with many labels, sparse X and sparse Y.

Each loss is fitted in a process of its own, whose peak resident memory is read from the operating
system before and after the fit. A dense n x K matrix, of which there must be none, would alone
take `dense Y` MiB.

    python benchmarks/multilabel_memory.py --rows 100000 --labels 1000 --features 1000
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import sklearn_sparsemax

ESTIMATORS = {
    "sparsemax": sklearn_sparsemax.MultilabelSparsemaxClassifier,
    "softmax": sklearn_sparsemax.MultilabelSoftmaxClassifier,
    "logistic": sklearn_sparsemax.MultilabelLogisticClassifier,
}
WORDS_PER_ROW = 30
WORDS_PER_LABEL = 8
NOISE = 0.3


def make_documents(n_rows, n_labels, n_features, seed=0):
    """Word counts X and label sets Y, both CSR: each label has words of its own, amid noise.

    Rows have 1 + Poisson(2) labels, and one in twenty has none.
    """
    rng = np.random.default_rng(seed)
    labels_of_row = 1 + rng.poisson(2, size=n_rows)
    starts = np.concatenate([[0], np.cumsum(labels_of_row)])
    labels = rng.integers(n_labels, size=starts[-1])

    row = np.repeat(np.arange(n_rows), WORDS_PER_ROW)
    label = labels[starts[row] + rng.integers(labels_of_row[row])]
    words_of_label = rng.integers(n_features, size=(n_labels, WORDS_PER_LABEL))
    word = words_of_label[label, rng.integers(WORDS_PER_LABEL, size=row.size)]
    empty = rng.random(n_rows) < 0.05
    noise = (rng.random(row.size) < NOISE) | empty[row]
    word[noise] = rng.integers(n_features, size=np.count_nonzero(noise))
    X = sparse.csr_array((np.ones(row.size), (row, word)), shape=(n_rows, n_features))

    kept = np.repeat(~empty, labels_of_row)
    row = np.repeat(np.arange(n_rows), labels_of_row)
    entries = (np.ones(np.count_nonzero(kept), dtype=bool), (row[kept], labels[kept]))
    return X, sparse.csr_array(entries, shape=(n_rows, n_labels)).astype(np.int8)


def peak_mib():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def measure(loss, options):
    """Fit one loss and print its row of the table."""
    estimator = ESTIMATORS[loss](
        alpha=options.alpha, solver="lbfgs", max_iter=options.max_iter, tol=options.tol
    )
    # a small fit first, so that neither compilation nor imports count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(*make_documents(200, 5, 10))
        X, Y = make_documents(options.rows, options.labels, options.features)
        baseline = peak_mib()
        start = time.perf_counter()
        estimator.fit(X, Y)
        seconds = time.perf_counter() - start
    peak = peak_mib()
    print(
        f"{loss:<10} {seconds:8.1f} {estimator.n_iter_:10d} {baseline:14.0f} {peak:10.0f} "
        f"{peak - baseline:12.0f} {options.rows * options.labels * 8 / 2**20:12.0f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--alpha", type=float, default=1e-4)
    parser.add_argument("--tol", type=float, default=1e-4)
    parser.add_argument("--max-iter", type=int, default=5)
    parser.add_argument("--loss", choices=ESTIMATORS, help="only this one, in this process")
    options = parser.parse_args()
    if options.loss:
        measure(options.loss, options)
        return
    print(
        f"{'loss':<10} {'fit (s)':>8} {'iterations':>10} {'baseline (MiB)':>14} {'peak (MiB)':>10} "
        f"{'over it':>12} {'dense Y':>12}",
        flush=True,
    )
    for loss in ESTIMATORS:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--loss", loss], check=True)


if __name__ == "__main__":
    main()

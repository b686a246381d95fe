"""`compare`: SparsemaxClassifier beside LogisticRegression, on data that scikit-learn ships."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, stdev
from typing import Any

from ._arguments import number, one_of, writable_file
from ._report import format_table, legend, write_json

__all__ = ["COLUMNS", "Fit", "add_parser", "run"]

DATASETS = ("digits", "wine", "breast_cancer")

COLUMNS = {
    "data": "of scikit-learn, its features standardised",
    "model": "minimises its mean loss + alpha/2 ||W||^2, to its default tolerance",
    "accuracy": "share of test rows predicted right; mean ± standard deviation over the splits",
    "Brier": "mean over test rows of sum_k (p_k - y_k)^2, between 0 and 2",
    "sparsemax loss": "mean over test rows, computed from the scores of either model",
    "classes": "mean number of classes with a probability above 0",
    "gap": "largest proven bound on the distance of a fit from the minimum of its objective",
    "seconds": "median of a fit on one thread; the first, which may compile, is not counted",
}


@dataclass(frozen=True)
class Fit:
    """One model, fitted and tested on one split of one data set."""

    dataset: str
    model: str
    split: int
    n_train: int
    n_test: int
    n_features: int
    n_classes: int
    accuracy: float
    brier_score: float
    sparsemax_loss: float
    mean_support_size: float
    dual_gap: float | None
    fit_seconds: float


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "compare",
        help="SparsemaxClassifier beside LogisticRegression (the default command)",
        description=(
            "Fit SparsemaxClassifier and LogisticRegression with the same penalty to the same\n"
            "random splits of data that scikit-learn ships, and compare them on the test rows."
        ),
        epilog=f"columns of the table:\n{legend(COLUMNS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "datasets",
        nargs="*",
        type=one_of(DATASETS),
        metavar="DATASET",
        help=f"from {', '.join(DATASETS)} (default: all)",
    )
    parser.add_argument(
        "--alpha",
        type=number(float, "a finite number above 0", lambda x: 0 < x < float("inf")),
        default=0.01,
        help="strength of the penalty; C = 1 / (alpha n_train) (default: %(default)s)",
    )
    parser.add_argument(
        "--splits",
        type=number(int, "an integer above 0", lambda n: n > 0),
        default=10,
        help="number of stratified random splits (default: %(default)s)",
    )
    parser.add_argument(
        "--test-size",
        type=number(float, "a number from 0.05 to 0.95", lambda x: 0.05 <= x <= 0.95),
        default=0.25,
        help="share of the rows held out, 0.05 to 0.95 (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=number(int, "an integer from 0 to 4294967295", lambda n: 0 <= n < 2**32),
        default=0,
        help="of the random splits (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=writable_file, metavar="FILE", help="write the result of every fit as JSON"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Fit, print the table, and write the file if one is asked for."""
    # a name given twice is one data set
    names = list(dict.fromkeys(arguments.datasets or DATASETS))
    fits = [fit for name in names for fit in _fits(name, arguments)]
    plural = "s" if arguments.splits > 1 else ""
    print(
        f"Means over {arguments.splits} random split{plural} with {100 * arguments.test_size:g} % "
        f"of the rows held out; alpha = {arguments.alpha:g} = 1 / (C n_train).\n"
    )
    print(format_table(list(COLUMNS), _rows(fits), left=2))
    print(f"\n{legend(COLUMNS)}")
    if arguments.json:
        write_json(arguments.json, arguments, [asdict(fit) for fit in fits])
        print(f"wrote {arguments.json}", file=sys.stderr)


def _fits(dataset: str, arguments: argparse.Namespace) -> Iterator[Fit]:
    """Both models on each split, reporting progress to stderr."""
    import numpy as np
    from sklearn import datasets
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedShuffleSplit
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    from ..linear_model.classifier import SparsemaxClassifier
    from ..metrics import mean_sparsemax_loss

    X, y = getattr(datasets, f"load_{dataset}")(return_X_y=True)
    n_classes = np.unique(y).size
    print(
        f"{dataset}: {X.shape[0]} rows, {X.shape[1]} features, {n_classes} classes ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    splits = StratifiedShuffleSplit(
        arguments.splits, test_size=arguments.test_size, random_state=arguments.seed
    )
    for split, (train, test) in enumerate(splits.split(X, y)):
        scaler = StandardScaler().fit(X[train])
        X_train, X_test = scaler.transform(X[train]), scaler.transform(X[test])
        models = (
            SparsemaxClassifier(alpha=arguments.alpha),
            LogisticRegression(C=1 / (arguments.alpha * train.size), max_iter=10_000),
        )
        for model in models:
            # on problems this small, threads cost more time than they save
            with threadpool_limits(limits=1):
                if split == 0:  # compiles or loads the kernels
                    model.fit(X_train, y[train])
                start = time.perf_counter()
                model.fit(X_train, y[train])
                seconds = time.perf_counter() - start
            probabilities = model.predict_proba(X_test)
            truth = y[test, None] == model.classes_
            yield Fit(
                dataset=dataset,
                model=type(model).__name__,
                split=split,
                n_train=train.size,
                n_test=test.size,
                n_features=X.shape[1],
                n_classes=n_classes,
                accuracy=model.score(X_test, y[test]),
                brier_score=float(np.square(probabilities - truth).sum(axis=1).mean()),
                sparsemax_loss=mean_sparsemax_loss(
                    y[test], model.decision_function(X_test), labels=model.classes_
                ),
                mean_support_size=float((probabilities > 0).sum(axis=1).mean()),
                dual_gap=getattr(model, "dual_gap_", None),
                fit_seconds=seconds,
            )
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _rows(fits: Sequence[Fit]) -> list[list[str]]:
    """Cells of the table: one row for each model on each data set."""
    rows = []
    for dataset, model in dict.fromkeys((fit.dataset, fit.model) for fit in fits):
        group = [fit for fit in fits if (fit.dataset, fit.model) == (dataset, model)]
        accuracies = [fit.accuracy for fit in group]
        spread = f" ± {stdev(accuracies):.3f}" if len(accuracies) > 1 else ""
        gaps = [fit.dual_gap for fit in group if fit.dual_gap is not None]
        rows.append(
            [
                dataset,
                model,
                f"{fmean(accuracies):.3f}{spread}",
                f"{fmean(fit.brier_score for fit in group):.3f}",
                f"{fmean(fit.sparsemax_loss for fit in group):.3f}",
                f"{fmean(fit.mean_support_size for fit in group):.2f} of {group[0].n_classes}",
                f"{max(gaps):.0e}" if gaps else "-",
                f"{median(fit.fit_seconds for fit in group):.3f}",
            ]
        )
    return rows

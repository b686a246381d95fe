"""`proportions`: the simulation of the sparsemax paper, section 4.1: labels mixed in documents."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, NoReturn

from ._arguments import check_figure, number, writable_file
from ._report import format_table, legend, write_json

__all__ = ["COLUMNS", "LOSSES", "Result", "add_parser", "draw", "run"]

LOSSES = ("softmax", "sparsemax")
PROPORTIONS = ("uniform", "random")
N_TRAIN, N_DEV, N_TEST = 1200, 200, 1000

MAX_ITER = 100
# The paper's runs end after 100 iterations or when rounding ends them; this one is near enough.
TOL = 1e-8

COLUMNS = {
    "K": "number of labels, and of words in the vocabulary",
    "proportions": "in which the labels of a document share it",
    "length": "mean number of words of a document",
    "JSD softmax": "mean Jensen-Shannon divergence of the predicted from the true proportions, in\n"
    "nats; divided by K in the paper's figure",
    "JSD sparsemax": "",
    "MSE softmax": "mean squared error of the proportions, over documents and labels",
    "MSE sparsemax": "",
    "labels": "mean number of labels with a share above 0: predicted by sparsemax, and true",
}


@dataclass(frozen=True)
class Grid:
    """What is simulated, and the penalties to choose from."""

    n_classes: tuple[int, ...]
    lengths: tuple[int, ...]
    alphas: tuple[float, ...]
    n_seeds: int


FULL = Grid((10, 50), tuple(range(200, 2001, 200)), tuple(10.0**j for j in range(-9, 1)), 3)
QUICK = Grid((10,), (200, 1000, 2000), (1e-9, 1e-7, 1e-5, 1e-3), 1)


@dataclass(frozen=True)
class Setting:
    """One simulated data set."""

    n_classes: int
    proportions: str
    length: int
    seed: int


@dataclass(frozen=True)
class Result:
    """A loss on the test documents of one data set, with the alpha chosen on others."""

    n_classes: int
    proportions: str
    length: int
    seed: int
    loss: str
    alpha: float
    validation_divergence: float
    jensen_shannon_divergence: float
    mean_squared_error: float
    mean_support_size: float
    labels_per_document: float
    n_iter: int
    objective: float
    dual_gap: float
    seconds: float


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "proportions",
        help="the simulated label proportions of the sparsemax paper",
        description=(
            "Repeat the simulation of Martins & Astudillo (2016), section 4.1: estimate the\n"
            "proportions in which labels mix in documents from counts of their words, by\n"
            f"SoftmaxRegressor and SparsemaxRegressor. {N_TRAIN} documents are fitted by at most\n"
            f"{MAX_ITER} iterations of L-BFGS, {N_DEV} choose alpha by JSD, {N_TEST} are the test. "
            "Counts are\nstandardised with the means and deviations of the documents fitted."
        ),
        epilog=f"columns of the table:\n{legend(COLUMNS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seeds",
        type=number(int, "an integer above 0", lambda n: n > 0),
        metavar="N",
        help=f"number of simulations, with the seeds 0, 1, ... (default: {FULL.n_seeds})",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"for a first look: K = {QUICK.n_classes[0]} alone, "
        f"{len(QUICK.lengths)} lengths, {len(QUICK.alphas)} alphas, {QUICK.n_seeds} seed",
    )
    parser.add_argument(
        "--jobs",
        type=number(int, "-1 or an integer above 0", lambda n: n == -1 or n > 0),
        default=1,
        metavar="N",
        help="number of processes; -1: one for each processor (default: %(default)s)",
    )
    parser.add_argument(
        "--figure",
        type=writable_file,
        metavar="FILE",
        help="draw JSD and MSE against the length: .png, .pdf, .svg ...; needs matplotlib",
    )
    parser.add_argument(
        "--json", type=writable_file, metavar="FILE", help="write the result of every data set"
    )
    parser.set_defaults(run=partial(run, error=parser.error))


def run(arguments: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Simulate, print the table, and write the files that are asked for."""
    if arguments.figure:
        check_figure(arguments.figure, error)
    grid = QUICK if arguments.quick else FULL
    n_seeds = arguments.seeds or grid.n_seeds
    results = _results(grid, n_seeds, arguments.jobs)
    plural = "s" if n_seeds > 1 else ""
    print(f"Means over {n_seeds} simulation{plural}.\n")
    print(format_table(list(COLUMNS), _rows(results), left=0))
    print(f"\n{legend(COLUMNS)}\n\n{_summary(results)}")
    if arguments.figure:
        draw(results, arguments.figure)
        print(f"wrote {arguments.figure}", file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, arguments, [asdict(result) for result in results])
        print(f"wrote {arguments.json}", file=sys.stderr)


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw JSD and MSE against the length of the documents, a column for each kind of data.

    Parameters
    ----------
    results : sequence of Result
        What to draw, as means over the seeds, with bars of one standard deviation.
    path : Path
        Where to save the figure; the extension tells the format.
    """
    import numpy as np
    from matplotlib.figure import Figure

    measures = {
        "jensen_shannon_divergence": "Jensen–Shannon divergence (nats)",
        "mean_squared_error": "mean squared error",
    }
    kinds = list(dict.fromkeys((result.n_classes, result.proportions) for result in results))
    lengths = sorted({result.length for result in results})
    figure = Figure(figsize=(1.5 + 2.7 * len(kinds), 5.6), layout="constrained")
    axes = figure.subplots(len(measures), len(kinds), sharex=True, squeeze=False)
    for column, (n_classes, proportions) in enumerate(kinds):
        axes[0, column].set_title(f"K = {n_classes}, {proportions} proportions", fontsize="medium")
        axes[-1, column].set_xlabel("words in a document")
        for row, (measure, label) in enumerate(measures.items()):
            if column == 0:
                axes[row, 0].set_ylabel(label)
            for loss, marker in zip(LOSSES, "os", strict=True):
                values = np.array(
                    [
                        [
                            getattr(result, measure)
                            for result in _select(results, n_classes, proportions, length)
                            if result.loss == loss
                        ]
                        for length in lengths
                    ]
                )
                axes[row, column].errorbar(
                    lengths,
                    values.mean(axis=1),
                    yerr=values.std(axis=1, ddof=1) if values.shape[1] > 1 else None,
                    marker=marker,
                    capsize=2,
                    label=loss,
                )
            axes[row, column].set_ylim(bottom=0)
            axes[row, column].grid(alpha=0.3)
    axes[0, 0].legend()
    figure.savefig(path, dpi=150)


def _results(grid: Grid, n_seeds: int, n_jobs: int) -> list[Result]:
    """Both losses on every data set, reporting progress to stderr."""
    from joblib import Parallel, delayed

    results: list[Result] = []
    with Parallel(n_jobs=n_jobs) as parallel:
        for n_classes in grid.n_classes:
            for proportions in PROPORTIONS:
                print(f"K = {n_classes}, {proportions} ", end="", file=sys.stderr, flush=True)
                settings = [
                    Setting(n_classes, proportions, length, seed)
                    for length in grid.lengths
                    for seed in range(n_seeds)
                ]
                pairs = parallel(delayed(_simulate)(setting, grid.alphas) for setting in settings)
                results += [result for pair in pairs for result in pair]
                print(file=sys.stderr)
    return results


def _simulate(setting: Setting, alphas: Sequence[float]) -> list[Result]:
    """Both losses on one data set, each with the alpha that is best on the dev documents."""
    import numpy as np
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    from ..datasets import make_label_proportions
    from ..linear_model import regressor
    from ..metrics import jensen_shannon_divergence, proportions_mean_squared_error

    X, Y = make_label_proportions(
        N_TRAIN + N_DEV + N_TEST,
        n_classes=setting.n_classes,
        length=setting.length,
        proportions=setting.proportions,
        random_state=setting.seed,
    )
    train, dev, test = np.split(np.arange(len(X)), [N_TRAIN, N_TRAIN + N_DEV])
    X = StandardScaler().fit(X[train]).transform(X)
    results = []
    for loss in LOSSES:
        estimator = getattr(regressor, f"{loss.capitalize()}Regressor")
        start = time.perf_counter()
        # on problems this small, threads cost more time than they save
        with threadpool_limits(limits=1):
            models = [_fit(estimator, alpha, X[train], Y[train]) for alpha in alphas]
            on_dev = [jensen_shannon_divergence(Y[dev], model.predict(X[dev])) for model in models]
        seconds = time.perf_counter() - start
        best = models[int(np.argmin(on_dev))]
        P = best.predict(X[test])
        results.append(
            Result(
                **asdict(setting),
                loss=loss,
                alpha=best.alpha,
                validation_divergence=min(on_dev),
                jensen_shannon_divergence=jensen_shannon_divergence(Y[test], P),
                mean_squared_error=proportions_mean_squared_error(Y[test], P),
                mean_support_size=float((P > 0).sum(axis=1).mean()),
                labels_per_document=float((Y[test] > 0).sum(axis=1).mean()),
                n_iter=best.n_iter_,
                objective=best.objective_,
                dual_gap=best.dual_gap_,
                seconds=seconds,
            )
        )
    print(".", end="", file=sys.stderr, flush=True)
    return results


def _fit(estimator: Any, alpha: float, X: Any, Y: Any) -> Any:
    """Fit in the paper's 100 iterations, which may end before the tolerance is met."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator(alpha, solver="lbfgs", tol=TOL, max_iter=MAX_ITER).fit(X, Y)


def _select(
    results: Sequence[Result], n_classes: int, proportions: str, length: int
) -> list[Result]:
    key = (n_classes, proportions, length)
    return [r for r in results if (r.n_classes, r.proportions, r.length) == key]


def _means(results: Sequence[Result]) -> dict[tuple[int, str, int], dict[str, list[float]]]:
    """JSD and MSE of each loss, in the order of LOSSES, for every kind of data."""
    means = {}
    for key in dict.fromkeys((r.n_classes, r.proportions, r.length) for r in results):
        groups = [[r for r in _select(results, *key) if r.loss == loss] for loss in LOSSES]
        means[key] = {
            "JSD": [fmean(r.jensen_shannon_divergence for r in group) for group in groups],
            "MSE": [fmean(r.mean_squared_error for r in group) for group in groups],
        }
    return means


def _rows(results: Sequence[Result]) -> list[list[str]]:
    """Cells of the table: one row for each kind of data."""
    rows = []
    for key, means in _means(results).items():
        sparse = [r for r in _select(results, *key) if r.loss == "sparsemax"]
        support = fmean(r.mean_support_size for r in sparse)
        truth = fmean(r.labels_per_document for r in sparse)
        rows.append(
            [
                *map(str, key),
                *(f"{value:.4f}" for value in means["JSD"]),
                *(f"{value:.6f}" for value in means["MSE"]),
                f"{support:.2f} of {truth:.2f}",
            ]
        )
    return rows


def _summary(results: Sequence[Result]) -> str:
    """How often sparsemax is at least as good."""
    means = _means(results).values()
    wins = {
        measure: sum(mean[measure][1] <= mean[measure][0] for mean in means)
        for measure in ("JSD", "MSE")
    }
    return (
        f"Of {len(means)} kinds of data, sparsemax is at least as good as softmax on {wins['JSD']} "
        f"in JSD and on {wins['MSE']} in MSE."
    )

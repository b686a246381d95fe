"""`mnist`: losses and errors by epoch of stochastic gradient descent, on handwritten digits."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ._arguments import check_figure, number, one_of, writable_file
from ._report import format_table, legend, write_json

if TYPE_CHECKING:
    from .._problem.progress import SolutionSoFar
    from .._solvers.solution import Solution

__all__ = ["COLUMNS", "LOSSES", "Data", "Result", "add_parser", "draw", "run"]

LOSSES = ("sparsemax", "softmax", "logistic")

# Keras's layout: images and their classes, a pair for training and one for the test.
KEYS = ("x_train", "y_train", "x_test", "y_test")

COLUMNS = {
    "loss": "minimised, plus alpha/2 ||W||^2; logistic: one against the rest",
    "epoch": "passes over the training rows",
    "train loss": "mean over the training rows, of the model's own loss",
    "test loss": "mean over the test rows",
    "train error": "percentage of training rows predicted wrong",
    "test error": "percentage of test rows predicted wrong",
    "gap": "proven bound on the distance of the objective from its minimum",
    "seconds": "training so far, without the measurements; a first fit, which may compile, is not\n"
    "counted",
}


@dataclass(frozen=True)
class Data:
    """Images as rows of pixels between 0 and 1, and their classes."""

    name: str
    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any


@dataclass(frozen=True)
class Result:
    """A model after an epoch."""

    loss: str
    epoch: int
    objective: float
    dual_gap: float
    train_loss: float
    test_loss: float
    train_error: float
    test_error: float
    seconds: float


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "mnist",
        help="losses and errors by epoch on handwritten digits",
        description=(
            "Fit linear models to images of digits by stochastic gradient descent (solver='sgd',\n"
            "its default settings), and measure loss and error on training and test rows after\n"
            "each epoch. The images are scikit-learn's 1797 small digits, a quarter of which is\n"
            "the test; or MNIST's 70,000, of which 10,000 are the test."
        ),
        epilog=f"columns of the table:\n{legend(COLUMNS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--openml",
        action="store_true",
        help="MNIST from openml.org, kept in scikit-learn's data home",
    )
    source.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help=f"MNIST or the like from an .npz file with the arrays {', '.join(KEYS)}",
    )
    parser.add_argument(
        "--losses",
        nargs="+",
        type=one_of(LOSSES),
        default=list(LOSSES),
        metavar="LOSS",
        help=f"from {', '.join(LOSSES)} (default: all)",
    )
    parser.add_argument(
        "--epochs",
        type=number(int, "an integer above 0", lambda n: n > 0),
        default=10,
        help="passes over the training rows (default: %(default)s)",
    )
    parser.add_argument(
        "--alpha",
        type=number(float, "a finite number above 0", lambda x: 0 < x < float("inf")),
        default=1e-4,
        help="strength of the penalty (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=number(int, "an integer from 0 to 4294967295", lambda n: 0 <= n < 2**32),
        default=0,
        help="of the order of the rows and of the split of the digits (default: %(default)s)",
    )
    parser.add_argument(
        "--figure",
        type=writable_file,
        metavar="FILE",
        help="draw losses and errors by epoch: .png, .pdf, .svg ...; needs matplotlib",
    )
    parser.add_argument(
        "--json", type=writable_file, metavar="FILE", help="write the result of every epoch"
    )
    parser.set_defaults(run=partial(run, error=parser.error))


def run(arguments: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Fit, print the table, and write the files that are asked for."""
    if arguments.figure:
        check_figure(arguments.figure, error)
    try:
        data = _load(arguments)
    except (ImportError, OSError, ValueError) as failure:
        error(str(failure).removesuffix("."))
    results = _results(data, arguments)
    print(f"{_description(data)}; alpha = {arguments.alpha:g}.\n")
    print(format_table(list(COLUMNS), [_cells(result) for result in results], left=1))
    print(f"\n{legend(COLUMNS)}")
    if arguments.figure:
        draw(results, arguments.figure)
        print(f"wrote {arguments.figure}", file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, arguments, [asdict(result) for result in results])
        print(f"wrote {arguments.json}", file=sys.stderr)


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw losses and errors by epoch: training rows dashed, test rows solid.

    Parameters
    ----------
    results : sequence of Result
        What to draw.
    path : Path
        Where to save the figure; the extension tells the format.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(result.loss for result in results))
    figure = Figure(figsize=(3.2 * (len(names) + 1.2), 3.4), layout="constrained")
    *losses, errors = figure.subplots(1, len(names) + 1, width_ratios=[1] * len(names) + [1.2])
    for number_, (name, axes) in enumerate(zip(names, losses, strict=True)):
        curve = [result for result in results if result.loss == name]
        epochs = [result.epoch for result in curve]
        marker = "." if len(epochs) <= 30 else ""
        style = {"color": f"C{number_}", "marker": marker}
        axes.plot(epochs, [r.train_loss for r in curve], "--", **style, label="training rows")
        axes.plot(epochs, [r.test_loss for r in curve], "-", **style, label="test rows")
        axes.set(xlabel="epoch", title=f"{name} loss")
        errors.plot(epochs, [r.train_error for r in curve], "--", **style)
        errors.plot(epochs, [r.test_error for r in curve], "-", **style, label=name)
        axes.legend()
    errors.set(xlabel="epoch", title="rows predicted wrong (%)")
    errors.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    for axes in (*losses, errors):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=150)


def _load(arguments: argparse.Namespace) -> Data:
    if arguments.file:
        return _read(arguments.file)
    return _fetch() if arguments.openml else _digits(arguments.seed)


def _digits(seed: int) -> Data:
    """The small digits of scikit-learn."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=seed)
    return _prepare("digits", X_train, y_train, X_test, y_test)


def _fetch() -> Data:
    """MNIST, in the order in which it was published: 60,000 rows to train on, 10,000 to test."""
    from sklearn.datasets import fetch_openml

    X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
    return _prepare("mnist_784", X[:60_000], y[:60_000], X[60_000:], y[60_000:])


def _read(file: Path) -> Data:
    """Arrays of an .npz file."""
    from zipfile import is_zipfile

    import numpy as np

    with file.open("rb") as stream:
        if not is_zipfile(stream):
            raise ValueError(f"{file} is not an .npz file")
    with np.load(file) as arrays:
        missing = [key for key in KEYS if key not in arrays]
        if missing:
            raise ValueError(
                f"{file} has no {' and no '.join(missing)}; it holds {', '.join(arrays)}"
            )
        return _prepare(file.name, *(arrays[key] for key in KEYS))


def _prepare(name: str, X_train: Any, y_train: Any, X_test: Any, y_test: Any) -> Data:
    """Images flat and between 0 and 1, in single precision."""
    import numpy as np

    for half, X, y in (("train", X_train, y_train), ("test", X_test, y_test)):
        if len(X) != len(y):
            raise ValueError(f"{name} has {len(X)} images in x_{half}, but {len(y)} in y_{half}")
    unknown = np.setdiff1d(y_test, y_train)
    if unknown.size:
        raise ValueError(f"{name} has the class {unknown[0]} in y_test, but not in y_train")
    X_train, X_test = (np.array(X, dtype=np.float32).reshape(len(X), -1) for X in (X_train, X_test))
    if X_test.shape[1] != X_train.shape[1]:
        raise ValueError(
            f"{name}: x_test has {X_test.shape[1]} pixels an image, but x_train has "
            f"{X_train.shape[1]}"
        )
    top = X_train.max() or 1
    X_train /= top
    X_test /= top
    return Data(name, X_train, y_train, X_test, y_test)


def _results(data: Data, arguments: argparse.Namespace) -> list[Result]:
    """Each loss after each epoch, reporting progress to stderr."""
    print(_description(data), file=sys.stderr)
    results: list[Result] = []
    for loss in dict.fromkeys(arguments.losses):
        print(f"  {loss} ", end="", file=sys.stderr, flush=True)
        results += _curve(data, loss, arguments)
        print(file=sys.stderr)
    return results


def _curve(data: Data, loss: str, arguments: argparse.Namespace) -> list[Result]:
    """The model after each epoch of one fit."""
    import numpy as np

    from .. import losses
    from .._problem.objective import Objective
    from .._problem.progress import Progress
    from ..linear_model._base import SOLVERS
    from ..losses.targets import one_hot

    classes = np.unique(data.y_train)
    train_codes, test_codes = (np.searchsorted(classes, y) for y in (data.y_train, data.y_test))
    problem, test_problem = (
        Objective(
            X,
            one_hot(codes, classes.size),
            getattr(losses, f"{loss.capitalize()}Loss")(),
            alpha=arguments.alpha,
        )
        for X, codes in ((data.X_train, train_codes), (data.X_test, test_codes))
    )

    def error(X: Any, codes: Any, coef: Any) -> float:
        scores = X @ coef[:-1].astype(X.dtype) + coef[-1].astype(X.dtype)
        return 100 * float(np.mean(scores.argmax(axis=1) != codes))

    def measure(epoch: int, seconds: float, solution: Solution) -> Result:
        coef = solution.coef
        penalty = arguments.alpha / 2 * float(np.square(coef[:-1]).sum())
        return Result(
            loss=loss,
            epoch=epoch,
            objective=solution.objective,
            dual_gap=solution.dual_gap,
            train_loss=solution.objective - penalty,
            test_loss=float(test_problem.value_and_gradient(coef)[0]) - penalty,
            train_error=error(data.X_train, train_codes, coef),
            test_error=error(data.X_test, test_codes, coef),
            seconds=seconds,
        )

    def fit(max_iter: int, progress: Progress) -> None:
        start = np.zeros(problem.shape)
        options = {"tol": 0.0, "max_iter": max_iter, "random_state": arguments.seed}
        SOLVERS["sgd"](problem, start, progress=progress, **options)

    fit(1, Progress())  # compiles or loads the kernels
    stopwatch = _Stopwatch(measure)
    fit(arguments.epochs, Progress(listener=stopwatch))
    return stopwatch.results


class _Stopwatch:
    """Times the epochs of a fit, and has the model measured between them."""

    def __init__(self, measure: Callable[[int, float, Solution], Result]) -> None:
        self.results: list[Result] = []
        self._measure = measure
        self._seconds = self._begun = 0.0

    def begin(self, task: str, solution: SolutionSoFar) -> None:
        self._begun = time.perf_counter()

    def end(self, solution: SolutionSoFar) -> bool:
        self._seconds += time.perf_counter() - self._begun
        self.results.append(self._measure(len(self.results) + 1, self._seconds, solution()))
        print(".", end="", file=sys.stderr, flush=True)
        return False

    def close(self) -> None: ...


def _description(data: Data) -> str:
    n_train, n_features = data.X_train.shape
    n_classes = len(set(data.y_train.tolist()))
    return (
        f"{data.name}: {n_train} training rows, {len(data.X_test)} test rows, {n_features} pixels, "
        f"{n_classes} classes"
    )


def _cells(result: Result) -> list[str]:
    """Cells of one row of the table."""
    return [
        result.loss,
        str(result.epoch),
        f"{result.train_loss:.4f}",
        f"{result.test_loss:.4f}",
        f"{result.train_error:.2f}",
        f"{result.test_error:.2f}",
        f"{result.dual_gap:.0e}",
        f"{result.seconds:.2f}",
    ]

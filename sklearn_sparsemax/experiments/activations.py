"""`activations`: activation functions and their derivatives, in a figure and in numbers."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from ._arguments import check_figure, number, writable_file
from ._report import format_table, legend, machine, write_json

if TYPE_CHECKING:
    from .._typing import Array
    from ._activation_functions import Activation

__all__ = ["COLUMNS", "Result", "add_parser", "intervals", "run"]

# Scores at which f = 0 and small derivatives are looked for: those from -END to END, in steps of
# 1 / PER_UNIT. Integers divided by an integer: so 0, 1 and 2 are met exactly.
END = 20
PER_UNIT = 100

COLUMNS = {
    "function": "PoLU: x for x >= 0, (1 - x)^-n - 1 for x < 0; Swish, also SiLU: x sigmoid(x)",
    "range": "values of the formula; floats may round to its ends",
    "f = 0": f"scores x with f(x) exactly 0, of those from {-END} to {END} in steps of "
    f"{1 / PER_UNIT:g}.\nFor the maps to probabilities (the last three), here and in the next two "
    "columns:\nf is the first of two probabilities, x the first score minus the second",
    "zeros": "percentage of exact zeros among the outputs for standard normal scores",
    "f' = 0": "scores x with a derivative of exactly 0",
    "|f'| < c": "scores x with a derivative between -c and c: there the function is saturated",
    "ns f": "nanoseconds for each number: fastest of the repeats, on one thread",
    "ns f'": "the same for the derivative times an array; for the maps to probabilities, the\n"
    "product of each row's Jacobian and a vector",
}

# Lowest and highest score of each run of scores; None: the run goes on to the end of the scores.
Intervals: TypeAlias = list[tuple[float | None, float | None]]


@dataclass(frozen=True)
class Result:
    """What was measured of one function; times in nanoseconds for each number."""

    function: str
    range: str
    zero: Intervals
    share_of_zeros: float
    flat: Intervals
    saturated: Intervals
    ns_value: float
    ns_derivative: float


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "activations",
        help="sigmoid, ReLU, PoLU, Swish, softmax, entmax and sparsemax with their derivatives",
        description=(
            "Measure activation functions: where they and their derivatives are exactly zero,\n"
            "where they are saturated, and what they cost. With FILE, also draw them."
        ),
        epilog=f"columns of the table:\n{legend(COLUMNS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=writable_file,
        metavar="FILE",
        help="draw functions and derivatives: .png, .pdf, .svg ...; needs matplotlib",
    )
    parser.add_argument(
        "--shape",
        nargs=2,
        type=number(int, "an integer above 0", lambda n: n > 0),
        default=[100_000, 10],
        metavar=("ROWS", "CLASSES"),
        help="of the array of standard normal scores (default: 100000 10)",
    )
    parser.add_argument(
        "--small",
        type=number(float, "a finite number above 0", lambda x: 0 < x < float("inf")),
        default=0.01,
        metavar="C",
        help="a function is saturated where |f'| < C (default: %(default)s)",
    )
    parser.add_argument(
        "--repeats",
        type=number(int, "an integer above 0", lambda n: n > 0),
        default=20,
        help="times that each function is timed (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=number(int, "an integer from 0 to 4294967295", lambda n: 0 <= n < 2**32),
        default=0,
        help="of the scores (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=writable_file, metavar="FILE", help="write the result of every function"
    )
    parser.set_defaults(run=partial(run, error=parser.error))


def run(arguments: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Measure, print the table, and write the files that are asked for."""
    if arguments.file:
        check_figure(arguments.file, error, "FILE")
    results = _results(arguments)
    rows, classes = arguments.shape
    host = machine()
    print(
        f"{rows} x {classes} standard normal scores; c = {arguments.small:g}.\n"
        f"Timed on one of {host['cpu_count']} cores of {host['processor']}.\n"
    )
    print(format_table(list(COLUMNS), [_cells(result) for result in results], left=1))
    print(f"\n{legend(COLUMNS)}")
    if arguments.file:
        from ._activation_figure import draw

        draw(arguments.file)
        print(f"wrote {arguments.file}", file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, arguments, [asdict(result) for result in results])
        print(f"wrote {arguments.json}", file=sys.stderr)


def intervals(x: Array, selected: Array) -> Intervals:
    """Runs of neighbouring points of x, sorted, that are selected."""
    import numpy as np

    bounds = np.flatnonzero(np.diff(selected, prepend=False, append=False)).reshape(-1, 2)
    return [
        (float(x[start]) if start > 0 else None, float(x[stop - 1]) if stop < len(x) else None)
        for start, stop in bounds
    ]


def _results(arguments: argparse.Namespace) -> list[Result]:
    """Every function, measured."""
    import numpy as np

    from ._activation_functions import ELEMENTWISE, SIMPLEX, curve

    functions = (*ELEMENTWISE, *SIMPLEX)
    scores, vectors = np.random.default_rng(arguments.seed).standard_normal((2, *arguments.shape))
    x = np.arange(-END * PER_UNIT, END * PER_UNIT + 1) / PER_UNIT
    times = _times(functions, scores, vectors, arguments.repeats)
    results = []
    for function, (ns_value, ns_derivative) in zip(functions, times, strict=True):
        values, derivatives = curve(function, x)
        results.append(
            Result(
                function.name,
                function.range,
                zero=intervals(x, values == 0),
                share_of_zeros=float(np.mean(function.value(scores) == 0)),
                flat=intervals(x, derivatives == 0),
                saturated=intervals(x, np.abs(derivatives) < arguments.small),
                ns_value=ns_value,
                ns_derivative=ns_derivative,
            )
        )
    return results


def _times(
    functions: Sequence[Activation], scores: Array, vectors: Array, repeats: int
) -> list[tuple[float, float]]:
    """Nanoseconds a number of value and derivative of each function; the functions take turns."""
    from threadpoolctl import threadpool_limits

    calls = [
        call
        for function in functions
        for call in (partial(function.value, scores), partial(function.jvp, scores, vectors))
    ]
    fastest = [float("inf")] * len(calls)
    with threadpool_limits(limits=1):
        for call in calls:  # compiles or loads the kernels
            call()
        for _ in range(repeats):
            for i, call in enumerate(calls):
                start = time.perf_counter()
                call()
                fastest[i] = min(fastest[i], time.perf_counter() - start)
    per_number = [1e9 * seconds / scores.size for seconds in fastest]
    return list(zip(per_number[::2], per_number[1::2], strict=True))


def _cells(result: Result) -> list[str]:
    """Cells of one row of the table."""
    return [
        result.function,
        result.range,
        _describe(result.zero),
        f"{100 * result.share_of_zeros:.1f}",
        _describe(result.flat),
        _describe(result.saturated),
        f"{result.ns_value:.1f}",
        f"{result.ns_derivative:.1f}",
    ]


def _describe(found: Intervals) -> str:
    """Intervals as conditions on x."""
    match found:
        case []:
            return "-"
        case [(None, float(low)), (float(high), None)] if low == -high:
            return f"|x| >= {high:g}"
    return " or ".join(_condition(*interval) for interval in found)


def _condition(low: float | None, high: float | None) -> str:
    if low is None:
        return "all x" if high is None else f"x <= {high:g}"
    if high is None:
        return f"x >= {low:g}"
    return f"x = {low:g}" if low == high else f"{low:g} <= x <= {high:g}"

"""`compile`: compile all kernels, so that no later fit has to."""

from __future__ import annotations

import argparse
import time
from typing import Any

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "compile",
        help="compile all kernels once, for images and shared installations",
        description=(
            "Compile the kernels that fits and predictions need, and keep them in a cache. Later "
            "processes load them. The environment variable NUMBA_CACHE_DIR says where the cache "
            "lies. By default it lies beside the package, or in the user's home folder."
        ),
    )
    parser.add_argument(
        "--losses",
        nargs="+",
        metavar="LOSS",
        help="sparsemax, entmax, softmax, logistic, binary_sparsemax (default: all)",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> None:
    """Compile, and say where the kernels are kept."""
    from ..compilation import compile_kernels

    start = time.perf_counter()
    try:
        folder = compile_kernels(arguments.losses)
    except (ValueError, OSError) as error:
        arguments.parser.error(str(error))
    print(f"Compiled in {time.perf_counter() - start:.0f} s. The kernels are kept in {folder}.")

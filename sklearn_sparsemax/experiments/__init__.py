"""Experiments and `compile`, each a command of ``python -m sklearn_sparsemax``.

A command is a module with `add_parser(subparsers)`, which declares its options, and
`run(arguments)`, which does the work; `COMMANDS` makes it known. What it needs beyond
argparse is imported in `run`, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import activations, compare, compile, mnist, multilabel, nli, proportions

COMMANDS = (compare, multilabel, proportions, mnist, nli, activations, compile)
DEFAULT = "compare"


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that rejects bad arguments in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help).\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        Exit status of the process.

    Raises
    ------
    SystemExit
        After help, or with status 2 if an argument is wrong.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help", "--version")):
        argv.insert(0, DEFAULT)
    arguments = _parser().parse_args(argv)
    arguments.run(arguments)
    return 0


def _parser() -> Parser:
    from .._version import __version__

    parser = Parser(
        prog="python -m sklearn_sparsemax",
        description="Experiments with the sparsemax loss.",
        epilog=f"Without a command, {DEFAULT} runs; its options can then be given directly.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser

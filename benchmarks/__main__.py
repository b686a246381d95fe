"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    if "gpu" in (sys.argv[1:] if arguments is None else arguments):
        # read by SciPy at its import
        os.environ.setdefault("SCIPY_ARRAY_API", "1")
    from . import (
        accuracy,
        alpha,
        brier,
        choice,
        cluster,
        cold,
        coverage,
        epochs,
        gpu,
        growth,
        guarantees,
        memory,
        paths,
        recipe,
        report,
        solvers,
        streams,
        transform,
    )
    from .accuracy import DATA
    from .competitors import COMPETITORS
    from .learners import LEARNERS
    from .machine import available_cores
    from .problems import CACHE, PROBLEMS

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--repeats", type=int, default=3, help="interleaved repeats")
    common.add_argument("--threads", type=int, default=available_cores(), help="of every library")
    common.add_argument("--budget", type=float, default=120, help="seconds of the longest fit")
    common.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--competitors", nargs="+", default=["*"], help=f"of {', '.join(COMPETITORS)}")
    commands = parser.add_subparsers(dest="command", required=True)

    chosen = commands.add_parser("solvers", parents=[common, who], help="seconds to suboptimality")
    minima = commands.add_parser("minima", parents=[common, who], help="of `solvers`, in advance")
    for command in (chosen, minima):
        command.add_argument("--problems", nargs="+", help=f"of {', '.join(PROBLEMS)}")
        command.add_argument(
            "--reference-budget",
            type=float,
            default=900,
            help="seconds for each minimum that is not known to 1e-10",
        )
        command.add_argument(
            "--references", type=Path, default=CACHE / "references.json", help="known minima"
        )
    found = commands.add_parser("accuracy", parents=[common], help="seconds to test accuracy")
    found.add_argument("--data", nargs="+", help=f"of {', '.join(DATA)}")
    found.add_argument("--learners", nargs="+", default=["*"], help=f"of {', '.join(LEARNERS)}")
    for command in (chosen, found):
        command.add_argument(
            "--add", action="store_true", help="keep the results of those that are not run now"
        )
    commands.add_parser("transform", parents=[common], help="the activation alone")
    commands.add_parser("layer", parents=[common], help="forward and backward in PyTorch")
    commands.add_parser("scaling", parents=[common, who], help="seconds and memory as data grow")
    commands.add_parser("epochs", parents=[common], help="stochastic descent, epoch by epoch")
    commands.add_parser("alpha", parents=[common], help="the default of alpha")
    commands.add_parser("streams", parents=[common], help="one pass over rows in any order")
    losses = commands.add_parser("recipe", parents=[common], help="which loss for label sets")
    losses.add_argument("data", nargs="*", help=f"of {', '.join(d.name for d in recipe.DATA)}")
    lists = commands.add_parser("coverage", parents=[common], help="shortlists beside MAPIE's")
    lists.add_argument("data", nargs="*", help=f"of {', '.join(coverage.DATA)}")
    on_device = commands.add_parser("gpu", parents=[common], help="a GPU: less than ten minutes")
    on_device.add_argument("--device", help="of PyTorch; by default cuda")
    on_device.add_argument("--dry-run", action="store_true", help="small problems on the CPU")
    searches = commands.add_parser("paths", parents=[common], help="choice of alpha")
    searches.add_argument("data", nargs="*", help=f"of {', '.join(paths.DATA)}")
    promises = commands.add_parser("guarantees", parents=[common], help="whether they hold")
    promises.add_argument("data", nargs="*", help="of coverage, classes, labels")
    scores = commands.add_parser("brier", parents=[common], help="Brier scores")
    scores.add_argument("data", nargs="*", help=f"of {', '.join(brier.DATA)}")
    workers = commands.add_parser("cluster", parents=[common], help="two workers beside a process")
    workers.add_argument("what", nargs="*", help=f"of {', '.join(cluster.MEASUREMENTS)}")
    defaults = commands.add_parser(
        "choice", parents=[common], help="the default solver, and others"
    )
    defaults.add_argument("data", nargs="*", help=f"of {', '.join(choice.CASES)}")
    commands.add_parser("cold", parents=[common], help="first calls, which compile")
    commands.add_parser("report", parents=[common], help="tables and figures once more")

    options = parser.parse_args(arguments)
    measured = {"repeats": options.repeats, "threads": options.threads, "out": options.out}
    if options.command == "solvers":
        solvers.run(
            _matching(parser, PROBLEMS, options.problems),
            _matching(parser, COMPETITORS, options.competitors),
            budget=options.budget,
            reference_budget=options.reference_budget,
            references=options.references,
            add=options.add,
            **measured,
        )
    elif options.command == "minima":
        solvers.find_minima(
            _matching(parser, PROBLEMS, options.problems),
            _matching(parser, COMPETITORS, options.competitors),
            budget=options.reference_budget,
            references=options.references,
            threads=options.threads,
        )
    elif options.command == "accuracy":
        accuracy.run(
            _matching(parser, DATA, options.data),
            _matching(parser, LEARNERS, options.learners),
            budget=options.budget,
            add=options.add,
            **measured,
        )
    elif options.command in transform.COMPARISONS:
        transform.run(comparison=options.command, budget=options.budget, **measured)
    elif options.command == "epochs":
        epochs.run(budget=options.budget, **measured)
    elif options.command == "alpha":
        alpha.run(**measured)
    elif options.command == "gpu":
        gpu.run(device=options.device, dry_run=options.dry_run, **measured)
    elif options.command == "streams":
        streams.run(**measured)
    elif options.command == "cluster":
        cluster.run(options.what, threads=options.threads, out=options.out)
    elif options.command == "choice":
        choice.run(options.data, budget=options.budget, **measured)
    elif options.command == "cold":
        cold.run(**measured)
    elif options.command == "coverage":
        coverage.run(threads=options.threads, out=options.out, names=options.data)
    elif options.command == "paths":
        paths.run(budget=options.budget, names=options.data, **measured)
    elif options.command == "guarantees":
        guarantees.run(threads=options.threads, out=options.out, names=options.data)
    elif options.command == "brier":
        brier.run(threads=options.threads, out=options.out, names=options.data)
    elif options.command == "recipe":
        recipe.run(threads=options.threads, out=options.out, names=options.data)
    elif options.command == "scaling":
        competitors = _matching(parser, COMPETITORS, options.competitors)
        growth.run(competitors, budget=options.budget, **measured)
        memory.run(competitors, threads=options.threads, budget=options.budget, out=options.out)
    else:
        tables = (report, accuracy, transform, growth, memory, epochs, streams, alpha, recipe)
        for module in (*tables, choice, cold, coverage, paths, guarantees, brier, gpu):
            module.write(options.out)


def _matching(parser: argparse.ArgumentParser, known: dict, patterns: Sequence[str] | None) -> list:
    """Values of the names that match a pattern; an error for a pattern that matches none.

    Without patterns, all that are not large.
    """
    if patterns is None:
        return [value for value in known.values() if not value.large]
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in known):
            parser.error(f"{pattern!r} matches none of {', '.join(known)}")
    return [
        value
        for name, value in known.items()
        if any(fnmatch(name, pattern) for pattern in patterns)
    ]


if __name__ == "__main__":
    main()

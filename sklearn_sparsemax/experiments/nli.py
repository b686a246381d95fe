"""`nli`: attention for natural language inference, the four systems of the paper."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from ._arguments import check_figure, number, one_of, writable_file
from ._nli_data import GENERATED, NO_DATA, SPLITS, Data, count, load, load_vectors, source
from ._report import format_table, legend, write_json

__all__ = ["ATTENTIONS", "COLUMNS", "Example", "Result", "add_parser", "draw", "run"]

ATTENTIONS = ("none", "logistic", "softmax", "sparsemax")
COMBINATIONS = ("comparison", "sum")


COLUMNS = {
    "attention": "of the hypothesis over the words of the premise; none: its last state",
    "dev": "accuracy in per cent on the dev pairs, on which the epoch is chosen: mean and\n"
    "standard deviation over the seeds",
    "test": "the same on the test pairs",
    "words": "words of a premise, mean over the test pairs",
    "> 1 %": "of these with a weight above 0.01",
    "> 0": "of these with a weight above 0",
    "epochs": "passes over the training pairs until the dev accuracy rises no more, mean",
    "seconds": "of a fit, mean",
}


LONGEST_EXAMPLE = 14


@dataclass(frozen=True)
class Result:
    """What a fit reached."""

    attention: str
    seed: int
    dev_accuracy: float
    test_accuracy: float
    words: float
    words_above_1_percent: float
    words_above_0: float
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Example:
    """A test pair, and what the systems make of it."""

    premise: list[str]
    hypothesis: str
    label: str
    predicted: dict[str, str]
    weights: dict[str, list[float]]


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the command."""
    above_0 = number(int, "an integer above 0", lambda n: n > 0)
    parser = subparsers.add_parser(
        "nli",
        help="attention on pairs of sentences: does one follow from the other?",
        description=(
            "Train recurrent networks that tell whether a premise entails a hypothesis or\n"
            "contradicts it: one without attention, and with logistic, softmax and sparsemax\n"
            "attention over the words of the premise. Needs the extra 'nli'."
        ),
        epilog=f"columns of the table:\n{legend(COLUMNS)}\n\n{NO_DATA}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=source,
        metavar="FILE",
        help="JSON file with the splits train, dev and test, each a list of objects with premise, "
        "hypothesis and label; perhaps compressed (.gz, .bz2)",
    )
    for split in SPLITS:
        parser.add_argument(
            f"--{split}",
            type=source,
            nargs="+",
            default=[],
            metavar="FILE[:SPLIT]",
            help=f"{split} pairs from other files or splits",
        )
    parser.add_argument(
        "--vectors",
        type=Path,
        metavar="FILE",
        help="word vectors: GloVe or word2vec in text, or .npz with the arrays words and vectors",
    )
    parser.add_argument(
        "--attention",
        nargs="+",
        type=one_of(ATTENTIONS),
        default=list(ATTENTIONS),
        metavar="NAME",
        help=f"from {', '.join(ATTENTIONS)} (default: all)",
    )
    parser.add_argument(
        "--seeds",
        type=above_0,
        metavar="N",
        help="fits of each system, with the seeds 0, 1 ... (default: 3; 1 for generated pairs)",
    )
    parser.add_argument(
        "--max-words",
        type=above_0,
        default=100,
        metavar="N",
        help="leave out training pairs with longer sentences (default: %(default)s)",
    )
    share = number(float, "a number from 0 to below 1", lambda x: 0 <= x < 1)
    positive = number(float, "a finite number above 0", lambda x: 0 < x < float("inf"))
    parser.add_argument(
        "--combination",
        type=one_of(COMBINATIONS),
        default=COMBINATIONS[0],
        metavar="NAME",
        help="of context and hypothesis: comparison, or sum as in the paper (default: %(default)s)",
    )
    for name, kind, meaning in (
        ("hidden-size", above_0, "size of the hidden states"),
        ("dropout", share, "share of entries zeroed in training"),
        ("learning-rate", positive, "step length of Adam"),
        ("batch-size", above_0, "pairs in each step"),
        ("max-iter", above_0, "most epochs"),
    ):
        metavar = "N" if kind is above_0 else "X"
        parser.add_argument(
            f"--{name}", type=kind, metavar=metavar, help=f"{meaning} (default: the estimator's)"
        )
    parser.add_argument(
        "--jobs",
        type=above_0,
        metavar="N",
        help="fits side by side, which share the cores (default: one for each core)",
    )
    parser.add_argument(
        "--examples",
        type=number(int, "an integer from 0", lambda n: n >= 0),
        default=3,
        metavar="N",
        help="test premises to show with the attended words (default: %(default)s)",
    )
    parser.add_argument(
        "--figure",
        type=writable_file,
        metavar="FILE",
        help="draw the weights on the examples: .png, .pdf, .svg ...; needs matplotlib",
    )
    parser.add_argument(
        "--json", type=writable_file, metavar="FILE", help="write the result of every fit"
    )
    parser.set_defaults(run=partial(run, error=parser.error))


def run(arguments: argparse.Namespace, error: Callable[[str], NoReturn]) -> None:
    """Train, print the table and the examples, and write the files that are asked for."""
    if arguments.figure:
        check_figure(arguments.figure, error)
        if not arguments.examples:
            error("argument --figure: there is nothing to draw with --examples 0")
    try:
        from ..torch.nli import AttentionNLIClassifier  # noqa: F401

        data = load(arguments)
        arguments.seeds = arguments.seeds or (3 if data.name != GENERATED else 1)
        vectors = load_vectors(arguments.vectors, data)
    except (ImportError, OSError, ValueError) as failure:
        error(str(failure).removesuffix("."))
    fits = _fits(data, vectors, arguments)
    results = [result for result, _ in fits]
    print(f"{_description(data)}; {count(arguments.seeds, 'seed')}.\n")
    print(format_table(list(COLUMNS), _rows(results), left=1))
    print(f"\n{legend(COLUMNS)}")
    first = {result.attention: seen for result, seen in fits if result.seed == 0}
    examples = _examples(data, first, arguments.examples)
    for example in examples:
        print(f"\n{describe(example)}")
    if arguments.figure:
        draw(examples, arguments.figure)
        print(f"wrote {arguments.figure}", file=sys.stderr)
    if arguments.json:
        written = [*map(asdict, results)], [*map(asdict, examples)]
        write_json(arguments.json, arguments, written[0], examples=written[1])
        print(f"wrote {arguments.json}", file=sys.stderr)


def describe(example: Example) -> str:
    """An example as text: attended words of the premise stand in brackets."""
    system = "sparsemax" if "sparsemax" in example.weights else next(iter(example.weights))
    least = 0.0 if system == "sparsemax" else 0.01
    premise = " ".join(
        f"[{word}]" if weight > least else word
        for word, weight in zip(example.premise, example.weights[system], strict=True)
    )
    return (
        f"premise     {premise}\n"
        f"hypothesis  {example.hypothesis}\n"
        f"label       {example.label}; {system} predicts {example.predicted[system]}"
    )


def draw(examples: Sequence[Example], path: Path) -> None:
    """Draw the weights of the words of each example: a row for each system, white for zero.

    Parameters
    ----------
    examples : sequence of Example
        What to draw.
    path : Path
        Where to save the figure; the extension tells the format.
    """
    import numpy as np
    from matplotlib.figure import Figure

    n_systems = len(examples[0].weights)
    longest = max(len(example.premise) for example in examples)
    figure = Figure(
        figsize=(2 + 0.62 * longest, len(examples) * (1.15 + 0.3 * n_systems)),
        layout="constrained",
    )
    all_axes = figure.subplots(len(examples), 1, squeeze=False)[:, 0]
    for axes, example in zip(all_axes, examples, strict=True):
        weights = np.array(list(example.weights.values()))
        shown = np.ma.masked_equal(weights, 0)
        image = axes.imshow(shown, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for row, column in zip(*np.nonzero(weights > 0.005), strict=True):
            weight = weights[row, column]
            text = f"{weight:.2f}".lstrip("0")
            color = "white" if weight > 0.6 else "black"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
        axes.set_xticks(range(len(example.premise)), example.premise, rotation=35, ha="right")
        axes.set_yticks(range(n_systems), list(example.weights))
        axes.set_xlim(-0.5, longest - 0.5)
        axes.set_title(f"{example.hypothesis}   ({example.label})", loc="left", fontsize=10)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=all_axes, label="attention weight", shrink=min(1, 2 / len(examples)))
    figure.savefig(path, dpi=150)


def _fits(data: Data, vectors: Any, arguments: argparse.Namespace) -> list[tuple[Result, Any]]:
    """Every system with every seed, reporting progress to stderr."""
    from joblib import Parallel, cpu_count, delayed

    names = ("combination", "hidden_size", "dropout", "learning_rate", "batch_size", "max_iter")
    options = {name: getattr(arguments, name) for name in names}
    options = {name: value for name, value in options.items() if value is not None}
    tasks = [
        (attention, seed)
        for attention in dict.fromkeys(arguments.attention)
        for seed in range(arguments.seeds)
    ]
    print(_description(data), file=sys.stderr)
    n_jobs = min(arguments.jobs or cpu_count(), len(tasks))
    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    fits = []
    for result, seen in parallel(
        delayed(_fit)(data, vectors, attention, seed, options) for attention, seed in tasks
    ):
        print(
            f"  {result.attention:9}  seed {result.seed}  dev {result.dev_accuracy:.2f}  "
            f"test {result.test_accuracy:.2f}  {result.epochs} epochs  {result.seconds:.0f} s",
            file=sys.stderr,
        )
        fits.append((result, seen))
    return fits


def _fit(
    data: Data, vectors: Any, attention: str, seed: int, options: dict[str, Any]
) -> tuple[Result, Any]:
    """A fit, and what it makes of the test pairs: predictions, and weights of the words."""
    import numpy as np

    from ..torch.nli import AttentionNLIClassifier

    model = AttentionNLIClassifier(attention, vectors=vectors, random_state=seed, **options)
    start = time.perf_counter()
    model.fit(*data.train, *data.dev)
    seconds = time.perf_counter() - start
    X, y = data.test
    predicted, weights = model.predict(X), model.attention_weights(X)
    result = Result(
        attention=attention,
        seed=seed,
        dev_accuracy=100 * model.score(*data.dev),
        test_accuracy=100 * float(np.mean(predicted == y)),
        words=float(np.mean([len(row) for row in weights])),
        words_above_1_percent=float(np.mean([np.sum(row > 0.01) for row in weights])),
        words_above_0=float(np.mean([np.sum(row > 0) for row in weights])),
        epochs=model.n_iter_,
        seconds=seconds,
    )
    return result, (predicted, weights, model.premise_words(X))


def _examples(data: Data, seen: dict[str, Any], n: int) -> list[Example]:
    """The first test pairs of each label in turn that are short and correctly classified.

    That is by sparsemax attention, if it is among the systems, else by the first.
    """
    import numpy as np

    X, y = data.test
    predicted, _, words = seen["sparsemax" if "sparsemax" in seen else next(iter(seen))]
    short = [5 <= len(premise) <= LONGEST_EXAMPLE for premise in words]
    right = np.flatnonzero((predicted == y) & short)
    if not right.size:
        right = np.arange(len(X))
    turns = np.zeros(len(right), dtype=int)
    for label in np.unique(y):
        same = y[right] == label
        turns[same] = np.arange(same.sum())
    chosen = [right[i] for i in np.argsort(turns, kind="stable")[:n]]
    return [
        Example(
            premise=words[i],
            hypothesis=X[i][1],
            label=str(y[i]),
            predicted={name: str(outcome[0][i]) for name, outcome in seen.items()},
            weights={
                name: outcome[1][i].tolist() for name, outcome in seen.items() if name != "none"
            }
            or {"none": seen["none"][1][i].tolist()},
        )
        for i in chosen
    ]


def _rows(results: Sequence[Result]) -> list[list[str]]:
    """Cells of the table, a row for each system."""
    from statistics import mean, pstdev

    rows = []
    for attention in dict.fromkeys(result.attention for result in results):
        fits = [result for result in results if result.attention == attention]
        accuracies = [
            [fit.dev_accuracy for fit in fits],
            [fit.test_accuracy for fit in fits],
        ]
        rows.append(
            [
                attention,
                *(f"{mean(values):.2f} ± {pstdev(values):.2f}" for values in accuracies),
                f"{mean(fit.words for fit in fits):.1f}",
                f"{mean(fit.words_above_1_percent for fit in fits):.1f}",
                f"{mean(fit.words_above_0 for fit in fits):.1f}",
                f"{mean(fit.epochs for fit in fits):.1f}",
                f"{mean(fit.seconds for fit in fits):.1f}",
            ]
        )
    return rows


def _description(data: Data) -> str:
    counts = (f"{len(getattr(data, split)[0])} {split} pairs" for split in ("train", "dev", "test"))
    return f"{data.name}: {', '.join(counts)}"

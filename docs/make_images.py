"""Draw the pictures of `docs/images` again, in the style of the site.

    python docs/make_images.py [NAME ...]

The gallery draws its own pictures when the site is built. These are the others: that of the README,
and those of experiments that take minutes or need data (see `python -m sklearn_sparsemax --help`).
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
STYLE = HERE / "matplotlibrc"

COMMANDS = {
    "activations": ["activations", IMAGES / "activations.png"],
    "label_proportions": ["proportions", "--figure", IMAGES / "label_proportions.png"],
    "mnist_epochs": ["mnist", "--openml", "--figure", IMAGES / "mnist_epochs.png"],
}
EXAMPLES = {"sparsemax_softmax": "plot_sparsemax_softmax.py"}


def main(names: list[str]) -> None:
    """Draw the named pictures, or all."""
    for name in names or [*EXAMPLES, *COMMANDS]:
        if name in COMMANDS:
            command = [sys.executable, "-m", "sklearn_sparsemax", *map(str, COMMANDS[name])]
            environment = {**os.environ, "MATPLOTLIBRC": str(STYLE), "MPLBACKEND": "Agg"}
            subprocess.run(command, check=True, env=environment)
        else:
            draw_example(HERE.parent / "examples" / EXAMPLES[name], IMAGES / f"{name}.png")


def draw_example(example: Path, file: Path) -> None:
    """Run an example of the gallery, and keep its first figure."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    mpl.rc_file(STYLE)
    mpl.use("Agg")
    runpy.run_path(str(example))
    # no version of matplotlib in the file: the same picture is then the same file
    plt.figure(1).savefig(file, dpi=150, metadata={"Software": None})
    plt.close("all")


if __name__ == "__main__":
    main(sys.argv[1:])

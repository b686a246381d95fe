"""Mutated files: the readers give a Bunch or a ValueError, never anything else, in little memory.

As a command, this makes many::

    python tests/fuzz_datasets.py --n 100000 --jobs 2
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from sklearn.utils import Bunch

from sklearn_sparsemax.datasets import load_multilabel_file

DENSE = """% by hand
@relation 'toy: -C 2'
@attribute a {0,1}
@attribute 'b\\'s' {0, 1}
@attribute u numeric
@attribute "c d" {red,'light blue',"gr\u00fcn"} % colours
@data
1,0,3.5,red
0,1,?,'light blue' % a comment
1,1,-1e5,"gr\u00fcn"
"""
SPARSE = "@relation t\n@attribute a {0,1}\n@attribute u numeric\n@attribute v real\n@data\n"
SPARSE += "{0 1, 2 0.5}\n{}\n{1 ?}\n{2 '3'}\n"
SVM = "0,2 1:0.5 4:1.5\n1 2:2.0 # twice\n 3:1.0\n"
XML = '<?xml version="1.0"?>\n<labels xmlns="http://x.y/z">\n'
XML += '<label name="a"><label name="u"/></label>\n</labels>\n'

SEEDS = {"dense.arff": DENSE, "sparse.arff": SPARSE, "toy.svm": SVM, "names.xml": XML}
PIECES = [
    *("'", '"', "\\", ",", "{", "}", "%", "?", "@data", "@attribute", "@relation", "\n", "\r", " "),
    *("\t", ":", "-", "0", "1", "9" * 12, "1e308", "nan", "inf", "&a;", "<label ", "/>", "-C 3"),
    *("\x00", "\u2028", "\u00e9", "<!ENTITY x 'y'>", "string", "numeric"),
]


def mutated(text, rng):
    for _ in range(rng.randint(1, 8)):
        at, length = rng.randrange(len(text) + 1), rng.randint(0, 6)
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + length :]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[at + length :]
        else:
            other = rng.randrange(len(text) + 1)
            text = text[:at] + text[other : other + 30] + text[at:]
    return text


def check(seed, folder):
    """Load one mutated file; anything but data or a ValueError is raised."""
    rng = random.Random(seed)
    name = rng.choice(list(SEEDS))
    text = mutated(SEEDS[name], rng)
    content = text.encode("latin-1" if rng.random() < 0.1 else "utf-8", errors="replace")
    suffix = rng.choice(["", "", "", ".gz", ".bz2"])
    if suffix:
        content = (gzip.compress if suffix == ".gz" else bz2.compress)(content)
        if rng.random() < 0.5:
            at = rng.randrange(len(content))
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + rng.randint(0, 3) :]
    path = Path(folder) / (name + suffix)
    path.write_bytes(content)
    labels = {"dense.arff": None, "sparse.arff": ["a"], "toy.svm": None}.get(name)
    if name == "names.xml":
        labels, path = path, Path(folder) / "plain.arff"
        path.write_text(SPARSE)
    start = time.perf_counter()
    try:
        data = load_multilabel_file(path, labels=labels)
    except ValueError:
        data = None
    assert data is None or isinstance(data, Bunch)
    assert time.perf_counter() - start < 5, f"seed {seed} took too long"


def check_all(seeds):
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            try:
                check(seed, folder)
            except Exception as error:
                raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--n", type=int, default=100_000, help="number of files")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    from joblib import Parallel, delayed

    chunks = [
        range(first, min(first + 500, options.seed + options.n))
        for first in range(options.seed, options.seed + options.n, 500)
    ]
    peaks = Parallel(n_jobs=options.jobs)(delayed(check_all)(seeds) for seeds in chunks)
    print(f"{options.n} files: data or a ValueError; at most {max(peaks) / 1024:.0f} MiB a process")


if __name__ == "__main__":
    sys.exit(main())

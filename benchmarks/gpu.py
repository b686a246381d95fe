"""Linear models and layers on a GPU, in one run of less than ten minutes.

All in one process, since starting a device takes longer than a fit. Each part is saved when it
is done, and left out if too little time remains. On a machine without a GPU, `--dry-run` runs all
parts on the CPU, on small problems.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from sklearn_sparsemax import EntmaxClassifier, SparsemaxClassifier, _arrays
from sklearn_sparsemax._problem.array_objective import ArrayObjective

from . import machine
from .clock import Clock
from .problems import MissingDataError, mnist
from .tables import Row, digits, markdown, origin_lines, read_rows, replace_rows

# Seconds in which all must be done.
DEADLINE = 540.0
# Multiplications and additions of one evaluation of F, per entry of X and output.
FLOPS_PER_EVALUATION = 4

NOTES = """\
Seconds of `fit`, with all transfers and certificates; the median of the runs. Features are float32.
"device" is {device}; its peak is that of a product of two float32 matrices of {size} x {size},
measured in the same run: {peak:.3g} TFLOP/s. "peak" is the share that the products of all
evaluations of F have of it, over the whole time of the fit. "gap" is the certified distance from
the minimum, in units of F(0, 0). For the others, it is the distance from our lower bound of the
softmax loss. "MiB" is the largest memory of the device beyond the data.
"""


class Problem(NamedTuple):
    """Features and classes on the device, with the strength of the penalty and the tolerance."""

    name: str
    X: Any
    y: Any
    alpha: float
    tol: float


class Bench:
    """Device, time and results of one run."""

    def __init__(self, *, device: str, small: bool, repeats: int, threads: int, out: Path) -> None:
        import torch

        self.torch, self.device, self.small = torch, device, small
        self.repeats, self.threads, self.out = repeats, threads, out
        self.clock = Clock()
        self.rows: list[Row] = []
        self.size = 512 if small else 8192
        self.name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
        self.peak = self._peak()

    def synchronize(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def seconds(self, function: Callable[[], Any]) -> tuple[float, Any]:
        self.synchronize()
        start = time.perf_counter()
        result = function()
        self.synchronize()
        return time.perf_counter() - start, result

    def left(self) -> float:
        return DEADLINE - (time.perf_counter() - self.clock.start)

    def add(self, row: Row) -> None:
        self.rows.append({**row, "device": self.name, "peak_tflops": self.peak, "size": self.size})
        replace_rows(self.out / "gpu.csv", self.rows, "problem", machine.description(self.threads))
        shown = {name: value for name, value in row.items() if not isinstance(value, list)}
        self.clock.say(", ".join(f"{name} {value}" for name, value in shown.items()))

    def _peak(self) -> float:
        """TFLOP/s of a product of two large float32 matrices."""
        A = self.torch.randn(self.size, self.size, device=self.device)
        self.seconds(lambda: A @ A)
        best = min(self.seconds(lambda: A @ A)[0] for _ in range(5))
        return 2 * self.size**3 / best / 1e12


def run(
    *, repeats: int, threads: int, out: Path, device: str | None = None, dry_run: bool = False
) -> None:
    """Measure all parts, and write the table after each."""
    import torch

    torch.set_num_threads(threads)
    if device is None:
        device = "cuda" if torch.cuda.is_available() and not dry_run else "cpu"
    if device == "cpu" and not dry_run:
        raise SystemExit("There is no GPU here. --dry-run runs all parts on the CPU.")
    bench = Bench(device=device, small=dry_run, repeats=repeats, threads=threads, out=out)
    with sklearn.config_context(array_api_dispatch=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        for make in (_mnist, _dense):
            if bench.left() < 60:
                bench.clock.say("too little time is left for the other problems")
                break
            _compare_models(bench, make(bench))
            write(out)
        _compare_layers(bench)
    write(out)


def _mnist(bench: Bench) -> Problem:
    """The digits of MNIST, or numbers of the same shape where the files are missing."""
    n_rows = 300 if bench.small else 60_000
    try:
        X, y = mnist(n_rows, np.float32)
        name = "MNIST"
    except MissingDataError:
        rng = np.random.default_rng(0)
        y = rng.integers(10, size=n_rows)
        X = rng.random((n_rows, 784), np.float32) + 0.2 * rng.random((10, 784), np.float32)[y]
        name = "MNIST's shape"
    X, y = (bench.torch.asarray(values, device=bench.device) for values in (X, y.astype(int)))
    return Problem(f"{name}, {n_rows:,} x 784, 10 classes", X, y, alpha=1e-4, tol=1e-5)


def _dense(bench: Bench) -> Problem:
    """Normal features, and classes that depend on them, made on the device."""
    n_rows, n_features, n_classes = (2000, 50, 10) if bench.small else (1_000_000, 1000, 100)
    torch = bench.torch
    generator = torch.Generator(device=bench.device).manual_seed(0)
    options = {"generator": generator, "device": bench.device}
    X = torch.randn(n_rows, n_features, **options)
    W = torch.randn(n_features, n_classes, **options) * (3 / n_features**0.5)
    y = torch.empty(n_rows, dtype=torch.int64, device=bench.device)
    for start in range(0, n_rows, 100_000):
        rows = slice(start, start + 100_000)
        scores = X[rows] @ W
        noise = -torch.log(-torch.log(torch.rand(scores.shape, **options)))
        y[rows] = (scores + noise).argmax(dim=1)
    name = f"dense, {n_rows:,} x {n_features}, {n_classes} classes"
    return Problem(name, X, y, alpha=1e-5, tol=1e-4)


def _compare_models(bench: Bench, problem: Problem) -> None:
    """Ours with each solver, beside LogisticRegression and cuML on the device, and on the CPU."""
    options = {"alpha": problem.alpha, "tol": problem.tol}
    few = slice(0, 500)
    for solver in ("lbfgs", "newton-cg"):
        # kernels of the device are loaded at their first call
        SparsemaxClassifier(**options, solver=solver, max_iter=3).fit(
            problem.X[few], problem.y[few]
        )
    for solver in ("lbfgs", "newton-cg"):
        _measure_ours(bench, problem, SparsemaxClassifier(**options, solver=solver))
    softmax = EntmaxClassifier(**options, entmax_alpha=1, solver="lbfgs")
    lower = _measure_ours(bench, problem, softmax)
    C = 1 / (problem.alpha * problem.X.shape[0])
    for tol in (1e-4, 1e-6):
        model = LogisticRegression(C=C, tol=tol, max_iter=1000)
        _measure_theirs(bench, problem, f"LogisticRegression, tol={tol:g}", model, lower)
    if find_spec("cuml") is not None and bench.device == "cuda":
        from cuml.linear_model import LogisticRegression as OfCuml

        _measure_theirs(bench, problem, "cuML", OfCuml(C=C, max_iter=1000), lower)
    if bench.left() < 200:
        bench.clock.say("too little time is left for the CPU")
        return
    X, y = problem.X.cpu().numpy(), problem.y.cpu().numpy()
    with sklearn.config_context(array_api_dispatch=False):
        seconds, model = bench.seconds(lambda: SparsemaxClassifier(**options).fit(X, y))
    _add_ours(bench, problem, "ours, NumPy on the CPU", [seconds], model, 0, 0)


def _measure_ours(bench: Bench, problem: Problem, model: Any) -> float:
    """Fit several times; returns the lower bound of the minimum."""
    name = f"ours, {model.solver}"
    if isinstance(model, EntmaxClassifier):
        name += ", softmax loss"
    evaluations = [0]
    evaluate = ArrayObjective.value_and_gradient

    def counted(*args: Any, **options: Any) -> Any:
        evaluations[0] += 1
        return evaluate(*args, **options)

    runs = []
    if bench.device == "cuda":
        bench.torch.cuda.reset_peak_memory_stats()
        before = bench.torch.cuda.memory_allocated()
    ArrayObjective.value_and_gradient = counted  # type: ignore[method-assign]
    try:
        for _ in range(bench.repeats):
            evaluations[0] = 0
            seconds, _ = bench.seconds(lambda: model.fit(problem.X, problem.y))
            runs.append(seconds)
    finally:
        ArrayObjective.value_and_gradient = evaluate  # type: ignore[method-assign]
    memory = 0
    if bench.device == "cuda":
        memory = (bench.torch.cuda.max_memory_allocated() - before) // 2**20
    _add_ours(bench, problem, name, runs, model, evaluations[0], memory)
    return model.objective_ - model.dual_gap_


def _add_ours(
    bench: Bench,
    problem: Problem,
    name: str,
    runs: list[float],
    model: Any,
    evaluations: int,
    memory: int,
) -> None:
    n_outputs = model.coef_.shape[0]
    work = FLOPS_PER_EVALUATION * _arrays.size(problem.X) * n_outputs * evaluations
    unit = _value_at_zero(problem, model)
    bench.add(
        {
            "problem": problem.name,
            "method": name,
            "seconds": median(runs),
            "iterations": model.n_iter_,
            "gap": model.dual_gap_ / unit,
            "share": work / median(runs) / (1e12 * bench.peak),
            "memory": memory,
        }
    )


def _measure_theirs(bench: Bench, problem: Problem, name: str, model: Any, lower: float) -> None:
    """Fit once to warm up on few rows, then on all; the distance is that of the softmax loss."""
    try:
        model.fit(problem.X[:500], problem.y[:500])
        seconds, _ = bench.seconds(lambda: model.fit(problem.X, problem.y))
    except Exception as error:  # what a competitor cannot do is said in the table
        bench.add({"problem": problem.name, "method": name, "failure": type(error).__name__})
        bench.clock.say(str(error)[:300])
        return
    ours = EntmaxClassifier(problem.alpha, entmax_alpha=1)
    objective = ours._objective_of(problem.X, problem.y, None)
    to_device = bench.torch.asarray
    options = {"dtype": bench.torch.float64, "device": bench.device}
    coef, intercept = (to_device(a, **options) for a in (model.coef_, model.intercept_))
    coef = coef if coef.shape[0] == objective.shape[1] else coef.T
    stored = bench.torch.vstack([coef.T, intercept[None]])
    value, _ = objective.value_and_gradient(stored, bench.torch.float64)
    row = {"problem": problem.name, "method": name, "seconds": seconds}
    row["iterations"] = int(np.max(_arrays.on_host(model.n_iter_)))
    bench.add({**row, "gap": (value - lower) / objective.value_at_zero()})


def _value_at_zero(problem: Problem, model: Any) -> float:
    return float(model._objective_of(problem.X, problem.y, None).value_at_zero())


# --- layers ---------------------------------------------------------------------------------


def _layers() -> dict[str, Callable[[Any], Any]]:
    import torch

    from sklearn_sparsemax import torch as ours

    layers: dict[str, Callable[[Any], Any]] = {
        "torch.softmax": lambda z: torch.softmax(z, dim=-1),
        "our sparsemax": lambda z: ours.sparsemax(z, dim=-1),
        "our entmax, alpha 1.5": lambda z: ours.entmax(z, 1.5, dim=-1),
    }
    if find_spec("entmax") is not None:
        import entmax

        layers["entmax.sparsemax"] = lambda z: entmax.sparsemax(z, dim=-1)
        layers["entmax.entmax15"] = lambda z: entmax.entmax15(z, dim=-1)
    return layers


def _compare_layers(bench: Bench) -> None:
    """Forward and backward of each layer."""
    torch = bench.torch
    shapes = ((100, 200), (2, 2, 16, 16)) if bench.small else ((10_000, 1000), (64, 12, 512, 512))
    for shape in shapes:
        for dtype in (torch.float32, torch.bfloat16):
            z = torch.randn(shape, device=bench.device, dtype=dtype, requires_grad=True)
            gradient = torch.randn(shape, device=bench.device, dtype=dtype)
            problem = f"layer, {' x '.join(map(str, shape))}, {str(dtype).removeprefix('torch.')}"
            softmax = np.nan
            for name, layer in _layers().items():

                def both(
                    layer: Callable[[Any], Any] = layer, z: Any = z, g: Any = gradient
                ) -> None:
                    z.grad = None
                    layer(z).backward(g)

                if bench.left() < 5:
                    bench.clock.say("no time is left for the other layers")
                    return
                try:
                    bench.seconds(both)
                    bench.seconds(both)
                    runs = [bench.seconds(both)[0] for _ in range(5 if bench.small else 20)]
                except Exception as error:  # what a library cannot do is said in the table
                    bench.add({"problem": problem, "method": name, "failure": type(error).__name__})
                    continue
                if name == "torch.softmax":
                    softmax = median(runs)
                ratio = median(runs) / softmax
                bench.add(
                    {"problem": problem, "method": name, "seconds": median(runs), "ratio": ratio}
                )


def write(folder: Path) -> None:
    """Turn the results into tables."""
    rows = read_rows(folder / "gpu.csv")
    if not rows:
        return
    parts = [*origin_lines(folder, rows), ""]
    device = f"one {rows[-1]['device']}"
    parts += [NOTES.format(device=device, peak=rows[-1]["peak_tflops"], size=rows[-1]["size"])]
    for problem in dict.fromkeys(row["problem"] for row in rows):
        of_problem = [row for row in rows if row["problem"] == problem]
        is_layer = problem.startswith("layer")
        header = ["method", "seconds"]
        header += ["times softmax"] if is_layer else ["iterations", "gap", "peak", "MiB"]
        body = [[row["method"], *_cells(row, is_layer=is_layer)] for row in of_problem]
        parts += [f"## {problem}", "", markdown(header, body), ""]
    (folder / "gpu.md").write_text("\n".join(parts))


def _cells(row: Row, *, is_layer: bool) -> list[str]:
    if "failure" in row:
        return [row["failure"]] + [""] * (1 if is_layer else 4)
    if is_layer:
        return [digits(row["seconds"]), f"{row['ratio']:.2f}"]
    share = row.get("share")
    return [
        digits(row["seconds"]),
        str(row["iterations"]),
        f"{row['gap']:.1e}",
        f"{100 * share:.0f} %" if share else "",
        str(row["memory"]) if row.get("memory") else "",
    ]

"""Do the guarantees hold: coverage, coverage of each class, and the false-negative rate.

Each classifier is fitted once. Rows that it has not seen are divided at random, many times, into
calibration rows and test rows. "draws" has fresh rows each time, so that its means are those of
independent repeats.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np

import sklearn_sparsemax as package
from sklearn_sparsemax import CalibratedMultilabelClassifierCV, CalibratedSparsemaxClassifierCV

from . import machine
from .clock import Clock
from .coverage import BASES, LEVELS, Data, Given, of_digits, of_rcv1
from .problems import published_label_sets
from .tables import Row, markdown, origin_lines, read_rows, replace_rows

N_SPLITS = 200
N_DRAWS = 500
RATES = (0.05, 0.1, 0.2)
# So many rows of a class must be unseen for a scale of its own.
ROWS_OF_A_CLASS = 160

NOTES = """\
Mean over the splits of the share of test rows whose class is in the shortlist, in percent, and in
brackets three standard errors. "at most" is level + 1 / (n + 1), for n calibration rows, or for the
rarest class. "accuracy" is the share of rows whose most probable class is right: since a shortlist
is never empty, the coverage is never below it. "holds" says whether the mean is at least the level,
up to three standard errors, and "tight" whether it is no higher than "at most", up to three
standard errors. The lines of classes have the lowest and the highest mean of all classes, with the
standard error of that class.
"""

RATE_NOTES = """\
Mean over the splits of the share of the labels of a row that are missed, in percent, and in
brackets three standard errors; and the mean number of labels that are predicted.
"""


class Case(NamedTuple):
    """Rows to fit, and a way to draw (X, y) of calibration rows and of test rows."""

    X: Any
    y: Any
    draw: Callable[[int], tuple[tuple[Any, Any], tuple[Any, Any]]]
    n_repeats: int
    n_calibration: int


def divided(data: Data) -> Case:
    def draw(seed: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        order = np.random.default_rng(seed).permutation(len(data.y_unseen))
        parts = order[: data.n_calibration], order[data.n_calibration :]
        calibration, test = ((data.X_unseen[rows], data.y_unseen[rows]) for rows in parts)
        return calibration, test

    return Case(data.X, data.y, draw, N_SPLITS, data.n_calibration)


def clusters(n_rows: int, seed: int) -> tuple[Any, Any]:
    """Rows of ten classes that overlap."""
    rng = np.random.default_rng([seed, 1])
    y = rng.integers(10, size=n_rows)
    centres = np.random.default_rng(0).standard_normal((10, 10))
    return rng.standard_normal((n_rows, 10)) + centres[y], y


def draws() -> Case:
    n_calibration = 1500

    def draw(seed: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        X, y = clusters(n_calibration + 1000, seed + 1)
        calibration, test = ((X[part], y[part]) for part in (slice(1500), slice(1500, None)))
        return calibration, test

    return Case(*clusters(1000, 0), draw, N_DRAWS, n_calibration)


CASES: dict[str, Callable[[], Case]] = {
    "digits": lambda: divided(of_digits()),
    "rcv1": lambda: divided(of_rcv1()),
    "draws": draws,
}


def frequent(data: Data) -> Data:
    """The rows of classes with enough unseen rows, more than half of them for the calibration."""
    classes, counts = np.unique(data.y_unseen, return_counts=True)
    kept = classes[counts >= ROWS_OF_A_CLASS]
    fit, unseen = np.isin(data.y, kept), np.isin(data.y_unseen, kept)
    n_calibration = int(0.6 * unseen.sum())
    return Data(
        data.X[fit], data.y[fit], data.X_unseen[unseen], data.y_unseen[unseen], n_calibration
    )


OF_CLASSES: dict[str, Callable[[], Case]] = {
    "digits": lambda: divided(of_digits()._replace(n_calibration=900)),
    "rcv1": lambda: divided(frequent(of_rcv1())),
    "draws": draws,
}


def run(*, threads: int, out: Path, names: Sequence[str] = (), **_: Any) -> None:
    """Measure kind after kind; what is finished is written at once."""
    warnings.simplefilter("ignore")
    clock = Clock()
    parts = {"coverage": _coverage, "classes": _coverage_of_classes, "labels": _rates}
    for part, measure in parts.items():
        if names and part not in names:
            continue
        rows = []
        for row in measure(threads):
            clock.say(f"{part}: {row}")
            rows.append({"part": part, **row})
        replace_rows(out / "guarantees.csv", rows, "part", machine.description(threads))
        write(out)


def _coverage(threads: int) -> Iterator[Row]:
    for name, load in CASES.items():
        case = load()
        for base, estimator in BASES.items():
            model = estimator.fit(case.X, case.y)
            found = joblib.Parallel(n_jobs=threads)(
                joblib.delayed(_covered)(model, case.draw(seed), False)
                for seed in range(case.n_repeats)
            )
            for j, level in enumerate(LEVELS):
                covered = np.array([shares[j] for shares, _ in found])
                yield {
                    "data": name,
                    "classifier": base,
                    "level": level,
                    "repeats": case.n_repeats,
                    "coverage": covered.mean(),
                    "error": covered.std() / np.sqrt(case.n_repeats),
                    "accuracy": np.mean([accuracy for _, accuracy in found]),
                    "most": level + 1 / (case.n_calibration + 1),
                }


def _coverage_of_classes(threads: int) -> Iterator[Row]:
    for name, load in OF_CLASSES.items():
        case = load()
        for base, estimator in BASES.items():
            model = estimator.fit(case.X, case.y)
            found = joblib.Parallel(n_jobs=threads)(
                joblib.delayed(_covered)(model, case.draw(seed), True)
                for seed in range(case.n_repeats)
            )
            for j, level in enumerate(LEVELS):
                # (repeats, classes); NaN where a class is too rare for the level
                of_classes = np.array([shares[j] for shares, _ in found])
                usable = ~np.isnan(of_classes).any(axis=1)
                if usable.mean() < 0.5:
                    continue
                means = of_classes[usable].mean(axis=0)
                errors = of_classes[usable].std(axis=0) / np.sqrt(usable.sum())
                accuracies = np.mean([accuracy for _, accuracy in found], axis=0)
                rarest = np.mean([_rarest(case.draw(seed)) for seed in range(10)])
                for which in (means.argmin(), means.argmax()):
                    yield {
                        "data": name,
                        "classifier": base,
                        "level": level,
                        "class": str(model.classes_[which]),
                        "repeats": int(usable.sum()),
                        "coverage": means[which],
                        "error": errors[which],
                        "accuracy": accuracies[which],
                        "most": level + 1 / (rarest + 1),
                    }


def _rarest(drawn: Any) -> int:
    (_, y), _ = drawn
    return int(np.unique(y, return_counts=True)[1].min())


def _covered(model: Any, drawn: Any, of_classes: bool) -> tuple[list[Any], Any]:
    """Coverage for each level, and the accuracy: of all rows, or of those of each class."""
    (X, y), (X_test, y_test) = drawn
    z, z_test = (np.asarray(model.decision_function(part), np.float64) for part in (X, X_test))
    scores = Given(model.classes_).fit(z, y)
    is_true = y_test[:, None] == model.classes_

    def mean(is_right: np.ndarray) -> Any:
        if not of_classes:
            return float(is_right.mean())
        return is_right.astype(float) @ is_true / np.maximum(is_true.sum(axis=0), 1)

    accuracy = mean(model.classes_[z_test.argmax(axis=1)] == y_test)
    # the first level needs the fewest rows
    calibrated = CalibratedSparsemaxClassifierCV(
        scores, cv="prefit", confidence_level=LEVELS[0], class_conditional=of_classes
    ).fit(z, y)
    shares = []
    for level in LEVELS:
        try:
            support = calibrated.set_params(confidence_level=level).predict_support(z_test)
        except ValueError:  # too few rows of a class
            shares.append(np.full(model.classes_.size, np.nan))
            continue
        if not support.any(axis=1).all():
            raise AssertionError("a shortlist is empty")
        shares.append(mean((support & is_true).any(axis=1)))
    return shares, accuracy


class Labels(NamedTuple):
    """Label sets: rows to fit, and rows to divide into halves."""

    X: Any
    Y: Any
    X_unseen: Any
    Y_unseen: Any


def _published(name: str) -> Labels:
    from sklearn_sparsemax import datasets

    halves: list[Any] = []
    for subset in ("train", "test"):
        options = {"return_X_y": True, "download_if_missing": False}
        halves += map(np.asarray, getattr(datasets, f"fetch_{name}")(subset=subset, **options))
    X, Y, X_unseen, Y_unseen = halves
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale[scale == 0] = 1
    return Labels((X - mean) / scale, Y, (X_unseen - mean) / scale, Y_unseen)


LABEL_SETS: dict[str, Callable[[], Labels]] = {
    "emotions": lambda: _published("emotions"),
    "scene": lambda: _published("scene"),
    "rcv1 label sets": lambda: Labels(
        *published_label_sets("train"), *published_label_sets("test")
    ),
}
OF_LABELS = (
    "MultilabelSparsemaxClassifier",
    "MultilabelBinarySparsemaxClassifier",
    "MultilabelLogisticClassifier",
)


def _rates(threads: int) -> Iterator[Row]:
    for name, load in LABEL_SETS.items():
        data = load()
        for base in OF_LABELS:
            model = getattr(package, base)(random_state=0).fit(data.X, data.Y)
            found = joblib.Parallel(n_jobs=threads)(
                joblib.delayed(_missed)(model, data, seed) for seed in range(N_SPLITS)
            )
            for j, rate in enumerate(RATES):
                missed, sizes = np.array([outcome[j] for outcome in found]).T
                yield {
                    "data": name,
                    "classifier": base,
                    "level": rate,
                    "repeats": N_SPLITS,
                    "coverage": missed.mean(),
                    "error": missed.std() / np.sqrt(N_SPLITS),
                    "size": sizes.mean(),
                }


def _missed(model: Any, data: Labels, seed: int) -> list[tuple[float, float]]:
    order = np.random.default_rng(seed).permutation(data.X_unseen.shape[0])
    calibration, test = np.array_split(order, 2)
    calibrated = CalibratedMultilabelClassifierCV(model, cv="prefit")
    calibrated.fit(data.X_unseen[calibration], data.Y_unseen[calibration])
    outcomes = []
    for rate in RATES:
        calibrated.set_params(false_negative_rate=rate)
        report = calibrated.risk(data.X_unseen[test], data.Y_unseen[test])
        outcomes.append((report["false_negative_rate"], report["mean_size"]))
    return outcomes


def write(folder: Path) -> None:
    """``guarantees.md`` from ``guarantees.csv``."""
    rows = read_rows(folder / "guarantees.csv")
    if not rows:
        return
    parts = ["# Guarantees", "\n".join(origin_lines(folder, rows))]
    of_part: dict[str, list[Row]] = {}
    for row in rows:
        of_part.setdefault(row["part"], []).append(row)
    titles = {"coverage": "## Coverage", "classes": "## Coverage of each class"}
    parts.append(NOTES)
    for part, title in titles.items():
        if part in of_part:
            parts += [title, _table(of_part[part])]
    if "labels" in of_part:
        body = [
            [
                row["data"],
                row["classifier"],
                f"{100 * row['level']:g}",
                f"{100 * row['coverage']:.2f} ({300 * row['error']:.2f})",
                _yes(row["coverage"] <= row["level"] + 3 * row["error"]),
                f"{row['size']:.2f}",
            ]
            for row in of_part["labels"]
        ]
        header = ["data", "classifier", "rate", "missed", "holds", "mean size"]
        parts += ["## Labels that are missed", RATE_NOTES, markdown(header, body, left=2)]
    (folder / "guarantees.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _table(rows: Sequence[Row]) -> str:
    body = []
    for row in rows:
        mean, spread = row["coverage"], 3 * row["error"]
        body.append(
            [
                row["data"],
                row["classifier"],
                f"{100 * row['level']:g}",
                *([str(row["class"])] if "class" in row else []),
                f"{100 * mean:.2f} ({100 * spread:.2f})",
                f"{100 * row['most']:.2f}",
                f"{100 * row['accuracy']:.1f}",
                _yes(mean >= row["level"] - spread),
                _yes(mean <= row["most"] + spread),
            ]
        )
    of_class = ["class"] if "class" in rows[0] else []
    header = ["data", "classifier", "level", *of_class]
    header += ["coverage", "at most", "accuracy", "holds", "tight"]
    return markdown(header, body, left=2)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"

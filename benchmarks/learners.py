"""Estimators as a user would make them, each with a small grid of its own parameter.

Everything else has its default, but intercepts are fitted and all threads are used. Those that
take no label sets get scikit-learn's OneVsRestClassifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import sklearn_sparsemax as package

from .machine import thread_count

ALPHAS = (1e-6, 1e-5, 1e-4, 1e-3)
# C multiplies a sum over all rows.
C_OF_LOGISTIC = (0.1, 1.0, 10.0, 100.0)
C_OF_MARGINS = (0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Learner:
    """A name, and how to make an estimator from the value of a parameter.

    `make_for_label_sets` is None if one label against the rest is the way, which `joint` learners
    do not go. `takes_arrays` is false if it refuses SciPy's sparse arrays.
    """

    name: str
    parameter: str
    grid: Sequence[float]
    make: Callable[[float], Any]
    make_for_label_sets: Callable[[float], Any] | None = None
    joint: bool = False
    takes_arrays: bool = True
    requires: tuple[str, ...] = ()

    def why_not(self, label_sets: bool) -> str | None:
        """The reason not to run it, or None."""
        missing = [package for package in self.requires if find_spec(package) is None]
        if missing:
            return f"{' and '.join(missing)} not installed"
        if label_sets and self.joint and self.make_for_label_sets is None:
            return "takes no label sets"
        return None

    def estimator(self, value: float, label_sets: bool) -> Any:
        if not label_sets:
            return self.make(value)
        if self.make_for_label_sets is not None:
            return self.make_for_label_sets(value)
        from sklearn.multiclass import OneVsRestClassifier

        return OneVsRestClassifier(self.make(value), n_jobs=thread_count())


def _ours(of_classes: Any, of_label_sets: Any, alpha: float, label_sets: bool = False) -> Any:
    return (of_label_sets if label_sets else of_classes)(alpha=alpha, random_state=0)


def _sklearn(name: str, parameter: str, value: float, **options: Any) -> Any:
    """An estimator of scikit-learn, by its name."""
    from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
    from sklearn.naive_bayes import ComplementNB
    from sklearn.svm import LinearSVC

    known = (LogisticRegression, RidgeClassifier, SGDClassifier, ComplementNB, LinearSVC)
    (found,) = (each for each in known if each.__name__ == name)
    if name == "SGDClassifier":
        options["n_jobs"] = thread_count()
    if name != "ComplementNB":
        options["random_state"] = 0
    return found(**{parameter: value}, **options)


def _liblinear(C: float, dual: bool) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    model = LogisticRegression(C=C, solver="liblinear", dual=dual, random_state=0)
    return OneVsRestClassifier(model, n_jobs=thread_count())


def _snapml(name: str, regularizer: float) -> Any:
    import snapml

    return getattr(snapml, name)(
        regularizer=regularizer, fit_intercept=True, n_jobs=thread_count(), random_state=0
    )


def _cyanure(lambda_1: float) -> Any:
    from cyanure.estimators import Classifier

    return Classifier(
        loss="multiclass-logistic",
        penalty="l2",
        lambda_1=lambda_1,
        multi_class="multinomial",
        n_threads=thread_count(),
        random_state=0,
        verbose=False,
    )


def _of_sklearn(
    name: str,
    grid: Sequence[float],
    parameter: str = "C",
    label: str = "",
    joint: bool = False,
    **options: Any,
) -> Learner:
    make = partial(_sklearn, name, parameter, **options)
    return Learner(f"{name}{label}", parameter, grid, make, joint=joint)


OURS = "SparsemaxClassifier"

LEARNERS = {
    learner.name: learner
    for learner in (
        *(
            Learner(
                name,
                "alpha",
                ALPHAS,
                partial(_ours, of_classes, of_label_sets),
                partial(_ours, of_classes, of_label_sets, label_sets=True),
            )
            for name, of_classes, of_label_sets in (
                (OURS, package.SparsemaxClassifier, package.MultilabelSparsemaxClassifier),
                ("EntmaxClassifier", package.EntmaxClassifier, package.MultilabelEntmaxClassifier),
                (
                    "EntmaxClassifier(entmax_alpha=1)",
                    partial(package.EntmaxClassifier, entmax_alpha=1),
                    package.MultilabelSoftmaxClassifier,
                ),
                (
                    "SGDSparsemaxClassifier",
                    package.SGDSparsemaxClassifier,
                    package.SGDMultilabelSparsemaxClassifier,
                ),
            )
        ),
        *(
            _of_sklearn(
                "LogisticRegression", C_OF_LOGISTIC, label=f"/{solver}", joint=True, solver=solver
            )
            for solver in ("lbfgs", "newton-cg", "saga")
        ),
        Learner("LIBLINEAR/primal", "C", C_OF_LOGISTIC, partial(_liblinear, dual=False)),
        Learner("LIBLINEAR/dual", "C", C_OF_LOGISTIC, partial(_liblinear, dual=True)),
        _of_sklearn("LinearSVC", C_OF_MARGINS),
        _of_sklearn(
            "LinearSVC",
            C_OF_MARGINS,
            label="/Crammer-Singer",
            joint=True,
            multi_class="crammer_singer",
        ),
        *(
            Learner(
                f"snapml/{name}",
                "regularizer",
                [1 / C for C in grid],
                partial(_snapml, name),
                takes_arrays=False,
                requires=("snapml",),
            )
            for name, grid in (
                ("LogisticRegression", C_OF_LOGISTIC),
                ("SupportVectorMachine", C_OF_MARGINS),
            )
        ),
        Learner(
            "Cyanure",
            "lambda_1",
            ALPHAS,
            _cyanure,
            joint=True,
            takes_arrays=False,
            requires=("cyanure",),
        ),
        _of_sklearn("SGDClassifier", ALPHAS, "alpha", label="/log_loss", loss="log_loss"),
        _of_sklearn("SGDClassifier", ALPHAS, "alpha", label="/hinge", loss="hinge"),
        _of_sklearn("RidgeClassifier", (0.1, 1.0, 10.0, 100.0), "alpha"),
        _of_sklearn("ComplementNB", (0.01, 0.1, 1.0, 10.0), "alpha"),
    )
}

"""Other distributed linear classifiers: seconds to the suboptimality of each one's own objective.

    python -m benchmarks.cluster_peers dask-ml      # two classes, on the same cluster
    python -m benchmarks.cluster_peers spark        # ten classes, in local mode with two cores

Each library minimises the logistic loss with an L2 penalty. Its iterations are limited to 1, 2, 4,
... and the objective of the coefficients is evaluated here. The minimum is that of a fit of ours
with tol=1e-12. dask-ml penalises the intercept, so that the features have a constant column and no
fit has an intercept. These libraries need environments of their own, beside this package.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logsumexp

from sklearn_sparsemax import EntmaxClassifier

from .cluster import PARTITIONS, cluster, dense_partition, lazy, two_classes

LEVELS = (1e-2, 1e-4, 1e-6)
ALPHA = 1e-5


def _with_constant(number: int) -> tuple[Any, Any]:
    X, y = two_classes(number)
    return np.hstack([X, np.ones((len(X), 1))]), y


def objective(X: Any, y: Any, W: Any, b: Any) -> float:
    """Mean softmax loss (n,) of scores X W^T + b, and the penalty of W (K, d)."""
    scores = X @ W.T + b
    loss = logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]
    return float(loss.mean() + 0.5 * ALPHA * np.vdot(W, W))


def binary_objective(X: Any, y: Any, w: Any) -> float:
    """Mean logistic loss of scores X w, and the penalty of w."""
    margins = (2 * y - 1) * (X @ w)
    return float(np.logaddexp(0, -margins).mean() + 0.5 * ALPHA * np.vdot(w, w))


def seconds_to_levels(
    fit: Callable[[int], Any], value: Callable[[Any], float], minimum: float, unit: float
) -> list[str]:
    """Least seconds of a fit that reaches each level, over limits of the iterations."""
    found: dict[float, float] = {}
    gap = np.inf
    fit(1)
    for max_iter in (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128):
        start = time.perf_counter()
        model = fit(max_iter)
        seconds = time.perf_counter() - start
        gap = (value(model) - minimum) / unit
        for level in LEVELS:
            if gap <= level:
                found[level] = min(seconds, found.get(level, np.inf))
        if gap <= LEVELS[-1]:
            break
    return [
        f"{level:g}: {found[level]:.2f} s" if level in found else f"{level:g}: not reached"
        for level in LEVELS
    ] + [f"last {gap:.1e}"]


def dask_ml() -> None:
    import dask.array as da
    from dask.base import persist
    from dask_ml.linear_model import LogisticRegression
    from distributed import wait

    from sklearn_sparsemax.dask import EntmaxClassifier as OverPartitions

    X, y = zip(*map(_with_constant, range(PARTITIONS)), strict=True)
    X, y = np.vstack(X), np.concatenate(y)
    options = {"entmax_alpha": 1, "fit_intercept": False, "max_iter": 1000}
    best = EntmaxClassifier(ALPHA, solver="newton-cg", tol=1e-12, **options).fit(X, y)
    print("minimum", best.objective_, "within", best.dual_gap_)
    with cluster():
        delayed_X, delayed_y = persist(*lazy(_with_constant, PARTITIONS))
        wait([delayed_X, delayed_y])
        rows = len(X) // PARTITIONS
        lazy_X = da.concatenate([da.from_delayed(p, (rows, X.shape[1]), float) for p in delayed_X])
        lazy_y = da.concatenate([da.from_delayed(p, (rows,), int) for p in delayed_y])

        def of(w: Any) -> float:
            return binary_objective(X, y, w)

        for solver in ("lbfgs", "newton-cg"):

            def ours(max_iter: int, solver: str = solver) -> Any:
                model = OverPartitions(
                    ALPHA, solver=solver, tol=1e-9, **{**options, "max_iter": max_iter}
                )
                return model.fit(delayed_X, delayed_y)

            times = seconds_to_levels(
                ours, lambda model: of(model.coef_[0]), best.objective_, np.log(2)
            )
            print(f"sklearn_sparsemax.dask, {solver}:", *times, sep="  ", flush=True)
        for solver in ("lbfgs", "newton", "admm", "gradient_descent"):

            def theirs(max_iter: int, solver: str = solver) -> Any:
                model = LogisticRegression(
                    C=1 / (ALPHA * len(X)),
                    fit_intercept=False,
                    solver=solver,
                    max_iter=max_iter,
                    tol=1e-10,
                )
                return model.fit(lazy_X, lazy_y)

            try:
                times = seconds_to_levels(
                    theirs, lambda model: of(np.ravel(model.coef_)), best.objective_, np.log(2)
                )
            except Exception as error:
                times = [repr(error)[:200]]
            print(f"dask-ml, {solver}:", *times, sep="  ", flush=True)


def spark() -> None:
    import pandas as pd
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import SparkSession

    X, y = zip(*map(dense_partition, range(PARTITIONS)), strict=True)
    X, y = np.vstack(X), np.concatenate(y)
    best = EntmaxClassifier(ALPHA, entmax_alpha=1, solver="newton-cg", tol=1e-12).fit(X, y)
    print("minimum", best.objective_, "within", best.dual_gap_)
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "6g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = session.createDataFrame(pd.DataFrame(X, columns=names).assign(label=y.astype(float)))
    frame = VectorAssembler(inputCols=names, outputCol="features").transform(frame)
    frame = frame.select("features", "label").repartition(PARTITIONS).cache()
    frame.count()

    def theirs(max_iter: int) -> Any:
        learner = LogisticRegression(
            family="multinomial",
            regParam=ALPHA,
            standardization=False,
            maxIter=max_iter,
            tol=1e-12,
        )
        return learner.fit(frame)

    def of(model: Any) -> float:
        return objective(X, y, model.coefficientMatrix.toArray(), model.interceptVector.toArray())

    print("Spark MLlib:", *seconds_to_levels(theirs, of, best.objective_, np.log(10)), sep="  ")
    session.stop()


def ours() -> None:
    """The ten classes of `spark`, on the cluster."""
    from dask.base import persist
    from distributed import wait

    from sklearn_sparsemax.dask import EntmaxClassifier as OverPartitions

    X, y = zip(*map(dense_partition, range(PARTITIONS)), strict=True)
    X, y = np.vstack(X), np.concatenate(y)
    best = EntmaxClassifier(ALPHA, entmax_alpha=1, solver="newton-cg", tol=1e-12).fit(X, y)
    with cluster():
        data = persist(*lazy(dense_partition, PARTITIONS))
        wait(data)
        for solver in ("lbfgs", "newton-cg", "auto"):

            def fit(max_iter: int, solver: str = solver) -> Any:
                model = OverPartitions(
                    ALPHA, entmax_alpha=1, solver=solver, tol=1e-9, max_iter=max_iter
                )
                return model.fit(*data)

            times = seconds_to_levels(fit, lambda m: m.objective_, best.objective_, np.log(10))
            print(f"sklearn_sparsemax.dask, {solver}:", *times, sep="  ", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"dask-ml": dask_ml, "spark": spark, "ours": ours}[sys.argv[1]]()

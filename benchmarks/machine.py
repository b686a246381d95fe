"""Where and with what the numbers were measured, and equal threads for all."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata

from sklearn_sparsemax.experiments._report import processor

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
PACKAGES = (
    "sklearn-sparsemax",
    "scikit-learn",
    "numpy",
    "scipy",
    "numba",
    "torch",
    "entmax",
    "jax",
    "jaxopt",
    "optax",
    "snapml",
    "glum",
    "cyanure",
)


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count() -> int:
    """The number of threads that the running measurement was given."""
    return int(os.environ.get("OMP_NUM_THREADS", available_cores()))


def pin_to_cores(n_cores: int) -> None:
    """Keep this process on as many cores as it was given threads, whatever its libraries read."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_cores])


def description(threads: int) -> dict[str, str]:
    """What the tables and figures say of their origin."""
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "machine": f"{available_cores()} cores of {processor()}, {platform.system()}",
        "threads": str(threads),
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

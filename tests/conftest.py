from __future__ import annotations

import os
from pathlib import Path

import pytest

# Read by SciPy and matplotlib at import, so set before any test module imports them:
# scikit-learn's array API checks skip themselves without the first.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Test processes that run side by side share the cores.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_home():
    """Folder with the published files in sklearn_sparsemax/, made scikit-learn's data home."""
    candidates = [SHARED_DATA]
    if "SCIKIT_LEARN_DATA" in os.environ:
        candidates.insert(0, Path(os.environ["SCIKIT_LEARN_DATA"]))
    for home in candidates:
        if (home / "sklearn_sparsemax").is_dir():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SCIKIT_LEARN_DATA", str(home))
                yield home
            return
    pytest.skip(f"no sklearn_sparsemax/ under {' or '.join(map(str, candidates))}")

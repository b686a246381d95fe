"""Namespaces of arrays for the tests, in the manner of scikit-learn's own."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.utils import _array_api

from sklearn_sparsemax._compat import HAS_ARRAY_API, array_namespace, move_to

NEEDED = [
    pytest.mark.skipif(not HAS_ARRAY_API, reason="needs scikit-learn 1.8"),
    pytest.mark.skipif(
        os.environ.get("SCIPY_ARRAY_API") != "1",
        reason="needs SCIPY_ARRAY_API=1 in the environment before SciPy is imported",
    ),
]


class Library(NamedTuple):
    """Arrays of a library, on a device, in a type."""

    name: str
    device: str | None
    dtype: str

    def __str__(self) -> str:
        return "-".join(filter(None, self))

    def array(self, values: Any) -> Any:
        """The values as an array of the library; real numbers in its type."""
        values = np.asarray(values)
        if values.dtype.kind == "f":
            values = values.astype(self.dtype)
        module = import_module(self.name)
        device: Any = self.device
        if self.name == "array_api_strict":
            module.set_array_api_strict_flags(api_version="2025.12")
            device = module.Device(self.device)
        return module.asarray(values, device=device) if device else module.asarray(values)

    def skip_if_missing(self) -> None:
        """Skip the test, with a reason, if there is no such library or device here."""
        module = pytest.importorskip(self.name)
        if self.device == "cuda" and not module.cuda.is_available():
            pytest.skip("needs a CUDA device")
        if self.name == "cupy" and module.cuda.runtime.getDeviceCount() == 0:
            pytest.skip("needs a CUDA device")


LIBRARIES = [
    Library("array_api_strict", "device1", "float64"),
    Library("torch", "cpu", "float64"),
    Library("torch", "cpu", "float32"),
    Library("torch", "cuda", "float64"),
    Library("torch", "cuda", "float32"),
    Library("cupy", None, "float64"),
]


def on_host(array: Any) -> np.ndarray:
    """The array as one of NumPy."""
    return move_to(array, xp=np, device="cpu")


def moved_to_host(model: Any) -> Any:
    """A copy of a fitted model with arrays of NumPy, by scikit-learn's helper."""
    # `move_estimator_to` of scikit-learn 1.9
    return _array_api._estimator_with_converted_arrays(model, on_host)


def is_of(array: Any, library: Library) -> bool:
    """Whether an array is one of the library."""
    return library.name in array_namespace(array).__name__


@pytest.fixture(params=LIBRARIES, ids=str)
def library(request: pytest.FixtureRequest) -> Library:
    """Each library, on each device, in each type."""
    request.param.skip_if_missing()
    return request.param

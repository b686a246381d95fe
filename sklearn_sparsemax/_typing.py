"""Names for the arrays that pass through the package."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# A dense array or a SciPy sparse container. SciPy's containers carry no types.
Matrix: TypeAlias = Any

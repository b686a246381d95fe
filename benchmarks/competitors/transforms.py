"""The activation alone, in each library: from an array of scores to one of probabilities.

And as a layer of PyTorch, where a gradient goes the way back. Each function takes a NumPy array
once, outside the measurement, and returns what is timed: a function without arguments that makes
the whole result in the library's own container.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.machine import thread_count

Timed = Callable[[], Any]


def ours(scores: np.ndarray) -> Timed:
    from sklearn_sparsemax import sparsemax

    return lambda: sparsemax(scores)


def entmax(scores: np.ndarray) -> Timed:
    import torch
    from entmax import sparsemax

    tensor = _tensor(scores)

    def transform() -> Any:
        with torch.no_grad():
            return sparsemax(tensor, dim=-1)

    return transform


def our_entmax15(scores: np.ndarray) -> Timed:
    from sklearn_sparsemax import entmax

    return lambda: entmax(scores)


def entmax15(scores: np.ndarray) -> Timed:
    import torch
    from entmax import entmax15

    tensor = _tensor(scores)

    def transform() -> Any:
        with torch.no_grad():
            return entmax15(tensor, dim=-1)

    return transform


def torch_softmax(scores: np.ndarray) -> Timed:
    import torch

    tensor = _tensor(scores)
    return lambda: torch.softmax(tensor, dim=-1)


def jaxopt(scores: np.ndarray) -> Timed:
    from jaxopt.projection import projection_simplex

    return _compiled_rows(projection_simplex, scores)


def optax(scores: np.ndarray) -> Timed:
    from optax.projections import projection_simplex

    return _compiled_rows(projection_simplex, scores)


def scipy_softmax(scores: np.ndarray) -> Timed:
    from scipy.special import softmax

    return lambda: softmax(scores, axis=-1)


def copy(scores: np.ndarray) -> Timed:
    return scores.copy


def _layer(activation: Callable[..., Any], scores: np.ndarray) -> Timed:
    """Forward and backward, the gradient from above being given."""
    import torch

    tensor = _tensor(scores).requires_grad_()
    above = torch.randn(
        scores.shape, generator=torch.Generator().manual_seed(0), dtype=tensor.dtype
    )

    def forward_and_backward() -> Any:
        tensor.grad = None
        p = activation(tensor, dim=-1)
        p.backward(above)
        return p.detach()

    return forward_and_backward


def our_layer(scores: np.ndarray) -> Timed:
    from sklearn_sparsemax.torch import sparsemax

    return _layer(sparsemax, scores)


def entmax_layer(scores: np.ndarray) -> Timed:
    from entmax import sparsemax

    return _layer(sparsemax, scores)


def bisection_layer(scores: np.ndarray) -> Timed:
    from entmax import sparsemax_bisect

    return _layer(sparsemax_bisect, scores)


def our_entmax15_layer(scores: np.ndarray) -> Timed:
    from sklearn_sparsemax.torch import entmax

    return _layer(entmax, scores)


def entmax15_layer(scores: np.ndarray) -> Timed:
    from entmax import entmax15

    return _layer(entmax15, scores)


def softmax_layer(scores: np.ndarray) -> Timed:
    import torch

    return _layer(torch.softmax, scores)


def _tensor(scores: np.ndarray) -> Any:
    import torch

    torch.set_num_threads(thread_count())
    return torch.from_numpy(scores)


def _compiled_rows(projection: Callable[[Any], Any], scores: np.ndarray) -> Timed:
    import jax

    jax.config.update("jax_enable_x64", True)
    array = jax.device_put(scores)
    rows = jax.jit(jax.vmap(projection))
    return lambda: rows(array).block_until_ready()


# Name: what makes it, the packages it needs, and the activation that it computes.
Library = tuple[Callable[[np.ndarray], Timed], tuple[str, ...], str]

TRANSFORMS: dict[str, Library] = {
    "sklearn-sparsemax": (ours, (), "sparsemax"),
    "entmax.sparsemax": (entmax, ("torch", "entmax"), "sparsemax"),
    "jaxopt simplex": (jaxopt, ("jaxopt",), "sparsemax"),
    "optax simplex": (optax, ("optax",), "sparsemax"),
    "sklearn-sparsemax entmax15": (our_entmax15, (), "entmax15"),
    "entmax.entmax15": (entmax15, ("torch", "entmax"), "entmax15"),
    "torch.softmax": (torch_softmax, ("torch",), "softmax"),
    "scipy softmax": (scipy_softmax, (), "softmax"),
    "ndarray.copy": (copy, (), ""),
}

LAYERS: dict[str, Library] = {
    "sklearn-sparsemax": (our_layer, ("torch",), "sparsemax"),
    "entmax.sparsemax": (entmax_layer, ("torch", "entmax"), "sparsemax"),
    "entmax.sparsemax_bisect": (bisection_layer, ("torch", "entmax"), "sparsemax"),
    "sklearn-sparsemax entmax15": (our_entmax15_layer, ("torch",), "entmax15"),
    "entmax.entmax15": (entmax15_layer, ("torch", "entmax"), "entmax15"),
    "torch.softmax": (softmax_layer, ("torch",), "softmax"),
}


def missing(library: Library) -> str | None:
    """What is not installed, or None."""
    packages = [package for package in library[1] if find_spec(package) is None]
    return f"{' and '.join(packages)} not installed" if packages else None

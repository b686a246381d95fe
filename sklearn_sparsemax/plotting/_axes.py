"""Axes to draw on, colours, and checks of what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from .._typing import Array

# Okabe and Ito's colours, for colour-blind readers.
BLUE, ORANGE, VERMILION, GREEN = "#0072B2", "#E69F00", "#D55E00", "#009E73"
GREY = "#999999"
# Classes have these markers, so that a print in grey can be read too.
MARKERS = "os^Dv*"


def new_axes(ax: Any, **options: Any) -> Any:
    """The given axes, or those of a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "A display needs matplotlib to draw: pip install 'sklearn-sparsemax[plot]'"
        ) from error
    return plt.subplots(layout="constrained", **options)[1] if ax is None else ax


def outline() -> Any:
    """A white line around marks, so that they are seen on any colour."""
    from matplotlib.patheffects import withStroke

    return withStroke(linewidth=2.6, foreground="white")


def legend_above(axes: Any, n_columns: int = 1) -> None:
    """A legend above the axes, where it hides nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": n_columns}
    axes.legend(frameon=False, fontsize="small", **place)


def check_probabilities(y_prob: ArrayLike) -> Array:
    """Probabilities (n, K) as an array of floats, from 0 to 1."""
    p = check_array(y_prob, dtype=np.float64, input_name="y_prob")
    if p.min() < 0 or p.max() > 1:
        raise ValueError(
            f"y_prob holds values from {p.min():g} to {p.max():g}; they must be from 0 to 1."
        )
    return p


def check_labels(y_true: ArrayLike, p: Array, classes: ArrayLike | None) -> tuple[Array, Array]:
    """Codes of the true classes (n,), and the class labels (K,)."""
    y = column_or_1d(y_true)
    check_consistent_length(y, p)
    labels = np.unique(y) if classes is None else np.asarray(classes)
    if labels.size != p.shape[1]:
        hint = "" if classes is not None else " Name all classes by `classes`."
        raise ValueError(
            f"y_prob has {p.shape[1]} columns for {labels.size} classes; one for each is needed."
            f"{hint}"
        )
    codes = np.searchsorted(labels, y).clip(max=labels.size - 1)
    unknown = labels[codes] != y
    if unknown.any():
        raise ValueError(f"y_true holds {y[unknown][0]!r}, which is none of the classes.")
    return codes, labels

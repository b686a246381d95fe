"""How rows of all partitions become target distributions in the same way."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._typing import Array, Matrix
from .._validation import check_weights
from ..linear_model._classes import ClassEncoder, Encoded
from ..linear_model._label_sets import LabelSetEncoder
from ..losses import FenchelYoungLoss
from ..losses.targets import check_distributions, check_indicator
from ._engine import Tasks
from .rows import Rows, Summary


class ProportionsEncoder:
    """Rows that are distributions already.

    Parameters
    ----------
    n_outputs : int
        Number of outputs.
    loss : FenchelYoungLoss
        The loss of the model.
    """

    reference_output = False

    def __init__(self, n_outputs: int, loss: FenchelYoungLoss) -> None:
        self.n_outputs = n_outputs
        self.loss = loss

    def encode(self, y: Matrix, sample_weight: ArrayLike | None, class_weight: None) -> Encoded:
        """Targets and weights of proportions (n, K)."""
        targets = check_distributions(y, name="y")
        n_rows = targets.shape[0]
        return Encoded(targets, check_weights(sample_weight, n_rows), np.ones(n_rows, dtype=int))


def encoder_of_classes(summary: Summary, loss: FenchelYoungLoss) -> ClassEncoder:
    """The encoder of the classes of all partitions."""
    assert summary.classes is not None
    # each twice: scikit-learn warns of y with few rows for a class
    return ClassEncoder.of_rows(np.repeat(summary.classes, 2), loss)


def encoder_of_label_sets(
    summary: Summary, loss: FenchelYoungLoss, empty: str | None
) -> tuple[LabelSetEncoder, LabelSetEncoder, int]:
    """The encoder of the label sets of all partitions.

    Returns the encoder that the model keeps, the one for the rows of a partition, and the number of
    outputs. A partition needs the output of rows with no label as soon as one partition has such.
    """
    if empty == "drop" and not (loss.independent_outputs or summary.has_label):
        raise ValueError(
            "No row of y has a label, so that empty='drop' leaves no row to fit; use empty='null' "
            "or 'uniform'."
        )
    (n_labels,) = summary.y_widths
    containers = summary.containers - {np.ndarray}
    container: Any = next(iter(containers)) if containers else np.asarray
    make = partial(LabelSetEncoder, n_labels, loss, container, empty=empty)
    has_null_output = summary.has_null and empty == "null" and not loss.independent_outputs
    return make(), make(of_stream=has_null_output or empty == "drop"), n_labels + has_null_output


def balanced_weights(
    tasks: Tasks, rows: list[Any], encoder: ClassEncoder | LabelSetEncoder
) -> dict[Any, float]:
    """The weights of class_weight="balanced", from the rows of all partitions."""
    (totals,) = tasks.reduce("class-totals", _class_totals, rows, common=(encoder,))
    if isinstance(encoder, LabelSetEncoder):
        keys: list[Any] = list(range(encoder.n_labels))
    else:
        keys = encoder.classes.tolist()
    weights = np.divide(
        totals.sum(), totals.size * totals, out=np.ones(totals.size), where=totals > 0
    )
    return dict(zip(keys, weights.tolist(), strict=True))


def _class_totals(rows: Rows, encoder: Any) -> tuple[Array] | None:
    """Total weight of the rows of each class, or with each label."""
    if not rows.X.shape[0]:
        return None
    weights = check_weights(rows.weights, rows.X.shape[0])
    if isinstance(encoder, LabelSetEncoder):
        return (np.asarray(weights @ check_indicator(rows.y, name="y")).ravel(),)
    encoded = encoder.encode(rows.y, rows.weights, None)
    targets = sparse.csr_array(encoded.targets)
    if encoder.n_outputs == 1:
        second = float((weights @ targets).item())
        return (np.array([weights.sum() - second, second]),)
    return (np.asarray(weights @ targets).ravel(),)

"""Multilabel benchmarks, readers for files of one's own, and the label-proportion simulation."""

from sklearn_sparsemax.datasets._files import load_multilabel_file
from sklearn_sparsemax.datasets._mulan import (
    fetch_birds,
    fetch_cal500,
    fetch_emotions,
    fetch_scene,
)
from sklearn_sparsemax.datasets._reuters import fetch_reuters
from sklearn_sparsemax.datasets._simulation import make_label_proportions

__all__ = [
    "fetch_birds",
    "fetch_cal500",
    "fetch_emotions",
    "fetch_reuters",
    "fetch_scene",
    "load_multilabel_file",
    "make_label_proportions",
]

"""Multilabel benchmarks, sentence pairs, readers for one's own files, and generated data."""

from ._files import load_multilabel_file
from ._mulan import (
    fetch_birds,
    fetch_cal500,
    fetch_emotions,
    fetch_scene,
)
from ._nli import load_nli_file, load_word_vectors, make_nli
from ._reuters import fetch_reuters
from ._simulation import make_label_proportions

__all__ = [
    "fetch_birds",
    "fetch_cal500",
    "fetch_emotions",
    "fetch_reuters",
    "fetch_scene",
    "load_multilabel_file",
    "load_nli_file",
    "load_word_vectors",
    "make_label_proportions",
    "make_nli",
]

"""A user's own multilabel file: ARFF with an XML list of labels, or svmlight."""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from sklearn_sparsemax.datasets._arff import read_arff
from sklearn_sparsemax.datasets._bunch import make_bunch

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}
_SVMLIGHT = (".svm", ".svmlight", ".libsvm")


def load_multilabel_file(
    path: str | os.PathLike[str],
    *,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    n_features: int | None = None,
    zero_based: bool | str = "auto",
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    r"""Load a multilabel dataset from an ARFF or an svmlight file.

    The extension tells the format: ``.arff`` (the format of Weka and Mulan, with dense or sparse
    rows), or ``.svm``, ``.svmlight``, ``.libsvm`` (lines ``label,label index:value ...``).
    Either may be compressed: a further ``.gz`` or ``.bz2``.

    Parameters
    ----------
    path : str or path-like
        The file.
    labels : str, path-like or sequence of str, default=None
        The names of the labels, or the file that lists them: ``.xml`` as Mulan writes it, or
        text with one name per line. In an ARFF file they say which attributes are labels, and
        None means the XML file beside it: for ``birds-train.arff``, ``birds-train.xml`` or
        ``birds.xml``. In an svmlight file label ``k`` is the name at position ``k``, counted
        from 0, and None names the labels ``"0"``, ``"1"``, ... up to the greatest one that occurs.
    n_features : int, default=None
        Number of columns of X, for svmlight files only, which do not tell: pass that of the
        training data when loading test data. None means the greatest index that occurs.
    zero_based : bool or "auto", default="auto"
        Whether the feature indices of an svmlight file start at 0. "auto" takes them to start
        at 1 when none is 0, which can be wrong for a small file.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas DataFrames, with sparse columns when the data are sparse.

    Returns
    -------
    data : Bunch
        With the entries

        - data : ndarray or CSR matrix of shape (n_samples, n_features), float64; sparse for
          svmlight and for ARFF with sparse rows. Missing values are NaN. Nominal attributes other
          than {0,1} become one 0/1 column per value, named ``attribute_value``.
        - target : ndarray or CSR matrix of shape (n_samples, n_labels), int64, 1 where the row has
          the label; sparse when `data` is.
        - frame : DataFrame of both with ``as_frame=True``, else None.
        - feature_names, target_names : lists of str; features of svmlight are ``"x0"``, ``"x1"``...
        - filename : str

    (data, target) : tuple if ``return_X_y`` is True

    Raises
    ------
    ValueError
        If the extension is none of the above, the file is malformed, a label is not among the
        attributes of the ARFF file or beyond the list of names, a label value of an ARFF file is
        neither 0 nor 1, or `n_features` is too small.
    FileNotFoundError
        If `path` or the list of labels does not exist.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    See Also
    --------
    sklearn.datasets.load_svmlight_file : The svmlight reader underneath.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_sparsemax.datasets import load_multilabel_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "news.svm"
    ...     _ = path.write_text("0,2 1:0.5 4:1.5\n1 2:2.0\n 3:1.0\n")
    ...     news = load_multilabel_file(path, labels=["sport", "politics", "health"])
    >>> news.data.toarray()
    array([[0.5, 0. , 0. , 1.5],
           [0. , 2. , 0. , 0. ],
           [0. , 0. , 1. , 0. ]])
    >>> news.target.toarray()
    array([[1, 0, 1],
           [0, 1, 0],
           [0, 0, 0]])
    """
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    opener: Callable[..., Any] = open
    if suffixes and suffixes[-1] in _OPENERS:
        opener = _OPENERS[suffixes.pop()]
    extension = suffixes[-1] if suffixes else ""

    if extension == ".arff":
        if n_features is not None:
            raise ValueError(
                f"n_features={n_features} has no meaning for an ARFF file, which lists its "
                f"attributes: leave it out for {path}."
            )
        label_source = _labels_beside(path) if labels is None else labels
        target_names = _label_names(label_source)
        with opener(path, "rt", encoding="utf-8") as file:
            X, Y, feature_names = read_arff(file.read(), target_names, str(path))
    elif extension in _SVMLIGHT:
        names = None if labels is None else _label_names(labels)
        X, Y = _read_svmlight(path, names, n_features, zero_based)
        feature_names = [f"x{j}" for j in range(X.shape[1])]
        target_names = names or [str(k) for k in range(Y.shape[1])]
    else:
        raise ValueError(
            f"{path} has an extension that says nothing about its format: it must be .arff, "
            f"{', '.join(_SVMLIGHT[:-1])} or {_SVMLIGHT[-1]}, optionally followed by .gz or .bz2."
        )
    return make_bunch(
        X,
        Y,
        feature_names=feature_names,
        target_names=target_names,
        return_X_y=return_X_y,
        as_frame=as_frame,
        filename=str(path),
    )


def _labels_beside(path: Path) -> Path:
    """Mulan's convention: one NAME.xml for NAME.arff, NAME-train.arff and NAME-test.arff."""
    stem = path.name[: path.name.lower().index(".arff")]
    bare = stem.removesuffix("-train").removesuffix("-test")
    candidates = [path.with_name(f"{name}.xml") for name in dict.fromkeys((stem, bare))]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise ValueError(
        f"labels is None and there is no {' or '.join(map(str, candidates))}: pass labels, the XML "
        f"file or the names that say which attributes of {path} are labels."
    )


def _label_names(labels: str | os.PathLike[str] | Sequence[str]) -> list[str]:
    if isinstance(labels, (str, os.PathLike)):
        source = str(labels)
        names = (
            _names_from_xml(source) if source.lower().endswith(".xml") else _names_from_text(source)
        )
    else:
        source = "labels"
        names = list(labels)
    if not names:
        raise ValueError(f"{source} names no label.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{source} names {', '.join(map(repr, repeated))} more than once.")
    return names


def _names_from_xml(path: str) -> list[str]:
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise ValueError(f"{path} could not be read as XML: {error}.") from error
    # Whatever the namespace, and below other labels too: Mulan nests those of a hierarchy.
    names = [label.get("name") for label in root.iterfind(".//{*}label")]
    if None in names:
        raise ValueError(f"{path} has a label element without a name attribute.")
    return [name for name in names if name is not None]


def _names_from_text(path: str) -> list[str]:
    names = [line.strip() for line in Path(path).read_text("utf-8").rstrip().splitlines()]
    if "" in names:
        # Skipping it would shift the names of all labels after it.
        raise ValueError(f"line {names.index('') + 1} of {path} is blank: every line is a name.")
    return names


def _read_svmlight(
    path: Path, names: list[str] | None, n_features: int | None, zero_based: bool | str
) -> tuple[Any, Any]:
    from sklearn.datasets import load_svmlight_file

    try:
        X, label_sets = load_svmlight_file(
            str(path), n_features=n_features, multilabel=True, zero_based=zero_based
        )
    except ValueError as error:
        raise ValueError(f"{path} could not be read as multilabel svmlight: {error}") from error

    counts = np.fromiter(map(len, label_sets), np.int64, len(label_sets))
    flat = np.fromiter(chain.from_iterable(label_sets), np.float64, counts.sum())
    beyond = len(names) if names else np.inf
    bad = np.flatnonzero((flat < 0) | (flat >= beyond) | (flat != np.floor(flat)))
    if bad.size:
        row = np.searchsorted(np.cumsum(counts), bad[0], side="right")
        allowed = f"0 to {beyond - 1}, one for each name" if names else "0, 1, 2, ..."
        raise ValueError(
            f"row {row} of {path} has the label {flat[bad[0]]:g}: labels must be {allowed}."
        )
    n_labels = len(names) if names else int(flat.max(initial=-1)) + 1
    # Of the container that scikit-learn chose for X.
    Y = type(X)(
        (np.ones(flat.size, np.int64), flat.astype(np.int64), np.append(0, np.cumsum(counts))),
        shape=(len(label_sets), n_labels),
    )
    Y.sum_duplicates()
    Y.data[:] = 1  # a label that a row lists twice is in its set once
    return X, Y

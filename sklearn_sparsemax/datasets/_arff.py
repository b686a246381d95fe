"""ARFF tables to a design matrix and an indicator matrix.

SciPy reads the header and the dense tables: it is public, already required, and reads every file
of the benchmarks. It does not read sparse rows (`{3 1,17 0.5}`), in which much of Mulan's
collection is published, so those are read here, below a header that SciPy has read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import sparse

ZERO_ONE = ("0", "1")


def read_arff(text: str, label_names: Sequence[str], source: str) -> tuple[Any, Any, list[str]]:
    """Split the columns of an ARFF text into features and labels.

    Parameters
    ----------
    text : str
        The whole file.
    label_names : sequence of str
        Attributes that are labels, in the order of the columns of Y. All others are features.
    source : str
        Where `text` came from, for messages.

    Returns
    -------
    X : ndarray or CSR matrix of shape (n_rows, n_features), float64
        Missing values are NaN. Sparse when the file is.
    Y : ndarray or CSR matrix of shape (n_rows, n_labels), int64
    feature_names : list of str
    """
    data = re.search(r"^\s*@data\b.*$", text, flags=re.IGNORECASE | re.MULTILINE)
    if data is None:
        raise ValueError(f"{source} has no @data line: it is not an ARFF file, or is cut short.")
    body = (line.strip() for line in text[data.end() :].splitlines())
    rows = [line for line in body if line and not line.startswith("%")]
    is_sparse = bool(rows) and rows[0].startswith("{")

    records, meta = _loadarff(text[: data.end()] + "\n" if is_sparse else text, source)
    attributes = [(_unescape(name), *meta[name]) for name in meta.names()]
    names = [name for name, _, _ in attributes]
    missing = [name for name in label_names if name not in names]
    if missing:
        raise ValueError(
            f"{source} has no attribute named {', '.join(map(repr, missing))}, which the list of "
            "labels names: is the list that of another file?"
        )
    if is_sparse:
        return _split_sparse(rows, attributes, label_names, source)
    for number, row in enumerate(rows):
        # SciPy drops surplus values without a word. A quoted value may hold commas of its own.
        if row.count(",") >= len(names) and not {"'", '"'} & set(row):
            raise ValueError(
                f"row {number} of {source} has {row.count(',') + 1} values for {len(names)} "
                "attributes."
            )
    return _split_dense(records, attributes, label_names, source)


def _loadarff(text: str, source: str) -> tuple[np.ndarray, Any]:
    from scipy.io import arff

    try:
        return arff.loadarff(io.StringIO(text))
    except (arff.ArffError, ValueError, IndexError, NotImplementedError, StopIteration) as error:
        raise ValueError(f"{source} could not be read as ARFF: {error}") from error


def _unescape(name: str) -> str:
    # SciPy removes the quotes of 'Stellar\'s Jay' and keeps its backslash.
    return re.sub(r"\\(.)", r"\1", name)


def _split_dense(
    records: np.ndarray,
    attributes: list[tuple[str, str, Any]],
    label_names: Sequence[str],
    source: str,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    features: dict[str, np.ndarray] = {}
    labels: dict[str, np.ndarray] = {}
    wanted = set(label_names)
    for (name, kind, values), field in zip(attributes, records.dtype.names or (), strict=True):
        if kind not in ("numeric", "nominal"):
            raise ValueError(
                f"attribute {name!r} of {source} is of type {kind}: only numeric and nominal "
                "attributes can be read."
            )
        column = records[field]
        if name in wanted:
            labels[name] = _zero_one(column, name, source)
        elif kind == "numeric" or set(values) == set(ZERO_ONE):
            features[name] = _to_float(column)
        else:
            known = column != b"?"
            for value in values:
                indicator = (column == value.encode()).astype(np.float64)
                features[f"{name}_{_unescape(value)}"] = np.where(known, indicator, np.nan)
    n_rows = len(records)
    X = np.column_stack(list(features.values())) if features else np.empty((n_rows, 0))
    Y = np.column_stack([labels[name] for name in label_names])
    return X, Y, list(features)


def _to_float(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "S":
        column = np.where(column == b"?", b"nan", column)
    return column.astype(np.float64)


def _zero_one(column: np.ndarray, name: str, source: str) -> np.ndarray:
    zero, one = (b"0", b"1") if column.dtype.kind == "S" else (0, 1)
    bad = np.flatnonzero((column != zero) & (column != one))
    if bad.size:
        value = column[bad[0]].decode() if column.dtype.kind == "S" else column[bad[0]]
        raise ValueError(
            f"label {name!r} of {source} is {value} in row {bad[0]}: labels must be 0 or 1."
        )
    return (column == one).astype(np.int64)


def _split_sparse(
    rows: list[str],
    attributes: list[tuple[str, str, Any]],
    label_names: Sequence[str],
    source: str,
) -> tuple[Any, Any, list[str]]:
    for name, kind, values in attributes:
        if kind != "numeric" and values != ZERO_ONE:
            raise ValueError(
                f"attribute {name!r} of {source} is of type {kind} {values or ''}: a sparse row "
                "leaves out the first value of such an attribute, so that only numeric and "
                "{0,1} attributes can stay sparse. Save the file with dense rows."
            )
    indptr, indices, values = [0], [], []
    for number, row in enumerate(rows):
        for index, value in _sparse_entries(row, number, len(attributes), source):
            indices.append(index)
            values.append(value)
        indptr.append(len(indices))
    table = sparse.csr_matrix((values, indices, indptr), (len(rows), len(attributes)), np.float64)
    table.sort_indices()
    if not table.has_canonical_format:
        raise ValueError(f"{source} gives a value to the same attribute twice in one row.")

    names = [name for name, _, _ in attributes]
    wanted = set(label_names)
    kept = [j for j, name in enumerate(names) if name not in wanted]
    Y = table[:, [names.index(name) for name in label_names]]
    entries = Y.tocoo()
    bad = np.flatnonzero(~np.isin(entries.data, (0, 1)))
    if bad.size:
        first = bad[0]
        raise ValueError(
            f"label {label_names[entries.col[first]]!r} of {source} is {entries.data[first]:g} in "
            f"row {entries.row[first]}: labels must be 0 or 1."
        )
    Y = Y.astype(np.int64)
    Y.eliminate_zeros()
    return table[:, kept], Y, [names[j] for j in kept]


def _sparse_entries(
    row: str, number: int, n_attributes: int, source: str
) -> Iterator[tuple[int, float]]:
    try:
        if not (row.startswith("{") and row.endswith("}")) or row.count("{") > 1:
            raise ValueError("not of the form {index value, ...}")
        for entry in filter(None, map(str.strip, row[1:-1].split(","))):
            index_text, value_text = entry.split()
            index = int(index_text)
            if not 0 <= index < n_attributes:
                raise ValueError(f"there is no attribute number {index}")
            yield index, np.nan if value_text == "?" else float(value_text.strip("'\""))
    except ValueError as error:
        raise ValueError(f"row {number} of {source} could not be read: {error}.") from error

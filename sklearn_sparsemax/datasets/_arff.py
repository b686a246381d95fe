"""ARFF tables to a design matrix and an indicator matrix, dense or sparse rows (`{3 1,17 0.5}`).

Of the readers at hand, SciPy's knows no sparse rows, no quotes in some rows of a column and no
comments behind a row, and drops surplus values; liac-arff makes Python objects of every value. So
the format is read here, on the tokens of `_tokens`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ._arff_header import Attribute, Header, read_header
from ._tokens import is_missing, next_field, split_fields

ZERO_ONE = ("0", "1")
Row = tuple[int, str]


def read_arff(
    text: str, label_names: Sequence[str] | None, source: str
) -> tuple[Any, Any, list[str], list[str]]:
    """Split the columns of an ARFF text into features and labels.

    Parameters
    ----------
    text : str
        The whole file.
    label_names : sequence of str or None
        Attributes that are labels, in the order of the columns of Y. All others are features.
        None takes those that the relation of a MEKA file names.
    source : str
        Where `text` came from, for messages.

    Returns
    -------
    X : ndarray or CSR matrix of shape (n_rows, n_features), float64
        Missing values are NaN. Sparse when the file is.
    Y : ndarray or CSR matrix of shape (n_rows, n_labels), int64
    feature_names : list of str
    label_names : list of str
    """
    header = read_header(text, source)
    label_names = header.meka_labels(source) if label_names is None else list(label_names)
    if label_names is None:
        raise ValueError(
            f"labels is None, and the relation of {source} has no option -C as MEKA writes it: "
            "pass labels, the names or an XML file that say which attributes are labels."
        )
    known = {attribute.name for attribute in header.attributes}
    missing = [name for name in label_names if name not in known]
    if missing:
        raise ValueError(
            f"{source} has no attribute named {', '.join(map(repr, missing))}, which the list of "
            "labels names: is the list that of another file?"
        )
    is_sparse = bool(header.rows) and header.rows[0][1].startswith("{")
    read = _read_sparse if is_sparse else _read_dense
    return *read(header, label_names, source), label_names


def has_meka_labels(text: str, source: str) -> bool:
    """Whether the relation says which attributes are labels."""
    return read_header(text, source).n_labels is not None


# --- dense rows ---------------------------------------------------------------------------


def _read_dense(
    header: Header, label_names: list[str], source: str
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    attributes = header.attributes
    for attribute in attributes:
        if attribute.kind not in ("numeric", "nominal"):
            raise ValueError(
                f"attribute {attribute.name!r} of {source} is of type {attribute.kind}: only "
                "numeric and nominal attributes can be read."
            )
    rows = [
        _dense_row(row, number, len(attributes), source) for number, row in enumerate(header.rows)
    ]
    columns: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [()] * len(attributes)
    names = _feature_names(attributes, set(label_names))
    features: list[np.ndarray] = []
    labels: dict[str, np.ndarray] = {}
    for attribute, fields in zip(attributes, columns, strict=True):
        codes = _codes(attribute, fields, header.rows, source)
        if attribute.name in set(label_names):
            labels[attribute.name] = _zero_one(attribute, codes, source)
        elif attribute.kind == "numeric":
            features.append(codes)
        elif set(attribute.values) == set(ZERO_ONE):
            features.append(np.where(np.isnan(codes), np.nan, _number_of(attribute, codes)))
        else:
            one_hot = [codes == code for code in range(len(attribute.values))]
            features += [np.where(np.isnan(codes), np.nan, column) for column in one_hot]
    X = np.column_stack(features) if features else np.empty((len(rows), 0))
    Y = np.column_stack([labels[name] for name in label_names])
    return X.astype(np.float64), Y, names


def _dense_row(row: Row, number: int, n_attributes: int, source: str) -> list[str]:
    line, text = row
    try:
        fields = split_fields(text)
        if len(fields) == 1 < n_attributes and "'" not in text and '"' not in text:
            # Weka takes blanks for commas
            fields = fields[0].split()
        if len(fields) != n_attributes:
            raise ValueError(f"{len(fields)} values for {n_attributes} attributes")
    except ValueError as error:
        raise _row_error(number, line, source, error) from error
    return fields


def _row_error(number: int, line: int, source: str, error: Exception) -> ValueError:
    return ValueError(f"row {number} (line {line}) of {source} could not be read: {error}.")


def _codes(
    attribute: Attribute, fields: Sequence[str], rows: Sequence[Row], source: str
) -> np.ndarray:
    """Numbers, or places among the values of a nominal attribute; NaN for missing ones."""
    if attribute.kind == "numeric":
        convert = _to_float
        try:
            # all at once, which most columns allow
            return _without_underscores(fields)
        except ValueError:
            pass
    else:
        places = {value: float(code) for code, value in enumerate(attribute.values)}

        def convert(field: str) -> float:
            if is_missing(field):
                return np.nan
            if field in places:
                return places[field]
            raise ValueError(f"attribute {attribute.name!r} has no value {str(field)!r}")

    codes = np.empty(len(fields))
    for number, field in enumerate(fields):
        try:
            codes[number] = convert(field)
        except ValueError as error:
            raise _row_error(number, rows[number][0], source, error) from error
    return codes


def _without_underscores(fields: Sequence[str]) -> np.ndarray:
    """Numbers; Python reads over underscores between digits, which are no part of one here."""
    if "_" in "".join(fields):
        raise ValueError
    return np.array(list(map(float, fields)), np.float64)


def _to_float(field: str) -> float:
    if is_missing(field):
        return np.nan
    if "_" in field:
        raise ValueError(f"could not convert {str(field)!r} to a number")
    return float(field)


def _number_of(attribute: Attribute, codes: np.ndarray) -> np.ndarray:
    """0 and 1 for the places of "0" and "1" among the values."""
    return codes if attribute.values == ZERO_ONE else 1 - codes


def _zero_one(attribute: Attribute, codes: np.ndarray, source: str) -> np.ndarray:
    values = codes
    if attribute.kind == "nominal":
        numbers = [float(value) if value in ZERO_ONE else np.nan for value in attribute.values]
        known = ~np.isnan(codes)
        values = np.full(len(codes), np.nan)
        values[known] = np.array([*numbers, np.nan])[codes[known].astype(int)]
    bad = np.flatnonzero((values != 0) & (values != 1))
    if bad.size:
        row = int(bad[0])
        missing = "?" if np.isnan(codes[row]) else None
        if attribute.kind == "nominal":
            shown = missing or attribute.values[int(codes[row])]
        else:
            shown = missing or str(codes[row])
        raise ValueError(
            f"label {attribute.name!r} of {source} is {shown} in row {row}: labels must be 0 or 1."
        )
    return (values == 1).astype(np.int64)


def _feature_names(attributes: Sequence[Attribute], labels: set[str]) -> list[str]:
    """Name of each column of X: of a nominal attribute, one for each value.

    That is ``attribute_value``, and ``attribute=value`` where another column has that name.
    """
    plain: list[tuple[str, str | None]] = []
    for attribute in attributes:
        if attribute.name in labels:
            continue
        one_hot = attribute.kind == "nominal" and set(attribute.values) != set(ZERO_ONE)
        values = attribute.values if one_hot else (None,)
        plain += [(attribute.name, value) for value in values]
    names = [name if value is None else f"{name}_{value}" for name, value in plain]
    counts = Counter(names)
    names = [
        f"{name}={value}" if value is not None and counts[joined] > 1 else joined
        for joined, (name, value) in zip(names, plain, strict=True)
    ]
    return _numbered(names)


def _numbered(names: list[str]) -> list[str]:
    """Names made different by numbers behind those that are not."""
    seen: set[str] = set()
    different = []
    for name in names:
        unique, number = name, 2
        while unique in seen:
            unique, number = f"{name} ({number})", number + 1
        seen.add(unique)
        different.append(unique)
    return different


# --- sparse rows --------------------------------------------------------------------------


def _read_sparse(header: Header, label_names: list[str], source: str) -> tuple[Any, Any, list[str]]:
    attributes = header.attributes
    for attribute in attributes:
        if attribute.kind != "numeric" and attribute.values != ZERO_ONE:
            raise ValueError(
                f"attribute {attribute.name!r} of {source} is of type {attribute.kind} "
                f"{attribute.values or ''}: a sparse row leaves out the first value of such an "
                "attribute, so that only numeric and {0,1} attributes can stay sparse. Save the "
                "file with dense rows."
            )
    indptr, indices, values = [0], [], []
    for number, (line, row) in enumerate(header.rows):
        try:
            for index, value in _sparse_entries(row, len(attributes)):
                indices.append(index)
                values.append(value)
        except ValueError as error:
            raise _row_error(number, line, source, error) from error
        indptr.append(len(indices))
    shape = (len(header.rows), len(attributes))
    table = sparse.csr_matrix((values, indices, indptr), shape, np.float64)
    table.sort_indices()
    if not table.has_canonical_format:
        raise ValueError(f"{source} gives a value to the same attribute twice in one row.")

    names = [attribute.name for attribute in attributes]
    place = {name: j for j, name in enumerate(names)}
    wanted = set(label_names)
    kept = [j for j, name in enumerate(names) if name not in wanted]
    Y = table[:, [place[name] for name in label_names]]
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


def _sparse_entries(row: str, n_attributes: int) -> Iterator[tuple[int, float]]:
    """Numbers of attributes, and their values, of a row in braces."""
    if not row.startswith("{"):
        raise ValueError("not of the form {index value, ...}")
    position = 1
    while True:
        while position < len(row) and row[position].isspace():
            position += 1
        if row[position : position + 1] == "}":
            break
        digits = position
        while digits < len(row) and row[digits].isdigit():
            digits += 1
        if digits == position or not row[digits : digits + 1].isspace():
            raise ValueError("not of the form {index value, ...}")
        index = int(row[position:digits])
        if index >= n_attributes:
            raise ValueError(f"there is no attribute number {index}")
        field, position = next_field(row, digits, ",}")
        if position >= len(row):
            raise ValueError("not of the form {index value, ...}")
        yield index, _to_float(field)
        if row[position] == ",":
            position += 1
    behind = row[position + 1 :].strip()
    if behind and not behind.startswith("%"):
        raise ValueError("not of the form {index value, ...}")

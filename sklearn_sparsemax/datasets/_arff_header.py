"""The declarations of an ARFF file: its relation and its attributes."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from ._tokens import Quoted, next_field, without_comment

NUMERIC = ("numeric", "real", "integer")
UNSUPPORTED = ("string", "date", "relational")
DATA = re.compile(r"^\s*@data\b", re.IGNORECASE | re.MULTILINE)
LINE = re.compile(r"\r\n|\r|\n")
# MEKA keeps its options in the relation's name: -C 3, the first three attributes are labels, or
# -C -3, the last three.
MEKA = re.compile(r":.*?-[cC]\s+(-?\d+)", re.DOTALL)


class Attribute(NamedTuple):
    """A column: "numeric" or "nominal", and the values of a nominal one."""

    name: str
    kind: str
    values: tuple[str, ...] = ()


class Header(NamedTuple):
    """What comes before the rows.

    `n_labels` is that of MEKA, negative for labels at the end, and None without one. `rows` are the
    lines behind @data with their numbers, counted from 1, blank lines and comments left out.
    """

    attributes: list[Attribute]
    n_labels: int | None
    rows: list[tuple[int, str]]

    def meka_labels(self, source: str) -> list[str] | None:
        """Names of the labels that MEKA's option marks, or None."""
        if self.n_labels is None:
            return None
        names = [attribute.name for attribute in self.attributes]
        if not 0 < abs(self.n_labels) <= len(names):
            raise ValueError(
                f"the relation of {source} says -C {self.n_labels}, but there are {len(names)} "
                "attributes."
            )
        return names[: self.n_labels] if self.n_labels > 0 else names[self.n_labels :]


def read_header(text: str, source: str) -> Header:
    """Read all declarations, and find the rows."""
    if DATA.search(text) is None:
        raise ValueError(f"{source} has no @data line: it is not an ARFF file, or is cut short.")
    attributes: list[Attribute] = []
    n_labels = None
    lines = LINE.split(text)
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line.startswith("%"):
            continue
        keyword, rest = _keyword(line)
        try:
            if keyword == "@data":
                _check_names(attributes, source)
                return Header(attributes, n_labels, _rows(lines, number, rest))
            if keyword == "@attribute":
                attributes.append(_attribute(rest))
            elif keyword == "@relation":
                name, _ = next_field(rest, 0, "")
                option = MEKA.search(name)
                n_labels = int(option[1]) if option else None
            elif keyword != "@end":
                raise ValueError("it is neither a declaration nor a comment")
        except ValueError as error:
            raise ValueError(f"line {number} of {source} could not be read: {error}.") from error
    raise ValueError(f"{source} has no @data line that is no comment.")


def _keyword(line: str) -> tuple[str, str]:
    word = re.match(r"@\w*", line)
    keyword = word[0].lower() if word else ""
    return keyword, line[len(keyword) :]


def _attribute(declaration: str) -> Attribute:
    """A name, and a type or a list of values in braces."""
    declaration = declaration.strip()
    if declaration[:1] in ("'", '"'):
        name, end = next_field(declaration, 0, "{ \t")
    else:
        words = re.match(r"[^\s{]+", declaration)
        if words is None:
            raise ValueError("an attribute has no name")
        name, end = next_field(words[0], 0, "")[0], words.end()
    kind = declaration[end:].strip()
    if kind.startswith("{"):
        return Attribute(str(name), "nominal", _values(kind))
    word = without_comment(kind).split()
    if not word:
        raise ValueError(f"attribute {name!r} has no type")
    if word[0].lower() in NUMERIC:
        return Attribute(str(name), "numeric")
    if word[0].lower() in UNSUPPORTED:
        return Attribute(str(name), word[0].lower())
    raise ValueError(f"attribute {name!r} has the unknown type {word[0]!r}")


def _values(text: str) -> tuple[str, ...]:
    values, position = [], 1
    while True:
        value, position = next_field(text, position, ",}")
        if position >= len(text) or text[position] not in ",}":
            raise ValueError("a list of values has no closing brace")
        if value or isinstance(value, Quoted):
            values.append(str(value))
        elif text[position] == "," or values:
            raise ValueError("a list of values has an empty one")
        if text[position] == "}":
            break
        position += 1
    behind = text[position + 1 :].strip()
    if behind and not behind.startswith("%"):
        raise ValueError(f"{behind!r} follows a list of values")
    if len(set(values)) < len(values):
        raise ValueError("a list of values has one of them twice")
    return tuple(values)


def _check_names(attributes: list[Attribute], source: str) -> None:
    counts = Counter(attribute.name for attribute in attributes)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"{source} declares the attribute {twice[0]!r} twice")


def _rows(lines: list[str], number: int, rest: str) -> list[tuple[int, str]]:
    """The lines behind @data, which may hold a row itself."""
    body = [(number, rest), *enumerate(lines[number:], start=number + 1)]
    stripped = ((place, line.strip()) for place, line in body)
    return [(place, line) for place, line in stripped if line and not line.startswith("%")]

r"""Fields of a line of ARFF: quotes, escapes, blanks and comments.

A field is a quoted text, in single or double quotes, or all up to the next comma without the blanks
around it. Within quotes, ``\'``, ``\"``, ``\\``, ``\%``, ``\t``, ``\n`` and ``\r`` stand for one
character. Outside of quotes, a ``%`` at the beginning of a word begins a comment.
"""

from __future__ import annotations

import re

QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
COMMENT = re.compile(r"(?<!\S)%|,%")
CONTROL = {"t": "\t", "n": "\n", "r": "\r"}


class Quoted(str):
    """A field that stood in quotes: a question mark in quotes is no missing value."""

    __slots__ = ()


def is_missing(field: str) -> bool:
    """Whether a field is the question mark of a missing value."""
    return field == "?" and not isinstance(field, Quoted)


def split_fields(line: str) -> list[str]:
    """Fields of a line, between commas.

    Raises ValueError for a quote that does not end, and for text behind the end of a quote.
    """
    if "'" not in line and '"' not in line:
        return [text.strip() for text in without_comment(line).split(",")]
    fields: list[str] = []
    position = 0
    while True:
        field, position = next_field(line, position, ",")
        fields.append(field)
        if position >= len(line) or line[position] != ",":
            return fields
        position += 1


def next_field(line: str, position: int, ends: str) -> tuple[str, int]:
    """The field that begins at a position, and the position of the character that ends it.

    That is one of `ends`, the beginning of a comment, or the end of the line.
    """
    while position < len(line) and line[position].isspace():
        position += 1
    quoted = line[position : position + 1] in ("'", '"') and line[position : position + 1] != ""
    if quoted:
        match = QUOTED.match(line, position)
        if match is None:
            raise ValueError(f"the quote at character {position + 1} does not end")
        text = unescape(match[1] if match[1] is not None else match[2])
        position = match.end()
        rest = end_of_field(line, position, ends)
        if line[position:rest].strip():
            raise ValueError(f"text follows the quote that ends at character {position}")
        return Quoted(text), rest
    end = end_of_field(line, position, ends)
    return line[position:end].strip(), end


def end_of_field(line: str, position: int, ends: str) -> int:
    """The first of the `ends`, or of a comment, from a position on; else the length of the line."""
    found = [line.find(end, position) for end in ends]
    comment = COMMENT.search(line, position)
    if comment is not None:
        found.append(comment.start())
    return min((place for place in found if place >= 0), default=len(line))


def without_comment(line: str) -> str:
    """A line without quotes up to its comment."""
    comment = COMMENT.search(line) if "%" in line else None
    if comment is None:
        return line
    return line[: comment.start()] + ("," if line[comment.start()] == "," else "")


def unescape(text: str) -> str:
    """What stands in quotes, with its escapes replaced."""
    if "\\" not in text:
        return text
    return ESCAPED.sub(lambda match: CONTROL.get(match[1], match[1]), text)

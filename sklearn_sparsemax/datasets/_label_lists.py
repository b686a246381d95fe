"""Files that list the names of labels: XML as Mulan writes it, or one name in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.parsers import expat

from ._streams import open_bytes, read_text

# Mulan nests the labels of a hierarchy, a few levels deep.
DEEPEST = 1000


def read_label_list(path: Path) -> list[str]:
    """Names of the labels, in the order of the file."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".bz2")]
    return _from_xml(path) if suffixes[-1:] == [".xml"] else _from_text(path)


def _from_xml(path: Path) -> list[str]:
    """The `name` of each element `label`, in any namespace and at any depth.

    Nothing but names is kept, and declarations of entities are refused: no text expands, and no
    other file is read.
    """
    names: list[str] = []
    depth = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"its elements are nested more than {DEEPEST} deep")
        if tag.rpartition(":")[2] == "label":
            if "name" not in attributes:
                raise ValueError("it has a label element without a name attribute")
            names.append(attributes["name"])

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse_entity(*_: Any) -> None:
        raise ValueError("it declares entities, which a list of labels does not need")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.EntityDeclHandler = refuse_entity
    with open_bytes(path) as file:
        content = file.read()
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"{path} could not be read as XML: {error}.") from error
    except (ValueError, LookupError) as error:
        raise ValueError(
            f"line {parser.CurrentLineNumber} of {path} could not be read: {error}."
        ) from error
    return names


def _from_text(path: Path) -> list[str]:
    names = [line.strip() for line in read_text(path).rstrip().splitlines()]
    if "" in names:
        # Skipping it would shift the names of all labels after it.
        raise ValueError(f"line {names.index('') + 1} of {path} is blank: every line is a name.")
    return names

"""The messages that the page on troubleshooting quotes are those of the package."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sklearn_sparsemax

PACKAGE = Path(sklearn_sparsemax.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "guide" / "troubleshooting.md"
# what a message says of the case at hand
VALUE = "…"


def quoted():
    """The messages of the page: the terms of its lists that stand in quotes."""
    if not PAGE.exists():
        return []
    terms = re.findall(r'^("[^\n]+)\n:', PAGE.read_text("utf-8"), re.M)
    return [message for term in terms for message in re.findall(r'"([^"]+)"', term)]


def messages():
    """The strings of the package, with a mark for each value."""
    found = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", VALUE) for part in node.values)
                found.append("".join(p if isinstance(p, str) else VALUE for p in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


@pytest.mark.skipif(not PAGE.exists(), reason="needs a checkout")
def test_the_page_quotes_messages_of_the_package():
    assert len(quoted()) >= 10
    ours = messages()
    for message in quoted():
        parts = [re.escape(part.strip()) for part in re.split(f" *{VALUE} *", message) if part]
        pattern = re.compile(".*".join(parts), re.S)
        assert any(pattern.search(text) for text in ours), message

"""Pages that are made from files elsewhere in the repository, so that nothing stands twice.

- `project/`: CONTRIBUTING.md and CHANGELOG.md.
- `benchmarks/tables/`: the reports of `python -m benchmarks`.

Links between files of the repository become links to the source, or to the page of the site.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
RESULTS = ROOT / "benchmarks" / "results"
SOURCE = "https://github.com/sklearn-sparsemax/sklearn-sparsemax/blob/main/"

LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def page_of(source: Path, text: str, page: Path) -> str:
    """The text of a file of the repository, with its relative links as those of a page."""

    def link(found: re.Match[str]) -> str:
        opening, target, closing = found.groups()
        if "://" in target or target.startswith("mailto:"):
            return found.group()
        file = (source.parent / target).resolve()
        if not file.is_relative_to(ROOT):
            return found.group()
        if file.is_relative_to(DOCS) and file.exists():
            up = "../" * (len(page.relative_to(DOCS).parts) - 1)
            return opening + up + file.relative_to(DOCS).as_posix() + closing
        return opening + SOURCE + file.relative_to(ROOT).as_posix() + closing

    return LINK.sub(link, text)


def write(page: Path, text: str) -> None:
    """Write a page if its text has changed, so that Sphinx reads only what is new."""
    page.parent.mkdir(parents=True, exist_ok=True)
    if not page.exists() or page.read_text("utf-8") != text:
        page.write_text(text, "utf-8")


def generate(_app: Any) -> None:
    """Write all pages."""
    for name in ("CONTRIBUTING", "CHANGELOG"):
        source, page = ROOT / f"{name}.md", DOCS / "project" / f"{name.lower()}.md"
        write(page, page_of(source, source.read_text("utf-8"), page))
    tables = DOCS / "benchmarks" / "tables"
    for source in sorted(RESULTS.glob("*.md")):
        page = tables / source.name
        write(page, page_of(source, source.read_text("utf-8"), page))
    for picture in RESULTS.glob("*.png"):
        shutil.copy(picture, tables)


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

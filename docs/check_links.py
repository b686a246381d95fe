"""Check the built site: all internal links lead somewhere, and nothing is loaded from elsewhere.

python docs/check_links.py FOLDER
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
# Relations of <link> that a browser does not load.
ADDRESSES = {"canonical", "search", "next", "prev", "index", "author", "copyright"}


class Page(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect from one element."""
        values = dict(attrs)
        self.anchors.update(v for k, v in attrs if k in ("id", "name") and v)
        if tag == "link" and ADDRESSES & set((values.get("rel") or "").split()):
            return
        for key, value in attrs:
            if value and key in ("href", "src"):
                (self.loaded if (tag, key) in LOADED else self.links).add(value)


def check(folder: Path) -> tuple[list[str], int]:
    """The faults of a site, and the number of links that were checked."""
    files = [file for file in folder.rglob("*.html") if "_static" not in file.parts]
    pages = {file: Page(file.read_text("utf-8")) for file in files}
    faults, checked = [], 0
    for file, page in pages.items():
        where = file.relative_to(folder)
        faults += [f"{where} loads {one}" for one in page.loaded if one.startswith(("http", "//"))]
        for link in page.links | page.loaded:
            if link.startswith(("http", "//", "mailto:", "data:", "javascript:")):
                continue
            checked += 1
            path, anchor = urldefrag(link.partition("?")[0] if "?" in link else link)
            target = (file.parent / unquote(path)).resolve() if path else file
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                faults.append(f"{where} links to {link}, which does not exist")
            elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                faults.append(f"{where} links to {link}, an anchor that does not exist")
    return faults, checked


def main(folder: str) -> None:
    """Print the faults, and fail if there are any."""
    faults, checked = check(Path(folder).resolve())
    print(*faults, f"{checked} internal links checked, {len(faults)} faults", sep="\n")
    if faults or not checked:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])

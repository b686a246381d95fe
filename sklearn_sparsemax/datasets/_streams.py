"""Files that may be compressed, with one kind of error for all that can be wrong with them."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """A file for reading, decompressed by its suffix.

    Raises ValueError for a file that is cut short, or not compressed as its suffix says.
    """
    opener = OPENERS.get(path.suffix.lower(), open)
    with opener(path, "rb") as file:
        try:
            yield file
        except (EOFError, zlib.error, OSError) as error:
            raise ValueError(
                f"{path} could not be decompressed: {error}. It is cut short, or not of the kind "
                f"that {path.suffix} says."
            ) from error


def read_text(path: Path) -> str:
    """The whole of a text in UTF-8."""
    with open_bytes(path) as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"line {line} of {path} is not in UTF-8 (byte {content[error.start]:#04x}): save the "
            "file in that encoding."
        ) from error

"""Types for argparse: from text to a value, or a clause that says what is wrong with the text."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

Number = TypeVar("Number", int, float)


def number(
    kind: type[Number], allowed: str, accepts: Callable[[Number], bool]
) -> Callable[[str], Number]:
    """Numbers that `accepts` approves; `allowed` describes them in an error."""

    def parse(text: str) -> Number:
        try:
            value = kind(text)
            if accepts(value):
                return value
        except ValueError:
            pass
        raise ArgumentTypeError(f"{text!r} is not {allowed}")

    return parse


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Names from a list. argparse's own `choices` refuses an empty list of positionals."""

    def parse(text: str) -> str:
        if text not in names:
            raise ArgumentTypeError(f"{text!r} is not one of {', '.join(names)}")
        return text

    return parse


def check_figure(path: Path, error: Callable[[str], NoReturn], argument: str = "--figure") -> None:
    """Reject a figure that could not be drawn in the end."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        error(f"argument {argument} needs matplotlib: pip install 'sklearn-sparsemax[plot]'")
    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in formats:
        error(f"argument {argument}: '{path}' does not end in .{', .'.join(sorted(formats))}")


def writable_file(text: str) -> Path:
    """Path of a file that can be written, found out by opening it, before any work."""
    path = Path(text)
    existed = path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise ArgumentTypeError(f"{text!r} cannot be written: {error.strerror}") from None
    if not existed:
        path.unlink()
    return path

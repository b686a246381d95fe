"""The layout of the package: imports run downwards, and no file or function grows too long.

Imports are read from the source, also those inside functions. What `TYPE_CHECKING` guards counts
too: a type from a higher floor is knowledge of that floor.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import sklearn_sparsemax

PACKAGE = Path(sklearn_sparsemax.__file__).parent
NAME = PACKAGE.name

# The rooms, from the ground floor up: a folder or a module at the root. A room may import those
# before it.
ROOMS = (
    "_typing",
    "_version",
    "_persistence",
    "_compat",
    "_arrays",
    "_docs",
    "_validation",
    "datasets",
    "_kernels",
    "activations",
    "losses",
    "metrics",
    "_problem",
    "_solvers",
    "model_selection",
    "calibration",
    "linear_model",
    "compilation",
    "dask",
    "plotting",
    "onnx",
    "torch",
    "skops",
    "__init__",
    "utils",
    "experiments",
    "__main__",
)
MOST_FLOORS = 11
MOST_LINES = 500
MOST_LINES_OF_FUNCTION = 60
# A file that may import a library that the others may not.
ONLY_IN = {
    "torch": "torch",
    "skorch": "torch",
    "skl2onnx": "onnx",
    "onnx": "onnx",
    "dask": "dask",
    "distributed": "dask",
}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of each file, by the file's path within the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def file_of(module: tuple[str, ...]) -> str | None:
    """The file of a module of the package, None where there is no such module."""
    for file in ("/".join(module) + ".py", "/".join((*module, "__init__.py"))):
        if file.lstrip("/") in trees():
            return file.lstrip("/")
    return None


def imports(file: str) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Absolute modules that a file imports, each with the name it takes from there, or None."""
    package = (NAME, *Path(file).parent.parts)
    for node in ast.walk(trees()[file]):
        if isinstance(node, ast.Import):
            yield from ((tuple(alias.name.split(".")), None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            yield from ((module, alias.name) for alias in node.names)


def imported_files(file: str) -> set[str]:
    """Files of the package that a file imports."""
    found = set()
    for module, name in imports(file):
        if module[0] == NAME:
            inside = module[1:]
            of_name = file_of((*inside, name)) if name else None
            found.add(of_name or file_of(inside))
    return {other for other in found if other not in (None, file)}


def room_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def library_imports(file: str) -> Iterator[tuple[tuple[str, ...], str | None]]:
    return (found for found in imports(file) if found[0][0] != NAME)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def lines_without_docstring(function: ast.FunctionDef) -> int:
    """Lines from the signature to the end, less the docstring and functions inside."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_every_room_has_its_floor():
    assert {room_of(file) for file in trees()} == set(ROOMS)


def test_imports_run_downwards():
    upwards = [
        f"{file} imports {other}"
        for file in trees()
        for other in imported_files(file)
        if room_of(file) != room_of(other)
        and ROOMS.index(room_of(file)) < ROOMS.index(room_of(other))
    ]
    assert not upwards


def test_no_files_import_each_other():
    """Neither directly nor around a corner: some order puts every file after those it imports."""
    remaining = {file: imported_files(file) for file in trees()}
    while remaining:
        free = [file for file, others in remaining.items() if not others & remaining.keys()]
        assert free, f"a circle among {sorted(remaining)}"
        for file in free:
            del remaining[file]


def test_few_floors():
    """The longest chain of rooms, each of which imports the next."""
    floor = {}
    for room in ROOMS:
        below = {
            room_of(other)
            for file in trees()
            if room_of(file) == room
            for other in imported_files(file)
        }
        floor[room] = 1 + max((floor[other] for other in below - {room}), default=0)
    assert max(floor.values()) <= MOST_FLOORS, floor


@pytest.mark.parametrize(("library", "room"), ONLY_IN.items())
def test_extras_stay_in_their_room(library, room):
    strangers = {
        file
        for file in trees()
        for module, _ in library_imports(file)
        if module[0] == library and room_of(file) != room
    }
    assert not strangers


def test_private_names_of_scikit_learn_come_through_one_file():
    private = [
        f"{file}: {'.'.join(module)} {name or ''}"
        for file in trees()
        for module, name in library_imports(file)
        if module[0] == "sklearn" and any(part.startswith("_") for part in (*module, name or ""))
        if file != "_compat.py"
    ]
    assert not private


def test_no_file_is_too_long():
    lengths = {file: len((PACKAGE / file).read_text("utf-8").splitlines()) for file in trees()}
    assert {file: n for file, n in lengths.items() if n > MOST_LINES} == {}


def test_no_function_is_too_long():
    """Kernels, which must be one loop to be fast, and declarations of options may be longer."""
    long = {
        f"{file}: {function.name}": lines
        for file, tree in trees().items()
        if room_of(file) != "_kernels"
        for function in functions(tree)
        if function.name not in ("add_parser", "__init__")
        and (lines := lines_without_docstring(function)) > MOST_LINES_OF_FUNCTION
    }
    assert long == {}

"""The API reference of the site lists every public object, and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import sklearn_sparsemax

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "index.rst"

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="needs a checkout")


def public_modules():
    """Names of the modules whose path has no underscore."""
    modules = pkgutil.walk_packages(
        sklearn_sparsemax.__path__, "sklearn_sparsemax.", onerror=lambda name: None
    )
    names = ["sklearn_sparsemax", *(module.name for module in modules)]
    # the experiments are commands, which describe themselves with --help
    return [name for name in names if not re.search(r"\._|\.experiments", name)]


def documented():
    """Full names in the tables of the reference."""
    text = REFERENCE.read_text("utf-8")
    prefix = re.search(r"currentmodule:: (\S+)", text)[1] + "."
    entries = re.findall(r"autosummary::\n   :toctree: generated/\n\n((?:   \S+\n)+)", text)
    names = [prefix + name for block in entries for name in block.split()]
    return names + re.findall(r"autodata:: (\S+)", text)


def import_or_skip(module):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("module", public_modules())
def test_every_public_object_is_in_the_reference(module):
    public = import_or_skip(module)
    listed = []
    for name in documented():
        path, _, last = name.rpartition(".")
        if f"{module}.".startswith(f"{path}."):
            listed.append(getattr(import_or_skip(path), last))
    missing = [
        name
        for name in getattr(public, "__all__", ())
        # the same object: two modules may have classes of the same name
        if not any(getattr(public, name) is one for one in listed)
    ]
    assert not missing, f"add {missing} of {module} to docs/reference/index.rst"


@pytest.mark.parametrize("name", documented())
def test_the_reference_lists_public_objects_alone(name):
    path, _, last = name.rpartition(".")
    assert last in import_or_skip(path).__all__


def test_nothing_is_listed_twice():
    assert len(documented()) == len(set(documented()))

"""The docstrings of all public objects pass numpydoc's validation.

The groups are GL (general), SS (summary), PR (parameters), RT (returns), YD (yields) and EX
(examples). `EXCEPTIONS` has the checks that are left out, each with its reason.
"""

from __future__ import annotations

import importlib
import inspect

import pytest
from test_reference import documented

validate = pytest.importorskip("numpydoc.validate", reason="needs the extra docs")

GROUPS = ("GL", "SS", "PR", "RT", "YD", "EX")
EXCEPTIONS = {
    "GL01": "a summary begins on the line of its quotes, as ruff's convention has it",
    "RT02": "a single result has a name, as in scikit-learn",
}
# Nouns, which SS05 takes for verbs in the third person: a quantity is described by a noun.
NOUNS = {"Arrays", "Classes", "Entries", "Labels", "Logarithms", "Losses", "Options", "Places"}
NOUNS |= {"Probabilities", "Scores", "Shares", "Weights"}


def import_or_skip(name):
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        pytest.skip(str(error))


def own_methods(name):
    """Public methods and properties that this package defines for a class."""
    owner = import_or_skip(name)
    if not inspect.isclass(owner):
        return []
    found = []
    for key, member in inspect.getmembers(owner):
        function = member.fget if isinstance(member, property) else member
        ours = getattr(function, "__module__", None) or ""
        if key.startswith("_") or not ours.startswith("sklearn_sparsemax"):
            continue
        # an override of a loss does what the base class says
        overridden = name.startswith("sklearn_sparsemax.losses") and hasattr(owner.__base__, key)
        if inspect.isfunction(function) and not overridden:
            found.append(key)
    return found


def faults(name, is_method):
    result = validate.validate(name)
    found = []
    for code, message in result["errors"]:
        if not code.startswith(GROUPS) or code in EXCEPTIONS:
            continue
        if code == "EX01" and is_method:  # the example of the class shows its methods
            continue
        if code == "SS05" and result["docstring"].split()[0].strip(",") in NOUNS:
            continue
        found.append(f"{name}: {code} {message}")
    return found


@pytest.mark.parametrize("name", documented())
def test_docstrings_are_valid(name):
    if not callable(import_or_skip(name)) or name.endswith("_scorer"):
        pytest.skip("an instance, which has no docstring of its own")
    found = faults(name, is_method=False)
    for method in own_methods(name):
        found += faults(f"{name}.{method}", is_method=True)
    assert not found, "\n".join(found)

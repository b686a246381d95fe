"""What a newcomer meets first: the import, the names, their documentation."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from importlib import metadata, resources

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import sklearn_sparsemax

PUBLIC = [(name, getattr(sklearn_sparsemax, name)) for name in sklearn_sparsemax.__all__]
CLASSES = [(name, thing) for name, thing in PUBLIC if inspect.isclass(thing)]
FUNCTIONS = [(name, thing) for name, thing in PUBLIC if inspect.isfunction(thing)]
ESTIMATORS = [(name, thing) for name, thing in CLASSES if issubclass(thing, BaseEstimator)]
METHODS = [
    (f"{name}.{method}", getattr(thing, method))
    for name, thing in CLASSES
    for method, _ in inspect.getmembers(thing, inspect.isfunction)
    if not method.startswith("_")
    and getattr(thing, method).__module__.startswith("sklearn_sparsemax")
]

HEAVY = ["numba", "llvmlite", "pandas", "matplotlib", "scipy.io", "scipy.optimize"]
HEAVY += ["sklearn.model_selection", "sklearn.datasets"]


def loaded_after(statement):
    """Modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    return set(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


# --- the import ---------------------------------------------------------------------------


def test_import_loads_nothing_heavy_beyond_scikit_learn():
    base = loaded_after(
        "import sklearn.base, sklearn.utils.validation, sklearn.utils.multiclass, "
        "sklearn.preprocessing, scipy.sparse, scipy.special, scipy.linalg"
    )
    extra = loaded_after("import sklearn_sparsemax") - base
    assert extra & set(HEAVY) == set()
    assert "numba" not in base


def test_import_does_not_load_numba_at_all():
    assert "numba" not in loaded_after("import sklearn_sparsemax")


def test_import_does_not_print_or_warn():
    command = [sys.executable, "-W", "error", "-c", "import sklearn_sparsemax"]
    result = subprocess.run(command, capture_output=True, check=False, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


# --- the names ----------------------------------------------------------------------------


def test_all_is_accurate():
    assert sorted(sklearn_sparsemax.__all__) == list(sklearn_sparsemax.__all__)
    assert len(set(sklearn_sparsemax.__all__)) == len(sklearn_sparsemax.__all__)
    public = {
        name
        for name, thing in vars(sklearn_sparsemax).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert public == set(sklearn_sparsemax.__all__)


def test_star_import():
    namespace = {}
    exec("from sklearn_sparsemax import *", namespace)
    assert set(sklearn_sparsemax.__all__) <= set(namespace)


def test_every_module_imports_and_keeps_its_promises():
    pytest.importorskip("matplotlib")
    names = [
        module.name
        for module in pkgutil.walk_packages(sklearn_sparsemax.__path__, "sklearn_sparsemax.")
        if not module.name.endswith("__main__")
    ]
    assert "sklearn_sparsemax._solvers.lbfgs" in names
    if importlib.util.find_spec("skl2onnx") is None:
        names = [name for name in names if not name.startswith("sklearn_sparsemax.onnx")]
    if importlib.util.find_spec("dask") is None:
        names = [name for name in names if not name.startswith("sklearn_sparsemax.dask")]
    if importlib.util.find_spec("torch") is None:
        names = [name for name in names if not name.startswith("sklearn_sparsemax.torch")]
    for name in names:
        module = importlib.import_module(name)
        assert inspect.getdoc(module), f"{name} does not say what it is for"
        for public in getattr(module, "__all__", ()):
            assert hasattr(module, public), f"{name}.__all__ names {public}"


def test_version_is_that_of_the_installed_distribution():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", sklearn_sparsemax.__version__)
    try:
        installed = metadata.version("sklearn-sparsemax")
    except metadata.PackageNotFoundError:
        pytest.skip("sklearn-sparsemax runs from its source tree, not installed")
    assert installed == sklearn_sparsemax.__version__


def test_types_are_declared():
    assert resources.files("sklearn_sparsemax").joinpath("py.typed").is_file()


@pytest.mark.parametrize(("name", "function"), FUNCTIONS + METHODS)
def test_public_functions_are_annotated(name, function):
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.name == "self" or parameter.annotation is not inspect.Parameter.empty


# --- the documentation --------------------------------------------------------------------


def sections(thing):
    """Sections of a numpydoc docstring: name -> lines."""
    lines = inspect.getdoc(thing).splitlines()
    found = {"Summary": []}
    current = "Summary"
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line and below == "-" * len(line):
            current = line
            found[current] = []
        elif line != "-" * len(current):
            found[current].append(line)
    return found


def documented(lines):
    """Names of the `name : type` lines of a section."""
    entries = [re.match(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : \S", line) for line in lines]
    return [name.lstrip("*") for entry in entries if entry for name in entry[1].split(", ")]


@pytest.mark.parametrize(("name", "thing"), PUBLIC)
def test_public_names_are_documented(name, thing):
    found = sections(thing)
    assert found["Summary"][0].endswith(".")
    expected = list(inspect.signature(thing).parameters)
    assert documented(found["Parameters"]) == expected
    assert any(line.startswith(">>>") for line in found["Examples"])
    if inspect.isfunction(thing):
        assert documented(found["Returns"])


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_methods_are_documented(name, method):
    found = sections(method)
    assert found["Summary"][0].endswith(".")
    expected = list(inspect.signature(method).parameters)[1:]
    assert documented(found.get("Parameters", [])) == expected
    assert documented(found["Returns"])


@pytest.mark.parametrize(("name", "function"), FUNCTIONS + ESTIMATORS)
def test_defaults_are_those_documented(name, function):
    found = sections(function)["Parameters"]
    for parameter in inspect.signature(function).parameters.values():
        (line,) = [line for line in found if line.startswith(f"{parameter.name} : ")]
        if parameter.default is inspect.Parameter.empty:
            assert "default" not in line
        else:
            stated = re.search(
                r"default=(.*)$", " ".join(found[found.index(line) :]).split("  ")[0]
            )
            default = str(parameter.default)
            assert stated, line
            if isinstance(parameter.default, str):
                assert stated[1].strip("\"'") == default
            elif isinstance(parameter.default, float):
                assert float(stated[1]) == parameter.default
            else:
                assert stated[1] == default


@pytest.mark.parametrize(("name", "estimator"), ESTIMATORS)
def test_fitted_attributes_are_those_documented(name, estimator):
    X = np.random.default_rng(0).normal(size=(30, 3))
    if "Multilabel" in name:
        y = (X[:, :2] > 0).astype(int)
    elif "Regressor" in name:
        y = np.tile([0.25, 0.75], (30, 1))
    else:
        y = np.arange(30) % 3
    wrapped = "estimator" in inspect.signature(estimator).parameters
    inner = [sklearn_sparsemax.MultilabelSparsemaxClassifier()] if wrapped else []
    model = estimator(*inner).fit(X, y)
    fitted = {key for key in vars(model) if key.endswith("_") and not key.startswith("_")}
    stated = set(documented(sections(estimator)["Attributes"]))
    assert fitted <= stated
    # X has no column names, and paths of coefficients are kept where asked for
    missing = {key for key in stated if not hasattr(model, key)}
    assert missing <= {"feature_names_in_", "coefs_paths_"}

"""When kernels are compiled, where they are kept, and what users are told of it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest

import sklearn_sparsemax
from sklearn_sparsemax import compile_kernels
from sklearn_sparsemax._kernels import _cache, _notice, _rows, _short_rows, curvature
from sklearn_sparsemax.experiments import main

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels are interpreted")

SMALL_KERNEL = """
import warnings
import numpy as np
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from sklearn_sparsemax._kernels import curvature, products
curvature.add_jacobians(np.eye(3), np.ones(3), np.zeros((3, 3)))
for one in caught:
    print(one.category.__name__, one.message)
stats = curvature.add_jacobians.stats
print(stats.cache_path, sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""

COMPILED = """
from numba.core import event

class Listener(event.Listener):
    def on_start(self, event):
        print("compiled", event.data["dispatcher"].py_func.__qualname__)

    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
"""


def lines_of(code, **environment):
    """What a fresh process prints."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.fixture
def no_folder(tmp_path):
    """Variables of a process that can write neither beside the package nor at home."""
    package = Path(sklearn_sparsemax.__file__).parent
    copy = tmp_path / "installed" / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
        # a file, so that no folder of this name can be made, by an administrator either
        (folder / "__pycache__").touch()
    home = tmp_path / "home"
    home.touch()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return {
        "PYTHONPATH": str(copy.parent),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "LOCALAPPDATA": str(home),
        "TMPDIR": str(temporary),
        "TEMP": str(temporary),
    }


@compiled
@pytest.mark.slow
def test_without_a_folder_kernels_are_kept_in_a_temporary_one(no_folder):
    for hits in (0, 1):
        warning, *others, last = lines_of(SMALL_KERNEL, **no_folder)
        assert others == []
        assert warning.startswith("RuntimeWarning No folder for the compiled kernels")
        assert "NUMBA_CACHE_DIR" in warning
        folder, n_hits, n_misses = last.rsplit(" ", 2)
        assert Path(folder).is_relative_to(no_folder["TMPDIR"])
        assert str(Path(folder).parent) in warning
        assert (int(n_hits), int(n_misses)) == (hits, 1 - hits)


@compiled
@pytest.mark.slow
def test_a_folder_of_the_variable_is_used_without_a_warning(no_folder, tmp_path):
    (last,) = lines_of(SMALL_KERNEL, **no_folder, NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    assert Path(last.rsplit(" ", 2)[0]).is_relative_to(tmp_path / "mine")


@pytest.fixture
def fresh_cache_module(monkeypatch):
    monkeypatch.setattr(_cache, "_fallback", None)
    monkeypatch.setattr(_cache, "_without_folder", False)


def refuse_a_cache(function=None, *, cache=False, **options):
    """`numba.njit` where no folder can be written."""
    if cache:
        raise RuntimeError(f"cannot cache function {function}: no locator available")
    return lambda function: function


def test_without_any_folder_each_process_compiles(monkeypatch, fresh_cache_module):
    monkeypatch.setattr(_cache.numba, "njit", refuse_a_cache)
    monkeypatch.setattr(_cache, "_temporary_folder", lambda: None)
    with pytest.warns(RuntimeWarning, match=r"Each process compiles .* NUMBA_CACHE_DIR"):
        assert _cache.compiled(len) is len
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _cache.compiled(abs) is abs


def test_other_errors_of_numba_are_not_hidden(monkeypatch, fresh_cache_module):
    def fail(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr(_cache.numba, "njit", fail)
    with pytest.raises(RuntimeError, match="something else"):
        _cache.compiled(len)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no rights of files")
def test_a_folder_that_others_can_write_is_not_trusted(monkeypatch, tmp_path):
    monkeypatch.setattr(_cache.tempfile, "tempdir", str(tmp_path))
    folder = _cache._temporary_folder()
    assert folder.parent == tmp_path
    assert _cache._temporary_folder() == folder
    folder.chmod(0o777)
    other = _cache._temporary_folder()
    assert other != folder
    assert other.stat().st_mode & 0o077 == 0


# --- the log ------------------------------------------------------------------------------


@compiled
def test_a_long_compilation_is_announced_once(monkeypatch, caplog):
    monkeypatch.setattr(_notice, "_said", False)
    with caplog.at_level(logging.INFO, "sklearn_sparsemax"):
        _notice.say_once(curvature.add_jacobians)
        assert caplog.messages == []
        _notice.say_once(_short_rows.loss_rows)
        _notice.say_once(_short_rows.loss_rows)
    (message,) = caplog.messages
    assert "loss_rows" in message
    assert "This happens once" in message
    assert str(_short_rows.loss_rows.stats.cache_path) in message


@compiled
def test_kernels_of_others_are_not_announced(monkeypatch, caplog):
    monkeypatch.setattr(_notice, "_said", False)
    monkeypatch.setattr(_notice, "LONG_SECONDS", 0)

    @numba.njit
    def increment(x):
        return x + 1

    with caplog.at_level(logging.INFO, "sklearn_sparsemax"):
        increment(1)
    assert caplog.messages == []


@compiled
@pytest.mark.slow
def test_the_first_process_announces_what_it_compiles(tmp_path):
    code = (
        "import logging, sys, numpy as np\n"
        "logging.basicConfig(level='INFO', stream=sys.stdout)\n"
        "from sklearn_sparsemax import sparsemax\n"
        "sparsemax(np.zeros((1_000_000, 10)))\n"
    )
    for expected in (1, 0):
        lines = lines_of(code, NUMBA_CACHE_DIR=str(tmp_path))
        assert len(lines) == expected
        assert all(line.startswith("INFO:sklearn_sparsemax:Compiling") for line in lines)


# --- what is compiled ---------------------------------------------------------------------


@compiled
@pytest.mark.slow
def test_a_transform_of_short_rows_compiles_no_kernel_of_long_rows(tmp_path):
    code = (
        "import numpy as np\n"
        "from sklearn_sparsemax import sparsemax\n"
        f"{COMPILED}\n"
        "sparsemax(np.zeros((1_000_000, 10)))\n"
    )
    names = [line.split()[1] for line in lines_of(code, NUMBA_CACHE_DIR=str(tmp_path))]
    assert names[0] == "project_rows"
    assert names.count("project_rows") == 1
    # of long rows
    assert "gather" not in names


@compiled
def test_functions_without_an_interface_for_python_say_so():
    with pytest.raises(TypeError, match=r"copy_row\(\) can be called by compiled functions only"):
        _rows.copy_row((np.eye(2),), 0, np.zeros(2, int), np.zeros(2))


# --- ahead of time ------------------------------------------------------------------------


def test_unknown_losses_are_named():
    with pytest.raises(ValueError, match=r"'hinge'; use sparsemax, entmax, softmax"):
        compile_kernels(["sparsemax", "hinge"])
    with pytest.raises(SystemExit):
        main(["compile", "--losses", "hinge"])


@compiled
@pytest.mark.slow
def test_fits_after_the_command_compile_nothing(capsys):
    assert main(["compile", "--losses", "sparsemax"]) == 0
    folder = Path(capsys.readouterr().out.rpartition(" kept in ")[2].strip().rstrip("."))
    assert list(folder.glob("*.nbc"))
    code = (
        "import numpy as np\n"
        "from scipy import sparse\n"
        "from sklearn_sparsemax import SGDSparsemaxClassifier, SparsemaxClassifier\n"
        f"{COMPILED}\n"
        "X = sparse.random(5000, 3000, density=0.01, format='csr', random_state=0)\n"
        "y = np.random.default_rng(0).integers(20, size=5000)\n"
        "for classifier in (SparsemaxClassifier(alpha=0.01), SGDSparsemaxClassifier(alpha=0.01)):\n"
        "    classifier.fit(X, y).predict_proba(X)\n"
    )
    environment = {key: os.environ[key] for key in os.environ if key.startswith("NUMBA_")}
    assert lines_of(code, **environment) == []

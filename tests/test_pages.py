"""Every code block of the README and of the site's pages runs, in the order of its page.

Blocks with prompts are doctests, blocks without are executed. The blocks of a page share one
namespace. The templates of CONTRIBUTING.md are marked as `py`, not as `python`, and do not run.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[1]
GENERATED = {"auto_examples", "generated", "tables", "_build", "contributing.md", "changelog.md"}
PAGES = [
    page
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if page.exists() and not GENERATED & set(page.relative_to(ROOT).parts)
]
BLOCK = re.compile(r"^(?P<indent> *)```python\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OPTIONAL = (
    "torch",
    "skorch",
    "skl2onnx",
    "onnxruntime",
    "dask",
    "distributed",
    "sklearn.callback",
    "array_api_strict",
    "skops",
)


def code_of(page):
    """Line and text of each block that runs."""
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        yield text.count("\n", 0, found.start("code")), dedent(found["code"])


def run(page):
    namespace = {"__name__": "__main__"}
    failures = []
    report = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    for line, code in code_of(page):
        if ">>>" not in code:
            padded = "\n" * line + code  # a traceback then names the line of the page
            exec(compile(padded, str(page), "exec"), namespace)
            continue
        test = doctest.DocTestParser().get_doctest(code, namespace, page.name, str(page), line)
        report.run(test, clear_globs=False, out=failures.append)
        namespace = test.globs
    assert not failures, "".join(failures)


def run_alone(page):
    """Run a page in a process of its own."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); from pathlib import Path; "
    code += f"import test_pages; test_pages.run(Path({str(page)!r}))"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    missing = re.search(r"No module named '([\w.]+)'", result.stderr)
    if missing and missing[1].partition(".")[0] in OPTIONAL:
        pytest.skip(missing[0])
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_code_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a block writes
    monkeypatch.setitem(os.environ, "MPLBACKEND", "Agg")
    if "os.environ[" in page.read_text("utf-8"):  # read where a library is imported first
        run_alone(page)
        return
    try:
        run(page)
    except ImportError as error:
        message = str(error)
        if not any(name in message for name in OPTIONAL):
            raise
        pytest.skip(message)


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="needs a checkout")
def test_all_code_of_pages_is_marked_to_run():
    for page in PAGES:
        if page.name != "CONTRIBUTING.md":
            others = re.findall(r"^ *```(?:py|pycon|python3)\s*$", page.read_text("utf-8"), re.M)
            assert not others, page


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="needs a checkout")
def test_there_are_pages_with_code():
    assert sum(bool(list(code_of(page))) for page in PAGES) >= 10

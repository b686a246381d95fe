"""The hooks of pre-commit run what `.ci/run` lints with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOOKS, CI = ROOT / ".pre-commit-config.yaml", ROOT / ".ci" / "run"


@pytest.mark.skipif(not (HOOKS.exists() and CI.exists()), reason="needs a checkout")
def test_hooks_and_ci_use_the_same_tools():
    lint = re.search(r"\nlint\(\) \{\n(.*?)\n\}", CI.read_text(), re.S).group(1)
    of_ci = set(re.findall(r'"\$dev/([\w-]+)"((?: [a-z]+)?)', lint))
    entries = re.findall(r"entry: ([\w-]+)((?: [a-z]+)?)", HOOKS.read_text())
    assert of_ci == set(entries)

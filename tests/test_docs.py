"""Descriptions that several docstrings share."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import sklearn_sparsemax
from sklearn_sparsemax import datasets, metrics
from sklearn_sparsemax._docs import PLACEHOLDER, shared_docs

PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (sklearn_sparsemax, datasets, metrics)
    for name in module.__all__
    if callable(getattr(module, name)) and hasattr(getattr(module, name), "__name__")
}


def test_a_text_takes_the_indentation_of_its_line():
    @shared_docs(
        alpha="""\
        alpha : float
            Strength.

            More of it.
        """
    )
    def fit():
        """Fit.

        Parameters
        ----------
        %(alpha)s
        beta : float
        """

    assert inspect.getdoc(fit).splitlines()[2:] == [
        "Parameters",
        "----------",
        "alpha : float",
        "    Strength.",
        "",
        "    More of it.",
        "beta : float",
    ]


def test_a_placeholder_without_a_text_is_an_error():
    def fit():
        """
        %(gamma)s
        """

    with pytest.raises(KeyError, match=r"placeholder 'gamma'; there are texts for \['alpha'\]"):
        shared_docs(alpha="")(fit)


def test_percent_signs_elsewhere_remain():
    @shared_docs(x="x")
    class Model:
        """100 % of %(x)s and %s."""

    assert Model.__doc__ == "100 % of %(x)s and %s."


@pytest.mark.parametrize("documented", PUBLIC.values(), ids=PUBLIC)
def test_public_docstrings_are_whole(documented):
    objects = [documented]
    if inspect.isclass(documented):
        objects += [
            member
            for name, member in inspect.getmembers(documented)
            if not name.startswith("_") and inspect.getmodule(member) is not None
        ]
    for one in objects:
        if inspect.getdoc(one):
            assert not PLACEHOLDER.search(inspect.getdoc(one))


def test_without_docstrings():
    subprocess.run([sys.executable, "-OO", "-c", "import sklearn_sparsemax"], check=True)

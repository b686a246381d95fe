"""Links to the documentation of other libraries, without their inventories.

Sphinx finds such links with intersphinx, which downloads an inventory at each build. This site
builds without a network. So the address follows from the name, and an import checks that the name
exists.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from docutils import nodes

ADDRESSES = {
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{name}.html",
    "numpy": "https://numpy.org/doc/stable/reference/generated/{name}.html",
    "scipy": "https://docs.scipy.org/doc/scipy/reference/generated/{name}.html",
    "torch": "https://docs.pytorch.org/docs/stable/generated/{name}.html",
    "matplotlib": "https://matplotlib.org/stable/api/_as_gen/{name}.html",
    "pandas": "https://pandas.pydata.org/docs/reference/api/{name}.html",
    "skops": "https://skops.readthedocs.io/en/stable/modules/classes.html#{name}",
    "dask": "https://docs.dask.org/en/stable/generated/{name}.html",
    "joblib": "https://joblib.readthedocs.io/en/stable/generated/{name}.html",
}
PAGES = {  # names that do not have a page of their own
    "sklearn.metrics": "https://scikit-learn.org/stable/api/sklearn.metrics.html",
}
LABELS = {  # of scikit-learn's user guide, in the docstrings that we inherit
    "accuracy_score": "https://scikit-learn.org/stable/modules/model_evaluation.html#accuracy-score",
    "r2_score": "https://scikit-learn.org/stable/modules/model_evaluation.html#r2-score",
    "meta-estimator": "https://scikit-learn.org/stable/glossary.html#term-meta-estimator",
    "metadata_routing": "https://scikit-learn.org/stable/metadata_routing.html",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py": (
        "https://scikit-learn.org/stable/auto_examples/miscellaneous/plot_set_output.html"
    ),
}


def exists(name: str) -> bool:
    """Whether a dotted name can be imported, or belongs to a library that is not installed."""
    parts = name.split(".")
    if find_spec(parts[0]) is None:
        return True
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def address(target: str) -> str | None:
    """Where a name or a label of another library is documented."""
    if target in LABELS or target in PAGES:
        return LABELS.get(target) or PAGES[target]
    template = ADDRESSES.get(target.partition(".")[0])
    return template.format(name=target) if template and exists(target) else None


def resolve(app: Any, env: Any, node: Any, content: Any) -> nodes.reference | None:
    """Link a reference that Sphinx could not find."""
    found = address(node.get("reftarget", ""))
    if found is None:
        return None
    return nodes.reference("", "", content, internal=False, refuri=found)


def skip(
    _app: Any, _what: str, _name: str, member: Any, skipped: bool, _options: Any
) -> bool | None:
    """Leave out what our modules inherit from PyTorch."""
    inherited = (getattr(member, "__module__", None) or "").startswith("torch.")
    return True if inherited or skipped else None


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("missing-reference", resolve)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

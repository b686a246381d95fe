"""Configuration of the site. `python -m sphinx -W -n docs docs/_build` builds it, offline."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import sklearn_sparsemax  # noqa: E402

project = "sklearn-sparsemax"
author = "the sklearn-sparsemax developers"
copyright = f"2026, {author}"
version = release = sklearn_sparsemax.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # ours, in _ext/
    "external_references",
    "generated_pages",
]
exclude_patterns = ["_build", "_ext", "_templates", "README.md", "auto_examples/**/*.ipynb"]
nitpicky = True
suppress_warnings = ["config.cache"]  # the sorting key of the gallery cannot be pickled

# --- pages ----------------------------------------------------------------------------------

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# --- reference ------------------------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings have the types
default_role = "literal"  # `name` in a docstring is code
toc_object_entries_show_parents = "hide"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
templates_path = ["_templates"]

# --- gallery --------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "ignore_pattern": r"__init__|NONE\.py",
    "within_subsection_order": "gallery_order.ExampleOrder",
    "reset_modules": ("gallery_style.reset",),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 5,
    "doc_module": ("sklearn_sparsemax",),
    "backreferences_dir": "reference/backreferences",
    "write_computation_times": False,
    "reference_url": {"sklearn_sparsemax": None},
    "inspect_global_variables": True,
    "plot_gallery": "True",
}

# --- look -----------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_baseurl = "https://sklearn-sparsemax.github.io/sklearn-sparsemax/"
html_title = "sklearn-sparsemax"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "github_url": "https://github.com/sklearn-sparsemax/sklearn-sparsemax",
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright", "version"],
    "footer_end": ["sphinx-version", "theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

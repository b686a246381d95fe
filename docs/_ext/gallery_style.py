"""The style of the gallery's figures: `docs/matplotlibrc`, applied before each example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

STYLE = Path(__file__).resolve().parents[1] / "matplotlibrc"


def reset(_gallery: dict[str, Any], _file: str) -> None:
    """Give Matplotlib the style of the site."""
    from matplotlib import pyplot as plt

    plt.close("all")
    backend = mpl.get_backend()
    mpl.rcdefaults()
    mpl.rc_file(STYLE)
    mpl.use(backend)

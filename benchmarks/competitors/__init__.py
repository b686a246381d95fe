"""One file for each library; `COMPETITORS` lists all, by name, ours first."""

from . import (
    cyanure_multinomial,
    glum_binomial,
    liblinear,
    linear_svc,
    logistic_regression,
    numpy_scipy,
    ours,
    ridge_classifier,
    sgd_classifier,
    snap_ml,
    torch_entmax,
)
from ._competitor import Competitor, Fit

COMPETITORS: dict[str, Competitor] = {
    competitor.name: competitor
    for module in (
        ours,
        logistic_regression,
        cyanure_multinomial,
        liblinear,
        linear_svc,
        snap_ml,
        glum_binomial,
        ridge_classifier,
        sgd_classifier,
        numpy_scipy,
        torch_entmax,
    )
    for competitor in module.COMPETITORS
}

__all__ = ["COMPETITORS", "Competitor", "Fit"]

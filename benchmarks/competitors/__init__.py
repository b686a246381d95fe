"""One file for each library; `COMPETITORS` lists all, by name, ours first."""

from . import liblinear, logistic_regression, numpy_scipy, ours, sgd_classifier, torch_entmax
from ._competitor import Competitor, Fit

COMPETITORS: dict[str, Competitor] = {
    competitor.name: competitor
    for module in (
        ours,
        logistic_regression,
        liblinear,
        sgd_classifier,
        numpy_scipy,
        torch_entmax,
    )
    for competitor in module.COMPETITORS
}

__all__ = ["COMPETITORS", "Competitor", "Fit"]

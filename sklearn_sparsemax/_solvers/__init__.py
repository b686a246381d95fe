"""Solvers, one per file: ``solve(objective, start, ...)`` returns a `Solution`.

A solver sees the objective alone, never an estimator. For all of them ``tol`` bounds the
duality gap, in units of the objective of the all-zero model: they stop at
F - D <= tol * F(0, 0).
"""

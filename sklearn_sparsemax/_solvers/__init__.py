"""Solvers, one per file: ``solve(objective, start, ...)`` returns a `Solution`.

A solver sees the objective only, never an estimator. ``tol`` means the same for all of them: they
stop when the duality gap is at most tol * F(0, 0). F(0, 0) is the objective of the all-zero model.
"""

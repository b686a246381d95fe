"""
Certificates, and stopping early
================================

Every fit carries a certificate: ``dual_gap_`` is a proven bound on how far ``objective_`` is from
its minimum. Here a fit is stopped after more and more iterations. The bound is compared with the
true distance, which a very precise fit tells.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_sparsemax import SparsemaxClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
best = SparsemaxClassifier(alpha=1e-3, tol=1e-10).fit(X_train, y_train)
print(f"minimum {best.objective_:.10f}, proven to within {best.dual_gap_:.0e}")

# %%
# The bound never lies below the distance. Each solver has its own pace, but ``tol`` means the same
# for all of them.

warnings.simplefilter("ignore", ConvergenceWarning)  # we stop too early on purpose
curves = {}
for solver in ("lbfgs", "newton-cg", "sdca"):
    for max_iter in (1, 2, 3, 5, 8, 12, 20, 30, 50):
        model = SparsemaxClassifier(
            alpha=1e-3, solver=solver, tol=1e-9, max_iter=max_iter, random_state=0
        ).fit(X_train, y_train)
        distance = model.objective_ - best.objective_
        assert model.dual_gap_ >= distance - best.dual_gap_
        distance = distance if distance > 1e-8 else float("nan")  # below the precision of `best`
        point = (model.n_iter_, distance, model.dual_gap_, model.score(X_test, y_test))
        curves.setdefault(solver, []).append(point)

at_zero = (1 - 1 / 10) / 2  # F(0, 0): the loss of the same probability for all 10 digits
figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), sharey=True)
for axes, (solver, points) in zip(panels, curves.items(), strict=True):
    n_iter, distance, bound, _ = zip(*points, strict=True)
    axes.loglog(n_iter, bound, "o-", color="#D55E00", markersize=4)
    axes.loglog(n_iter, distance, "s--", color="#0072B2", markersize=4)
    axes.axhline(1e-4 * at_zero, color="#777777", linewidth=1)
    axes.set(title=solver, xlabel="iterations", ylim=(1e-8, 2))
panels[0].set_ylabel("distance from the minimum")
panels[0].text(1.1, 1e-5, "tol of the default", color="#777777", fontsize=9)
panels[0].text(6, 0.1, "proven bound", color="#D55E00")
panels[0].text(1.1, 3e-4, "true distance", color="#0072B2")
plt.show()

# %%
# How precise must a fit be?
# --------------------------
# The accuracy of the test rows settles long before the objective does. The default tolerance of
# 1e-4 is more than enough here.

print("solver     iterations     bound  accuracy")
for solver, points in curves.items():
    for n_iter, _, bound, accuracy in points[::3]:
        print(f"{solver:10} {n_iter:10}  {bound:.1e}  {accuracy:8.3f}")

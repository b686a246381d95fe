"""The objective and the losses over arrays of other libraries, against those over NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from arrays import NEEDED, library, on_host
from numpy.testing import assert_allclose
from tables import LOSSES

from sklearn_sparsemax import _arrays
from sklearn_sparsemax._kernels import array_rows
from sklearn_sparsemax._problem.array_objective import ArrayObjective
from sklearn_sparsemax._problem.certificate import certificate
from sklearn_sparsemax._problem.objective import Objective
from sklearn_sparsemax._solvers import auto, lbfgs, newton_cg
from sklearn_sparsemax.losses import EntmaxLoss, FenchelYoungLoss
from sklearn_sparsemax.losses.array_targets import DenseTargets, OneHotTargets
from sklearn_sparsemax.losses.targets import one_hot

pytestmark = NEEDED
__all__ = ["library"]

# a loss need not take arrays of other libraries
OVER_ARRAYS = [
    name for name, case in LOSSES.items() if type(case.loss).over is not FenchelYoungLoss.over
]
ALL_LOSSES = [
    *(LOSSES[name].loss for name in OVER_ARRAYS),
    *(EntmaxLoss(alpha) for alpha in (1.001, 1.2, 1.9, 3.0, 10.0)),
]


def rows(n_rows=80, n_features=5, n_outputs=4, seed=0):
    """Features of different scales, far from centred, and classes that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    y = rng.integers(n_outputs, size=n_rows)
    X[np.arange(n_rows), y % n_features] += 2
    return X * [1, 10, 0.1, 1, 3] + [0, 5, 0, -1, 0], y


def pair(library, loss, *, n_outputs=4, **options):
    """The same objective over NumPy's arrays and over those of the library."""
    X, y = rows(n_outputs=n_outputs)
    X = X.astype(library.dtype)
    options = {"alpha": 1e-2, **options}
    weights = options.pop("sample_weight", None)
    moved = None if weights is None else _arrays.beside(weights, library.array(X))
    reference = Objective(X, one_hot(y, n_outputs), loss, sample_weight=weights, **options)
    targets = OneHotTargets(library.array(y), n_outputs)
    return reference, ArrayObjective(
        library.array(X), targets, loss, sample_weight=moved, **options
    )


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=lambda loss: loss.name)
def test_losses(library, loss):
    rng = np.random.default_rng(0)
    z = np.concatenate([s * rng.normal(size=(40, 6)) for s in (0.01, 1, 100)]).astype(library.dtype)
    q = rng.dirichlet(np.ones(6), size=len(z))
    q[::3] = np.eye(6)[rng.integers(6, size=len(q[::3]))]
    q = q.astype(library.dtype)
    over_arrays = loss.like(library.array(z))
    exact, gradient = z.astype(np.float64), z.astype(np.float64)
    values = loss.value_and_residual(gradient, q.astype(np.float64))
    overwritten = library.array(z)
    found = on_host(over_arrays.value_and_residual(overwritten, library.array(q)))
    eps = np.finfo(library.dtype).eps
    scale = 1 + np.abs(z).max(axis=1)
    assert found.dtype == np.float64
    assert (np.abs(found - values) <= 50 * eps * scale).all()
    assert (found >= 0).all()
    of_scores = 50 * eps * scale[:, None] / min(1, getattr(loss, "alpha", 2) - 1)
    if getattr(loss, "alpha", 2) <= 2:
        assert (np.abs(on_host(overwritten) - gradient) <= of_scores).all()
    if library.dtype == "float64":
        p = loss.probabilities(exact)
        assert_allclose(on_host(over_arrays.probabilities(library.array(z))), p, atol=1e-14)
        for own, other in zip(
            over_arrays.curvature(library.array(p)), loss.curvature(p), strict=True
        ):
            assert_allclose(on_host(own), other, rtol=1e-12)


@pytest.mark.parametrize("reference_output", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=lambda loss: loss.name)
def test_values_gradients_and_certificates(library, loss, fit_intercept, reference_output):
    if reference_output and loss.independent_outputs:
        pytest.skip("independent outputs have no reference")
    weights = np.random.default_rng(1).random(80) + 0.1
    options = {"fit_intercept": fit_intercept, "reference_output": reference_output}
    reference, over_arrays = pair(library, loss, sample_weight=weights, **options)
    coef = np.random.default_rng(2).normal(size=reference.shape) / 3
    moved = _arrays.beside(coef, over_arrays.X)
    value, gradient = reference.value_and_gradient(coef, np.float64)
    found, found_gradient = over_arrays.value_and_gradient(moved, moved.dtype)
    assert_allclose(found, value, rtol=1e-12)
    assert_allclose(on_host(found_gradient), gradient, rtol=1e-9, atol=1e-11)
    assert_allclose(over_arrays.value_at_zero(), reference.value_at_zero(), rtol=1e-12)
    assert_allclose(certificate(over_arrays, moved), certificate(reference, coef), rtol=1e-9)
    # in the type of X
    found, found_gradient = over_arrays.value_and_gradient(moved)
    eps = np.finfo(library.dtype).eps
    assert_allclose(found, value, rtol=100 * eps)
    assert_allclose(on_host(found_gradient), gradient, atol=1000 * eps * np.abs(gradient).max())


@pytest.mark.parametrize("solver", [lbfgs, newton_cg, auto], ids=lambda solver: solver.__name__)
@pytest.mark.parametrize("loss", OVER_ARRAYS)
def test_solvers_reach_the_same_minimum(library, loss, solver):
    reference, over_arrays = pair(library, LOSSES[loss].loss)
    best = lbfgs.solve(reference, np.zeros(reference.shape), tol=1e-12, max_iter=5000)
    start = over_arrays.zeros(over_arrays.shape)
    solution = solver.solve(over_arrays, start, tol=1e-8, max_iter=1000)
    assert solution.converged
    assert solution.objective - best.objective <= solution.dual_gap + 1e-15
    assert_allclose(on_host(solution.coef), best.coef, atol=1e-3)


@pytest.mark.parametrize("loss", OVER_ARRAYS)
def test_blocks_of_rows_change_nothing(library, loss, monkeypatch):
    _, whole = pair(library, LOSSES[loss].loss)
    coef = _arrays.beside(np.random.default_rng(0).normal(size=whole.shape), whole.X)
    monkeypatch.setattr(array_rows, "NUMBERS_PER_BLOCK", 37)
    _, blocks = pair(library, LOSSES[loss].loss)
    assert not blocks.scores_fit_one_block
    assert_allclose(blocks.value_and_gradient(coef)[0], whole.value_and_gradient(coef)[0], 1e-6)
    assert_allclose(certificate(blocks, coef), certificate(whole, coef), rtol=1e-10)
    solutions = [
        newton_cg.solve(objective, coef, tol=1e-8, max_iter=100) for objective in (whole, blocks)
    ]
    assert_allclose(*(solution.objective for solution in solutions), atol=1e-8)


def test_dense_targets(library):
    X, y = rows()
    q = np.random.default_rng(0).dirichlet(np.ones(4), size=len(y)).astype(library.dtype)
    loss = LOSSES["sparsemax"].loss
    reference = Objective(X.astype(library.dtype), q.astype(np.float64), loss, alpha=1e-2)
    targets = DenseTargets(library.array(q))
    over_arrays = ArrayObjective(library.array(X), targets, loss, alpha=1e-2)
    coef = np.random.default_rng(2).normal(size=reference.shape)
    moved = _arrays.beside(coef, over_arrays.X)
    assert_allclose(certificate(over_arrays, moved), certificate(reference, coef), rtol=1e-9)


def test_outlying_rows_do_not_set_the_scale(library):
    reference, over_arrays = pair(library, LOSSES["sparsemax"].loss)
    for objective in (reference, over_arrays):
        objective.X[3, 1] = 1e6
    for with_outliers in (False, True):
        for expected, found in zip(
            reference.feature_moments(with_outliers=with_outliers),
            over_arrays.feature_moments(with_outliers=with_outliers),
            strict=True,
        ):
            assert_allclose(on_host(found), expected, rtol=1e-9)


def test_large_features_are_refused(library):
    _, over_arrays = pair(library, LOSSES["sparsemax"].loss)
    over_arrays.X[3, 1] = 1e30
    with pytest.raises(ValueError, match="column 1; scale the features"):
        over_arrays.refuse_large_features()


def test_a_loss_without_arrays_says_so(library):
    class Strange(type(LOSSES["sparsemax"].loss)):
        name = "strange"
        over = LOSSES["sparsemax"].loss.__class__.__mro__[1].over

    with pytest.raises(TypeError, match="The strange loss takes arrays of NumPy alone"):
        Strange().like(library.array(np.zeros((1, 2))))

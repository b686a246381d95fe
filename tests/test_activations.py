"""The transforms against exact arithmetic, other algorithms, and the claims of the paper."""

from __future__ import annotations

from fractions import Fraction

import exact
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import softmax as scipy_softmax

from sklearn_sparsemax import (
    entmax,
    entmax_jacobian,
    entmax_jvp,
    entmax_support,
    entmax_threshold,
    softmax,
    softmax_jacobian,
    softmax_jvp,
    sparsemax,
    sparsemax_jacobian,
    sparsemax_jvp,
    sparsemax_support,
    sparsemax_threshold,
)

TRANSFORMS = [sparsemax, softmax]
DERIVATIVES = [
    pytest.param(sparsemax, sparsemax_jacobian, sparsemax_jvp, id="sparsemax"),
    pytest.param(softmax, softmax_jacobian, softmax_jvp, id="softmax"),
    pytest.param(entmax, entmax_jacobian, entmax_jvp, id="entmax"),
]
DTYPES = [np.float32, np.float64]


def vectors(shape):
    return np.cos(np.indices(shape).sum(axis=0))


# each function as one of the scores alone
OF_SCORES = {
    "sparsemax": sparsemax,
    "sparsemax_threshold": sparsemax_threshold,
    "sparsemax_support": sparsemax_support,
    "sparsemax_jacobian": sparsemax_jacobian,
    "sparsemax_jvp": lambda z, **axis: sparsemax_jvp(z, vectors(np.shape(z)), **axis),
    "softmax": softmax,
    "softmax_jacobian": softmax_jacobian,
    "softmax_jvp": lambda z, **axis: softmax_jvp(z, vectors(np.shape(z)), **axis),
    "entmax": entmax,
    "entmax_threshold": entmax_threshold,
    "entmax_support": entmax_support,
    "entmax_jacobian": entmax_jacobian,
    "entmax_jvp": lambda z, **axis: entmax_jvp(z, vectors(np.shape(z)), **axis),
}
of_scores = pytest.mark.parametrize("function", OF_SCORES.values(), ids=OF_SCORES)

# the first example may compile
compiling = settings(deadline=None)


def floats(dtype, bound):
    return st.floats(-bound, bound, width=np.finfo(dtype).bits)


def rows(dtype, elements=None, least=1, most=12):
    """Scores of one row, with ties and scores near each other among them."""
    if elements is None:
        ties = st.sampled_from([0.0, 0.5, 1.0]).map(dtype)
        elements = st.one_of(floats(dtype, 2), floats(dtype, 64), ties)
    return arrays(dtype, st.integers(least, most), elements=elements)


def dyadic(low=-128, high=128):
    """Multiples of 1/64, of which float64 holds all sums and differences exactly."""
    return st.integers(low, high).map(lambda i: i / 64)


def rounding(dtype, n_outputs):
    """Error of a probability: two roundings of a score below the largest, one of a sum of K."""
    return 2 * np.finfo(dtype).eps + n_outputs * np.finfo(np.float64).eps


def off_the_kinks(rng, n_rows, n_outputs, margin):
    """Normal scores, none within the margin of its row's threshold."""
    z = 0.7 * rng.normal(size=(n_rows * 10, n_outputs))
    distance = np.abs(z - sparsemax_threshold(z)).min(axis=1)
    return z[distance > margin][:n_rows]


# ---------------------------------------------------------------- other ways to compute them


@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_sparsemax_is_the_exact_one_to_rounding(dtype, data):
    z = data.draw(rows(dtype))
    p, tau = sparsemax(z), sparsemax_threshold(z)
    expected = exact.sparsemax(z)
    assert p.dtype == tau.dtype == dtype
    tolerance = rounding(dtype, z.size)
    assert_allclose(p, np.array(expected, dtype=float), rtol=0, atol=tolerance)
    expected_tau = float(exact.sparsemax_threshold(z))
    assert_allclose(tau, [expected_tau], rtol=np.finfo(dtype).eps, atol=tolerance)
    support = sparsemax_support(z)
    assert_array_equal(support, p > 0)
    # certain wherever a score is further from the threshold than rounding
    above = [Fraction(float(z_j)) - exact.sparsemax_threshold(z) for z_j in z]
    assert all(support[j] == (above[j] > 0) for j in range(z.size) if abs(above[j]) > tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_softmax_is_the_exact_one_to_rounding(dtype, data):
    z = data.draw(rows(dtype, most=6))
    # z - max(z) is rounded, and the exponential turns that into a relative error
    tolerance = np.finfo(dtype).eps * (np.ptp(z) + z.size + 2)
    subnormal = 2 * np.finfo(dtype).smallest_subnormal
    expected = np.array(exact.softmax(z), dtype=float)
    assert_allclose(softmax(z), expected, rtol=tolerance, atol=subnormal)


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("n_outputs", [1, 2, 17, 1000])
def test_sparsemax_equals_sorting(scale, n_outputs):
    z = scale * np.random.default_rng(n_outputs).normal(size=(20, n_outputs))
    # Algorithm 1 of the paper
    ordered = -np.sort(-z, axis=1)
    sums = np.cumsum(ordered, axis=1)
    k = np.arange(1, n_outputs + 1)
    size = (1 + k * ordered > sums).sum(axis=1)
    tau = (sums[np.arange(20), size - 1] - 1) / size
    # running sums from the unshifted scores: their rounding is that of the largest
    tolerance = 1e-15 * max(1.0, sums.max())
    assert_allclose(sparsemax(z), np.maximum(z - tau[:, None], 0), rtol=0, atol=tolerance)
    assert_array_equal(sparsemax_support(z).sum(axis=1), size)
    assert_allclose(sparsemax_threshold(z)[:, 0], tau, rtol=1e-14, atol=tolerance)


@pytest.mark.parametrize("seed", range(5))
def test_sparsemax_solves_the_quadratic_programme(seed):
    z = np.random.default_rng(seed).normal(size=6)
    result = minimize(
        lambda p: 0.5 * np.sum((p - z) ** 2),
        np.full(6, 1 / 6),
        jac=lambda p: p - z,
        bounds=[(0, 1)] * 6,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-15},
    )
    assert result.success
    assert_allclose(sparsemax(z), result.x, atol=1e-7)


def test_softmax_is_that_of_scipy():
    z = np.random.default_rng(0).normal(scale=5, size=(4, 5, 6))
    for axis in range(3):
        assert_allclose(softmax(z, axis=axis), scipy_softmax(z, axis=axis), rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_two_outputs_have_the_closed_form(dtype, data):
    t = data.draw(floats(dtype, 3))
    p = sparsemax(np.array([t, 0], dtype=dtype))
    if abs(t) >= 1:
        assert_array_equal(p, [t > 0, t < 0])
    else:
        assert_allclose(p, [(t + 1) / 2, (1 - t) / 2], rtol=0, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_results_lie_on_the_simplex(transform, dtype, data):
    z = data.draw(rows(dtype, elements=st.floats(width=np.finfo(dtype).bits, allow_nan=False)))
    assume(np.isfinite(z.max()))
    p = transform(z)
    assert (p >= 0).all()
    assert_allclose(p.sum(dtype=np.float64), 1, rtol=0, atol=z.size * np.finfo(dtype).eps)
    assert (p[z == -np.inf] == 0).all()


# ---------------------------------------------------------------- Proposition 2 of the paper


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 7, 100, 1001])
def test_equal_scores_give_the_uniform_distribution(transform, dtype, n_outputs):
    for score in (0.0, -2.5, 1e9):
        p = transform(np.full(n_outputs, score, dtype=dtype))
        assert_array_equal(p, np.full(n_outputs, dtype(1) / dtype(n_outputs)))


@compiling
@given(data=st.data())
def test_sparsemax_reaches_its_limit_at_the_margin(data):
    """Uniform over the largest entries for temperatures up to gap x their number, no further."""
    z = data.draw(rows(np.float64, elements=dyadic(), least=2))
    winners = z == z.max()
    assume(not winners.all())
    limit = winners / winners.sum()
    critical = (z.max() - z[~winners].max()) * winners.sum()
    for share in (1e-12, 0.5, 1 - 1e-9):
        assert_allclose(sparsemax(z / (share * critical)), limit, rtol=0, atol=1e-14)
        assert_array_equal(sparsemax_support(z / (share * critical)), winners)
    assert_allclose(sparsemax(z / critical), limit, rtol=0, atol=1e-13)
    assert sparsemax_support(z / (1.001 * critical)).sum() > winners.sum()


@given(z=rows(np.float64, elements=dyadic(), least=2))
def test_softmax_has_the_same_limit(z):
    winners = z == z.max()
    assert_array_equal(softmax(z * 64 * 800), winners / winners.sum())
    assert_allclose(softmax(z * 64 * 40), winners / winners.sum(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("transform", TRANSFORMS)
@compiling
@given(
    z=rows(np.float64, elements=dyadic()),
    c=st.integers(-(2**40), 2**40),
)
def test_a_shift_that_is_exact_changes_no_bit(transform, z, c):
    assert_array_equal(transform(z + c), transform(z))


@compiling
@given(z=rows(np.float64, elements=dyadic()), c=st.integers(-(2**40), 2**40))
def test_a_shift_moves_the_threshold_alone(z, c):
    assert_allclose(sparsemax_threshold(z + c), sparsemax_threshold(z) + c, rtol=1e-15, atol=1e-15)
    assert_array_equal(sparsemax_support(z + c), sparsemax_support(z))
    assert_array_equal(sparsemax_jacobian(z + c), sparsemax_jacobian(z))


@compiling
@given(data=st.data())
def test_sparsemax_of_a_permutation_is_the_permutation(data):
    z = data.draw(rows(np.float64, elements=dyadic()))
    order = np.array(data.draw(st.permutations(range(z.size))))
    # sums of multiples of 1/64 are exact in any order
    assert_array_equal(sparsemax(z[order]), sparsemax(z)[order])


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_softmax_of_a_permutation_is_the_permutation(dtype, data):
    z = data.draw(rows(dtype))
    order = np.array(data.draw(st.permutations(range(z.size))))
    assert_allclose(softmax(z[order]), softmax(z)[order], rtol=z.size * np.finfo(dtype).eps)


@pytest.mark.parametrize(("transform", "bound"), [(sparsemax, 1.0), (softmax, 0.5)])
@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_order_is_kept_and_differences_shrink(transform, bound, dtype, data):
    z = data.draw(rows(dtype))
    order = np.argsort(z, kind="stable")
    steps = np.diff(transform(z)[order].astype(np.float64))
    assert (steps >= 0).all()
    limit = bound * np.diff(z[order].astype(np.float64))
    assert (steps <= limit + rounding(dtype, z.size)).all()


@pytest.mark.parametrize(("transform", "bound"), [(sparsemax, 1.0), (softmax, 0.5)])
@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_the_distance_of_scores_bounds_that_of_probabilities(transform, bound, dtype, data):
    z = data.draw(rows(dtype))
    moved = z + data.draw(arrays(dtype, z.size, elements=floats(dtype, 2)))
    distance = np.linalg.norm(transform(moved).astype(np.float64) - transform(z))
    limit = bound * np.linalg.norm(moved.astype(np.float64) - z)
    assert distance <= limit + 2 * np.sqrt(z.size) * rounding(dtype, z.size)


# ---------------------------------------------------------------- derivatives


@pytest.mark.parametrize(("transform", "jacobian", "jvp"), DERIVATIVES)
@pytest.mark.parametrize("n_outputs", [1, 2, 5, 12])
def test_jacobian_is_the_finite_difference(transform, jacobian, jvp, n_outputs):
    h = 1e-3
    z = off_the_kinks(np.random.default_rng(n_outputs), 20, n_outputs, margin=4 * h)
    assert len(z) == 20
    columns = []
    for step in h * np.eye(n_outputs):
        near = transform(z + step) - transform(z - step)
        far = transform(z + 2 * step) - transform(z - 2 * step)
        columns.append((8 * near - far) / (12 * h))
    assert_allclose(jacobian(z), np.stack(columns, axis=-1), rtol=0, atol=2e-12)


@pytest.mark.parametrize(("transform", "jacobian", "jvp"), DERIVATIVES)
@pytest.mark.parametrize("dtype", DTYPES)
@compiling
@given(data=st.data())
def test_jacobian_and_product_agree(transform, jacobian, jvp, dtype, data):
    z = data.draw(rows(dtype))
    u, v = (data.draw(arrays(dtype, z.size, elements=floats(dtype, 8))) for _ in range(2))
    J = jacobian(z)
    tolerance = 8 * z.size * np.finfo(dtype).eps
    assert J.dtype == jvp(z, v).dtype == dtype
    assert_array_equal(J, J.T)
    assert_allclose(J.sum(axis=1), 0, atol=tolerance)
    assert_allclose(jvp(z, v), J @ v, rtol=0, atol=tolerance)
    assert_allclose(u @ jvp(z, v), jvp(z, u) @ v, rtol=0, atol=64 * tolerance)
    eigenvalues = np.linalg.eigvalsh(J.astype(np.float64))
    assert eigenvalues.min() >= -tolerance
    assert eigenvalues.max() <= (0.5 if transform is softmax else 1) + tolerance


def test_sparsemax_jacobian_projects():
    z = np.random.default_rng(0).normal(size=(30, 8))
    J = sparsemax_jacobian(z)
    assert_allclose(J @ J, J, atol=1e-15)
    assert_allclose(np.trace(J, axis1=1, axis2=2), sparsemax_support(z).sum(axis=1) - 1)


def test_entry_at_the_threshold_counts_as_outside():
    for z in ([1.0, 0.0], [1.0, 0.0, 0.0]):
        assert_array_equal(sparsemax_support(z), np.array(z) == 1)
        assert_array_equal(sparsemax_jacobian(z), np.zeros((len(z), len(z))))
        assert_array_equal(sparsemax_jvp(z, np.ones(len(z))), np.zeros(len(z)))


@pytest.mark.parametrize("outside", [np.nan, np.inf, 1e300])
def test_vector_outside_the_support_has_no_influence(outside):
    assert_array_equal(sparsemax_jvp([0.5, 0.0, -1.0], [1.0, 0.0, outside]), [0.5, -0.5, 0.0])


@pytest.mark.parametrize(("transform", "jacobian", "jvp"), DERIVATIVES)
def test_axes_of_the_derivatives(transform, jacobian, jvp):
    rng = np.random.default_rng(0)
    z, v = rng.normal(size=(2, 2, 3, 4))
    for axis in (-3, -2, -1, 0, 1, 2):
        J = jacobian(z, axis=axis)
        last = np.moveaxis(z, axis, -1)
        assert J.shape == (*last.shape, last.shape[-1])
        for i in np.ndindex(last.shape[:-1]):
            # the last Newton steps of short rows depend on the rows beside them
            assert_allclose(J[i], jacobian(last[i]), rtol=1e-14)
        product = np.einsum("...jk,...k->...j", J, np.moveaxis(v, axis, -1))
        assert_allclose(jvp(z, v, axis=axis), np.moveaxis(product, -1, axis), atol=1e-15)


@pytest.mark.parametrize("jvp", [sparsemax_jvp, softmax_jvp])
def test_vectors_of_other_types_keep_the_type_of_the_scores(jvp):
    z = np.array([0.5, 0.0, -1.0], dtype=np.float32)
    expected = jvp(z, np.array([1, 0, 1], dtype=np.float32))
    for v in ([1, 0, 1], [True, False, True], np.array([1, 0, 1], dtype=np.float16)):
        assert jvp(z, v).dtype == np.float32
        assert_allclose(jvp(z, v), expected, rtol=1e-6)


# ---------------------------------------------------------------- scores of any size


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_scores_are_exact(dtype):
    assert_array_equal(sparsemax(np.array([1e9, 1e9 - 64, -1e9], dtype=dtype)), [1, 0, 0])
    assert_array_equal(sparsemax(np.array([1e9, -1e9, 1e9], dtype=dtype)), [0.5, 0, 0.5])
    assert_array_equal(softmax(np.array([1e9, -1e9, 1e9], dtype=dtype)), [0.5, 0, 0.5])
    assert_array_equal(sparsemax(1e9 + np.array([0.5, 0.0, -1.0])), [0.75, 0.25, 0])


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("dtype", DTYPES)
# kernels that are interpreted warn where compiled ones do not
@pytest.mark.filterwarnings("error", "ignore:overflow encountered in scalar subtract")
def test_scores_at_the_ends_of_the_floating_point_range(transform, dtype):
    largest, smallest = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    for z, expected in [
        ([largest, -largest], [1, 0]),
        ([-largest, -largest], [0.5, 0.5]),
        ([-largest, -np.inf], [1, 0]),
        ([largest, 0, largest, -np.inf], [0.5, 0, 0.5, 0]),
        ([smallest, -smallest], [0.5, 0.5]),
        ([smallest, 2 * smallest, 0, -smallest], [0.25] * 4),
    ]:
        assert_array_equal(transform(np.array(z, dtype=dtype)), np.array(expected, dtype=dtype))


@pytest.mark.parametrize("scale", [1e300, 1e9, 1e-300])
def test_scores_of_mixed_size(scale):
    z = np.array([0.0, scale, 2 * scale, -scale])
    assert_allclose(sparsemax(z), np.array(exact.sparsemax(z), dtype=float), rtol=0, atol=1e-16)
    assert_allclose(
        sparsemax_threshold(z)[0], float(exact.sparsemax_threshold(z)), rtol=1e-15, atol=0
    )


@compiling
@given(data=st.data())
def test_minus_infinity_removes_an_entry(data):
    z = data.draw(rows(np.float64))
    present = data.draw(arrays(bool, z.size))
    assume(present.any())
    masked = np.where(present, z, -np.inf)
    for transform, jacobian, jvp in (param.values for param in DERIVATIVES):
        p = transform(masked)
        assert_allclose(p[present], transform(z[present]), rtol=0, atol=1e-15)
        assert (p[~present] == 0).all()
        J = jacobian(masked)
        assert_allclose(J[np.ix_(present, present)], jacobian(z[present]), rtol=0, atol=1e-15)
        assert (J[~present] == 0).all()
        assert_allclose(jvp(masked, z)[present], jvp(z[present], z[present]), rtol=0, atol=1e-12)
    assert_allclose(sparsemax_threshold(masked), sparsemax_threshold(z[present]), rtol=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("other", [1.0, np.inf, -np.inf])
def test_nan_stays_in_its_row(other):
    z = np.array([[0.5, 0.0, -1.0], [0.0, np.nan, other], [2.0, 1.0, 1.0]])
    for transform, jacobian, jvp in (param.values for param in DERIVATIVES):
        for function in (transform, jacobian, lambda z, jvp=jvp: jvp(z, np.ones_like(z))):
            result = function(z)
            assert np.isnan(result[1]).all()
            assert_array_equal(result[[0, 2]], function(z[[0, 2]]))
    assert_array_equal(np.isnan(sparsemax_threshold(z)), [[False], [True], [False]])
    assert_array_equal(
        sparsemax_support(z), [[True, True, False], [False, False, False], [True, False, False]]
    )


# ---------------------------------------------------------------- arrays of any kind


@of_scores
def test_one_output_takes_all(function):
    z = np.array([[3.0], [-1e300], [np.nan]])
    result = function(z)
    assert result.shape in {(3, 1), (3, 1, 1)}
    assert_array_equal(sparsemax(z), [[1], [1], [np.nan]])
    assert_array_equal(softmax(z), [[1], [1], [np.nan]])


@pytest.mark.parametrize("function", [sparsemax, sparsemax_threshold, sparsemax_support, softmax])
@compiling
@given(shape=array_shapes(max_dims=4, max_side=4), data=st.data())
def test_any_axis_of_any_shape(function, shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    z = np.random.default_rng(0).normal(size=shape)
    expected = np.apply_along_axis(function, axis, z)
    assert_array_equal(function(z, axis=axis), expected)
    assert_array_equal(function(z, axis=np.int8(axis)), expected)


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "transposed": lambda z: np.array(z.T).T,
    "every second column": lambda z: np.repeat(z, 2, axis=1)[:, ::2],
    "every second row": lambda z: np.repeat(z, 2, axis=0)[::2],
    "reversed": lambda z: np.array(z[:, ::-1])[:, ::-1],
    "broadcast": lambda z: np.broadcast_to(z, (1, *z.shape))[0],
    "big-endian": lambda z: z.astype(z.dtype.newbyteorder(">")),
    "little-endian": lambda z: z.astype(z.dtype.newbyteorder("<")),
    "unaligned": lambda z: np.frombuffer(b"." + z.tobytes(), z.dtype, offset=1).reshape(z.shape),
    "nested lists": lambda z: z.astype(object).tolist(),
}


@of_scores
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_layout_in_memory_is_immaterial(function, layout, dtype):
    z = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    arranged = layout(z)
    if isinstance(arranged, list):
        arranged = np.array(arranged, dtype=dtype)
    assert_array_equal(function(arranged), function(z))
    assert function(arranged).dtype == function(z).dtype
    assert function(arranged).dtype.isnative


@of_scores
def test_input_is_left_alone(function):
    for z in (np.random.default_rng(0).normal(size=(5, 4)), np.ones((3, 1)), np.arange(6.0)):
        before = z.copy()
        z.flags.writeable = False
        result = function(z)
        assert_array_equal(z, before)
        assert not np.shares_memory(result, z)
        assert result.flags.writeable


@pytest.mark.parametrize("jvp", [sparsemax_jvp, softmax_jvp])
def test_vector_is_left_alone(jvp):
    z, v = np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)
    v.flags.writeable = False
    assert not np.shares_memory(jvp(z, v), v)
    assert_array_equal(v, np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("function", [sparsemax, sparsemax_threshold, softmax])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64, bool])
def test_integers_and_booleans_become_float64(function, dtype):
    z = np.array([[1, 0, 1], [0, 1, 0]], dtype=dtype)
    result = function(z)
    assert result.dtype == np.float64
    assert_array_equal(result, function(z.astype(np.float64)))
    assert_array_equal(function(z.tolist()), result)


@of_scores
def test_half_precision_is_computed_in_single(function):
    z = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float16)
    result = function(z)
    single = function(z.astype(np.float32))
    assert result.dtype in (np.float16, bool)
    # the products and Jacobians round the probabilities first
    assert_allclose(result.astype(np.float32), single.astype(np.float32), rtol=0, atol=3e-3)
    if function in (sparsemax, sparsemax_threshold, softmax):
        assert_array_equal(result, single.astype(np.float16))


@pytest.mark.parametrize("jvp", [sparsemax_jvp, softmax_jvp])
def test_half_precision_vectors_do_not_overflow(jvp):
    z = np.zeros(4, dtype=np.float16)
    product = jvp(z, np.array([6e4, 6e4, 0, 0], dtype=np.float16))
    assert product.dtype == np.float16
    expected = jvp(z, [6e4, 6e4, 0, 0])
    assert np.isfinite(expected).all()
    assert_array_equal(product, expected)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (0, 0, 1)])
def test_no_rows(shape):
    z = np.empty(shape)
    assert sparsemax(z).shape == softmax(z).shape == sparsemax_support(z).shape == shape
    assert sparsemax_threshold(z).shape == (*shape[:-1], 1)
    assert sparsemax_jacobian(z).shape == softmax_jacobian(z).shape == (*shape, shape[-1])
    assert sparsemax_jvp(z, z).shape == softmax_jvp(z, z).shape == shape


# ---------------------------------------------------------------- errors


@of_scores
@pytest.mark.parametrize(
    ("z", "error", "words"),
    [
        ([0.0, np.inf], ValueError, r"largest entry of z along the axis is inf; at least one"),
        ([-np.inf, -np.inf], ValueError, r"largest entry .* is -inf; at least one entry must be"),
        ([[0.0], [np.inf]], ValueError, r"is inf at \(1,\) of the remaining axes"),
        ([], ValueError, r"no entry along axis=-1 \(its shape is \(0,\)\)"),
        (np.empty((2, 0)), ValueError, r"no entry along axis=-1 \(its shape is \(2, 0\)\)"),
        (1.5, ValueError, r"axis=-1 is not an axis of z, whose shape is \(\)"),
        ([1j, 0], TypeError, "z has the type complex128; float16, float32, float64, an integer"),
        ([None, 0.5], TypeError, "z has the type object"),
        (["1", "2"], TypeError, "z has the type <U1"),
        (np.array(["2020-01-01"], dtype="M8[D]"), TypeError, r"z has the type datetime64\[D\]"),
        (sparse.csr_array([[1.0, 0.0]]), TypeError, r"z is a csr_array; a dense array .*toarray"),
        (sparse.coo_matrix([[1.0, 0.0]]), TypeError, "z is a coo_matrix; a dense array is needed"),
    ],
)
def test_scores_that_are_refused(function, z, error, words):
    with pytest.raises(error, match=words):
        function(z)


@of_scores
@pytest.mark.parametrize(
    ("axis", "error", "words"),
    [
        (2, ValueError, r"axis=2 is not an axis of z, whose shape is \(2, 3\)"),
        (-3, ValueError, r"axis=-3 is not an axis of z, whose shape is \(2, 3\)"),
        (None, TypeError, "axis=None; an integer is needed"),
        (0.0, TypeError, r"axis=0\.0; an integer is needed"),
        ((0, 1), TypeError, r"axis=\(0, 1\); an integer is needed"),
    ],
)
def test_axes_that_are_refused(function, axis, error, words):
    with pytest.raises(error, match=words):
        function(np.zeros((2, 3)), axis=axis)


def test_the_error_names_the_first_infinite_row():
    z = np.zeros((2, 3, 4))
    z[1, 1, 2] = z[1, 2, 0] = np.inf
    for function in (sparsemax, sparsemax_threshold, softmax):
        with pytest.raises(ValueError, match=r"is inf at \(1, 1\) of the remaining axes"):
            function(z)
        with pytest.raises(ValueError, match=r"is inf at \(1, 0\) of the remaining axes"):
            function(z, axis=1)


@pytest.mark.parametrize("jvp", [sparsemax_jvp, softmax_jvp])
@pytest.mark.parametrize(
    ("v", "error", "words"),
    [
        ([1.0, 2.0], ValueError, r"v has the shape \(2,\); it must be that of z, \(3,\)"),
        (1.0, ValueError, r"v has the shape \(\)"),
        ([1j, 0, 0], TypeError, "v has the type complex128; real numbers are needed"),
        (["a", "b", "c"], TypeError, "v has the type <U1"),
        (sparse.csr_array([[1.0, 0.0, 0.0]]), TypeError, "v has the type object"),
    ],
)
def test_vectors_that_are_refused(jvp, v, error, words):
    with pytest.raises(error, match=words):
        jvp([0.5, 0.0, -1.0], v)

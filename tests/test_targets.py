"""Rows q_i from classes, label sets and distributions, and the checks on the way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_sparsemax._validation import check_weights
from sklearn_sparsemax.losses.targets import (
    SIMPLEX_TOLERANCE,
    check_distributions,
    check_indicator,
    check_intervals,
    one_hot,
    uniform_over_labels,
    with_null_output,
    with_uniform_rows,
)

SPARSE = [
    sparse.csr_array,
    sparse.csr_matrix,
    sparse.csc_array,
    sparse.coo_array,
    sparse.lil_matrix,
    sparse.dok_array,
]
INDICATOR = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]])
DISTRIBUTIONS = np.array([[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]])


def csr(data, indices, indptr, n_outputs, index_type=np.int32):
    entries = (np.asarray(data), np.asarray(indices, index_type), np.asarray(indptr, index_type))
    return sparse.csr_array(entries, shape=(len(indptr) - 1, n_outputs))


def is_canonical(rows):
    """Sorted, one entry a position: what the losses need to subtract targets."""
    return isinstance(rows, sparse.csr_array) and all(
        (np.diff(rows.indices[start:stop]) > 0).all()
        for start, stop in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    )


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_one_hot(dtype):
    rows = one_hot(np.array([2, 0, 2, 1], dtype=dtype), 4)
    assert is_canonical(rows)
    assert rows.dtype == np.float64
    assert_array_equal(rows.toarray(), np.eye(4)[[2, 0, 2, 1]])


def test_one_hot_of_no_rows():
    assert one_hot(np.empty(0, dtype=int), 3).shape == (0, 3)


@pytest.mark.parametrize("container", [np.array, list, *SPARSE])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float64])
def test_uniform_over_labels(container, dtype):
    rows = uniform_over_labels(container(INDICATOR.astype(dtype)))
    assert is_canonical(rows)
    assert rows.dtype == np.float64
    assert_allclose(rows.toarray(), INDICATOR / [[2], [1], [4]], rtol=1e-16)
    assert_allclose(rows.sum(axis=1), 1, rtol=1e-15)


def test_explicit_zeros_are_no_labels():
    rows = uniform_over_labels(csr([1, 0, 1], [3, 1, 0], [0, 3], 4))
    assert_array_equal(rows.toarray(), [[0.5, 0, 0, 0.5]])
    assert rows.nnz == 2


def test_a_row_without_label_is_named():
    with pytest.raises(ValueError, match="Row 1 of targets has no label; at least one is needed"):
        uniform_over_labels([[1, 0], [0, 0], [0, 0]])
    with pytest.raises(ValueError, match="Row 0 of targets has no label"):
        uniform_over_labels(csr([0], [1], [0, 1], 2))


def test_rows_without_label_get_an_output_of_their_own():
    indicator = check_indicator([[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]])
    rows = with_null_output(indicator, np.array([False, True, False, False]))
    assert is_canonical(rows)
    # the last row has no label, nor is it said to be null
    assert_array_equal(rows.toarray(), [[0.5, 0, 0.5, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    # an output that no row needs is not there
    rows = with_null_output(check_indicator(np.eye(3)), np.zeros(3, dtype=bool))
    assert_array_equal(rows.toarray(), np.eye(3))


def test_rows_without_label_are_spread_over_all():
    rows = with_uniform_rows(check_indicator([[0, 0], [0, 1], [0, 0], [1, 1]]))
    assert is_canonical(rows)
    assert_array_equal(rows.toarray(), [[0.5, 0.5], [0, 1], [0.5, 0.5], [0.5, 0.5]])
    assert_array_equal(with_uniform_rows(check_indicator(np.eye(3))).toarray(), np.eye(3))


# ---------------------------------------------------------------- checks


@pytest.mark.parametrize("container", [np.array, *SPARSE])
@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, np.inf])
def test_an_indicator_holds_zeros_and_ones(container, value):
    wrong = INDICATOR.astype(float)
    wrong[1, 2] = value
    words = f"targets holds the value {value:g}; an indicator matrix .* only 0 and 1"
    with pytest.raises(ValueError, match=words):
        check_indicator(container(wrong))


def test_duplicate_labels_are_summed_and_so_refused():
    with pytest.raises(ValueError, match="targets holds the value 2"):
        check_indicator(csr([1, 1], [0, 0], [0, 2], 2))


@pytest.mark.parametrize("check", [check_distributions, check_intervals])
@pytest.mark.parametrize("container", [np.array, np.asfortranarray, *SPARSE])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions_keep_their_values(check, container, dtype):
    given_rows = container(DISTRIBUTIONS.astype(dtype))
    rows = check(given_rows)
    assert rows.dtype == np.float64
    if container in SPARSE:
        assert is_canonical(rows)
        rows = rows.toarray()
    else:
        assert rows.flags.c_contiguous
    assert_array_equal(rows, DISTRIBUTIONS)


@pytest.mark.parametrize("check", [check_distributions, check_intervals, uniform_over_labels])
@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_matrices_are_left_alone(check, index_type):
    """Unsorted entries, an explicit zero and, of distributions, duplicates."""
    if check is uniform_over_labels:
        matrix = csr([1.0, 1.0, 0.0, 1.0], [2, 0, 1, 1], [0, 3, 4], 3, index_type)
        expected = [[0.5, 0, 0.5], [0, 1, 0]]
    else:
        matrix = csr([0.5, 0.25, 0.25, 0.0, 1.0], [2, 0, 2, 1, 1], [0, 4, 5], 3, index_type)
        expected = DISTRIBUTIONS
    before = matrix.copy()
    rows = check(matrix)
    assert is_canonical(rows)
    assert_array_equal(rows.toarray(), expected)
    for array in ("data", "indices", "indptr"):
        assert_array_equal(getattr(matrix, array), getattr(before, array))


def test_large_distributions_are_not_copied():
    for rows in (DISTRIBUTIONS, sparse.csr_array(DISTRIBUTIONS)):
        checked = check_distributions(rows)
        if sparse.issparse(rows):
            assert np.shares_memory(checked.data, rows.data)
        else:
            assert checked is rows


@pytest.mark.parametrize("container", [np.array, *SPARSE])
@pytest.mark.parametrize("value", [-1e-3, np.nan, -np.inf])
def test_a_distribution_is_never_negative(container, value):
    wrong = DISTRIBUTIONS.copy()
    wrong[1, 0] = value
    words = f"Row 1 of targets holds {value:g}; the entries of a distribution are 0 or more"
    with pytest.raises(ValueError, match=words):
        check_distributions(container(wrong))


@pytest.mark.parametrize("container", [np.array, *SPARSE])
def test_a_distribution_sums_to_one(container):
    for factor in (1 + 0.9 * SIMPLEX_TOLERANCE, 1 - 0.9 * SIMPLEX_TOLERANCE):
        check_distributions(container(factor * DISTRIBUTIONS))
    for factor, total in ((1 + 2e-6, "1.000002"), (0.5, "0.5"), (0, "0"), (np.inf, "inf|nan")):
        with np.errstate(invalid="ignore"):
            wrong = DISTRIBUTIONS * [[1], [factor]]
        wrong[np.isnan(wrong)] = 0
        words = f"Row 1 of targets sums to ({total}); a distribution sums to 1 within 1e-06"
        with pytest.raises(ValueError, match=words):
            check_distributions(container(wrong))


@pytest.mark.parametrize("container", [np.array, *SPARSE])
@pytest.mark.parametrize("value", [-1e-3, 1.5, np.nan, np.inf])
def test_an_independent_probability_lies_between_zero_and_one(container, value):
    wrong = DISTRIBUTIONS.copy()
    wrong[1, 0] = value
    with pytest.raises(ValueError, match=f"targets holds {value:g}; each entry must lie between"):
        check_intervals(container(wrong))


def test_duplicates_of_an_independent_probability_are_summed_first():
    with pytest.raises(ValueError, match=r"targets holds 1\.2; each entry must lie between 0 and"):
        check_intervals(csr([0.6, 0.6], [0, 0], [0, 2], 2))
    rows = check_intervals(csr([0.6, 0.3], [0, 0], [0, 2], 2))
    assert_allclose(rows.toarray(), [[0.9, 0]])


@pytest.mark.parametrize("check", [check_distributions, check_intervals, uniform_over_labels])
def test_no_rows(check):
    assert check(np.empty((0, 3))).shape == (0, 3)
    assert check(sparse.csr_array((0, 3))).shape == (0, 3)


# ---------------------------------------------------------------- weights


def test_weights_are_ones_by_default():
    assert_array_equal(check_weights(None, 3), np.ones(3))


@pytest.mark.parametrize("weights", [[1, 0, 2], (1.0, 0.0, 2.0), np.float32([1, 0, 2])])
def test_weights_become_float64(weights):
    checked = check_weights(weights, 3)
    assert checked.dtype == np.float64
    assert_array_equal(checked, [1, 0, 2])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, 2], r"sample_weight has the shape \(2,\); it must be \(3,\), one weight a row"),
        ([[1], [2], [3]], r"sample_weight has the shape \(3, 1\)"),
        ([1, -0.5, 1], r"sample_weight holds -0\.5; weights must be finite and 0 or more"),
        ([1, np.nan, 1], "sample_weight holds nan"),
        ([1, np.inf, 1], "sample_weight holds inf"),
    ],
)
def test_weights_that_are_refused(weights, words):
    with pytest.raises(ValueError, match=words):
        check_weights(weights, 3)

"""Least squares without BLAS: sums that have no last bits to lose, and the usual solutions."""

import numpy as np
import pytest

from ml.training.exact import rounded, scales_of, solved
from ml.training.trends import REGRESSOR_BITS, TARGET_BITS

RNG = np.random.default_rng(4)


def test_values_become_multiples_of_a_power_of_two():
    assert rounded(np.array([0.3, -0.3, 1.0]), 2).tolist() == [0.25, -0.25, 1.0]
    assert rounded(0.1) == pytest.approx(0.1, abs=2**-31)


def test_scales_are_powers_of_two_from_one():
    columns = np.array([[0.1, -3.0, 4.0, 0.0], [0.2, 1.0, 1.0, 0.0]])
    assert scales_of(columns).tolist() == [1.0, 4.0, 4.0, 1.0]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_equations_are_solved_as_numpy_solves_them(count):
    columns = RNG.normal(size=(200, count))
    matrix, right = columns.T @ columns, RNG.normal(size=count)
    np.testing.assert_allclose(solved(matrix, right), np.linalg.solve(matrix, right), rtol=1e-9)


def test_sums_of_rounded_products_are_the_same_in_any_order():
    columns = rounded(RNG.uniform(-4, 4, size=(65_535, 3)), REGRESSOR_BITS)
    target = rounded(RNG.uniform(-4, 4, size=65_535), TARGET_BITS)
    order = RNG.permutation(65_535)
    np.testing.assert_array_equal(columns.T @ columns, columns[order].T @ columns[order])
    np.testing.assert_array_equal(columns.T @ target, columns[order].T @ target[order])

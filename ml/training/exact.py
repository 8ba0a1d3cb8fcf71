"""Least squares whose result is the same on every processor.

BLAS adds products in another order on each kind of processor, so the last bits of its sums differ. Sums of
whole numbers under 2**53 have no last bits to lose: here all products are such numbers, scaled by a power
of two, and the equations are solved element by element, without BLAS. Called only by ml.training.
"""

import numpy as np

FINE = 30
"""Figures that decide something are rounded to 2**-FINE, so that it does not matter whose logarithm,
exponential or cube root was used: these differ in the last bit."""


def rounded(values, bits=FINE):
    """Values as multiples of 2**-bits; float64, any shape."""
    whole = np.rint(np.multiply(values, 2.0**bits))
    whole *= 2.0**-bits  # in place: these tables are large
    return whole


def scales_of(columns):
    """For each column the smallest power of two from 1 that is not under its values; float64 (k,)."""
    return 2.0 ** np.ceil(np.log2(np.abs(columns).max(axis=0).clip(1)).round(9))


def solved(matrix, right):
    """x with matrix @ x = right, for a positive definite matrix (k, k); float64 (k,).

    Gaussian elimination; numpy multiplies and subtracts each element by itself.
    """
    rows = np.column_stack([matrix, right]).astype(np.float64)
    count = len(rows)
    for place in range(count):
        factors = rows[place + 1 :, place] / rows[place, place]
        rows[place + 1 :, place:] -= factors[:, None] * rows[place, place:]
    solution = np.zeros(count)
    for place in reversed(range(count)):
        known = (rows[place, place + 1 : count] * solution[place + 1 :]).sum()
        solution[place] = (rows[place, count] - known) / rows[place, place]
    return solution

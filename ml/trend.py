"""The trend: the smooth part of a graded stone's price, and the columns the graded forest splits on.

A ridge regression of log price. Evaluated with numpy alone; fitted by ml.training.
"""

import numpy as np

from .stones import CLARITIES, COLORS, CUTS

KNOTS = np.log([0.3, 0.4, 0.5, 0.7, 0.9, 1.0, 1.2, 1.5, 2.0])


def design(matrix):
    """The trend's regressors; matrix: float32 (n, 9) of the graded columns; float64 (n, k)."""
    carat, cut, color, clarity, depth, table, *_ = matrix.T.astype(np.float64)
    log_carat = np.log(carat)
    spline = [log_carat, log_carat**2, log_carat**3]
    spline += [np.maximum(log_carat - knot, 0) ** 3 for knot in KNOTS]
    cuts, colors, clarities = (
        _one_hot(grade, names)
        for grade, names in ((cut, CUTS), (color, COLORS), (clarity, CLARITIES))
    )
    pairs = (colors[:, :, None] * clarities[:, None, :]).reshape(len(matrix), -1)
    by_weight = np.hstack([colors, clarities]) * log_carat[:, None]
    plain = np.column_stack([*spline, (depth - 61.7) / 1.4, (table - 57.5) / 2.2])
    return np.hstack([plain, cuts, colors, clarities, by_weight, pairs])


def _one_hot(grade, names):
    return (grade[:, None] == np.arange(len(names))).astype(np.float64)


def log_trend(matrix, arrays):
    """log(USD) that the trend alone would ask; float64 (n,)."""
    return design(matrix) @ arrays["trend_weights"] + arrays["trend_level"]


def derived_columns(matrix, arrays):
    """The graded forest's features: the nine columns, volume, density, asymmetry, trend; float32."""
    carat, x, y, z = matrix[:, [0, 6, 7, 8]].T
    volume = x * y * z
    asymmetry = np.maximum(x, y) / np.minimum(x, y)
    trend = log_trend(matrix, arrays).astype(np.float32)
    return np.column_stack([matrix, volume, carat / volume, asymmetry, trend])

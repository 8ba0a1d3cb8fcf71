"""PriceForest: flat arrays in, price and range out. Needs numpy alone.

Called by the registry (one stone a request), training (scores) and the model's own tests.
"""

import numpy as np

from .stones import GRADES, SCHEMES
from .trend import derived_columns, log_trend


RANKS = {field: {grade: rank for rank, grade in enumerate(names)} for field, names in GRADES.items()}


class PriceForest:
    """A trained forest of one scheme, as plain arrays; made by ml.training.fit."""

    def __init__(self, arrays, metadata):
        self.arrays = arrays
        self.metadata = metadata
        self.scheme = metadata["scheme"]
        self.columns = SCHEMES[self.scheme]

    def price(self, stones):
        """Prices in USD, not truncated; float64 (n,).

        stones: a DataFrame with the scheme's columns, or a float32 matrix (n, len(columns)) in
        their order, grades as ranks. Raises ValueError as `matrix` does.
        """
        return self._answer(self.matrix(stones))[0]

    def price_range(self, stones):
        """The 80 % range in USD, low and high; float64 (n, 2). Stones and errors as in `price`."""
        price, factors = self._answer(self.matrix(stones))
        return price[:, None] * factors

    def answers(self, matrix):
        """Price, low and high in USD from one pass; matrix: as `matrix` gives it; (n, 3) list."""
        price, factors = self._answer(matrix)
        return np.column_stack([price, price[:, None] * factors]).tolist()

    def row(self, features):
        """One stone's features ({column: value}, grades as codes or names) as float32 (columns,)."""
        return np.array(
            [RANKS[name].get(features[name], features[name]) if name in RANKS else features[name]
             for name in self.columns], dtype=np.float32
        )  # fmt: skip

    def matrix(self, stones):
        """The stones as a finite float32 matrix (n, len(columns)).

        ValueError names the row and column of a missing or unknown column, NaN or infinity.
        """
        matrix = self._from_frame(stones) if hasattr(stones, "columns") else np.asarray(stones)
        if matrix.ndim != 2 or matrix.shape[1] != len(self.columns):
            wanted = f"(n, {len(self.columns)}): {', '.join(self.columns)}"
            raise ValueError(f"a matrix of shape {matrix.shape}; expected {wanted}")
        if not len(matrix):
            raise ValueError("no stones")
        self._refuse_non_finite(matrix)
        return np.ascontiguousarray(matrix, dtype=np.float32)

    def _from_frame(self, stones):
        missing = [column for column in self.columns if column not in stones.columns]
        if missing:
            raise ValueError(f"missing column {', '.join(missing)}")
        if self.scheme == "coded":
            return stones[list(self.columns)].to_numpy(dtype=np.float64)
        return np.column_stack([self._numbers(stones[column]) for column in self.columns])

    @staticmethod
    def _numbers(column):
        if column.name not in GRADES:
            return column.to_numpy(dtype=np.float64)
        ranks = RANKS[column.name]
        for row, grade in enumerate(column):
            if grade not in ranks:
                raise ValueError(f"row {row}, column {column.name}: unknown grade {grade!r}")
        return np.array([ranks[grade] for grade in column], dtype=np.float64)

    def _refuse_non_finite(self, matrix):
        faulty = ~np.isfinite(matrix)
        if faulty.any():
            row, column = np.argwhere(faulty)[0]
            raise ValueError(
                f"row {row}, column {self.columns[column]}: {matrix[row, column]} is not finite"
            )

    def _answer(self, matrix):
        means = self.leaf_means(matrix)
        if self.scheme == "coded":
            return means, self.arrays["range_factors"]
        return np.exp(means + log_trend(matrix, self.arrays)), self.arrays["range_factors"]

    def leaf_means(self, matrix):
        """The forest's raw answer, in its target's unit; matrix: float32 (n, p); float64 (n,)."""
        features = matrix if self.scheme == "coded" else derived_columns(matrix, self.arrays)
        return self.arrays["leaf_value"][self.leaves(features)].mean(axis=1)

    def leaves(self, features):
        """The leaf that each stone reaches in each tree; features: float32; int32 (n, trees)."""
        feature, threshold, child = (self.arrays[k] for k in ("feature", "threshold", "child"))
        node = np.broadcast_to(self.arrays["roots"], (len(features), len(self.arrays["roots"])))
        rows = np.arange(len(features))[:, None]
        for _ in range(self.metadata["depth"]):
            split = feature[node]
            node = child[node] + (features[rows, split] > threshold[node])
        return node

"""The types that the modules of this package share in their annotations."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""A numpy array; docstrings give its shape and dtype."""

Arrays = dict[str, Array]
"""Named arrays, as a forest file holds them."""


def with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}

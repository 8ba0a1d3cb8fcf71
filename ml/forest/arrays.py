"""The types that the modules of this package share in their annotations."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""A numpy array; docstrings give its shape and dtype."""

Arrays = dict[str, Array]
"""Named arrays, as a forest file holds them."""

"""The types that the modules of this package share in their annotations."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""An array; its docstrings give shape and dtype."""

Arrays = dict[str, Array]
"""Named arrays, as a forest file holds them."""

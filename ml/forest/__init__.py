"""What serves a price, numpy alone: neither scikit-learn nor pandas is imported here.

price_forest.py  PriceForest: stones in; price, range and comparables out
matrix.py        stones as float32 rows, and what the trees split on
trend.py         the smooth part of a graded price
ranges.py        the range around a price
quantiles.py     the distribution that the range is part of
support.py       where nothing like the asked stone was recorded
nodes.py         how a flat tree is written down
native.py        the walk in C (walk.c), where there is a compiler
artifact.py      the forest file
"""

from .price_forest import Answer, PriceForest

__all__ = ["Answer", "PriceForest"]

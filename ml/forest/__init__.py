"""Serves prices with numpy only: neither scikit-learn nor pandas is imported here.

price_forest.py  PriceForest: takes stones; returns price, range and comparables
matrix.py        stones as float32 rows, and the features that the trees split on
trend.py         the smooth part of a graded price
boosted.py       what newer graded forests add to it: boosted trees
network.py       what the newest ones add, too: neural networks
masks.py         these trees as walk.c reads them
asked.py         the trend of a stone, and what the forest's trees split on
ranges.py        the range around a price
widths.py        factors that fit its width to each kind of stone
quantiles.py     the price distribution that the range belongs to
support.py       which stones the training data supports
beyond.py        prices of stones outside the training data
shops.py         how the prices of two shops for one stone differ
recorded.py      the price of a stone that is recorded itself, by its listings
keys.py          which stones a forest has seen
differences.py   why two forests, or two stones, have different prices
nodes.py         how the nodes of a tree are stored
native.py        the walk down the trees in C (walk.c), if there is a compiler
artifact.py      the forest file
"""

from .price_forest import Answer, PriceForest

__all__ = ["Answer", "PriceForest"]

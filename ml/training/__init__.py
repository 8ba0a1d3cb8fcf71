"""Trains forests with scikit-learn and pandas. Called by commands, benchmarks and tests.

fitting.py      fit, score, compare: from stones to a PriceForest
trends.py       the trend that a forest is grown on
boosting.py     grows the boosted trend's trees
networks.py     trains the networks, the other half of the trend
growing.py      grows the trees, and computes answers for stones that a tree has not seen
threads.py      keeps Python's filters of warnings in threads
exact.py        least squares that give the same result on every processor
shops.py        the stones that two shops list, and the step between their prices
recorded.py     how far prices are from those of other listings of the same stone
flatten.py      scikit-learn's trees as flat arrays
calibration.py  learns the range from those answers
widths.py       learns the factors that fit its width to each kind of stone
coherence.py    whether a better stone costs more
conditional.py  whether the range's coverage is right for every kind of stone
support.py      where the training stones support a price
beyond.py       prices of stones outside the training data
diagnosis.py    the figures of the model card
"""

from .fitting import (
    SEED,
    NotEnoughStones,
    fit,
    held_out_of,
    score,
    score_of_trend,
    train,
    unseen_by_both,
)

__all__ = [
    "SEED",
    "NotEnoughStones",
    "fit",
    "held_out_of",
    "score",
    "score_of_trend",
    "train",
    "unseen_by_both",
]

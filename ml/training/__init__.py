"""What trains a forest, with scikit-learn and pandas. Called by commands, benchmarks and tests.

fitting.py      fit, score, compare: the way from stones to a PriceForest
growing.py      the trees themselves, and prices of stones that a tree has not seen
flatten.py      scikit-learn's trees as flat arrays
calibration.py  the range, learnt from those unseen prices
coherence.py    whether prices go the right way from stone to stone
conditional.py  whether the range holds for everyone
support.py      where the training stones support a price
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

"""The keys of a forest's training stones: which stones it has seen, whatever their price and cut.

Called by training (the gate, the model card), ml.forest.differences and predictor.
"""

import numpy as np

from ml.stones import KEY_BYTES, KEYED, OF_KIND, stone_keys

from .price_forest import PriceForest


class NoStoneKeys(ValueError):
    """A forest file without the measurements of its training stones, so that they cannot be matched."""


def keys_of(forest: PriceForest) -> list[bytes]:
    """The keys of the training stones, as from ml.stones.stone_keys; raises NoStoneKeys.

    Made from the stones as recorded, so those of all versions can be compared, old ones too. Takes about
    a second for 250,000 stones.
    """
    recorded = forest.recorded_columns
    levels = forest.vocabulary.levels
    if not set(KEYED) <= set(recorded):
        raise NoStoneKeys("its file does not have the measurements of its training stones")
    grades = {
        name: np.array(levels(name))[np.asarray(recorded[name], int)].tolist()
        for name in ("color", "clarity", *OF_KIND)
        if name in recorded
    }
    numbers = {name: recorded[name].tolist() for name in KEYED if name not in grades}
    keys: list[bytes] = stone_keys(grades | numbers)
    return keys


def all_keys_of(forest: PriceForest) -> set[bytes]:
    """The same, and the keys by report number of the stones that have one; raises NoStoneKeys."""
    by_report = np.asarray(forest.arrays.get("report_keys", np.zeros((0, KEY_BYTES), np.uint8)))
    return {*keys_of(forest), *map(bytes, by_report)}

"""The vocabulary of an own list in tests, and a forest that has it: the small graded one, which takes a
stone's grades by the list's names and does not split on the optional properties."""

import copy

from ml.forest import PriceForest
from ml.stones import EXAMPLES, MEASURES, Measure
from ml.vocabulary import Property, Typical, Vocabulary

OWN = Vocabulary(
    grades={
        "cut": ("Good", "Very Good", "Excellent", "Ideal"),
        "color": ("M", "K", "H", "G", "F", "E", "D"),
        "clarity": ("I2", "I1", "SI2", "SI1", "VS2", "VS1", "IF", "FL"),
    },
    without_cut=True,
    optional=(
        Property("shape", ("", "Emerald", "Oval", "Round"), assumed="Round"),
        Property("fluorescence", ("", "Strong", "Faint", "None"), ordered=True),
    ),
    facts={"origin": "Natural"},
    few={"color": {"M": 12}, "shape": {"Emerald": 7}},
    measures={**MEASURES, "carat": Measure("ct", 0.18, 20)},
    typical={
        "Round": Typical((0.0055, 0.0061, 0.0067), (1.0, 1.005, 1.05)),
        "Oval": Typical((0.005, 0.0058, 0.0066), (1.2, 1.4, 1.7)),
        "Emerald": Typical((0.007, 0.008, 0.0092), (1.1, 1.4, 1.8)),
    },
    public=("carat", "color", "clarity", "cut", "shape"),
)

STONE = {**EXAMPLES["graded"][0], "cut": "Excellent", "color": "K", "clarity": "FL"}
"""A stone with grades that the shipped table does not have."""

OVAL = {**STONE, "cut": "", "shape": "Oval", "fluorescence": "Faint", "x": 7.2, "y": 5.0, "z": 3.2}
"""One of another shape, without a cut grade."""


class OwnForest(PriceForest):
    """A forest whose rows have the columns of the shipped table only."""

    def row(self, features):
        return super().row(features)[:9]

    def rows(self, stones):
        return super().rows(stones)[:, :9]

    def matrix(self, stones):
        return super().matrix(stones)[:, :9]


def own_forest_of(forest, vocabulary=OWN):
    """The same forest for an own list."""
    own = copy.copy(forest)
    own.__class__, own.vocabulary = OwnForest, vocabulary
    return own

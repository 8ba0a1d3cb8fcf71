"""What is usual for the shape of a stone: the shipped table has only round stones, an own list may have
others. Called by the warnings, the alternatives and the pictures of a quote, and by readers of files.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from ml.forest import PriceForest
from ml.forest.arrays import Array
from ml.stones import derived_depth
from ml.tables.grades import is_round as named_round
from ml.tables.levels import read_level
from ml.vocabulary import NOT_STATED, ROUND, Vocabulary, is_of_width
from predictor.wording.labels import SHAPES

from .serializers import Features, shown

STEP_CUTS = frozenset(("Emerald", "Asscher", "Baguette", "Carre", "Square Emerald"))
"""Shapes with long facets, through which inclusions are seen better."""


def shape_of(stone: Features, vocabulary: Vocabulary) -> str:
    """The shape as which a stone is priced; "" if it is not known."""
    if "shape" not in vocabulary.names:
        return vocabulary.facts.get("shape", "" if vocabulary.typical else ROUND)
    return stone.get("shape") or vocabulary.property_called("shape").assumed


def shape_refusal(shape: str) -> str:
    """The message for a stone that is not round, where only round ones are priced."""
    name = SHAPES.get(shape) or shown(shape)
    message = _("The data has no stones of this shape ({shape}): all of them are round.")
    return message.format(shape=name)


def kind_refusal(name: str, text: str) -> str:
    """Why a stone gets no price where only round, natural ones do, by its shape or origin in a cell; "" for
    one that gets one. An origin that is not understood may be a country."""
    if name == "shape":
        return "" if named_round(text) else shape_refusal(text)
    if read_level(name, text) in (None, NOT_STATED, "Natural"):
        return ""
    message = _("The data has no stones of this origin ({origin}): all of them are natural.")
    return message.format(origin=shown(text.strip()))


def level_of(name: str, stone: Features, vocabulary: Vocabulary) -> Any:
    """The number of a stone's grade or level, or those of n stones, whose columns hold numbers already."""
    value = stone.get(name)
    return value if isinstance(value, np.ndarray) else vocabulary.number(name, value)


def is_round(stone: Features, vocabulary: Vocabulary) -> Any:
    """Whether a stone is round; for n stones as columns bool (n,)."""
    if "shape" not in vocabulary.names:
        return shape_of(stone, vocabulary) == ROUND
    levels = vocabulary.levels("shape")
    place = levels.index(ROUND) if ROUND in levels else -1
    return level_of("shape", stone, vocabulary) == place


def round_ones(forest: PriceForest) -> Array:
    """Which of the recorded stones are round, bool (n,)."""
    columns = forest.recorded_columns
    shapes = {name: column for name, column in columns.items() if name == "shape"}
    found = is_round(shapes, forest.vocabulary)
    return np.broadcast_to(np.asarray(found, bool), len(columns["carat"]))


@lru_cache(maxsize=8)
def _typical(forest: PriceForest) -> dict[str, Array]:
    """{"fill", "ratio": float64 (shapes, 3)}: low, median and high by the number of the shape; NaN for a
    shape without any. One row if the version has no shapes."""
    vocabulary = forest.vocabulary
    has_shapes = "shape" in vocabulary.names
    shapes = vocabulary.levels("shape") if has_shapes else (shape_of({}, vocabulary),)
    nothing, known = (np.nan,) * 3, vocabulary.typical
    return {
        name: np.array(
            [getattr(known[one], name) if one in known else nothing for one in shapes], np.float64
        )
        for name in ("fill", "ratio")
    }


def typical_of(name: str, stone: Features, forest: PriceForest) -> Any:
    """(low, median, high) of a proportion, "fill" or "ratio", for the shape of a stone, or of each of n, as
    the list of the version has them; float64 (3,) or (3, n), NaN where it is not known. See
    ml.vocabulary.Typical."""
    table = _typical(forest)[name]
    if "shape" not in forest.vocabulary.names:
        return table[0]
    return table[np.asarray(level_of("shape", stone, forest.vocabulary), np.intp)].T


def depth_of(sizes: Sequence[float], stone: Features, vocabulary: Vocabulary) -> float:
    """The depth in % that sizes (x, y, z in mm) give; see ml.stones.derived_depth."""
    x, y, z = sizes
    return derived_depth(x, y, z, is_of_width(shape_of(stone, vocabulary).title()))


def depths_of(stones: Features, vocabulary: Vocabulary) -> Array:
    """The same for n stones as columns (n,): x, y, z, and the shapes' numbers if the version has shapes;
    float64 (n,)."""
    x, y, z = (stones[name] for name in "xyz")
    stated = vocabulary.levels("shape") if "shape" in vocabulary.names else ("",)
    of_width = np.array([is_of_width(shape_of({"shape": one}, vocabulary)) for one in stated])
    which = of_width[np.asarray(stones.get("shape", np.zeros(len(x))), np.intp)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return derived_depth(x, y, z, which)

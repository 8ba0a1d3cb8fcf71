"""What an answer rests on, computed again by the version that gave it, and the picture of its range."""

from dataclasses import dataclass

from ml.forest import PriceForest
from ml.forest.artifact import ForestFileError
from ml.forest.price_forest import Answer
from predictor.replay.services import replayed
from predictor.versions.live import forest_of
from predictor.wording.figures import money, percent

PICTURE_MARGIN = 16
"""Percent of the picture's width that is left free on either side of the range, for its labels."""


@dataclass(frozen=True)
class Evidence:
    """What was computed again: the forest, its Answer, with its comparables."""

    forest: PriceForest
    answer: Answer


def evidence_of(prediction, comparables=None):
    """The Evidence of an answer, by default with all comparables; None if its forest file is missing."""
    try:
        forest = forest_of(prediction.version)
        if comparables is None:
            comparables = len(forest.recorded_columns["price"])
        return Evidence(forest, replayed(prediction, comparables))
    except (ForestFileError, OSError):
        return None


def picture(prediction):
    """The positions of the range, the price and the asking price in the picture, and their distance, all in
    percent; `asked` is the asking price in the current currency."""
    low, high, price = prediction.low, prediction.high, prediction.price
    width = 100 - 2 * PICTURE_MARGIN

    def place(amount):
        share = (amount - low) / (high - low) if high > low else 0.5
        return f"{min(max(PICTURE_MARGIN + width * share, 1), 99):.2f}%"

    asking = prediction.asking and place(prediction.asking)
    return {
        "left": f"{PICTURE_MARGIN}%",
        "width": f"{width}%",
        "right": f"{100 - PICTURE_MARGIN}%",
        "price": place(price),
        "asking": asking,
        "asked": asking and money(prediction.asking),
        "anchor": asking and _anchor(float(asking.rstrip("%"))),
        "below": f"−{percent(1 - low / price, 0)}",
        "above": f"+{percent(high / price - 1, 0)}",
    }


def _anchor(at):
    """Which end of a label is at its place, so that the label stays in the picture; at: percent."""
    return "start" if at < PICTURE_MARGIN else "end" if at > 100 - PICTURE_MARGIN else "middle"

"""An asking price as typed: read for a quote, and the verdict on it. Called by the form, the quote page
and the comparison."""

from copy import copy
from dataclasses import dataclass

from ml.forest.artifact import ForestFileError
from ml.forest.price_forest import Answer
from ml.stones import BASIS, bounded
from predictor.pricing.amounts import AmountRefused, amount_typed, price_typed
from predictor.versions.live import forest_of, registry
from predictor.wording.sentences import FAIRNESS, SIGNS, asking_sentence, scope_sentence


@dataclass(frozen=True)
class AskingPrice:
    """An asking price as typed: the price, or None with the error; choices: as in AmountRefused."""

    price: float | None = None
    wrong: str = ""
    choices: tuple = ()


def read_asking(text, prediction):
    """Reads an asking price for a quote, in its answer's currency; an AskingPrice."""
    return _read(text, prediction.version, lambda text: price_typed(text, prediction))


def read_asking_alone(text, scheme):
    """The same for a stone that has no price yet; an amount that can be read in two ways is an error."""
    live = registry.loaded().get(scheme)
    version = live and live.version
    currency = version.currency if version else BASIS.currency
    return _read(text, version, lambda text: amount_typed(text, currency))


def _read(text, version, read):
    if not (text := bounded(text)).strip():
        return AskingPrice()
    try:
        return AskingPrice(read(text))
    except AmountRefused as refused:
        more = f" {scope_sentence(version)}" if refused.is_other_currency else ""
        return AskingPrice(wrong=f"{refused}{more}", choices=tuple(refused.choices))


def with_asking(prediction, asking):
    """The recorded answer with another asking price and its percentile: a copy that is not recorded; the
    answer itself if it has this asking price, or if there is none."""
    if asking in (None, prediction.asking):
        return prediction
    found, forest = copy(prediction), forest_if_kept(prediction)
    ends = prediction.price, prediction.low, prediction.high
    answer = Answer(*ends, extrapolated=prediction.is_extrapolated)
    found.asking, found.percentile = asking, forest and forest.percentile_of(answer, asking)
    return found


def forest_if_kept(prediction):
    """The forest that gave an answer; None if its file is missing."""
    try:
        return forest_of(prediction.version)
    except (ForestFileError, OSError):
        return None


def verdict_context(prediction):
    """The verdict on the asking price of a Prediction: a word with its sign, and the text; None without
    an asking price."""
    return prediction.asking and {
        "kind": prediction.fairness,
        "sign": SIGNS[prediction.fairness],
        "word": FAIRNESS[prediction.fairness],
        "text": asking_sentence(prediction),
    }

"""What the page of a prediction shows above the review form: the stone, the answer and what it rests on,
and the request as sent."""

from predictor.admin.predictions.refusals import as_table, in_readers_language
from predictor.quotes.evidence import evidence_of, picture
from predictor.quotes.presentation import (
    answer_context,
    diameters,
    sizes_text,
    trade_name,
    with_unit,
)
from predictor.wording.figures import in_currency, money, percent
from predictor.wording.sentences import asking_sentence

NEAREST = 5
"""How many comparables are listed."""

SENT, LONGEST_SENT = 20, 60
"""The most values of a request that are listed, and the most characters of each."""


def answer_of(prediction):
    """The context of a prediction's page; a refusal has no stone."""
    shown = {"sent": sent_pairs(prediction)}
    if prediction.status != 200:
        return shown | {
            "refused": as_table(in_readers_language(prediction.request, prediction.error))
        }
    with in_currency(prediction.version.currency):
        return shown | answer_context(prediction) | _stone(prediction)


def _stone(prediction):
    return {
        "name": trade_name(prediction.features, prediction.scheme),
        "sizes": sizes_text(prediction.features),
        "per_carat": money(prediction.price_per_carat, 2),
        "picture": picture(prediction),
        "asking": prediction.asking and asking_sentence(prediction),
        "nearest": _nearest(prediction),
    }


def _nearest(prediction):
    evidence = evidence_of(prediction, NEAREST)
    if evidence is None:
        return []
    return [_row(evidence.forest, one) for one in evidence.answer.comparables]


def _row(forest, comparable):
    stone = forest.recorded(comparable.row)
    return {
        "name": trade_name(stone),
        "diameters": diameters(stone),
        "proportions": ", ".join(with_unit(name, stone[name]) for name in ("depth", "table")),
        "price": money(comparable.price),
        "adjusted": money(comparable.adjusted_price),
        "weight": percent(comparable.weight),
    }


def sent_pairs(prediction):
    """[(name, value), …] of the request as sent; [] if it is not a short list of values."""
    sent = prediction.request_object()
    if not isinstance(sent, dict) or len(sent) > SENT:
        return []
    return [(name, shortened(value)) for name, value in sent.items()]


def shortened(value):
    """A value as text, cut to its longest."""
    text = str(value)
    return text if len(text) <= LONGEST_SENT else f"{text[:LONGEST_SENT]}…"

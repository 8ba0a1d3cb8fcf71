"""Warnings in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import MEASURES

from .figures import currency, figure, in_currency, money, percent

NAMES = {
    "carat": gettext_lazy("carat"),
    "depth": gettext_lazy("depth"),
    "table": gettext_lazy("table"),
    "x": gettext_lazy("x"),
    "y": gettext_lazy("y"),
    "z": gettext_lazy("z"),
    "volume": gettext_lazy("volume"),
}
"""Measures as warnings call them; in English, as the API does."""

MONEY = {"USD": gettext_lazy("US dollars")}
"""What currencies are called inside a sentence; others by their codes."""

FIGURES = {"value", "low", "high", "expected", "most"}
"""What of a warning is a number in its field's unit."""


def money_name():
    """What the currency that amounts are written in now is called, as in: prices in US dollars."""
    return str(MONEY.get(currency(), currency()))


def basis_sentence(basis):
    """What an answer's price is, in a sentence."""
    sentences = {
        "asking": _("An asking price in {money} of about {year}."),
        "paid": _("A price paid in {money} of about {year}."),
    }
    return sentences[basis.kind].format(money=money_name(), year=basis.year)


def asking_sentence(prediction):
    """Where a recorded asking price lies."""
    sentences = {
        "below": _("The asking price of {price} is below the range."),
        "within": _("The asking price of {price} is within the range."),
        "above": _("The asking price of {price} is above the range."),
    }
    told = sentences[prediction.verdict].format(price=money(prediction.asking))
    if prediction.percentile is None:
        return told
    share = _("Of such stones {percent} ask less.").format(
        percent=percent(prediction.percentile / 100)
    )
    return f"{told} {share}"


def prices_sentence(basis):
    """What all prices of a model are, in a sentence."""
    sentences = {
        "asking": _("All prices are asking prices in {money} of about {year}."),
        "paid": _("All prices are prices paid in {money} of about {year}."),
    }
    with in_currency(basis.currency):
        return sentences[basis.kind].format(money=money_name(), year=basis.year)


def sentence(warning):
    """A recorded warning in the reader's language."""
    templates = {
        "outside_training_range": _(
            "{field} {value} {unit} is outside what the model was trained on: "
            "{low} to {high} {unit}."
        ),
        "depth_disagrees": _("depth {value} % disagrees with x, y, z, which give {expected} %."),
        "carat_disagrees": _(
            "carat {value} is {percent} off the {expected} ct usual for this volume."
        ),
        "not_round": _(
            "x and y differ by {percent}: those of recorded stones, all round, by {most} % at most."
        ),
        "diameter_order": _(
            "with x and y the other way round the price is {price} ({percent}): in the recorded "
            "table the order of the diameters goes with the shop that listed the stone."
        ),
    }
    code, field = warning["code"], warning["field"]
    if code == "extrapolated":
        return _extrapolation(warning)
    figures = {name: figure(warning[name]) for name in FIGURES & warning.keys()}
    if "price" in warning:
        figures["price"] = money(warning["price"])
    if "percent" in warning:
        figures["percent"] = f"{warning['percent']:+d} %"
    unit = MEASURES[field].unit
    return templates[code].format(field=NAMES[field], unit=unit, **figures)


def _extrapolation(warning):
    """What lacks behind a price that is an extrapolation."""
    if "factor" in warning:
        return _(
            "the recorded stones behind the price differ from this one by a factor of {factor}, over the "
            "{most} that is usual at most: the price is an extrapolation."
        ).format(**{name: figure(warning[name]) for name in ("factor", "most")})
    if warning["field"] == "price":
        return _("no stone of over {high} was recorded: the price is an extrapolation.").format(
            high=money(warning["high"])
        )
    if warning["low"] is None:
        return _(
            "hardly any stone of this color and clarity was recorded: the price is an extrapolation."
        )
    return _(
        "stones of this color and clarity were recorded from {low} to {high} ct, hardly any of {value} "
        "ct: the price is an extrapolation."
    ).format(**{name: figure(warning[name]) for name in ("low", "high", "value")})

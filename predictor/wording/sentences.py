"""Sentences on what prices are and where an asking price lies, in the reader's language. Called by
the pages."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import BASIS
from ml.tables.grades import WHY_ASSUMED, assumed_grades

from .figures import currency, in_currency, money, number, percent
from .labels import level_label

MONEY = {"USD": gettext_lazy("US dollars")}
"""The names of currencies inside a sentence; others have their codes."""

FEW_STONES = 2_000
"""A version trained on fewer stones has wide ranges."""

LEAST_CERTAIN, MOST_CERTAIN = 0.1, 99.9
"""The lowest and highest percentile that a forest gives."""


def money_name():
    """The name of the current currency, as in: prices in US dollars."""
    return str(MONEY.get(currency(), currency()))


def scope_sentence(version):
    """A sentence on the stones that all prices of a ModelVersion are for, and on what the prices are; None
    stands for the shipped table's."""
    basis = version.basis if version else BASIS
    if version is None or version.facts is None:
        return _shipped_sentence(basis)
    stones = [level_label(*fact) for fact in version.facts.items()]
    only = _("Only stones of these kinds: {kinds}.").format(kinds=", ".join(stones))
    said = [only if stones else "", prices_sentence(basis), _few_sentence(version)]
    return " ".join(filter(None, said))


def _few_sentence(version):
    """A sentence on the ranges of a version that was trained on few stones; "" for others."""
    count = version.rows.get("training", FEW_STONES)
    if count >= FEW_STONES:
        return ""
    text = _("The model was trained on only {count} stones, so the ranges are wide.")
    return text.format(count=number(count))


def _shipped_sentence(basis):
    sentences = {
        "asking": _("Natural, round diamonds; asking prices in {money} of about {year}."),
        "paid": _("Natural, round diamonds; prices paid in {money} of about {year}."),
    }
    with in_currency(basis.currency):
        return sentences[basis.kind].format(money=money_name(), year=basis.year)


FAIRNESS = {
    "below": gettext_lazy("Below"),
    "fair": gettext_lazy("Fair"),
    "high": gettext_lazy("High"),
    "far_above": gettext_lazy("Far above"),
}
"""The words for an asking price (Prediction.fairness)."""

SIGNS = {"below": "↓", "fair": "✓", "high": "↑", "far_above": "⇈"}
"""A sign for each word, so that it is not only the color that differs."""

PARTS = {
    "below": gettext_lazy("The asking price of {price} is below the range."),
    "lower": gettext_lazy("The asking price of {price} is in the lower third of the range."),
    "middle": gettext_lazy("The asking price of {price} is in the middle third of the range."),
    "upper": gettext_lazy("The asking price of {price} is in the upper third of the range."),
    "above": gettext_lazy("The asking price of {price} is above the range."),
}
"""Where an asking price lies (Prediction.part_of_range)."""


def asking_sentence(prediction):
    """Sentences on where an asking price lies, by how much it is off the estimate, and how sure that is."""
    part = PARTS[prediction.part_of_range].format(price=money(prediction.asking))
    return " ".join(filter(None, [part, _off_sentence(prediction), _sure_sentence(prediction)]))


def _off_sentence(prediction):
    off = prediction.asking - prediction.predicted_price
    if round(off) == 0:
        return _("That is our estimate.")
    sentence = (
        _("That is {amount} ({share}) above our estimate.")
        if off > 0
        else _("That is {amount} ({share}) below our estimate.")
    )
    share = percent(abs(off) / prediction.predicted_price)
    return sentence.format(amount=money(abs(off)), share=share)


def _sure_sentence(prediction):
    if prediction.is_extrapolated:
        return _("The data has hardly any similar stones, so this is uncertain.")
    if prediction.percentile is None:
        return ""
    return _("In about {year}, {percent} of similar stones cost less.").format(
        percent=_share_of_percentile(prediction.percentile), year=prediction.version.price_year
    )


def assumed_sentences(assumed):
    """A text on each grade that was assumed, as recorded: what it is priced as, why, and the price as the
    other grade that it can mean."""
    return [_assumed_sentence(one) for one in assumed or ()]


def _assumed_sentence(one):
    word, _grades = assumed_grades(one["field"], one["sent"])
    parts = [
        _("{sent} is priced as {used}.").format(sent=one["sent"], used=one["used"]),
        _(WHY_ASSUMED[word]) if word else "",
        *(
            _("As {grade} it is {price}.").format(grade=grade, price=money(price))
            for grade, price in one["price_as"].items()
        ),
    ]
    return " ".join(filter(None, parts))


def _share_of_percentile(percentile):
    """A percentile as a share in words; those at the ends of the curve are bounds, not measurements."""
    share = percent(percentile / 100)
    if percentile >= MOST_CERTAIN:
        return _("more than {share}").format(share=share)
    if percentile <= LEAST_CERTAIN:
        return _("less than {share}").format(share=share)
    return share


def prices_sentence(basis):
    """A sentence on what all prices of a model are."""
    sentences = {
        "asking": _("All prices are asking prices in {money} of about {year}."),
        "paid": _("All prices are prices paid in {money} of about {year}."),
    }
    with in_currency(basis.currency):
        return sentences[basis.kind].format(money=money_name(), year=basis.year)

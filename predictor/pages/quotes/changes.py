"""What would change a quote's price: one step up and down for each value, and ways to save money."""

from django.utils.translation import gettext as _

from ml.vocabulary import is_of_width
from predictor.pages.stone_form.forms import form_address
from predictor.pricing.alternatives import outlook
from predictor.pricing.appearance import diameter
from predictor.quotes.presentation import grade_text
from predictor.wording.figures import (
    hundredths,
    money,
    number,
    percent,
    signed_money,
    signed_percent,
    weight,
)
from predictor.wording.labels import GRADE_HELP, LABELS


def changes_context(prediction, forest):
    """The Outlook of a quote for display: `rows`, `savings`, `visible`, `best`, `wobble`; `estimate`
    only if the price is a listing's."""
    found = outlook(prediction, forest)
    return {
        "rows": [_row(change, prediction) for change in found.changes],
        "savings": [
            (percent(share, 0), [_saving(change, prediction) for change in some])
            for share, some in found.savings.items()
        ],
        "visible": found.visible and _row(found.visible, prediction),
        "best": not found.better,
        "wobble": money(found.wobble),
        "estimate": money(found.estimate) if prediction.recorded_stone else "",
    }


def _row(change, prediction):
    return {
        "name": _name(change, prediction),
        "price": money(change.price),
        "difference": signed_money(change.difference),
        "share": signed_percent(change.share),
        "same": change.same,
        "extrapolated": change.extrapolated,
        "listed": change.listed,
        "address": form_address(prediction.scheme, change.features),
    }


def _saving(change, prediction):
    """A row with what is given up, and whether a person sees it."""
    given_up = [_given_up(name, change, prediction) for name in change.values]
    return _row(change, prediction) | {
        "given_up": "; ".join(given_up),
        "keeps_look": change.keeps_look,
    }


def _given_up(name, change, prediction):
    if name == "carat":
        less = diameter(prediction.features) - diameter(change.features)
        text = _("{mm} mm less in diameter")
        if is_of_width(prediction.shape or ""):
            text = _("{mm} mm less, as the mean of length and width")
        return text.format(mm=number(less, 2))
    grade = change.values[name]
    text = grade_text(name, grade, prediction.scheme)
    return f"{text} – {GRADE_HELP[grade]}" if grade in GRADE_HELP else text


def _name(change, prediction):
    """A change in words: from the present values to the new ones."""
    return ", ".join(_step(*one, prediction) for one in change.values.items())


def _step(name, value, prediction):
    if name == "order":
        x, y = map(hundredths, value)
        return _("Diameters in the other order: {x} × {y} mm").format(x=x, y=y)
    here = prediction.features[name]
    if name == "carat":
        return _("Weight {here} → {there}, same proportions").format(
            here=weight(here), there=weight(value)
        )
    here, there = (grade_text(name, one, prediction.scheme) for one in (here, value))
    return f"{LABELS[name]} {here} → {there}"

"""What would change a quote's price: one step up and down for each value, and ways to save money."""

from django.utils.translation import gettext as _

from predictor.pages.stone_form.forms import as_reported, form_address
from predictor.pricing.alternatives import outlook
from predictor.quotes.presentation import grade_text
from predictor.wording.figures import figure, money, percent, signed_money, signed_percent
from predictor.wording.labels import LABELS


def changes_context(prediction, forest):
    """The Outlook of a quote for display: `rows`, `savings`, `visible` and `wobble`."""
    found = outlook(prediction, forest)
    return {
        "rows": [_row(change, prediction) for change in found.changes],
        "savings": [
            {
                "share": percent(share, 0),
                "best": some and _row(some[0], prediction),
                "others": [_row(change, prediction) for change in some[1:]],
            }
            for share, some in found.savings.items()
        ],
        "visible": found.visible and _row(found.visible, prediction),
        "wobble": money(found.wobble),
    }


def _row(change, prediction):
    share = change.difference / prediction.predicted_price
    return {
        "name": _name(change, prediction),
        "price": money(change.price),
        "difference": signed_money(change.difference),
        "share": signed_percent(share),
        "same": change.same,
        "extrapolated": change.extrapolated,
        "address": form_address(prediction.scheme, as_reported(change.features)),
    }


def _name(change, prediction):
    """A change in words: from the present value to the new one."""
    if change.field == "order":
        x, y = map(figure, change.value)
        return _("Diameters in the other order: {x} × {y} mm").format(x=x, y=y)
    here = prediction.features[change.field]
    if change.field == "carat":
        return _("Weight {here} → {there} ct, same proportions").format(
            here=figure(here), there=figure(change.value)
        )
    here, there = (
        grade_text(change.field, value, prediction.scheme) for value in (here, change.value)
    )
    return f"{LABELS[change.field]} {here} → {there}"

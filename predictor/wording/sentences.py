"""Warnings in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import MEASURES

from .figures import figure, usd

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

FIGURES = {"value", "low", "high", "expected"}
"""What of a warning is a number in its field's unit."""


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
        "diameter_order": _(
            "with x and y the other way round the price is {price} ({percent}): in the recorded "
            "table the order of the diameters goes with the shop that listed the stone."
        ),
    }
    figures = {name: figure(warning[name]) for name in FIGURES & warning.keys()}
    if "price" in warning:
        figures["price"] = usd(warning["price"])
    if "percent" in warning:
        figures["percent"] = f"{warning['percent']:+d} %"
    field = warning["field"]
    unit = MEASURES[field].unit
    return templates[warning["code"]].format(field=NAMES[field], unit=unit, **figures)

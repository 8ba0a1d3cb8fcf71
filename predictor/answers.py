"""A recorded prediction as its readers see it: the API's JSON object, the warnings' sentences."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import COVERAGE, MEASURES

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


def as_json(prediction):
    """The API's answer to one stone."""
    answer = {
        "features": prediction.features,
        "predicted_price": prediction.predicted_price,
        "price_range": {
            "low": prediction.low_usd,
            "high": prediction.high_usd,
            "coverage": COVERAGE,
        },
        "price_per_carat": prediction.price_per_carat,
        "warnings": [{**warning, "message": sentence(warning)} for warning in prediction.warnings],
        "model": {"scheme": prediction.scheme, "version": prediction.version.number},
        "id": str(prediction.id),
        "url": prediction.get_absolute_url(),
    }
    if prediction.comparables is not None:
        answer["comparables"] = prediction.comparables
    return answer


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
    }
    figures = {name: figure(warning[name]) for name in FIGURES & warning.keys()}
    if "percent" in warning:
        figures["percent"] = f"{warning['percent']:+d} %"
    field = warning["field"]
    unit = MEASURES[field].unit
    return templates[warning["code"]].format(field=NAMES[field], unit=unit, **figures)


def figure(number):
    """A number with all its digits, as the reader's language writes it."""
    return number_format(f"{number:.10g}")

"""The quote page: a recorded answer, and the stones behind it. For programs, the API's object again."""

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from ml.forest.artifact import ForestFileError
from ml.stones import CODES, COVERAGE, MEASURES
from predictor.models import Prediction
from predictor.pricing.answers import as_json
from predictor.pricing.replay import comparables_of
from predictor.wording.figures import figure, in_currency, money, percent
from predictor.wording.labels import LABELS, SCHEME_TITLES
from predictor.wording.sentences import asking_sentence, basis_sentence, sentence

from .forms import form_address

SHOWN_COMPARABLES = 5

PICTURE_MARGIN = 16
"""Percent of the picture's width left free on either side of the range, for its figures."""


@require_safe
@vary_on_headers("Accept")
def quote(request, id):  # noqa: A002
    """A recorded answer, as stored; refused requests have no quote."""
    answers = Prediction.objects.filter(status=200).select_related("version")
    found = answers.defer("version__card").filter(pk=id)
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return _for_programs(found.first())
    prediction = get_object_or_404(found)
    with in_currency(prediction.version.currency):
        return _page(request, prediction)


def _for_programs(prediction):
    """The API's answer to the stone, or its error; in English, as all that the API says."""
    english = {"Content-Language": "en"}
    if prediction is None:
        return JsonResponse({"detail": "There is no such quote."}, status=404, headers=english)
    with translation.override("en"):
        return JsonResponse(as_json(prediction), headers=english)


def _page(request, prediction):
    context = {
        "prediction": prediction,
        "name": _short_name(prediction),
        "price": money(prediction.predicted_price),
        "per_carat": money(prediction.price_per_carat, 2),
        "low": money(prediction.whole_low),
        "high": money(prediction.whole_high),
        "coverage": not prediction.is_extrapolated and percent(COVERAGE, 0),
        "measured": percent(prediction.version.scores["coverage"]),
        "picture": _picture(prediction),
        "stone": [_input_row(prediction.scheme, *input_) for input_ in prediction.features.items()],
        "asking": prediction.asking and asking_sentence(prediction),
        "warnings": [sentence(warning) for warning in prediction.warnings],
        "comparables": _readable_comparables(prediction),
        "scheme_title": SCHEME_TITLES[prediction.scheme],
        "address": request.build_absolute_uri(prediction.get_absolute_url()),
        "change": form_address(prediction.scheme, prediction.features),
        "another": form_address(prediction.scheme, {}),
        "basis": basis_sentence(prediction.version.basis),
        "year": prediction.version.price_year,
    }
    return render(request, "predictor/quote.html", context)


def _readable_comparables(prediction):
    """The stones behind the price, ready to read; none where the forest's file is gone."""
    try:
        found = comparables_of(prediction, SHOWN_COMPARABLES)
    except (ForestFileError, OSError):
        return []
    return [
        {
            "weight": percent(one["weight"]),
            "price": money(one["price"]),
            "adjusted": money(one["adjusted_price"]),
            "stone": [
                (LABELS[name], _value_text(name, value)) for name, value in one["stone"].items()
            ],
        }
        for one in found
    ]


def _value_text(name, value):
    return value if isinstance(value, str) else figure(value)


def _short_name(prediction):
    """The stone in a few words: its weight and, where they are known, its grades."""
    weight = f"{figure(prediction.carat)}\xa0ct"
    if prediction.scheme == "coded":
        return weight
    return f"{weight}, {prediction.cut}, {prediction.color}, {prediction.clarity}"


def _input_row(scheme, name, value):
    """(label, value with its unit, what a code stands for) of one input."""
    if name in MEASURES:
        unit = MEASURES[name].unit
        return LABELS[name], f"{figure(value)}{'' if unit == '%' else chr(160)}{unit}", ""
    return LABELS[name], value, ", ".join(CODES[name][value]) if scheme == "coded" else ""


def _picture(prediction):
    """Where the range and the price lie in the picture, and their distance, all in percent."""
    low, high, price = prediction.low, prediction.high, prediction.price
    share = (price - low) / (high - low) if high > low else 0.5
    width = 100 - 2 * PICTURE_MARGIN
    return {
        "left": f"{PICTURE_MARGIN}%",
        "width": f"{width}%",
        "right": f"{100 - PICTURE_MARGIN}%",
        "price": f"{PICTURE_MARGIN + width * share:.2f}%",
        "below": f"−{percent(1 - low / price, 0)}",
        "above": f"+{percent(high / price - 1, 0)}",
    }

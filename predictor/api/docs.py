"""The API's documentation page: its parameters, examples, and a form to try it (Swagger UI)."""

import json
from urllib.parse import urlencode

from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from ml.stones import CODES, EXAMPLES, MEASURES
from predictor.errors import NoLiveForest
from predictor.pricing.answers import as_json
from predictor.pricing.serializers import (
    DEFAULT_COMPARABLES,
    MAX_COMPARABLES,
    MAX_STONES,
    GradeField,
    LevelField,
    MeasureField,
)
from predictor.pricing.services import PricePredictor, live_validators
from predictor.versions.live import registry
from predictor.web.exceptions import wrong_method
from predictor.wording.figures import figure, number
from predictor.wording.labels import LABELS, SCHEME_TITLES


@csrf_exempt  # so that other methods get a 405 with the allowed ones
def docs(request):
    """The page. It lies below /api/, so another method gets a 405 in JSON."""
    if request.method not in ("GET", "HEAD"):
        return wrong_method(request, ["GET", "HEAD"])
    context = {
        "parameters": _parameters(live_validators()),
        "schemes": SCHEME_TITLES.items(),
        "examples": [_example(request, scheme) for scheme in SCHEME_TITLES],
        "sample": _sample_answer(),
        "programs": _programs(request.build_absolute_uri(reverse("predict"))),
        "most": number(MAX_STONES),
        "comparables": DEFAULT_COMPARABLES,
        "most_comparables": MAX_COMPARABLES,
    }
    return render(request, "predictor/docs.html", context)


ASKING = 1.05
"""How much over the estimate the asking price of the sample is, a ratio."""


def _sample_answer():
    """The answer to the first example with an asking price, as JSON without an ID; "" without a model."""
    stone = EXAMPLES["graded"][0]
    try:
        prediction = PricePredictor().preview(stone)
    except NoLiveForest:
        return ""
    prediction.asking = float(round(prediction.price * ASKING, -2))
    forest = registry.live("graded").forest
    answer = forest.answer(forest.row(prediction.features))
    if (percentile := forest.percentile_of(answer, prediction.asking)) is not None:
        prediction.percentile = round(percentile, 1)
    shown = as_json(prediction) | {"id": "…", "url": "…"}
    return json.dumps(shown, ensure_ascii=False, indent=2)


PYTHON = """\
import json
from urllib.request import Request, urlopen

stone = {stone}
headers = {{"Content-Type": "application/json"}}
request = Request("{address}", json.dumps(stone).encode(), headers)
with urlopen(request) as response:
    answer = json.load(response)
print(answer["predicted_price"], answer["price_range"], answer["url"])
"""

JAVASCRIPT = """\
const stone = {stone};
const response = await fetch("{address}", {{
  method: "POST",
  headers: {{"Content-Type": "application/json"}},
  body: JSON.stringify(stone),
}});
const answer = await response.json();
console.log(answer.predicted_price, answer.price_range, answer.url);
"""


def _programs(address):
    """[(language, program), …] that price a stone; the tests run them against a server."""
    stone = json.dumps(EXAMPLES["graded"][0])
    programs = {"Python": PYTHON, "JavaScript": JAVASCRIPT}
    return [(name, text.format(stone=stone, address=address)) for name, text in programs.items()]


def _parameters(validators):
    """[(name, description, values in each scheme), …] of a stone's parameters."""
    fields = {scheme: validators[scheme].fields for scheme in SCHEME_TITLES}
    return [
        (name, label, [_accepted_values(name, some.get(name)) for some in fields.values()])
        for name, label in LABELS.items()
        if any(name in some for some in fields.values())
    ]


def _accepted_values(name, field):
    if field is None:
        return "–"
    if isinstance(field, MeasureField):
        low, high = figure(field.low), figure(field.high)
        return f"{_('{low} to {high}').format(low=low, high=high)}{MEASURES[name].suffix}"
    if isinstance(field, LevelField):
        return f"{', '.join(field.grades)}; {_('or not stated')}"
    if isinstance(field, GradeField):
        return ", ".join(reversed(field.grades))
    return "; ".join(f"{code} = {', '.join(some)}" for code, some in CODES[name].items())


def _example(request, scheme):
    """An example stone for GET and POST: the scheme's title, the address and the command."""
    stone, path = EXAMPLES[scheme][0], reverse("predict")
    address = request.build_absolute_uri(path)
    posted = f"curl {address} -H 'Content-Type: application/json' -d '{json.dumps(stone)}'"
    return {
        "title": SCHEME_TITLES[scheme],
        "link": f"{path}?{urlencode(stone)}",
        "get": f"{address}?{urlencode(stone)}",
        "post": posted,
    }

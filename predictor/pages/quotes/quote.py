"""The quote page: a recorded answer, and its comparables. For programs, the API's object again.

The answer is shown as it was recorded. Everything else is computed again by the version that answered.
"""

import numpy as np
from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from ml.stones import bounded
from ml.vocabulary import is_of_width
from predictor.charts.svg import histogram, price_against_carat
from predictor.models import Prediction
from predictor.pages.quotes.asking import read_asking, verdict_context, with_asking
from predictor.pages.quotes.changes import changes_context
from predictor.pages.quotes.recent import ids_of, remember_asking
from predictor.pages.quotes.shared import pictures_of, range_sentence
from predictor.pages.stone_form.forms import form_address
from predictor.pages.stone_form.parsing import depth_was_left_empty
from predictor.pricing.answers import as_json, described
from predictor.pricing.face_up import face_up
from predictor.quotes.evidence import evidence_of, picture
from predictor.quotes.presentation import answer_context, input_row, measure, short_name
from predictor.wording.figures import in_currency, money, number, percent
from predictor.wording.labels import SCHEME_TITLES, label_of, level_label
from predictor.wording.sentences import scope_sentence

SHOWN, CHARTED = 8, 40
"""How many comparables the table shows at first, and in all; the chart shows the same number."""


@require_safe
@vary_on_headers("Accept", "Cookie")
def quote(request, id):  # noqa: A002
    """A recorded answer, as stored; refused requests have no quote."""
    answers = Prediction.objects.filter(status=200).select_related("version")
    found = answers.defer("version__card").filter(pk=id)
    preferred = request.get_preferred_type(["text/html", "application/json"])
    if preferred == "application/json" or request.GET.get("format") == "json":
        return _for_programs(found.first())
    prediction = found.first()
    if prediction is None:
        return render(request, "predictor/no_quote.html", {"recent": ids_of(request)}, status=404)
    with in_currency(prediction.version.currency):
        return _page(request, prediction)


def _for_programs(prediction):
    """The API's answer for the stone, or its error; in English, like the whole API."""
    english = {"Content-Language": "en"}
    if prediction is None:
        return JsonResponse({"detail": "Quote not found."}, status=404, headers=english)
    return JsonResponse(as_json(prediction), headers=english)


def _page(request, prediction):
    evidence = evidence_of(prediction)
    asking = read_asking(request.GET.get("asking", ""), prediction)
    judged = with_asking(prediction, asking.price)
    context = answer_context(prediction) | {
        "prediction": prediction,
        "name": short_name(prediction),
        "per_carat": money(prediction.price_per_carat),
        "measured": percent(prediction.version.scores["coverage"]),
        "picture": picture(judged),
        "stone": [
            input_row(prediction.scheme, name, value, is_of_width(prediction.shape or ""))
            for name, value in prediction.features.items()
        ],
        "depth_derived": prediction.source == Prediction.Source.FORM
        and depth_was_left_empty(prediction.request_object()),
        "asked": bounded(request.GET.get("asking", "")),
        "asking_wrong": asking.wrong,
        "asking_choices": asking.choices,
        "verdict": None if asking.wrong else verdict_context(judged),
        "scheme_title": SCHEME_TITLES[prediction.scheme],
        "address": request.build_absolute_uri(prediction.get_absolute_url()),
        "change": form_address(prediction.scheme, prediction.features),
        "another": form_address(prediction.scheme, {}),
        "scope": scope_sentence(prediction.version),
        "year": prediction.version.price_year,
        "here": request.get_full_path(),
        "gone": evidence is None,
        "pictures": pictures_of(request, prediction),
    }
    context["range_sentence"] = range_sentence(context)
    if evidence:
        context |= _behind(prediction, evidence)
        context["changes"] = changes_context(prediction, evidence.forest)
        context["face_up"] = _face_up_context(prediction, evidence.forest)
    response = render(request, "predictor/quote.html", context)
    if asking.price is not None:
        remember_asking(response, request, prediction, asking.price)
    return response


# The comparables


def _behind(prediction, evidence):
    """The comparables for display, and their two charts."""
    comparables, forest = evidence.answer.comparables, evidence.forest
    weights = np.array([one.weight for one in comparables])
    adjusted = np.array([one.adjusted_price for one in comparables])
    heaviest = comparables[:CHARTED]
    carats = forest.recorded_columns["carat"]
    rows = [_readable(one) for one in described(forest, heaviest)]
    marks = {"low": prediction.low, "this": prediction.price, "high": prediction.high}
    spread = histogram(adjusted, weights, marks)
    for bar in spread["bars"]:
        bar["label"] = f"{money(bar['from'])} – {money(bar['to'])}"
        bar["percent"] = percent(bar["share"])
    return {
        "comparables": rows[:SHOWN],
        "more_comparables": rows[SHOWN:],
        "count": number(len(comparables)),
        "charted": number(len(heaviest)),
        "charted_share": percent(float(weights[:CHARTED].sum()), 0),
        "against_carat": price_against_carat(
            [(float(carats[one.row]), one.price, one.weight) for one in heaviest],
            prediction.carat,
            prediction.price,
        ),
        "spread": spread,
    }


def _readable(one):
    return {
        "weight": percent(one["weight"]),
        "price": money(one["price"]),
        "adjusted": money(one["adjusted_price"]),
        "stone": [
            (label_of(name, "shape" in one["stone"]), _value_text(name, value))
            for name, value in one["stone"].items()
        ],
    }


def _value_text(name, value):
    return level_label(name, value) if isinstance(value, str) else measure(name, value)


# The picture of its size


def _face_up_context(prediction, forest):
    found = face_up(prediction.features, forest)
    return found and {
        "kind": found.kind,
        "diameter": number(found.diameter, 2),
        "usual": number(found.usual, 2),
        "share": percent(abs(found.share)),
        "looks_like": number(found.looks_like, 2),
        "stones": number(found.stones),
    }

"""The home page: a description of the product, and the form."""

from urllib.parse import urlencode

from django.conf import settings
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from ml.stones import BASIS, CODES, COVERAGE, EXAMPLES, SCHEMES
from predictor.history.record import KEPT_OF_REQUEST
from predictor.pages.quotes import recent
from predictor.pages.stone_form.forms import (
    OTHER,
    StoneForm,
    chosen_scheme,
    example_stone,
    form_address,
)
from predictor.pricing.serializers import MAX_STONES
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.access import count_request
from predictor.web.clients import signed_in
from predictor.web.parsers import as_text
from predictor.wording.figures import figure, in_currency, money, number, percent
from predictor.wording.labels import LABELS, SCHEME_TITLES
from predictor.wording.sentences import prices_sentence

predictor = PricePredictor()

NOT_OF_THE_STONE = ("csrfmiddlewaretoken", "scheme", OTHER)
"""Prefixes of the form fields that are not part of the stone."""


@require_http_methods(["GET", "HEAD", "POST"])
def home(request):
    """The description of the product, and the form; a valid stone redirects to its quote.

    A tab submits the form, too, so that what is typed is kept for the other tab.
    """
    live = _live_models()
    if request.method != "POST":
        scheme = chosen_scheme(request.GET)
        form = StoneForm(scheme, initial=request.GET.dict(), forest=_forest(live, scheme))
        return _show(request, form, live)
    scheme = chosen_scheme(request.POST)
    form = StoneForm(scheme, request.POST, forest=_forest(live, scheme))
    if request.POST.get("tab") in SCHEMES:
        return redirect(form.other_address(request.POST["tab"]))
    count_request(request)
    request.caller = _caller_of(request)
    parsed = form.parsed()
    try:
        prediction = _quoted(parsed, request.caller)
    except ValidationError as error:
        form.show(error.detail, parsed.choices)
        return _show(request, form, live, status=400)
    request.priced = [prediction]
    return recent.remember(redirect(prediction), request, prediction)


def _live_models():
    registry.ensure_loaded()
    return registry.loaded()


def _forest(live, scheme):
    return live[scheme].forest if scheme in live else None


def _quoted(parsed, caller):
    """The recorded answer; if the form cannot read a value, records all errors at once."""
    if parsed.errors:
        predictor.refuse(parsed.all_errors(), caller)
    return predictor.quote(parsed.payload, caller)


def _caller_of(request):
    return Caller("form", signed_in(request), as_text(_sent(request.POST).encode()))


def _sent(data):
    """The submitted stone as a query string, cut to the length that is recorded."""
    texts, length = [], 0
    for name, values in data.lists():
        for value in values:
            if not name.startswith(NOT_OF_THE_STONE) and length <= KEPT_OF_REQUEST:
                texts.append(urlencode([(name[:KEPT_OF_REQUEST], value[:KEPT_OF_REQUEST])]))
                length += len(texts[-1])
    return "&".join(texts)


def _show(request, form, live, status=200):
    versions = [live[scheme].version for scheme in SCHEME_TITLES if scheme in live]
    context = {
        "form": form,
        "here": form.address() if form.is_bound else request.get_full_path(),
        "taken_along": "stone",
        "tabs": SCHEME_TITLES.items(),
        "example": form_address(
            form.scheme, example_stone(form.scheme, _forest(live, form.scheme))
        ),
        "codes": [(LABELS[name], meanings.items()) for name, meanings in CODES.items()],
        "examples": list(_examples(request)),
        "open_api": settings.API_ACCESS == "open",
        "can_price": form.scheme in live,
        "trained_on": number(live[form.scheme].version.rows["training"])
        if form.scheme in live
        else "",
        "models": [_account(version) for version in versions],
        "scores": _score_table(versions),
        "basis": prices_sentence(live[form.scheme].version.basis if form.scheme in live else BASIS),
        "most": number(MAX_STONES),
        "recent": recent.ids_of(request),
    }
    return render(request, "predictor/home.html", context, status=status)


def _examples(request):
    """[(description, address), …] of the example requests, on the server of this request."""
    for scheme, title in SCHEME_TITLES.items():
        for stone in EXAMPLES[scheme]:
            address = request.build_absolute_uri(f"{reverse('predict')}?{urlencode(stone)}")
            yield f"{title}, {figure(stone['carat'])}\xa0ct", address


def _account(version):
    """How a version was made, in figures."""
    rows = version.rows
    return {
        "title": SCHEME_TITLES[version.scheme],
        "version": version,
        "counts": {name: number(rows[name]) for name in ("raw", "clean", "training")},
        "held_out": number(rows["held out"]),
        "dropped": [(number(count), _(cause)) for cause, count in rows["dropped"].items() if count],
    }


def _amounts(versions, score):
    """A score in money of each version, in its own currency."""
    found = []
    for version in versions:
        with in_currency(version.currency):
            found.append(money(version.scores[score]))
    return found


def _score_table(versions):
    """The table of scores: (label, explanation, a cell for each version)."""
    scores = [version.scores for version in versions]
    return [
        (
            _("Mean error (MAE)"),
            _("average difference from the asking price"),
            _amounts(versions, "mae"),
        ),
        (
            _("Mean relative error (MAPE)"),
            _("the same as a percentage of the price"),
            [percent(s["mape"]) for s in scores],
        ),
        (
            _("Root mean square error (RMSE)"),
            _("large errors count more"),
            _amounts(versions, "rmse"),
        ),
        (
            _("Explained variance (R²)"),
            _("1 is perfect"),
            [number(s["r2"], 4) for s in scores],
        ),
        (
            _("Prices inside their range"),
            _("target: {ratio}").format(ratio=percent(COVERAGE, 0)),
            [percent(s["coverage"]) for s in scores],
        ),
        (
            _("Stones tested"),
            _("none of them used for training"),
            [number(s["stones"]) for s in scores],
        ),
    ]

"""The home page: the form, which also takes a pasted report and an asking price."""

from urllib.parse import urlencode

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from ml.stones import CODES, SCHEMES
from ml.tables.report import MOST_CHARACTERS
from predictor.errors import NoLiveForest
from predictor.history.record import KEPT_OF_REQUEST
from predictor.pages.quotes import recent
from predictor.pages.quotes.asking import read_asking, read_asking_alone
from predictor.pages.stone_form.forms import (
    OTHER,
    StoneForm,
    chosen_scheme,
    example_stone,
    form_address,
)
from predictor.pages.stone_form.pasted import pasted
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.access import count_request
from predictor.web.clients import signed_in
from predictor.web.parsers import as_text
from predictor.wording.labels import LABELS, SCHEME_TITLES
from predictor.wording.sentences import scope_sentence

predictor = PricePredictor()

NOT_OF_THE_STONE = ("csrfmiddlewaretoken", "scheme", OTHER)
"""Prefixes of the form fields that are not part of the stone."""


@require_http_methods(["GET", "HEAD", "POST"])
def home(request):
    """The description of the product, and the form; a valid stone redirects to its quote.

    A tab submits the form, too, so that what is typed is kept for the other tab; so does the button that
    only fills in what a pasted report says.
    """
    live = _live_models()
    if request.method != "POST":
        scheme = chosen_scheme(request.GET)
        form = StoneForm(scheme, initial=request.GET.dict(), live=live.get(scheme))
        return _show(request, form, live)
    data, report = pasted(request.POST)
    scheme = chosen_scheme(data)
    form = StoneForm(scheme, data, live=live.get(scheme))
    if request.POST.get("tab") in SCHEMES:
        return redirect(form.other_address(request.POST["tab"]))
    count_request(request)
    if "read" in request.POST:
        status = 400 if report and report.wrong else 200
        return _show(request, form, live, status, report)
    request.caller = Caller("form", signed_in(request), as_text(_sent(data).encode()))
    parsed, asking = form.parsed(), _asking_of(form)
    try:
        prediction = _quoted(parsed, asking, report, request.caller)
    except ValidationError as error:
        form.show(error.detail, _choices(parsed, asking))
        return _show(request, form, live, 400, report)
    request.priced = [prediction]
    return recent.remember(redirect(prediction), request, prediction)


def _live_models():
    registry.ensure_loaded()
    return registry.loaded()


def _quoted(parsed, asking, report, caller):
    """The recorded answer; if the form cannot read a value, records all errors at once."""
    errors = {"asking": [asking.wrong]} if asking.wrong else {}
    if report and report.wrong:
        errors["report"] = [report.wrong]
    if errors or parsed.errors or parsed.lacks_depth:
        predictor.refuse({**parsed.all_errors(), **errors}, caller)
    options = {} if asking.price is None else {"asking": repr(asking.price)}
    return predictor.quote(parsed.payload, caller, {"assume": "true", **options})


def _asking_of(form):
    """The AskingPrice of a form; near the price of its stone if that has one."""
    text = form.data.get("asking", "")
    try:
        prediction = predictor.preview(form.parsed().payload) if text.strip() else None
    except (ValidationError, NoLiveForest):
        prediction = None
    return read_asking(text, prediction) if prediction else read_asking_alone(text, form.scheme)


def _choices(parsed, asking):
    """{field: ((value, label), …)} of the values that can replace a refused one."""
    label = _("Price it as {value}")
    found = {
        name: [(value, label.format(value=value)) for value in values]
        for name, values in parsed.choices.items()
    }
    return found | ({"asking": asking.choices} if asking.choices else {})


def _sent(data):
    """The submitted stone as a query string, cut to the length that is recorded; the report comes last."""
    texts, length = [], 0
    for name, values in data.lists():
        for value in values:
            if not name.startswith(NOT_OF_THE_STONE) and length <= KEPT_OF_REQUEST:
                texts.append(urlencode([(name[:KEPT_OF_REQUEST], value[:KEPT_OF_REQUEST])]))
                length += len(texts[-1])
    return "&".join(texts)


def _show(request, form, live, status=200, report=None):
    model = live.get(form.scheme)
    context = {
        "form": form,
        "report": report,
        "most": MOST_CHARACTERS,
        "here": form.address() if form.is_bound else request.get_full_path(),
        "taken_along": "stone",
        "tabs": SCHEME_TITLES.items(),
        "example": form_address(form.scheme, example_stone(form.scheme, model and model.forest)),
        "codes": [(LABELS[name], meanings.items()) for name, meanings in CODES.items()],
        "version": model and model.version,
        "scope": scope_sentence(model and model.version),
        "recent": recent.ids_of(request),
    }
    return render(request, "predictor/home.html", context, status=status)

"""The latest quotes of this browser, and several of them side by side."""

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import BadSignature
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ml.stones import bounded
from predictor.models import Prediction
from predictor.pages.quotes.comparison import compared
from predictor.pricing.amounts import AmountRefused, price_typed
from predictor.quotes.presentation import range_text, short_name
from predictor.wording.figures import in_currency, money
from predictor.wording.labels import SCHEME_TITLES

COOKIE = "quotes"
KEPT = 10
"""How many quotes a browser remembers."""

DAYS = 180
MOST = 4
"""The most quotes that are compared side by side."""


def ids_of(request):
    """The ids of the quotes in the browser's cookie, latest first; none if the cookie was
    changed."""
    try:
        text = request.get_signed_cookie(COOKIE, default="")
    except BadSignature:
        return []
    return [uuid.UUID(one) for one in text.split(".") if one]


def remember(response, request, prediction):
    """Adds a quote to the browser's cookie; returns the response."""
    ids = [prediction.pk, *(one for one in ids_of(request) if one != prediction.pk)][:KEPT]
    response.set_signed_cookie(
        COOKIE,
        ".".join(one.hex for one in ids),
        max_age=DAYS * 86_400,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@require_safe
def quotes(request):
    """The latest quotes of this browser, to open again or to choose for the comparison."""
    found = _found(ids_of(request))
    context = {"quotes": [_row(one) for one in found], "most": MOST, "kept": KEPT}
    return render(request, "predictor/quotes.html", context)


@require_POST
def forget(request):
    """Removes the quotes from the browser; the records stay."""
    response = redirect("quotes")
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


@require_safe
def comparison(request):
    """Two to four quotes side by side, with the asking prices entered for them."""
    ids = [one for one in dict.fromkeys(map(_as_id, request.GET.getlist("id"))) if one]
    found = _found(ids[:MOST])
    if len(found) < 2 or len(ids) > MOST:
        message = _("Choose two to four quotes to compare.")
        context = {
            "quotes": [_row(one) for one in _found(ids_of(request))],
            "message": message,
            "most": MOST,
            "kept": KEPT,
        }
        return render(request, "predictor/quotes.html", context, status=400)
    typed = _typed(found, request.GET)
    read = [read_asking(text, one) for one, text in zip(found, typed, strict=True)]
    askings = [
        one.asking if not text.strip() else asking.price
        for one, text, asking in zip(found, typed, read, strict=True)
    ]
    context = compared(found, askings) | {"fields": _fields(found, typed, read)}
    wrong = any(asking.wrong for asking in read)
    if wrong:
        context["verdict"] = _("Correct the asking price below to see which stone is the best buy.")
    return render(request, "predictor/comparison.html", context, status=400 if wrong else 200)


def _fields(found, typed, read):
    """The form fields of the asking prices."""
    return [
        {
            "for": str(one.pk),
            "id": f"asking-{place + 1}",
            "name": "asking",
            "label": short_name(one),
            "unit": one.version.currency,
            "value": typed[place],
            "wrong": asking.wrong,
            "choices": [
                (_address(found, [*typed[:place], price, *typed[place + 1 :]]), label)
                for price, label in asking.choices
            ],
        }
        for place, (one, asking) in enumerate(zip(found, read, strict=True))
    ]


def _address(found, typed):
    """The address of the comparison of these quotes with these asking prices."""
    data = {"id": [one.pk for one in found], "asking": typed}
    return f"{reverse('comparison')}?{urlencode(data, doseq=True)}"


def _as_id(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _found(ids):
    """The recorded answers with the given ids, in their order, without those that were pruned since."""
    answers = Prediction.objects.filter(status=200, pk__in=ids).select_related("version")
    by_id = {one.pk: one for one in answers.defer("version__card")}
    return [by_id[one] for one in ids if one in by_id]


def _row(prediction):
    with in_currency(prediction.version.currency):
        return {
            "prediction": prediction,
            "name": short_name(prediction),
            "scheme": SCHEME_TITLES[prediction.scheme],
            "price": money(prediction.predicted_price),
            "range": range_text(prediction),
        }


def _typed(found, data):
    texts = dict(zip(data.getlist("id"), map(bounded, data.getlist("asking")), strict=False))
    return [texts.get(str(one.pk), "") for one in found]


@dataclass(frozen=True)
class AskingPrice:
    """An asking price as typed: the price, or None with the error; choices: as in AmountRefused."""

    price: float | None = None
    wrong: str = ""
    choices: tuple = ()


def read_asking(text, prediction):
    """Reads an asking price for a quote, in its answer's currency; an AskingPrice."""
    if not (text := bounded(text)).strip():
        return AskingPrice()
    try:
        return AskingPrice(price_typed(text, prediction))
    except AmountRefused as refused:
        return AskingPrice(wrong=str(refused), choices=tuple(refused.choices))

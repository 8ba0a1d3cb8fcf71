"""The latest quotes of this browser, and several of them side by side."""

import uuid
from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import BadSignature
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ml.stones import bounded
from predictor.models import Prediction
from predictor.pages.quotes.asking import read_asking, verdict_context, with_asking
from predictor.pages.quotes.comparison import compared, distinct
from predictor.pricing.serializers import UNPRINTABLE
from predictor.quotes.presentation import range_text, short_name
from predictor.wording.figures import in_currency, money
from predictor.wording.labels import SCHEME_TITLES

COOKIE = "quotes"
KEPT = 10
"""How many quotes a browser remembers."""

ASKED = "~"
"""Between a quote's id in the cookie and its asking price, whose decimal mark is an underscore."""

DAYS = 180
MOST = 4
"""The most quotes that are compared side by side."""

LONGEST_NAME = 40
"""The most characters of the name that a user gives a quote."""


def ids_of(request):
    """The ids of the quotes in the browser's cookie, latest first; none if the cookie was
    changed."""
    return list(_remembered(request))


def _remembered(request):
    """{id: the asking price that was entered for the quote last, or None}, latest first."""
    try:
        text = request.get_signed_cookie(COOKIE, default="")
    except BadSignature:
        return {}
    parts = [one.partition(ASKED) for one in text.split(".") if one]
    return {
        uuid.UUID(one): float(price.replace("_", ".")) if price else None for one, _, price in parts
    }


def remember(response, request, prediction, asking=None):
    """Adds a quote to the browser's cookie, with the asking price entered for it; returns the response."""
    entries = {prediction.pk: asking, **_remembered(request)} | {prediction.pk: asking}
    return _set_cookie(response, dict(list(entries.items())[:KEPT]))


def remember_asking(response, request, prediction, asking):
    """Keeps an asking price beside a quote that is in the browser's cookie; returns the response."""
    entries = _remembered(request)
    if prediction.pk not in entries:
        return response
    return _set_cookie(response, entries | {prediction.pk: asking})


def _set_cookie(response, entries):
    prices = {
        one: f"{ASKED}{price:.12g}".replace(".", "_") if price else ""
        for one, price in entries.items()
    }
    response.set_signed_cookie(
        COOKIE,
        ".".join(f"{one.hex}{price}" for one, price in prices.items()),
        max_age=DAYS * 86_400,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@require_safe
def quotes(request):
    """The latest quotes of this browser, to open again or to choose for the comparison."""
    context = {"quotes": _rows(request), "most": MOST, "kept": KEPT}
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
            "quotes": _rows(request),
            "message": message,
            "most": MOST,
            "kept": KEPT,
        }
        return render(request, "predictor/quotes.html", context, status=400)
    typed = _typed(found, request.GET)
    read = [read_asking(text, one) for one, text in zip(found, typed, strict=True)]
    entered = _remembered(request)
    askings = [
        asking.price if text.strip() else entered.get(one.pk) or one.asking
        for one, text, asking in zip(found, typed, read, strict=True)
    ]
    names = _named(found, request.GET)
    shown = [
        text or (f"{asking:.12g}" if asking else "")
        for text, asking in zip(typed, askings, strict=True)
    ]
    context = compared(found, askings, names) | {"fields": _fields(found, shown, read, names)}
    wrong = any(asking.wrong for asking in read)
    if wrong:
        context["verdict"] = _("Correct the asking price below to see which stone is the best buy.")
    return render(request, "predictor/comparison.html", context, status=400 if wrong else 200)


def _fields(found, typed, read, names):
    """The form fields of each quote: its name and its asking price."""
    shown_names = distinct(found, [""] * len(found))
    return [
        {
            "for": str(one.pk),
            "id": f"asking-{place + 1}",
            "name": "asking",
            "label": _("Asking price"),
            "unit": one.version.currency,
            "value": typed[place],
            "wrong": asking.wrong,
            "title": shown_names[place],
            "named": names[place],
            "choices": [
                (_address(found, [*typed[:place], price, *typed[place + 1 :]], names), label)
                for price, label in asking.choices
            ],
        }
        for place, (one, asking) in enumerate(zip(found, read, strict=True))
    ]


def _address(found, typed, names):
    """The address of the comparison of these quotes with these asking prices and names."""
    data = {"id": [one.pk for one in found], "asking": typed, "name": names}
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


def _rows(request):
    entries = _remembered(request)
    return [_row(with_asking(one, entries[one.pk])) for one in _found(entries)]


def _row(prediction):
    with in_currency(prediction.version.currency):
        return {
            "prediction": prediction,
            "name": short_name(prediction),
            "scheme": SCHEME_TITLES[prediction.scheme],
            "price": money(prediction.predicted_price),
            "range": range_text(prediction),
            "asking": prediction.asking and money(prediction.asking),
            "verdict": verdict_context(prediction),
        }


def _typed(found, data, field="asking"):
    ids = map(_as_id, data.getlist("id"))
    texts = dict(zip(ids, map(bounded, data.getlist(field)), strict=False))
    return [texts.get(one.pk, "") for one in found]


def _named(found, data):
    """The names that the user gave the quotes, "" without one."""
    return [
        UNPRINTABLE.sub("", name).strip()[:LONGEST_NAME] for name in _typed(found, data, "name")
    ]

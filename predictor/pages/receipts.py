"""Receipts for people: the receipt of a quote, with its QR code, and a page that checks any receipt.

Both work without JavaScript. What is pasted is bounded before it is read.
"""

from io import BytesIO
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from predictor.models import Prediction
from predictor.quotes.presentation import trade_name
from predictor.receipts.services import (
    GENUINE,
    LARGEST,
    NO_FILE,
    OTHER_ANSWER,
    OTHER_PRICE,
    PARAMETER,
    judge,
    receipt_of_recorded,
)
from predictor.web.access import count_request
from predictor.wording.figures import in_currency, money

VERDICTS = {
    GENUINE: (
        gettext_lazy("Genuine"),
        gettext_lazy(
            "This site signed this receipt, and the model file of its version gives this price."
        ),
    ),
    NO_FILE: (
        gettext_lazy("Signed by this site"),
        gettext_lazy(
            "This site signed this receipt. Its price was not computed again: the model file of its "
            "version is not available."
        ),
    ),
    OTHER_PRICE: (
        gettext_lazy("Not reliable"),
        gettext_lazy("The receipt is signed, but the model file gives another price."),
    ),
    OTHER_ANSWER: (
        gettext_lazy("Changed"),
        gettext_lazy("The answer was changed: it differs from the receipt in it."),
    ),
    "changed": (
        gettext_lazy("Not genuine"),
        gettext_lazy("The receipt was changed, or this site did not sign it."),
    ),
    "unknown_key": (
        gettext_lazy("Not from this site"),
        gettext_lazy("It is signed with a key that this site does not have."),
    ),
    "not_signed": (
        gettext_lazy("Not a receipt"),
        gettext_lazy("This is not a receipt of this site, or a part of it is missing."),
    ),
    "too_long": (
        gettext_lazy("Not a receipt"),
        gettext_lazy("The text is too long for a receipt."),
    ),
    "other_record": (
        gettext_lazy("The record was changed"),
        gettext_lazy(
            "This site signed this receipt, but its history has another answer under the same ID."
        ),
    ),
}
"""{code of a Verdict: (a word, a sentence)}"""

GOOD = (GENUINE, NO_FILE)


@require_http_methods(["GET", "HEAD", "POST"])
def receipts(request):
    """The page that checks a receipt: pasted (POST), or from a QR code (GET)."""
    sent = (request.POST if request.method == "POST" else request.GET).get(PARAMETER)
    if not sent:
        return render(request, "predictor/receipts.html", {"most": LARGEST})
    count_request(request)
    verdict = judge(sent)
    code = "other_record" if verdict.recorded is False else verdict.code
    word, sentence = VERDICTS[code]
    context = {
        "most": LARGEST,
        "good": code in GOOD,
        "word": word,
        "sentence": sentence,
        "shown": verdict.content and _shown(verdict),
        "here": reverse("receipts"),
    }
    return render(request, "predictor/receipts.html", context, status=200 if code in GOOD else 400)


def _shown(verdict):
    """What was signed, and the address of the quote, if there is one."""
    content = verdict.content
    stone = Prediction(**{name: content[name] for name in ("scheme", "price", "low", "high")})
    with in_currency(content["currency"]):
        amounts = money(stone.predicted_price), money(stone.whole_low), money(stone.whole_high)
    price, low, high = amounts
    return {
        "stone": trade_name(content["features"], content["scheme"]),
        "price": price,
        "range": _("{low} to {high}").format(low=low, high=high),
        "created": parse_datetime(content["created"]),
        "signed": parse_datetime(content["signed"]),
        "version": content["version"],
        "scheme": content["scheme"],
        "sha256": content["sha256"],
        "id": content["id"],
        "quote": verdict.recorded and reverse("quote", args=[content["id"]]),
        "is_gone": verdict.recorded is None and verdict.code in GOOD,
    }


def _answer(id_):
    answers = Prediction.objects.filter(status=200).select_related("version")
    return get_object_or_404(answers.defer("version__card"), pk=id_)


def _receipt_or_404(id_):
    receipt = receipt_of_recorded(_answer(id_))
    if receipt is None:
        raise Http404
    return receipt


@require_safe
def quote_receipt(request, id):  # noqa: A002
    """The receipt of a recorded answer, as text and as a QR code; 404 if its price cannot be repeated."""
    context = {"id": id, "receipt": _receipt_or_404(id)}
    return render(request, "predictor/quote_receipt.html", context)


@require_safe
def quote_qr(request, id):  # noqa: A002
    """The QR code of a recorded answer's receipt, SVG: the address of the page that checks it."""
    count_request(request)
    address = request.build_absolute_uri(reverse("receipts"))
    drawn = _drawn(f"{address}?{urlencode({PARAMETER: _receipt_or_404(id)})}")
    return HttpResponse(drawn, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _drawn(text):
    import segno

    code, drawn = segno.make(text, error="l", boost_error=False, micro=False, mask=MASK), BytesIO()
    code.save(drawn, "svg", border=4, light="#fff", omitsize=True)
    return drawn.getvalue()


MASK = 0
"""The pattern of the QR code; to choose the best of eight takes longer than all the rest."""

"""What a shared link to a quote shows: its picture, in the language of its address."""

from functools import lru_cache

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from predictor.charts.shared import SIZES, SharedPicture, draw
from predictor.models import Prediction
from predictor.quotes.presentation import answer_context, short_name
from predictor.web.access import count_request
from predictor.wording.figures import in_currency, money
from predictor.wording.sentences import FAIRNESS, scope_sentence

KEPT = 64
"""How many pictures a process keeps, about 55 kB each."""

SECONDS = 86_400
"""How long others may keep a picture: an answer never changes, but its picture may be drawn anew."""


@require_safe
def picture(request, id, language, size):  # noqa: A002
    """The picture of a recorded answer, PNG; 404 for an unknown language, size or answer."""
    if language not in dict(settings.LANGUAGES) or size not in SIZES:
        raise Http404
    answers = Prediction.objects.filter(status=200).select_related("version")
    prediction = get_object_or_404(answers.defer("version__card"), pk=id)
    count_request(request)
    with override(language), in_currency(prediction.version.currency):
        drawn = _drawn(_texts(prediction), size)
    headers = {"Cache-Control": f"public, max-age={SECONDS}", "Content-Language": language}
    return HttpResponse(drawn, content_type="image/png", headers=headers)


_drawn = lru_cache(maxsize=KEPT)(draw)


def _texts(prediction):
    """The SharedPicture of an answer, in the current language."""
    shown = answer_context(prediction)
    width = prediction.high - prediction.low
    return SharedPicture(
        site=str(_("Diamond prices")),
        stone=_("Diamond: {name}").format(name=short_name(prediction)),
        price=shown["price"],
        low=shown["low"],
        high=shown["high"],
        range=range_sentence(shown),
        basis=f"{scope_sentence(prediction.version)} {_('Not an appraisal.')}",
        place=(prediction.price - prediction.low) / width if width else 0.5,
        **_verdict(prediction, width),
    )


def _verdict(prediction, width):
    """The SharedPicture's texts of the recorded asking price; {} without one."""
    if prediction.asking is None:
        return {}
    both = _("Asking {asking}; our estimate is {price}.")
    prices = {"asking": money(prediction.asking), "price": money(prediction.predicted_price)}
    return {
        "word": str(FAIRNESS[prediction.fairness]),
        "tone": prediction.fairness,
        "both": both.format(**prices),
        "asked": (prediction.asking - prediction.low) / width if width else 0.5,
    }


def range_sentence(shown):
    """The range in a sentence; shown: an answer_context."""
    sentence = (
        _("{coverage} range: from {low} to {high}.")
        if shown["coverage"]
        else _("From {low} to {high}.")
    )
    return sentence.format(**{name: shown[name] for name in ("coverage", "low", "high")})


def pictures_of(request, prediction):
    """[(address, width, height), …] of an answer's pictures in the reader's language."""
    language = get_language()
    addresses = [reverse("quote-picture", args=[prediction.pk, language, size]) for size in SIZES]
    return [
        (request.build_absolute_uri(address), *SIZES[size])
        for address, size in zip(addresses, SIZES, strict=True)
    ]

"""The estimate that the home page shows while the user types: an HTML fragment that htmx inserts."""

from django.shortcuts import render
from django.views.decorators.http import require_POST
from rest_framework.exceptions import ValidationError

from ml.vocabulary import OPTIONAL
from predictor.errors import NoLiveForest
from predictor.pages.quotes.asking import read_asking, verdict_context, with_asking
from predictor.pages.stone_form.forms import StoneForm, chosen_scheme
from predictor.pages.stone_form.pasted import pasted
from predictor.pricing.services import PricePredictor
from predictor.quotes.presentation import answer_context
from predictor.web.access import count_request
from predictor.wording.figures import in_currency

predictor = PricePredictor()


@require_POST
def preview(request):
    """The estimate for the present values of the form, an HTML fragment; nothing is recorded."""
    count_request(request)
    data, report = pasted(request.POST)
    if report and report.wrong:
        return render(request, "predictor/preview.html", {"wrong": [report.wrong]})
    form = StoneForm(chosen_scheme(data), data)
    parsed = form.parsed()
    try:
        if parsed.errors or parsed.lacks_depth:
            raise ValidationError(parsed.all_errors())
        prediction = predictor.preview(parsed.payload)
        with in_currency(prediction.version.currency):
            answer = answer_context(prediction) | _verdict(prediction, form.data.get("asking", ""))
    except ValidationError as error:
        answer = _missing_or_wrong(form, error.detail)
    except NoLiveForest as error:
        answer = {"wrong": [error.message]}
    return render(request, "predictor/preview.html", answer)


def _verdict(prediction, text):
    """The verdict on the asking price, or what is wrong with it."""
    asking = read_asking(text, prediction)
    if asking.price is None:
        return {"asking_wrong": asking.wrong}
    return {"verdict": verdict_context(with_asking(prediction, asking.price))}


def _missing_or_wrong(form, errors):
    """Why there is no price yet: the empty fields, and the errors."""
    empty = [name for name in errors if name in form.fields and not form.data.get(name, "").strip()]
    wrong = [
        f"{form[name].label}: {messages[0]}" if name in form.fields else messages[0]
        for name, messages in errors.items()
        if name not in empty
    ]
    others = (*OPTIONAL, "asking")
    started = any(form.data.get(name, "").strip() for name in form.fields if name not in others)
    return {
        "started": started,
        "missing": [form[name].label for name in empty],
        "wrong": [] if set(errors) == {"non_field_errors"} and not started else wrong,
    }

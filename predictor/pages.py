"""The pages people see: home with its form, and the quote of a recorded answer."""

from urllib.parse import urlencode

from django.conf import settings
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.exceptions import ValidationError

from ml.forest.artifact import ForestFileError
from ml.stones import CODES, COVERAGE, EXAMPLES, MEASURES, PRICE_YEAR, SCHEMES

from . import model_cards
from .access import count_request
from .answers import figure, sentence
from .figures import number, percent, usd
from .forms import LABELS, StoneForm, form_address
from .models import ModelVersion, Prediction
from .parsers import as_text
from .registry import registry
from .serializers import MAX_STONES
from .services import Caller, PricePredictor, comparables_of

predictor = PricePredictor()
NOT_OF_THE_STONE = {"csrfmiddlewaretoken", "scheme"}

SCHEME_TITLES = {
    "graded": gettext_lazy("Grading report"),
    "coded": gettext_lazy("Coded grades"),
}
CAUSES = (
    gettext_noop("zero dimension"),
    gettext_noop("outside the IQR fences"),
    gettext_noop("heavier than solid diamond of its size"),
    gettext_noop("lighter than any cut of its size"),
    gettext_noop("outside the accepted bounds"),
)
"""Why ml.dataset drops a row, for the translators."""

SHOWN_COMPARABLES = 5
PICTURE_MARGIN = 16
"""Percent of the picture's width left free on either side of the range, for its figures."""


@require_http_methods(["GET", "HEAD", "POST"])
def home(request):
    """What the product is, and the form; a valid stone answers with a redirect to its quote."""
    chosen = (request.POST or request.GET).get("scheme")
    scheme = chosen if chosen in SCHEMES else "graded"
    if request.method != "POST":
        return _home(request, StoneForm(scheme, initial=request.GET.dict()))
    count_request(request)
    form = StoneForm(scheme, request.POST)
    request.caller = _caller(request)
    try:
        prediction = predictor.quote(form.payload(), request.caller)
    except ValidationError as error:
        form.show(error.detail)
        return _home(request, form, status=400)
    request.priced = [prediction]
    return redirect(prediction)


def _caller(request):
    typed = request.POST.copy()
    for name in NOT_OF_THE_STONE & typed.keys():
        del typed[name]
    client = request.user.get_username() if request.user.is_authenticated else ""
    return Caller("form", client, as_text(typed.urlencode().encode()))


def _home(request, form, status=200):
    registry.ensure_loaded()
    live = registry.loaded()
    versions = [live[scheme].version for scheme in SCHEME_TITLES if scheme in live]
    context = {
        "form": form,
        "here": form.address() if form.is_bound else request.get_full_path(),
        "tabs": SCHEME_TITLES.items(),
        "example": form_address(form.scheme, EXAMPLES[form.scheme][0]),
        "codes": [(LABELS[name], meanings.items()) for name, meanings in CODES.items()],
        "examples": list(_examples(request)),
        "open_api": settings.API_ACCESS == "open",
        "can_price": form.scheme in live,
        "recorded": max((number(version.rows["raw"]) for version in versions), default=""),
        "models": [_account(version) for version in versions],
        "scores": _scores(versions),
        "year": PRICE_YEAR,
        "most": number(MAX_STONES),
    }
    return render(request, "predictor/home.html", context, status=status)


def _examples(request):
    """(what it asks, address) of each example request, on the server that was asked."""
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


def _scores(versions):
    """The table of scores: (name, what it says, a cell a version)."""
    scores = [version.scores for version in versions]
    return [
        (_("Mean error (MAE)"), _("how far off, on average"), [usd(s["mae"]) for s in scores]),
        (_("Mean relative error (MAPE)"), _("the same, as a share of the price"),
         [percent(s["mape"]) for s in scores]),
        (_("Root mean square error (RMSE)"), _("large misses weigh more"),
         [usd(s["rmse"]) for s in scores]),
        (_("Explained variance (R²)"), _("1 would be perfect"),
         [number(s["r2"], 4) for s in scores]),
        (_("Prices inside their range"),
         _("{ratio} is the aim").format(ratio=percent(COVERAGE, 0)),
         [percent(s["coverage"]) for s in scores]),
        (_("Stones scored"), _("none of them trained on"), [number(s["stones"]) for s in scores]),
    ]  # fmt: skip


@require_safe
def quote(request, id):  # noqa: A002
    """A recorded answer, as stored; refused requests have no quote."""
    prediction = get_object_or_404(
        Prediction.objects.select_related("version").defer("version__card"), pk=id, status=200
    )
    context = {
        "prediction": prediction,
        "name": _name(prediction),
        "price": usd(prediction.predicted_price),
        "per_carat": usd(prediction.price_per_carat, 2),
        "low": usd(prediction.low_usd),
        "high": usd(prediction.high_usd),
        "coverage": percent(COVERAGE, 0),
        "measured": percent(prediction.version.scores["coverage"]),
        "picture": _picture(prediction),
        "stone": [_row(prediction.scheme, *input_) for input_ in prediction.features.items()],
        "warnings": [sentence(warning) for warning in prediction.warnings],
        "comparables": _comparables(prediction),
        "scheme_title": SCHEME_TITLES[prediction.scheme],
        "address": request.build_absolute_uri(prediction.get_absolute_url()),
        "change": form_address(prediction.scheme, prediction.features),
        "another": form_address(prediction.scheme, {}),
        "year": PRICE_YEAR,
    }
    return render(request, "predictor/quote.html", context)


def _comparables(prediction):
    """The stones behind the price, ready to read; none where the forest's file is gone."""
    try:
        found = comparables_of(prediction, SHOWN_COMPARABLES)
    except (ForestFileError, OSError):
        return []
    return [
        {
            "weight": percent(one["weight"]),
            "price": usd(one["price"]),
            "adjusted": usd(one["adjusted_price"]),
            "stone": [(LABELS[name], _value(name, value)) for name, value in one["stone"].items()],
        }
        for one in found
    ]


def _value(name, value):
    return value if isinstance(value, str) else figure(value)


def _name(prediction):
    """The stone in a few words: its weight and, where they are known, its grades."""
    weight = f"{figure(prediction.carat)}\xa0ct"
    if prediction.scheme == "coded":
        return weight
    return f"{weight}, {prediction.cut}, {prediction.color}, {prediction.clarity}"


def _row(scheme, name, value):
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


@require_safe
def model_card(request, scheme, number):
    """How far a version is to be trusted, as training measured it; live or not."""
    version = get_object_or_404(ModelVersion, scheme=scheme, number=number)
    return render(request, "predictor/model_card.html", {"card": model_cards.build(version)})

"""The pages people see: home with its form, and the quote of a recorded answer."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.exceptions import ValidationError

from ml.stones import EXAMPLES, SCHEMES

from .answers import sentence
from .forms import LABELS, StoneForm
from .models import Prediction
from .parsers import as_text
from .registry import registry
from .services import Caller, PricePredictor

predictor = PricePredictor()
NOT_OF_THE_STONE = {"csrfmiddlewaretoken", "scheme"}


@require_http_methods(["GET", "HEAD", "POST"])
def home(request):
    """What the product is, and the form; a valid stone answers with a redirect to its quote."""
    chosen = (request.POST or request.GET).get("scheme")
    scheme = chosen if chosen in SCHEMES else "graded"
    if request.method != "POST":
        return _home(request, StoneForm(scheme))
    form = StoneForm(scheme, request.POST)
    try:
        prediction = predictor.quote(form.payload(), _caller(request))
    except ValidationError as error:
        form.show(error.detail)
        return _home(request, form, status=400)
    return redirect(prediction)


def _caller(request):
    typed = request.POST.copy()
    for name in NOT_OF_THE_STONE & typed.keys():
        del typed[name]
    client = request.user.get_username() if request.user.is_authenticated else ""
    return Caller("form", client, as_text(typed.urlencode().encode()))


def _home(request, form, status=200):
    registry.ensure_loaded()
    context = {
        "form": form,
        "schemes": list(reversed(SCHEMES)),
        "models": [model.version for _, model in sorted(registry.loaded().items(), reverse=True)],
        "examples": [_address(request, stone) for stones in EXAMPLES.values() for stone in stones],
    }
    return render(request, "predictor/home.html", context, status=status)


def _address(request, stone):
    query = "&".join(f"{name}={value}" for name, value in stone.items()).replace(" ", "%20")
    return request.build_absolute_uri(f"{reverse('predict')}?{query}")


@require_safe
def quote(request, id):  # noqa: A002
    """A recorded answer, as stored; refused requests have no quote."""
    prediction = get_object_or_404(
        Prediction.objects.select_related("version"), pk=id, status=200
    )
    context = {
        "prediction": prediction,
        "stone": [(LABELS[name], value) for name, value in prediction.features.items()],
        "warnings": [sentence(warning) for warning in prediction.warnings],
    }
    return render(request, "predictor/quote.html", context)

"""The pages of the models: the list of versions, and each one's model card."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from predictor.model_cards import model_card as cards
from predictor.models import Activation, ModelVersion
from predictor.wording.figures import in_currency, money, number, percent
from predictor.wording.labels import SCHEME_TITLES


@require_safe
def model_card(request, scheme, number):
    """A version's model card, active or not: how accurate it is, as measured at training."""
    version = get_object_or_404(ModelVersion, scheme=scheme, number=number)
    return render(request, "predictor/model_card.html", {"card": cards.build(version)})


LISTED = 100
"""The most versions in the list, latest first."""


@require_safe
def models(request):
    """The versions of the models, latest first, with their scores; the active ones are marked."""
    versions = ModelVersion.objects.defer("card").order_by("-created")[:LISTED]
    active = set(Activation.objects.filter(live=True).values_list("version_id", flat=True))
    rows = [_row(version, version.pk in active) for version in versions]
    return render(request, "predictor/models.html", {"rows": rows})


def _row(version, is_active):
    scores = version.scores
    with in_currency(version.currency):
        return {
            "version": version,
            "title": SCHEME_TITLES[version.scheme],
            "active": is_active,
            "mae": money(scores["mae"]),
            "mape": percent(scores["mape"]),
            "coverage": percent(scores["coverage"]),
            "stones": number(version.rows["training"]),
        }

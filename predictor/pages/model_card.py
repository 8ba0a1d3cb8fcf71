"""The model card's page."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from predictor.model_cards import model_card as cards
from predictor.models import ModelVersion


@require_safe
def model_card(request, scheme, number):
    """How far a version is to be trusted, as training measured it; live or not."""
    version = get_object_or_404(ModelVersion, scheme=scheme, number=number)
    return render(request, "predictor/model_card.html", {"card": cards.build(version)})

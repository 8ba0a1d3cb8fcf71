"""The model card's page."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from predictor.model_cards import model_card as cards
from predictor.models import ModelVersion


@require_safe
def model_card(request, scheme, number):
    """A version's model card, active or not: how accurate it is, as measured at training."""
    version = get_object_or_404(ModelVersion, scheme=scheme, number=number)
    return render(request, "predictor/model_card.html", {"card": cards.build(version)})

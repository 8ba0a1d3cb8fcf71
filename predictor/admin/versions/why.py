"""Why another version would answer a record's stone otherwise: a section of the record's page."""

from django import forms
from django.utils.translation import gettext_lazy

from predictor.model_cards.differences import difference_blocks
from predictor.models import ModelVersion
from predictor.replay.differences import UNEXPLAINED, why
from predictor.wording.figures import in_currency

SEES_VERSIONS = "predictor.view_modelversion"
FILTERS = "_changelist_filters"


class WhyForm(forms.Form):
    """Which version to compare the record's own with."""

    against = forms.ModelChoiceField(
        label=gettext_lazy("Version"), queryset=ModelVersion.objects.none(), empty_label=None
    )


def why_shown(request, prediction):
    """The section for display: `why_form`, and `why_blocks` once a version was chosen;
    {} if there is no other version."""
    if prediction.status != 200 or not request.user.has_perm(SEES_VERSIONS):
        return {}
    version = prediction.version
    others = ModelVersion.objects.filter(scheme=version.scheme, currency=version.currency)
    others = others.exclude(pk=version.pk).defer("card")
    form = WhyForm(request.GET if "against" in request.GET else None)
    form.fields["against"].queryset = others
    blocks = _blocks(prediction, form) if form.is_valid() else []
    shown = {"why_form": form, "why_blocks": blocks, "why_kept": request.GET.get(FILTERS, "")}
    return shown if others else {}


def _blocks(prediction, form):
    version = form.cleaned_data["against"]
    try:
        found = why(prediction, version)
    except UNEXPLAINED as error:
        form.add_error("against", str(error))
        return []
    with in_currency(version.currency):
        return difference_blocks(found, prediction.version, version)

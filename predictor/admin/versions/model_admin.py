"""The model versions to compare and activate, and the history of activations."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.forest.artifact import ForestFileError
from predictor.admin.readonly import ReadOnlyAdmin, pretty
from predictor.admin.versions.replays import SEES_VERSIONS
from predictor.admin.versions.side_by_side import side_by_side, verdict
from predictor.models import Activation, ModelVersion
from predictor.models.reviews import LONGEST_NOTE
from predictor.versions.activation import activate, live_version
from predictor.versions.store import load
from predictor.wording.figures import number, percent


def _amount(version, score):
    """A version's score in money, in its currency."""
    return f"{number(version.scores[score], 1)} {version.currency}"


class WhyForm(forms.Form):
    """Asks for the reason to activate a version."""

    why = forms.CharField(
        label=gettext_lazy("Why?"),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "is_live",
        "created",
        "prices",
        "mae",
        "rmse",
        "r2",
        "coverage",
        "created_by",
        "failure",
    ]
    list_filter = ["scheme"]
    actions = ["activate_version"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "scheme",
                    "number",
                    "is_live",
                    "model_card",
                    "created",
                    "created_by",
                    "failure",
                    "retired",
                    "sunset",
                ]
            },
        ),
        (gettext_lazy("Scores on the test set"), {"fields": ["scores_given", "ranges_given"]}),
        (
            gettext_lazy("Origin"),
            {
                "fields": [
                    "prices",
                    "price_kind",
                    "price_source",
                    "asked_for",
                    "file",
                    "sha256",
                    "data_sha256",
                    "seed",
                    "rows_given",
                    "left_out",
                    "versions_given",
                ]
            },
        ),
    ]

    def get_urls(self):
        view = self.guarded(self.side_by_side_view, SEES_VERSIONS)
        left_out = self.guarded(self.left_out_view, SEES_VERSIONS)
        return [
            path("<int:pk>/left-out/", left_out, name="left-out-rows"),
            path("<int:one>/beside/<int:other>/", view, name="side-by-side"),
            *super().get_urls(),
        ]

    def side_by_side_view(self, request, one, other):
        """Two versions' scores, bands and data, with the better figures marked."""
        pair = [get_object_or_404(ModelVersion, pk=pk) for pk in (one, other)]
        title = _("{one} and {other}").format(one=pair[0], other=pair[1])
        parts = side_by_side(*pair)
        shown = {"one": pair[0], "other": pair[1], "parts": parts, "verdict": verdict(pair, parts)}
        return self.page(request, "side_by_side", title, **shown)

    def left_out_view(self, request, pk):
        """The rows of its list that a version could not use, as CSV."""
        version = get_object_or_404(ModelVersion, pk=pk)
        try:
            content = load(version).left_out
        except (ForestFileError, OSError) as error:
            raise Http404 from error
        if not content:
            raise Http404
        response = HttpResponse(content, content_type="text/csv; charset=utf-8")
        name = f"{version.scheme}-{version.number}-left-out.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @admin.display(description=gettext_lazy("rows left out"))
    def left_out(self, version):
        count = version.rows.get("left out")
        if not count:
            return "–"
        address = reverse("admin:left-out-rows", args=[version.pk])
        return format_html('{} (<a href="{}">CSV</a>)', number(count), address)

    def get_queryset(self, request):
        live = Activation.objects.filter(version=models.OuterRef("pk"), live=True)
        return super().get_queryset(request).annotate(is_live_now=models.Exists(live))

    @admin.display(description=gettext_lazy("model card"))
    def model_card(self, version):
        address = reverse("model-card", args=[version.scheme, version.number])
        return format_html('<a href="{0}">{0}</a>', address)

    @admin.display(description=gettext_lazy("forest file"))
    def file(self, version):
        return version.artifact.name

    @admin.display(description=gettext_lazy("version"), ordering="number")
    def name(self, version):
        return str(version)

    @admin.display(description=gettext_lazy("active"), boolean=True)
    def is_live(self, version):
        return version.is_live_now

    @admin.display(description=gettext_lazy("prices"))
    def prices(self, version):
        return f"{version.currency} {version.price_year}"

    @admin.display(description=gettext_lazy("MAE"))
    def mae(self, version):
        return _amount(version, "mae")

    @admin.display(description=gettext_lazy("RMSE"))
    def rmse(self, version):
        return _amount(version, "rmse")

    @admin.display(description="R²")
    def r2(self, version):
        return number(version.scores["r2"], 4)

    @admin.display(description=gettext_lazy("coverage"))
    def coverage(self, version):
        return percent(version.scores["coverage"])

    @admin.display(description=gettext_lazy("scores"))
    def scores_given(self, version):
        return pretty(version.scores)

    @admin.display(description=gettext_lazy("training ranges"))
    def ranges_given(self, version):
        return pretty(version.training_ranges)

    @admin.display(description=gettext_lazy("what it accepts"), empty_value="–")
    def asked_for(self, version):
        return pretty(version.vocabulary) if version.vocabulary else None

    @admin.display(description=gettext_lazy("row counts"))
    def rows_given(self, version):
        return pretty(version.rows)

    @admin.display(description=gettext_lazy("library versions"))
    def versions_given(self, version):
        return pretty(version.library_versions)

    def has_activate_permission(self, request):
        return request.user.has_perm("predictor.add_activation")

    @admin.action(description=gettext_lazy("Activate this version…"), permissions=["activate"])
    def activate_version(self, request, chosen):
        """Asks for the reason, then activates the one selected version."""
        if len(chosen) != 1:
            self.message_user(request, _("Choose one version."), messages.ERROR)
            return None
        if chosen[0].is_live_now:
            message = _("Nothing has changed: {version} is already active.")
            self.message_user(request, message.format(version=chosen[0]), messages.ERROR)
            return None
        form = WhyForm(request.POST if "why" in request.POST else None)
        if not form.is_valid():
            return self._ask_why(request, chosen[0], form)
        self.activate(request, chosen[0], form.cleaned_data["why"])
        return None

    def _ask_why(self, request, version, form):
        title = _("Activate {version}").format(version=version)
        shown = {
            "version": version,
            "mae": _amount(version, "mae"),
            "live": live_version(version.scheme),
        }
        boxes = {"action_checkbox_name": ACTION_CHECKBOX_NAME}
        return self.page(request, "activate", title, form=form, **shown, **boxes)

    def activate(self, request, version, why):
        """Activates a version, logs it, and says so to the user."""
        try:
            activation = activate(version, request.user.get_username(), why)
        except (ForestFileError, OSError) as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.log_change(request, version, f"activated: {why}")
        message = _("{version} is active now; before: {replaced}.")
        self.message_user(
            request, message.format(version=version, replaced=activation.replaced or "–")
        )


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ["at", "version", "live", "replaced", "by", "why", "mae"]
    list_filter = ["scheme", "live"]
    list_select_related = ["version", "replaced"]

    @admin.display(description=gettext_lazy("MAE"))
    def mae(self, activation):
        return _amount(activation.version, "mae")

"""The shadows: versions that price requests after the active one, compared with it, and activated."""

from django import forms
from django.contrib import admin, messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from predictor.admin.jobs import warning
from predictor.admin.readonly import ReadOnlyAdmin
from predictor.admin.versions.replay_blocks import differences_of
from predictor.model_cards.blocks import Facts
from predictor.models import ModelVersion, Shadow
from predictor.models.reviews import LONGEST_NOTE
from predictor.shadow.betting import ALPHA, BETTER, NEEDED, UNDECIDED, WORSE
from predictor.shadow.comparison import comparison_of
from predictor.shadow.evidence import evidence_of
from predictor.versions.activation import end_shadow
from predictor.wording.figures import number, percent, signed_percent

ACTIVATES = "predictor.add_activation"

VERDICTS = {
    BETTER: gettext_lazy("Better: the errors of {version} are smaller than those of {live}."),
    WORSE: gettext_lazy("Worse: the errors of {version} are larger than those of {live}."),
    UNDECIDED: gettext_lazy(
        "Undecided: the actual prices do not show yet whether {version} or {live} is better."
    ),
}


class NoteForm(forms.Form):
    """What a maintainer adds to the evidence."""

    note = forms.CharField(
        label=gettext_lazy("Note, saved with the figures of this page"),
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@admin.register(Shadow)
class ShadowAdmin(ReadOnlyAdmin):
    list_display = ["version", "against", "began", "ended", "requests", "by", "failure"]
    list_filter = ["scheme"]
    list_select_related = ["version", "against"]

    def get_urls(self):
        return [
            path(f"<int:pk>/{name}/", self.guarded(view, ACTIVATES), name=f"shadow-{name}")
            for name, view in {"activate": self.activate_view, "end": self.end_view}.items()
        ] + super().get_urls()

    @admin.display(description=gettext_lazy("requests priced"), ordering="priced")
    def requests(self, shadow):
        return number(shadow.priced)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The comparison of both versions, and the verdict."""
        shadow = self.get_object(request, object_id)
        if shadow is None or not self.has_view_permission(request, shadow):
            raise Http404
        evidence, (found, median) = evidence_of(shadow), comparison_of(shadow)
        shown = {
            "shadow": shadow,
            "verdict": VERDICTS[evidence.verdict].format(
                version=shadow.version, live=shadow.against
            ),
            "evidence": _of_evidence(shadow, evidence),
            "needed": number(NEEDED),
            "level": percent(ALPHA, 0),
            "counts": _counts(shadow, median),
            "rows": number(found.all.rows),
            "may_act": shadow.ended is None and request.user.has_perm(ACTIVATES),
            "form": NoteForm(),
            **(differences_of(found, shadow.version) if found.all.rows else {}),
            **warning(),
        }
        title = _("Shadow: {version} compared with {live}")
        title = title.format(version=shadow.version, live=shadow.against)
        return self.page(request, "shadow", title, **shown)

    def activate_view(self, request, pk):
        """Activates the version of a shadow, with the evidence in the reason."""
        shadow = self._open_shadow(request, pk)
        form = NoteForm(request.POST)
        if shadow and not form.is_valid():
            self.message_user(request, form.errors["note"][0], messages.ERROR)
        elif shadow:
            why = _reason(shadow, form.cleaned_data["note"])
            versions = self.admin_site.get_model_admin(ModelVersion)
            versions.activate(request, shadow.version, why)
        return redirect("admin:predictor_shadow_change", pk)

    def end_view(self, request, pk):
        """Ends a shadow."""
        shadow = self._open_shadow(request, pk)
        if shadow:
            end_shadow(shadow.scheme)
            self.log_change(request, shadow, "ended")
        return redirect("admin:predictor_shadow_change", pk)

    def _open_shadow(self, request, pk):
        """The Shadow that a form is about; None if there is no form, or it has ended."""
        shadow = get_object_or_404(Shadow.objects.select_related("version", "against"), pk=pk)
        if request.method != "POST":
            return None
        if shadow.ended:
            self.message_user(request, _("This shadow has ended."), messages.ERROR)
            return None
        return shadow


def _counts(shadow, median):
    """What was priced, as Facts."""
    change = "–" if median is None else signed_percent(median)
    rows = [
        (_("Requests priced"), number(shadow.priced), False),
        (_("Requests with stones that {version} does not know"), number(shadow.unpriced), False),
        (_("Median change of the price"), change, False),
    ]
    return Facts([(label.format(version=shadow.version), *rest) for label, *rest in rows])


def _of_evidence(shadow, evidence):
    """The figures of a verdict, as Facts."""
    error = _("Mean error of {version}, in log price")
    live, own = (error.format(version=one) for one in (shadow.against, shadow.version))
    return Facts(
        [
            (_("Actual prices used"), number(evidence.outcomes), False),
            (live, percent(evidence.live, 2) if evidence.outcomes else "–", False),
            (own, percent(evidence.shadow, 2) if evidence.outcomes else "–", False),
            (_("Evidence that it is better"), _amount(evidence.better), False),
            (_("Evidence that it is worse"), _amount(evidence.worse), False),
            (_("Left out: a version was trained on the stone"), number(evidence.trained_on), False),
            (_("Left out: the stone was requested before"), number(evidence.repeated), False),
        ]
    )


def _amount(evidence):
    """The strength of evidence; above a million the exact figure makes no difference."""
    most = 1_000_000
    over = _("over {most}").format(most=number(most))
    return over if evidence > most else number(evidence, 1)


def _reason(shadow, note):
    """Why the version of a shadow is activated: a maintainer's note, and what the page shows, in English as
    all reasons."""
    evidence, (_found, median) = evidence_of(shadow), comparison_of(shadow)
    with override("en"):
        change = "no price" if median is None else f"median change {signed_percent(median)}"
        errors = (
            f"mean error {percent(evidence.shadow, 2)} against {percent(evidence.live, 2)} of "
            f"{shadow.against}, evidence for better {_amount(evidence.better)}, for worse "
            f"{_amount(evidence.worse)}, needed {number(NEEDED)}"
        )
        figures = (
            f"shadow since {localtime(shadow.began):%Y-%m-%d}: {number(shadow.priced)} requests, {change}; "
            f"{evidence.verdict} by {number(evidence.outcomes)} actual prices"
        )
        figures += f" ({errors})" if evidence.outcomes else ""
    return "; ".join(filter(None, [note.strip(), figures]))

"""The prices that clients report: reviewers release or refuse them; if they are many, as a job."""

from datetime import timedelta

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.jobs import requested
from predictor.admin.predictions.export import requester_of
from predictor.admin.readonly import ReadOnlyAdmin
from predictor.jobs.kinds import job_kind
from predictor.models import Outcome
from predictor.review import outcomes
from predictor.wording.figures import number, signed_percent

MAY_REVIEW = "predictor.change_outcome"
FEW = 200
"""The most outcomes that a request releases or refuses itself."""


@job_kind(
    "outcomes",
    gettext_lazy("reported prices"),
    MAY_REVIEW,
    timedelta(minutes=30),
    describe=lambda arguments: number(len(arguments["ids"])),
    address=lambda job: reverse("admin:predictor_outcome_changelist"),
)
def review_outcomes(context, ids, act):
    """Releases or refuses outcomes; begun again, it goes on with those that still wait."""
    return _result(act, ACTS[act](ids, requester_of(context.job), context.progress))


ACTS = {"release": outcomes.release, "refuse": outcomes.refuse}


def _result(act, count):
    """The result, as text."""
    texts = {"release": _("Released: {count}."), "refuse": _("Refused: {count}.")}
    return texts[act].format(count=number(count))


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    list_display = ["at", "answer", "price", "difference", "kind", "sold_on", "by", "state"]
    list_display_links = None
    list_filter = ["state", ("by", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["prediction__version", "by"]
    list_per_page = 100
    show_full_result_count = False
    actions = ["release", "refuse"]

    def has_review_permission(self, request):
        return request.user.has_perm(MAY_REVIEW)

    def get_queryset(self, request):
        return super().get_queryset(request).defer("prediction__version__card")

    @admin.display(description=gettext_lazy("prediction"))
    def answer(self, outcome):
        address = reverse("admin:predictor_prediction_change", args=[outcome.prediction_id])
        return format_html('<a href="{}">{}</a>', address, str(outcome.prediction_id)[-12:])

    @admin.display(description=gettext_lazy("price"), ordering="amount")
    def price(self, outcome):
        return f"{number(outcome.amount, 2)} {outcome.currency}"

    @admin.display(description=gettext_lazy("over the predicted price"))
    def difference(self, outcome):
        return signed_percent(outcome.amount / outcome.prediction.price - 1)

    @admin.action(description=gettext_lazy("Release: they become reviews"), permissions=["review"])
    def release(self, request, rows):
        return self.review(request, rows, "release")

    @admin.action(description=gettext_lazy("Refuse"), permissions=["review"])
    def refuse(self, request, rows):
        return self.review(request, rows, "refuse")

    def review(self, request, rows, act):
        """Releases or refuses the selected rows that wait, oldest first."""
        waiting = rows.filter(state=Outcome.State.WAITING).order_by("pk")
        ids = [*waiting.values_list("pk", flat=True)[: outcomes.MOST_REVIEWED + 1]]
        if len(ids) > outcomes.MOST_REVIEWED:
            text = _("More than {count} of the selected prices are waiting: select fewer.")
            text = text.format(count=number(outcomes.MOST_REVIEWED))
            return self.message_user(request, text, messages.ERROR)
        if len(ids) > FEW:
            return requested(self, request, "outcomes", ids=ids, act=act)
        count = ACTS[act](ids, request.user)
        self.log_act(request, _result(act, count), act)
        return self.message_user(request, _result(act, count))

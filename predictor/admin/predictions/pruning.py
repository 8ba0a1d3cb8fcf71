"""Deletes old predictions from the admin, by a job."""

from datetime import datetime, timedelta

from django import forms
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.jobs import requested
from predictor.history.pruning import made_before, prune
from predictor.jobs.kinds import job_kind
from predictor.wording.figures import number

MAY = "predictor.prune_prediction"


class PruneForm(forms.Form):
    """Which predictions to delete."""

    days = forms.IntegerField(
        label=gettext_lazy("Older than (days)"), min_value=1, max_value=36_500, initial=365
    )
    keep_reviewed = forms.BooleanField(
        label=gettext_lazy("Except reviewed predictions"), required=False, initial=True
    )
    confirmed = forms.BooleanField(label=gettext_lazy("They cannot be restored. Delete them."))


class PruneMixin:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        own = path("prune/", self.guarded(self.prune_view, MAY), name="prediction-prune")
        return [own, *super().get_urls()]

    def prune_view(self, request):
        """Requests a job that deletes old predictions."""
        form = PruneForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data
            day = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
            before = (day - timedelta(days=said["days"])).isoformat()
            arguments = {"before": before, "keep_reviewed": said["keep_reviewed"]}
            return requested(self, request, "prune", **arguments)
        return self.page(request, "prune", _("Delete old predictions"), form=form)


@job_kind(
    "prune",
    gettext_lazy("deletion of old predictions"),
    MAY,
    timedelta(hours=12),
    describe=lambda arguments: arguments["before"][:10],
)
def delete_old(context, before, keep_reviewed):
    """Deletes the predictions made before a moment. Stopped or begun again, it continues."""
    moment = datetime.fromisoformat(before)
    total = made_before(moment, keep_reviewed).count()
    show = lambda done: context.progress(done, max(total, done))  # noqa: E731
    deleted = prune(moment, keep_reviewed, progress=show)
    return _("Predictions deleted: {count}.").format(count=number(deleted))

"""Retraining jobs: started here, run by the worker, followed on their page."""

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.readonly import ReadOnlyAdmin
from predictor.models import RetrainJob
from predictor.retraining.jobs import AlreadyAskedError, ask
from predictor.wording.figures import percent

MAY = "predictor.retrain_modelversion"


class AskForm(forms.ModelForm):
    """The scheme to train, and whether to include what reviewers found."""

    class Meta:
        model = RetrainJob
        fields = ("scheme", "with_reviewed")


@admin.register(RetrainJob)
class RetrainJobAdmin(ReadOnlyAdmin):
    form = AskForm
    list_display = [
        "scheme",
        "state",
        "progress",
        "with_reviewed",
        "by",
        "created",
        "ended",
        "outcome",
    ]
    shown = [
        "scheme",
        "with_reviewed",
        "state",
        "progress",
        "outcome",
        "result",
        "by",
        "created",
        "heard",
        "ended",
    ]

    def get_fields(self, request, obj=None):
        return self.shown if obj else AskForm.Meta.fields

    def get_readonly_fields(self, request, obj=None):
        return self.shown if obj else ()

    def has_add_permission(self, request):
        return request.user.has_perm(MAY)

    def get_queryset(self, request):
        RetrainJob.mark_lost()
        return super().get_queryset(request)

    def add_view(self, request, form_url="", extra_context=None):
        if request.method == "POST" and self.has_add_permission(request):
            form = AskForm(request.POST)
            if form.is_valid():
                return self._ask(request, **form.cleaned_data)
        context = {"title": _("Retrain"), **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def _ask(self, request, scheme, with_reviewed):
        try:
            job = ask(scheme, with_reviewed, request.user.get_username())
        except AlreadyAskedError:
            message = _("A retraining is waiting or running already.")
            self.message_user(request, message, messages.ERROR)
            return redirect("admin:predictor_retrainjob_changelist")
        self.log_addition(request, job, "retrain")
        return redirect(reverse("admin:predictor_retrainjob_change", args=[job.pk]))

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, job):
        if not job.total:
            return "–"
        text = percent(job.done / job.total, 0)
        return format_html(
            '<progress max="{}" value="{}">{}</progress> {}', job.total, job.done, text, text
        )

    @admin.display(description=gettext_lazy("model version"))
    def result(self, job):
        if job.version is None:
            return ""
        address = reverse("admin:predictor_modelversion_change", args=[job.version.pk])
        return format_html('<a href="{}">{}</a>', address, job.version)

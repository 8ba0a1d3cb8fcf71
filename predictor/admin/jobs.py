"""The jobs: a list for their users and for maintainers, and the page of each, which shows its progress."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import Http404
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import CURRENCIES
from predictor.admin.readonly import ReadOnlyAdmin
from predictor.jobs import queue, uploads
from predictor.jobs.errors import JobRefused
from predictor.jobs.files import download_name, file_response
from predictor.jobs.kinds import KINDS
from predictor.models import Job
from predictor.models.versions import KIND_CHOICES, SCHEME_CHOICES
from predictor.retraining import jobs as retraining  # noqa: F401  # a kind of job
from predictor.retraining.lists import displayed
from predictor.wording.figures import number, percent
from predictor.wording.labels import LABELS

FIRST_YEAR = 1900
RETRAIN = "predictor.retrain_modelversion"
SEES_ALL = "predictor.view_job"


def this_year():
    """The present year."""
    return localdate().year


def requested(model_admin, request, kind, /, **arguments):
    """Requests a job, logs it, and redirects to its page; to the list of jobs if it is refused."""
    try:
        job = queue.ask(kind, request.user, **arguments)
    except JobRefused as refused:
        model_admin.message_user(request, str(refused), messages.ERROR)
        return redirect("admin:predictor_job_changelist")
    model_admin.log_act(request, f"{job}: {KINDS[kind].describe(arguments)}", kind)
    return redirect("admin:predictor_job_change", job.pk)


class RetrainForm(forms.Form):
    """The scheme to train, and whether to include what reviewers found."""

    scheme = forms.ChoiceField(label=gettext_lazy("scheme"), choices=SCHEME_CHOICES)
    with_reviewed = forms.BooleanField(
        label=gettext_lazy("with reviewed predictions"), required=False, initial=True
    )


class ListForm(forms.Form):
    """A shop's list of stones with prices."""

    file = forms.FileField(
        label=gettext_lazy("list"),
        help_text=gettext_lazy(
            "CSV or Excel, up to 2 MB. Compress a larger list with gzip (up to about 75,000 stones), or "
            "use the command retrain --data."
        ),
    )
    currency = forms.ChoiceField(
        label=gettext_lazy("currency"), choices=[(code, code) for code in CURRENCIES]
    )


class TrainForm(forms.Form):
    """What the prices of a list are, and which of its columns may be shown."""

    year = forms.IntegerField(
        label=gettext_lazy("year of the prices"), min_value=FIRST_YEAR, initial=this_year
    )
    price_kind = forms.ChoiceField(label=gettext_lazy("kind of prices"), choices=KIND_CHOICES)
    public = forms.MultipleChoiceField(
        label=gettext_lazy("columns of similar stones that anybody may see"),
        help_text=gettext_lazy(
            "if none is chosen, all are shown; report and stock numbers never are"
        ),
        choices=[(name, label) for name, label in LABELS.items() if name != "volume"],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    new_basis = forms.BooleanField(
        label=gettext_lazy("activate it although the active version has prices of another kind"),
        required=False,
    )

    def clean_year(self):
        year = self.cleaned_data["year"]
        if year > this_year():
            raise forms.ValidationError(_("This year is in the future."))
        return year

    def clean_public(self):
        return ",".join(self.cleaned_data["public"])


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    change_form_template = "admin/predictor/job.html"
    change_list_template = "admin/predictor/jobs.html"
    list_display = ["what", "state", "progress", "by", "created", "ended", "outcome", "download"]
    list_display_links = ["what"]
    list_select_related = ["by"]
    list_filter = ["state"]
    list_per_page = 50
    actions = None
    fields = readonly_fields = [
        "what",
        "state",
        "progress",
        "outcome",
        "opened_result",
        "download",
        "by",
        "created",
        "started",
        "ended",
        "expires",
    ]

    def get_urls(self):
        retrain = self.guarded(self.retrain_view, RETRAIN)
        views = {"stop": self.stop_view, "again": self.again_view, "file": self.file_view}
        return [
            path("retrain/", retrain, name="job-retrain"),
            path("retrain/list/", self.guarded(self.list_view, RETRAIN), name="job-upload-list"),
            path("<int:pk>/list/", self.guarded(self.train_view, RETRAIN), name="job-list"),
            *(
                path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"job-{name}")
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    # Who may request a kind of job sees their own jobs; maintainers see all.

    def has_module_permission(self, request):
        return any(request.user.has_perm(kind.permission) for kind in KINDS.values())

    def has_view_permission(self, request, obj=None):
        if request.user.has_perm(SEES_ALL):
            return True
        return obj.by_id == request.user.pk if obj else self.has_module_permission(request)

    def get_queryset(self, request):
        rows = super().get_queryset(request).annotate(usable=usable_by(request.user))
        return rows if request.user.has_perm(SEES_ALL) else rows.filter(by=request.user)

    def job_of(self, request, pk):
        """The job with a key; Http404 for those that the user may not see."""
        job = self.get_queryset(request).filter(pk=pk).first()
        if job is None:
            raise Http404
        return job

    def job_to_use(self, request, pk):
        """The same; PermissionDenied for those that the user may only see."""
        job = self.job_of(request, pk)
        if not job.usable:
            raise PermissionDenied
        return job

    def changelist_view(self, request, extra_context=None):
        context = {"title": "", "may_retrain": request.user.has_perm(RETRAIN), **warning()}
        return super().changelist_view(request, context | (extra_context or {}))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        job = self.get_object(request, object_id)
        about = job and {"subtitle": self.what(job), "may_use": job.usable}
        context = {**warning(), **(about or {}), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def retrain_view(self, request):
        """Requests a retraining."""
        form = RetrainForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return requested(self, request, "retrain", **form.cleaned_data)
        return self.page(request, "retrain", _("Retrain"), form=form)

    def list_view(self, request):
        """Requests a job that reads an uploaded list."""
        form = ListForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            sent = form.cleaned_data["file"]
            stored = uploads.store_of_user(sent.read(), request.user)
            options = {"upload": stored, "name": sent.name[:100]}
            return requested(
                self, request, "read_list", **options, currency=form.cleaned_data["currency"]
            )
        return self.page(request, "list", _("Train on a list"), form=form)

    def train_view(self, request, pk):
        """Shows how a list was read; requests the training on it."""
        job = self.job_of(request, pk)
        if job.kind != "read_list" or job.state != Job.State.DONE or "notes" not in job.result:
            raise Http404
        form = TrainForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            options = {**job.arguments, **form.cleaned_data}
            return requested(
                self, request, "retrain", scheme="graded", with_reviewed=False, **options
            )
        summary = displayed(job.result)
        return self.page(request, "list_read", job.arguments["name"], form=form, **summary)

    def stop_view(self, request, pk):
        """Withdraws or stops a job."""
        job = self.job_to_use(request, pk)
        if request.method == "POST":
            queue.stop(job)
            self.log_change(request, job, "stopped")
        return redirect("admin:predictor_job_change", pk)

    def again_view(self, request, pk):
        """Requests a finished job again."""
        job = self.job_to_use(request, pk)
        if request.method != "POST" or job.is_open:
            return redirect("admin:predictor_job_change", pk)
        return requested(self, request, job.kind, **job.arguments)

    def file_view(self, request, pk):
        """The file of a job that is done."""
        job = self.job_to_use(request, pk)
        if job.state != Job.State.DONE or not job.file:
            raise Http404
        return file_response(job)

    @admin.display(description=gettext_lazy("job"))
    def what(self, job):
        kind = KINDS.get(job.kind)
        if kind is None:
            return job.kind
        return ": ".join(filter(None, [str(kind.label), kind.describe(job.arguments)]))

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, job):
        if not job.total:
            return number(job.done) if job.done else "–"
        text = percent(min(job.done / job.total, 1), 0)
        return format_html(
            '<progress max="{}" value="{}">{}</progress> {}', job.total, job.done, text, text
        )

    @admin.display(description=gettext_lazy("result page"))
    def opened_result(self, job):
        kind = KINDS.get(job.kind)
        address = job.state == Job.State.DONE and kind and kind.address(job)
        return format_html('<a href="{}">{}</a>', address, _("Open the result")) if address else "–"

    @admin.display(description=gettext_lazy("file"))
    def download(self, job):
        if job.state != Job.State.DONE or not job.file:
            return ""
        rows = _("{rows} rows").format(rows=number(job.rows)) if job.rows is not None else ""
        about = ", ".join(filter(None, [rows, filesizeformat(job.size)]))
        if not job.usable:
            return f"{download_name(job)} ({about})"
        address = reverse("admin:job-file", args=[job.pk])
        return format_html('<a href="{}">{}</a> ({})', address, download_name(job), about)


def usable_by(user):
    """Whether a user may stop a job and get its file, for queries: their own, and those of a kind that they
    may request. Maintainers may for lists, which have no user."""
    kinds = [kind.name for kind in KINDS.values() if user.has_perm(kind.permission or RETRAIN)]
    return ExpressionWrapper(Q(by=user.pk) | Q(kind__in=kinds), BooleanField())


def warning():
    """The template's variable `worker_missing`: whether no worker runs, so that jobs wait."""
    return {"worker_missing": queue.is_worker_missing()}

"""Reviewing in the admin: the form on a record, going through a filtered list, prices from a file,
samples."""

import secrets
from copy import copy
from urllib.parse import urlencode
from uuid import uuid4

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.stones import LONGEST
from predictor.admin.jobs import requested
from predictor.admin.predictions.export import AT_ONCE
from predictor.admin.predictions.filters import sample_number
from predictor.admin.predictions.keyset import GOING_ON, Progress, id_of
from predictor.admin.reviews import jobs
from predictor.admin.reviews.jobs import MAY_JUDGE, MAY_SAMPLE
from predictor.history.searching import Found
from predictor.jobs import uploads
from predictor.models import Prediction, Review, SecondReview
from predictor.models.reviews import LONGEST_NOTE, LONGEST_SOURCE
from predictor.review import judging, locking, queues, sampling

MAY_TAKE_OVER = "predictor.take_over_reviewlock"
BESIDE_PRICE = ("sold_on", "source", "note", "state", "next", "seen")
COUNTED = 1_000
"""The most answers of a view that its progress counts; for a longer one it says so."""


class JudgeForm(forms.Form):
    """The review of one answer. choices_instead: the possible readings of an ambiguous price:
    [(text, the same for display), …]."""

    choices_instead = ()
    not_saved = ""
    """Why a valid form was not saved; it is shown above the form, with everything that was typed."""
    changed = False
    """Whether another reviewer has saved a review since the form was opened."""
    actual_price = forms.CharField(
        label=gettext_lazy("Actual price"),
        required=False,
        max_length=LONGEST,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    sold_on = forms.DateField(
        label=gettext_lazy("Sold on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    source = forms.CharField(
        label=gettext_lazy("Source"), required=False, max_length=LONGEST_SOURCE
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("Review"),
        choices=Review.State,
        widget=forms.RadioSelect,
        initial=Review.State.CHECKED,
    )

    def __init__(self, *args, prediction, **kwargs):
        super().__init__(*args, **kwargs)
        self.prediction = prediction
        currency = prediction.version.currency
        self.fields["actual_price"].label = _("Actual price ({currency})").format(currency=currency)

    def clean_actual_price(self):
        text = self.cleaned_data["actual_price"].strip()
        if not text:
            return None
        try:
            return judging.actual_price(text, self.prediction)
        except judging.Wrong as wrong:
            self.choices_instead = wrong.choices
            raise forms.ValidationError(wrong.message) from None

    def rest(self):
        """[(name, value), …] of what was sent with the price; choosing one of its two readings
        sends it again."""
        return [(name, self.data[name]) for name in BESIDE_PRICE if name in self.data]

    def clean_sold_on(self):
        day = self.cleaned_data["sold_on"]
        if day and day > localdate():
            raise forms.ValidationError(_("The date is in the future."))
        return day


class UploadForm(forms.Form):
    """A file of actual prices."""

    file = forms.FileField(label=gettext_lazy("CSV file or Excel workbook"))


class MarkForm(forms.Form):
    """The review to save for all answers of a filter at once."""

    state = forms.ChoiceField(label=gettext_lazy("Review"), choices=Review.State)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=LONGEST_NOTE)


class SampleForm(forms.Form):
    """The settings of a random sample."""

    n = forms.IntegerField(
        label=gettext_lazy("Number"), min_value=1, max_value=sampling.MOST, initial=200
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"),
        min_value=0,
        max_value=2**32 - 1,
        help_text=gettext_lazy("The same seed draws the same predictions again."),
    )
    way = forms.ChoiceField(
        label=gettext_lazy("Chances"),
        choices=[
            ("alike", gettext_lazy("the same for each prediction")),
            ("by_price", gettext_lazy("the same number from each price band")),
            ("by_worth", gettext_lazy("larger where a review is worth more")),
        ],
        help_text=gettext_lazy(
            "Worth more: a wide range, an extrapolation, an active alarm. The results apply to all "
            "predictions of the filter in each case; the last one needs the fewest reviews for the error."
        ),
        required=False,
    )
    reviewers = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Assigned to"),
        queryset=get_user_model()
        .objects.with_perm(MAY_JUDGE, backend="django.contrib.auth.backends.ModelBackend")
        .filter(is_staff=True)
        .order_by("username"),
        required=False,
        help_text=gettext_lazy("In turns; nobody chosen: to anybody."),
    )
    twice = forms.BooleanField(
        label=gettext_lazy("Two independent reviews of each"), required=False
    )

    form = forms.UUIDField(initial=uuid4, required=False, widget=forms.HiddenInput)

    def values(self):
        """The arguments of `sampling.draw`."""
        said = dict(self.cleaned_data)
        way = said.pop("way")
        said["reviewers"] = [user.pk for user in said["reviewers"]]
        return said | {name: way == name for name in ("by_price", "by_worth")}


class ReviewMixin:
    """Mixed into the admin of predictions."""

    def get_urls(self):
        own = [
            path("next/", self.guarded(self.next_view, MAY_JUDGE), name="prediction-next"),
            path("prices/", self.guarded(self.prices_view, MAY_JUDGE), name="prediction-prices"),
            path("mark/", self.guarded(self.mark_view, MAY_JUDGE), name="prediction-mark"),
            path(
                "sample/",
                self.guarded(self.sample_view, MAY_SAMPLE),
                name="prediction-sample",
            ),
            path(
                "<uuid:pk>/judge/",
                self.guarded(self.judge_view, MAY_JUDGE),
                name="prediction-judge",
            ),
            path(
                "<uuid:pk>/lock/", self.guarded(self.lock_view, MAY_JUDGE), name="prediction-lock"
            ),
        ]
        return own + super().get_urls()

    def rows_of_view(self, request):
        """The Predictions that match the request's filter, newest first, and the filter as a query
        string."""
        view = self.get_changelist_instance(request)
        return view.queryset, view.get_query_string(remove=[*GOING_ON])

    # One record

    def judging_of(self, request, prediction, form=None):
        """The review section of a record's page. form: what was sent and not saved."""
        second = queues.is_second(_sample_in(_inside(request)), prediction, request.user)
        earlier = () if second else self._earlier(prediction)
        context = {"earlier": earlier, "query": _view_of(request), "second": second}
        if not second:
            context["again"] = SecondReview.objects.filter(prediction=prediction).first()
        if prediction.status != 200 or not request.user.has_perm(MAY_JUDGE):
            return context
        lock = locking.lock_of(prediction.pk)
        taken = lock and lock.by != request.user
        context |= {
            "lock": lock and _lock_text(lock, request.user),
            "taken": taken,
            "may_take_over": taken and request.user.has_perm(MAY_TAKE_OVER),
            "lock_address": _address_of("lock", prediction, context["query"]),
            "skip_address": _next_address(context["query"], after=prediction.pk),
            "progress": self._progress(request) if context["query"] else None,
        }
        return context if taken and not form else context | self._form(prediction, form, context)

    def _form(self, prediction, form, context):
        said = {} if context["second"] else _said(prediction)
        kept = form and not form.changed and "seen" in form.data
        return {
            "judge_form": form or JudgeForm(prediction=prediction, initial=said),
            "judge_address": _address_of("judge", prediction, context["query"]),
            "seen": form.data["seen"] if kept else judging.seen_of(prediction),
        }

    def _earlier(self, prediction):
        return Review.history.filter(prediction_id=prediction.pk).select_related("history_user")

    def _progress(self, request):
        inside = _inside(request)
        if sample := _sample_in(inside):
            judged, total = queues.progress(sample)
            return {"judged": judged, "total": total}
        view = self.get_changelist_instance(inside)
        rows = view.queryset.filter(status=200).order_by().values_list("pk", flat=True)
        found = view.find(rows, COUNTED + 1, seconds=0)
        judged = Review.objects.filter(prediction__in=found.rows[:COUNTED]).count()
        total = min(len(found.rows), COUNTED)
        return {
            "judged": judged,
            "total": total,
            "more": found.searched_to or len(found.rows) > COUNTED,
        }

    def lock_view(self, request, pk):
        """Locks a record for the reviewer who starts to type; for a maintainer also takes it over."""
        prediction = get_object_or_404(Prediction.objects.only("pk"), pk=pk)
        if request.method != "POST":
            return redirect(_page_of(request, prediction))
        if "take_over" in request.POST:
            self._take_over(request, prediction)
            return redirect(_page_of(request, prediction))
        try:
            lock, status = locking.take(pk, request.user), 200
        except locking.TakenError as taken:
            lock, status = taken.lock, 409
        return JsonResponse({"text": _lock_text(lock, request.user)}, status=status)

    def _take_over(self, request, prediction):
        if not request.user.has_perm(MAY_TAKE_OVER):
            raise PermissionDenied
        locking.take_over(prediction.pk, request.user)
        self.log_change(request, prediction, "review: taken over")

    def judge_view(self, request, pk):
        """Saves the review of a record, then redirects to the record, or to the next one of the
        view."""
        prediction = get_object_or_404(Prediction.objects.select_related("version"), pk=pk)
        if request.method != "POST" or prediction.status != 200:
            return redirect(_page_of(request, prediction))
        form = JudgeForm(request.POST, prediction=prediction)
        if not form.is_valid() or not self._save(request, prediction, form):
            return self.change_view(request, str(pk), extra_context={"judge_form_bound": form})
        self.log_change(request, prediction, f"review: {form.cleaned_data['state']}")
        self.message_user(request, _("The review was saved."))
        if "next" in request.POST:
            return redirect(_next_address(_view_of(request), after=pk))
        return redirect(_list_address(_inside(request)))

    def _save(self, request, prediction, form):
        """Saves a valid form; returns whether it could, otherwise the form says why not."""
        if "take_over" in request.POST:
            self._take_over(request, prediction)
        try:
            if queues.is_second(_sample_in(_inside(request)), prediction, request.user):
                queues.judge_again(prediction, request.user, **form.cleaned_data)
            else:
                seen = request.POST.get("seen")
                judging.judge(prediction, request.user, seen=seen, **form.cleaned_data)
        except locking.TakenError as taken:
            form.not_saved = _("Not saved: {reason}").format(
                reason=_lock_text(taken.lock, request.user)
            )
        except judging.ChangedError as error:
            form.not_saved, form.changed = _changed_text(error.review), True
        return not form.not_saved

    def next_view(self, request):
        """Redirects to the next unreviewed record of a view, or shows a page that continues a long
        search."""
        query, inside = _view_of(request), _inside(request)
        view = self.get_changelist_instance(inside)
        try:
            after = id_of(request, "after")
        except IncorrectLookupParameters:
            after = None
        found = self._next_of(view, request.user, after, _sample_in(inside))
        if found.rows:
            address = reverse("admin:predictor_prediction_change", args=[found.rows[0].pk])
            return redirect(address + query)
        if found.searched_to:
            return self._search_on(request, found.searched_to)
        if after and "again" not in request.GET:  # those that were skipped
            return redirect(_next_address(query, again=1))
        self.message_user(request, _("All predictions of this filter have been reviewed."))
        return redirect(_list_address(inside))

    def _next_of(self, view, by, after, sample):
        """The next record that a reviewer can review, as Found: in a sample's order, or the newest."""
        if sample:
            drawn = queues.next_drawn(sample, view.queryset, by, after)
            return Found([drawn] if drawn else [])
        return view.find(judging.open_to(view.queryset, by), 1, after)

    def _search_on(self, request, searched_to):
        query, sent = _view_of(request), request.GET
        again = {"again": 1} if "again" in sent else {}
        searching = Progress(
            searched_to,
            address=_next_address(query, after=searched_to, **again),
            stop=_list_address(_inside(request)),
            by_itself=True,
        )
        return self.page(
            request, "search", _("Searching for the next prediction"), searching=searching
        )

    # Many at once

    def prices_view(self, request):
        """Saves actual prices from a CSV file, all or none."""
        form = UploadForm(request.POST or None, request.FILES or None)
        errors = []
        if request.method == "POST" and form.is_valid():
            sent = form.cleaned_data["file"]
            content = sent.read(judging.MOST_BYTES + 1)
            if judging.is_long(content):
                stored = uploads.store_of_user(content, request.user)
                return requested(self, request, "prices", upload=stored, name=sent.name)
            upload = judging.read_prices(content, sent.name, request.user)
            if not upload.errors:
                self.log_act(request, sent.name, "prices")
                self.message_user(request, jobs.result_of(upload))
                return redirect("admin:predictor_prediction_changelist")
            errors = upload.errors
        title = _("Actual prices from a file")
        shown = {"errors": errors[:100], "count": len(errors)}
        return self.page(request, "prices", title, form=form, **shown)

    def mark_view(self, request):
        """Reviews all unreviewed answers of the filter, many by a job; first shows how many there are."""
        view = self.get_changelist_instance(request)
        most = judging.MOST_ROWS
        found = view.find(judging.to_judge(view.queryset), most + 1)
        count = len(found.rows)
        by_job = count <= most and bool(found.searched_to or count > AT_ONCE)
        form, possible = MarkForm(request.POST or None), bool(0 < count <= most or by_job)
        if request.method == "POST" and form.is_valid() and possible:
            said = form.cleaned_data
            if by_job:
                query = view.get_query_string(remove=[*GOING_ON]).removeprefix("?")
                return requested(self, request, "mark", query=query, **said)
            count = judging.mark(found.rows, request.user, **said)
            what = f"{count}: {request.GET.urlencode()}"
            self.log_act(request, what, f"review: {said['state']}")
            self.message_user(request, _("Reviewed: {count}.").format(count=count))
            return redirect(_list_address(request))
        title = _("Review all rows of the filter")
        shown = {"count": min(count, most), "too_many": count > most, "possible": possible}
        shown |= {"by_job": by_job, "unfinished": found.searched_to}
        return self.page(request, "mark", title, form=form, **shown)

    # Samples

    def sample_view(self, request):
        """Draws a random sample of the answers that match the filter."""
        form = SampleForm(request.POST or None, initial={"seed": secrets.randbelow(2**32)})
        if request.method == "POST" and form.is_valid():
            view = self.get_changelist_instance(request)
            said = form.values()
            said["query"] = view.get_query_string(remove=[*GOING_ON]).removeprefix("?")
            found = view.find(view.queryset, AT_ONCE + 1, newer=True)
            if found.searched_to or len(found.rows) > AT_ONCE:
                said["form"] = str(said["form"] or uuid4())
                return requested(self, request, "sample", **said)
            try:
                by = request.user.get_username()
                sample = sampling.draw(view.queryset.order_by(), **said, by=by)
            except sampling.SampleError as error:
                form.add_error("n", jobs.too_few(error))
            else:
                return redirect(reverse("admin:predictor_sample_change", args=[sample.pk]))
        return self.page(request, "sample", _("Draw a random sample"), form=form)


def _view_of(request):
    """The view that the records come from, as Django's admin passes it on; "" without one."""
    filters = request.GET.get("_changelist_filters")
    return f"?{urlencode({'_changelist_filters': filters})}" if filters is not None else ""


def _inside(request):
    """The request as the list itself would get it, for the filter in `_changelist_filters`."""
    found = QueryDict(request.GET.get("_changelist_filters", ""), mutable=True)
    for name in GOING_ON:
        found.pop(name, None)
    inside = copy(request)
    inside.GET = found
    return inside


def _sample_in(inside):
    """The number of the sample that the filter names; None without one."""
    return sample_number(inside.GET.get("sample", ""))


def _address_of(what, prediction, query):
    return reverse(f"admin:prediction-{what}", args=[prediction.pk]) + query


def _page_of(request, prediction):
    page = reverse("admin:predictor_prediction_change", args=[prediction.pk])
    return page + _view_of(request)


def _lock_text(lock, user):
    """A sentence on who is reviewing a record, since when, and until when it is locked."""
    since, until = (date_format(localtime(at), "TIME_FORMAT") for at in (lock.since, lock.until))
    if lock.by == user:
        text = _(
            "You have been reviewing this since {since}; it is locked for others until {until}."
        )
    else:
        text = _("{user} has been reviewing this since {since}; it is locked until {until}.")
    return text.format(user=lock.by, since=since, until=until)


def _changed_text(review):
    text = _(
        "Not saved: {user} has saved a review meanwhile ({state}). It is listed below. "
        "Save again to replace it."
    )
    return text.format(user=review.by, state=review.get_state_display())


def _list_address(inside):
    return f"{reverse('admin:predictor_prediction_changelist')}?{inside.GET.urlencode()}"


def _next_address(query, **sent):
    joined = "&" if query else "?"
    return f"{reverse('admin:prediction-next')}{query}{joined}{urlencode(sent)}"


def _said(prediction):
    review = Review.objects.filter(prediction=prediction).first()
    names = ("actual_price", "sold_on", "source", "note", "state")
    return {name: getattr(review, name) for name in names} if review else {}

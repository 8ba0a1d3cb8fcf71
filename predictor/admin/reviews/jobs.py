"""Long reviewing work as jobs: large files of actual prices, one review for many predictions, and samples
of many."""

from datetime import timedelta
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.predictions.export import described_filter, requester_of, view_of
from predictor.history.review_history import complete_history
from predictor.jobs import uploads
from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import job_kind
from predictor.models import Review
from predictor.review import judging, sampling
from predictor.wording.figures import number

MAY_JUDGE, MAY_SAMPLE = "predictor.change_review", "predictor.add_sample"
SHOWN = 20
"""The most errors of a file that the outcome of a job lists."""


# Actual prices from a file


@job_kind(
    "prices",
    gettext_lazy("actual prices"),
    MAY_JUDGE,
    timedelta(minutes=30),
    describe=lambda arguments: arguments["name"],
    address=lambda job: f"{reverse('admin:predictor_prediction_changelist')}?review=priced",
)
def prices(context, upload, name):
    """Saves the actual prices of an uploaded file, all or none. Begun again after they were saved, it saves
    none: a review may have replaced one meanwhile."""
    if saved := context.result.get("saved"):
        _complete_history(context.job)
        return saved
    found = judging.read_prices(
        uploads.read(upload),
        name,
        requester_of(context.job),
        context.progress,
        lambda found: context.keep(saved=result_of(found)),
    )
    if found.errors:
        raise JobFailed(_errors(found.errors))
    return result_of(found)


def _complete_history(job):
    """Completes the history of what a job had saved when it was killed."""
    own = Review.objects.filter(by=job.by, at__gte=job.created)
    complete_history([*own.values_list("prediction", flat=True)])


def _errors(errors):
    shown = [
        " ".join(filter(None, [str(line or ""), column and f"{column}:", message]))
        for line, column, message in errors[:SHOWN]
    ]
    count = _("Nothing was saved. Errors: {count}.").format(count=number(len(errors)))
    return "\n".join([count, *shown])


def result_of(upload):
    """The result of reading a file of prices, as text."""
    said = [_("{count} actual prices were saved.").format(count=upload.kept)]
    if upload.without_price:
        said.append(
            _("Rows without a price, left out: {count}.").format(count=upload.without_price)
        )
    if names := upload.columns_left_out:
        shown = ", ".join(name[:40] for name in names[:20]) + ", …" * bool(names[20:])
        said.append(_("Columns left out: {names}.").format(names=shown))
    return " ".join(said)


# One review for many predictions


@job_kind(
    "mark",
    gettext_lazy("review of many predictions"),
    MAY_JUDGE,
    timedelta(minutes=30),
    describe=lambda arguments: ", ".join([arguments["state"], described_filter(arguments)]),
    address=lambda job: (
        f"{reverse('admin:predictor_prediction_changelist')}?{job.arguments['query']}"
    ),
)
def mark(context, query, state, note):
    """Reviews all predictions that match a filter, all or none. Begun again after they were saved, it
    saves none."""
    by, saved = context.job.by, context.result.get("reviewed")
    rows = judging.to_judge(view_of(context.job, query).queryset).order_by("-pk")
    if saved is None:
        ids = [*rows[: judging.MOST_ROWS + 1]]
        if len(ids) > judging.MOST_ROWS:
            raise JobFailed(_too_many())
        context.progress(0, len(ids))
        saved = judging.mark(ids, by, state, note, lambda count: context.keep(reviewed=count))
        context.progress(saved, saved)
    else:
        _complete_history(context.job)
    return _("Reviewed: {count}.").format(count=number(saved))


def _too_many():
    text = _(
        "More than %(count)s predictions of this filter have not been reviewed: narrow the filter."
    )
    return text % {"count": number(judging.MOST_ROWS)}


# Samples


@job_kind(
    "sample",
    gettext_lazy("sample"),
    MAY_SAMPLE,
    timedelta(hours=1),
    describe=lambda arguments: f"{number(arguments['n'])} {arguments['query']}",
    address=lambda job: reverse("admin:predictor_sample_change", args=[job.result["sample"]]),
)
def sample(context, query, form, **values):
    """Draws a sample of the predictions that match a filter; begun again, it draws no second one."""
    by = context.job.by
    rows = view_of(context.job, query).queryset.order_by()
    said = {**values, "query": query, "form": UUID(form), "by": by.get_username()}
    try:
        drawn = sampling.draw(rows, **said, progress=context.progress)
    except sampling.SampleError as error:
        raise JobFailed(too_few(error)) from None
    context.result = {"sample": drawn.pk}


def too_few(error):
    """The text of a SampleError of a number that a form accepts."""
    return _("Draw at most {most}: there are no more.").format(most=number(error.population))

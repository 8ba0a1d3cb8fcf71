"""Long reviewing work as jobs: large files of actual prices, and samples of many predictions."""

from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from predictor.admin.predictions.export import view_of
from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import job_kind
from predictor.review import judging, sampling
from predictor.wording.figures import number

MAY_JUDGE, MAY_SAMPLE = "predictor.change_review", "predictor.add_sample"
FOLDER, KEPT = "uploads", timedelta(days=7)
"""Where uploaded files are stored for their jobs, and how long: a job can be requested again."""

SHOWN = 20
"""The most errors of a file that the outcome of a job lists."""


# Actual prices from a file


def store_upload(content, by):
    """Stores an uploaded file for a job; returns its name, which is the same for the same file."""
    _delete_old()
    name = f"{FOLDER}/{by.pk}-{sha256(content).hexdigest()[:32]}"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    return name


def _delete_old():
    with suppress(FileNotFoundError):
        for file in default_storage.listdir(FOLDER)[1]:
            name = f"{FOLDER}/{file}"
            if default_storage.get_modified_time(name) < timezone.now() - KEPT:
                default_storage.delete(name)


@job_kind(
    "prices",
    gettext_lazy("actual prices"),
    MAY_JUDGE,
    timedelta(minutes=30),
    describe=lambda arguments: arguments["name"],
    address=lambda job: f"{reverse('admin:predictor_prediction_changelist')}?review=priced",
)
def prices(context, upload, name):
    """Saves the actual prices of an uploaded file, all or none."""
    if not default_storage.exists(upload):
        raise JobFailed(_("The file is no longer stored. Upload it again."))
    with default_storage.open(upload) as file:
        found = judging.read_prices(file.read(), name, context.job.by, context.progress)
    if found.errors:
        raise JobFailed(_errors(found.errors))
    return result_of(found)


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
    rows = view_of(by, query).queryset.order_by()
    said = {**values, "query": query, "form": UUID(form), "by": by.get_username()}
    try:
        drawn = sampling.draw(rows, **said, progress=context.progress)
    except sampling.SampleError as error:
        raise JobFailed(too_few(error)) from None
    context.result = {"sample": drawn.pk}


def too_few(error):
    """The text of a SampleError."""
    population = sampling.MOST if error.population is None else error.population
    return _("Draw at most {most}: there are no more.").format(most=population)

"""Files that were uploaded in the admin, priced by a job, which calls the command `score` by its name: so
the admin does not import what prices files."""

import shutil
from datetime import timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy

from predictor import private_files
from predictor.jobs import uploads
from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import job_kind
from predictor.models import ScoringRun
from predictor.telemetry.redaction import redacted
from predictor.wording.figures import number

MAY = "predictor.view_scoringrun"
FORMATS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".xlsx"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
"""{the ending of an uploaded file: the format of its prices}. None is compressed, so a small file has no
more rows than it looks like, except Parquet."""

MOST_ROWS = 1_000_000
"""The most rows of an uploaded Parquet file; the others are limited by their size."""


def format_of(name):
    """The format in which a file is priced, by its name; None if it is not priced."""
    return FORMATS.get(Path(name).suffix.lower())


def address(job):
    """The page of the job's scoring run."""
    return reverse("admin:predictor_scoringrun_change", args=[job.result["run"]])


@job_kind(
    "score",
    gettext_lazy("prices of a file"),
    MAY,
    timedelta(hours=2),
    describe=lambda arguments: arguments["name"],
    address=address,
)
def score(context, upload, name, scheme):
    """Prices the rows of an uploaded file into the job's file; begun again, its scoring run is the same."""
    content, ending = uploads.read(upload), format_of(name)
    page = reverse("admin:predictor_job_change", args=[context.job.pk])
    with TemporaryDirectory(dir=context.folder) as folder:
        path = Path(folder, f"stones{Path(name).suffix.lower()}")
        priced = path.with_name(f"priced.{ending}")
        with private_files.opened(path) as file:
            file.write(content)
        options = {"scheme": scheme or None, "job": context, "shown": (name, page)}
        try:
            call_command("score", str(path), str(priced), **options, stdout=StringIO())
        except CommandError as error:
            if error.__cause__:
                raise
            raise JobFailed(_named(str(error), path, name)) from None
        with (
            context.write_file(
                f"{slugify(Path(name).stem)[:60] or 'stones'}-priced.{ending}"
            ) as file,
            priced.open("rb") as complete,
        ):
            shutil.copyfileobj(complete, file)
    run = ScoringRun.objects.get(pk=context.result["run"])
    text = gettext("Rows: {rows}, without a price: {errors}, with a warning: {warned}.")
    counts = {name: number(getattr(run, name)) for name in ("rows", "errors", "warned")}
    return " ".join([text.format(**counts), *context.result["notes"]])


def _named(text, path, name):
    """An error's text with the name of the uploaded file in place of where it was stored."""
    return redacted(text.replace(f"file://{path}", name).replace(str(path), name))

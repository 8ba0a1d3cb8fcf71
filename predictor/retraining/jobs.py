"""Retraining as a job, which calls the retrain command by its name: so the admin, which queues
retrainings, does not import the training code."""

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy

from ml.tables.errors import DatasetError
from predictor import private_files
from predictor.jobs import uploads
from predictor.jobs.errors import JobFailed
from predictor.jobs.kinds import job_kind
from predictor.wording.figures import number
from predictor.wording.files import sentence_of

from .packages import is_missing

MAY = "predictor.retrain_modelversion"


def described(arguments):
    """The scheme, the list, and whether reviewed predictions are added."""
    more = gettext("with reviewed predictions") if arguments["with_reviewed"] else ""
    return ", ".join(filter(None, [arguments["scheme"], arguments.get("name"), more]))


def address(job):
    """The page of the version that a retraining registered."""
    version = job.result.get("version")
    return reverse("admin:predictor_modelversion_change", args=[version]) if version else ""


@job_kind(
    "retrain",
    gettext_lazy("retraining"),
    MAY,
    timedelta(hours=12),
    describe=described,
    address=address,
)
def retrain(context, scheme, with_reviewed, upload="", name="", **of_list):
    """Trains a scheme, on an uploaded list if there is one. If an earlier run of the job has registered its
    version, only the gate and the activation follow.

    of_list: the list's `year`, `currency` and `price_kind`, `new_basis`, and `public`, its columns that
    may be shown, "" for all.
    """
    with _packages_needed():
        if not upload:
            return call_command("retrain", scheme=scheme, with_reviewed=with_reviewed, job=context)
        with _list_of(context, upload, name) as path:
            options = [*_options(path, of_list), "--scheme", scheme]
            options += ["--with-reviewed"] if with_reviewed else []
            return call_command("retrain", *options, job=context)


@contextmanager
def _packages_needed():
    """JobFailed if the packages for training are not installed."""
    try:
        yield
    except ImportError as error:
        if is_missing(error):
            text = gettext("The packages for training are not installed here (requirements.txt).")
            raise JobFailed(text) from None
        raise


def _options(path, of_list):
    """The options of the command for a list."""
    options = ["--data", str(path), "--source", path.name]
    for name in ("year", "currency", "price_kind", "public"):
        if value := of_list.get(name):
            options += [f"--{name.removeprefix('price_')}", str(value)]
    return options + (["--new-basis"] if of_list.get("new_basis") else [])


@contextmanager
def _list_of(context, upload, name):
    """The path of an uploaded list, as a file with its own name while the job runs."""
    content, endings = uploads.read(upload), "".join(Path(name).suffixes[-2:]).lower()
    with TemporaryDirectory(dir=context.folder) as folder:
        path = Path(folder, f"{slugify(Path(name).stem)[:60] or 'list'}{endings[:12]}")
        with private_files.opened(path) as file:
            file.write(content)
        yield path


def list_address(job):
    """The page that shows how a list was read, and has the form for the training."""
    return reverse("admin:job-list", args=[job.pk])


@job_kind(
    "read_list",
    gettext_lazy("list of stones"),
    MAY,
    timedelta(minutes=30),
    describe=lambda arguments: arguments["name"],
    address=list_address,
)
def read_list(context, upload, name, currency):
    """Reads an uploaded list; how it was read, and what is left out, is the job's result."""
    with _packages_needed(), _list_of(context, upload, name) as path:
        try:
            call_command(
                "retrain", *_options(path, {"currency": currency}), "--dry-run", job=context
            )
        except DatasetError as error:
            raise JobFailed(sentence_of(error)) from None
    return gettext("{count} stones").format(count=number(context.result["stones"]))

"""Prices the stones of a list and records them: up to AT_ONCE in the request, more by a job.

A job belongs to whoever has the address of its list: these users have no account. It records the rows in
short transactions, each together with the list of their ids, so that a job that begins again goes on after
the last row that was recorded.
"""

import gzip
import json
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

from django.db import Error as DatabaseUnusable
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ml.tables.errors import DatasetError
from ml.tables.sheet import read_sheet
from predictor.errors import HistoryUnavailable, NoLiveForest
from predictor.history.batches import write_in_batches
from predictor.jobs import uploads
from predictor.jobs.errors import JobFailed, JobRefused
from predictor.jobs.files import store_file
from predictor.jobs.kinds import job_kind
from predictor.jobs.queue import ask_without_account, discard
from predictor.models import Job, ModelVersion, Prediction, PricedFile
from predictor.pages.price_file.columns import find_columns
from predictor.pages.price_file.errors import MOST_REASONS, error_csv, errors_name, reasons
from predictor.pages.price_file.lines import as_text, numbered
from predictor.pages.price_file.stones import stones_of
from predictor.pricing.serializers import MAX_STONES, validators_of
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import LiveModel, forest_of, registry
from predictor.web.access import throttle
from predictor.web.clients import counted_address
from predictor.wording.figures import number
from predictor.wording.files import sentence_of

KIND = "list"
AT_ONCE, MOST_ROWS = MAX_STONES, 10_000
"""The most rows that are priced in the request, and in all."""

MOST_BYTES, MOST_AGAIN = 1_500_000, 1_900_000
"""The most bytes of a file, and of its table as the preview sends it, where quotation marks make it
longer."""

CLOCKS = timedelta(minutes=5)
"""The most by which the clocks of two machines differ."""

PER_HOUR = 20, 3600
"""The most jobs that a client may ask for, and within how many seconds."""


def kept_columns(sheet, columns):
    """{name: place} of the columns that are returned: all but those of an earlier pricing."""
    return {
        name: place for place, name in enumerate(sheet.columns) if place not in columns.replaced
    }


def price_at_once(priced, sheet, columns, stones, caller):
    """Prices the good rows of a list, records them and saves the PricedFile, all or none; returns the
    Predictions. Raises NoLiveForest, HistoryUnavailable."""
    own, bad = kept_columns(sheet, columns), stones.bad
    stored = _stored_errors(priced, own, bad) if bad else None

    def keep(predictions):
        priced.predictions = [one.pk.hex for one in predictions]
        priced.save(force_insert=True)
        if stored:
            Job.objects.create(kind=KIND, state=Job.State.DONE, **stored)

    try:
        return _price(PricePredictor(), stones.good, own, caller, keep)
    except BaseException:
        if stored:
            discard(stored["file"])
        raise


def _stored_errors(priced, own, bad):
    """The columns of the row of a job about the rows with errors, after storing their file."""
    content = error_csv(own, bad, priced.separator).encode()
    return {
        **store_file(errors_name(priced.name), content),
        "arguments": {"id": priced.pk.hex, "name": priced.name},
        "rows": len(bad),
        "result": _about_errors(bad),
    }


def _about_errors(bad):
    found = reasons(bad)
    return {"bad": len(bad), "reasons": found[:MOST_REASONS], "more": len(found[MOST_REASONS:])}


def _price(predictor, rows, own, caller, keep):
    """Prices and records rows in one transaction with what `keep` saves; returns the Predictions."""
    return predictor.quote_all(
        [row.payload for row in rows],
        (_as_kept(own, row) for row in rows),
        caller,
        {"assume": "true"},
        also=keep,
        askings=[row.asking for row in rows],
    )


def _as_kept(own, row):
    sent = {name: row.cells[place] for name, place in own.items()}
    return json.dumps(sent, ensure_ascii=False)


# More rows: a job


def request_job(request, priced, upload, client):
    """Saves the PricedFile of an Upload and requests its job. Raises JobRefused, TooManyRequests.

    client: the name of the signed-in user, or "".
    """
    address = counted_address(request)
    throttle.count(f"list:{address}", PER_HOUR)
    table = gzip.compress(request.POST["table"].encode())
    stored = uploads.store(table, f"list-{uuid4().hex}.gz")
    try:
        with transaction.atomic():
            priced.save(force_insert=True)
            ask_without_account(
                KIND,
                salted_hmac("jobs", str(address)).hexdigest()[:16],
                id=priced.pk.hex,
                name=priced.name,
                upload=stored,
                chosen=upload.chosen,
                lines=as_text(upload.sheet),
                user=client,
            )
    except (JobRefused, DatabaseUnusable):
        discard(stored)
        raise


def job_of(priced):
    """The job of a PricedFile; None for a list without errors that was priced in its request."""
    jobs = Job.objects.filter(by=None, kind=KIND, created__gte=priced.created - CLOCKS)
    return jobs.filter(arguments__id=priced.pk.hex).order_by("-id").first()


@job_kind(
    KIND,
    gettext_lazy("priced file"),
    "",  # anybody
    timedelta(minutes=20),
    describe=lambda arguments: arguments["name"],
)
def price_list(context, id, name, upload, chosen, lines, user, client):  # noqa: A002
    """Prices the rows of a list that have no errors; the others become the job's file."""
    priced = PricedFile.objects.filter(pk=UUID(id)).first()
    if priced is None:
        raise JobFailed(_("The file is no longer stored. Upload it again."))
    sheet = numbered(read_sheet(uploads.read(upload), "", MOST_ROWS, MOST_AGAIN), lines)
    try:
        model = _model_of(context, sheet, chosen)
        validators = validators_of(model.forest, model.version.number)
        columns = find_columns(sheet, chosen, validators)
        stones = stones_of(sheet, columns, model.version.currency, validators)
    except DatasetError as error:  # it does not fit a version that was activated meanwhile
        raise JobFailed(sentence_of(error)) from None
    own, good, bad = kept_columns(sheet, columns), stones.good, stones.bad
    context.result |= _about_errors(bad)
    if bad:
        with context.write_file(errors_name(name)) as file:
            file.write(error_csv(own, bad, priced.separator).encode())
        context.rows = len(bad)
    _price_all(context, priced, model, good, own, Caller(Prediction.Source.BATCH, user, name))
    return _("Stones priced: {good}. Rows with errors: {bad}.").format(
        good=number(len(good)), bad=number(len(bad))
    )


def _model_of(context, sheet, chosen):
    """The model that reads and prices the whole list: the active one when the job first began."""
    if pk := context.result.get("version"):
        version = ModelVersion.objects.get(pk=pk)
        return LiveModel(version, forest_of(version))
    registry.ensure_loaded()
    try:
        model = registry.live(find_columns(sheet, chosen).scheme)
    except NoLiveForest as error:
        raise JobFailed(str(error.message)) from None
    context.keep(version=model.version.pk)
    return model


def _price_all(context, priced, model, good, own, caller):
    """Prices the rows that are not recorded yet, in short transactions."""
    predictor = PricePredictor(SimpleNamespace(live=lambda scheme: model))

    def keep(predictions):
        priced.predictions += [one.pk.hex for one in predictions]
        context.keep(priced=len(priced.predictions))
        priced.save(update_fields=["predictions"])

    def write(rows):
        try:
            _price(predictor, rows, own, caller, keep)
        except HistoryUnavailable as error:
            raise error.__cause__ from None

    context.progress(len(priced.predictions), len(good))
    for _done in write_in_batches(write, good[len(priced.predictions) :]):
        context.progress(len(priced.predictions), len(good))

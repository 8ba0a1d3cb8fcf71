"""Uploads a file of stones, previews it and prices it; priced.py shows the results."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import IntegrityError
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ml.stones import BASIS, SCHEMES
from ml.tables.errors import DatasetError
from ml.tables.files import size
from ml.tables.rows import SEPARATORS
from ml.tables.sheet import TOO_MANY_BYTES, Sheet, read_sheet
from ml.tables.writing import csv_text
from ml.vocabulary import OPTIONAL
from predictor.errors import HistoryUnavailable, NoLiveForest
from predictor.jobs.errors import JobRefused
from predictor.models import Prediction, PricedFile
from predictor.pages.price_file import lines
from predictor.pages.price_file.columns import (
    ADDED,
    COMPARED,
    ColumnsMissing,
    choices_of,
    chosen_in,
    find_columns,
)
from predictor.pages.price_file.downloads import csv_response
from predictor.pages.price_file.errors import (
    MOST_REASONS,
    error_csv,
    errors_name,
    reasons,
    reasons_context,
)
from predictor.pages.price_file.pricing import (
    AT_ONCE,
    MOST_AGAIN,
    MOST_BYTES,
    MOST_ROWS,
    kept_columns,
    price_at_once,
    request_job,
)
from predictor.pages.price_file.stones import stones_of
from predictor.pricing.serializers import UNPRINTABLE
from predictor.pricing.services import Caller
from predictor.versions.live import registry
from predictor.web.access import count_request
from predictor.web.clients import signed_in
from predictor.wording.figures import figure, number
from predictor.wording.files import sentence_of
from predictor.wording.labels import LABELS, SCHEME_TITLES, level_label

PREVIEWED = 10
"""How many rows a preview shows."""


class FileRefused(ValueError):
    """A file that cannot be priced; the message is for the user."""


@dataclass(frozen=True)
class Upload:
    """A file that was sent, or its table as the preview sends it back.

    id: that of its PricedFile, so that the same preview sent twice is priced once. chosen: {field: place}
    of the columns that were chosen. whole: whether no row is priced if one has errors.
    """

    id: UUID
    name: str
    sheet: Sheet
    separator: str
    whole: bool
    chosen: dict

    @property
    def columns(self):
        """Its Columns; raises ColumnsMissing, DatasetError."""
        return find_columns(self.sheet, self.chosen)

    def stones(self, columns):
        """Its Stones; DatasetError for prices in another currency than the active version's."""
        live = registry.loaded().get(columns.scheme)
        currency = live.version.currency if live else BASIS.currency
        return stones_of(self.sheet, columns, currency)


@require_http_methods(["GET", "HEAD", "POST"])
def price_file(request):
    """The upload form; for an uploaded file its preview; from the preview the priced file."""
    registry.ensure_loaded()
    if request.method != "POST":
        return _form(request)
    count_request(request)
    try:
        if "table" in request.POST:
            return _submitted(request)
        return _previewed(request)
    except (FileRefused, JobRefused) as refused:
        return _form(request, str(refused))
    except DatasetError as error:
        return _form(request, sentence_of(error))


def _form(request, message=""):
    context = {
        "message": message,
        "most": number(MOST_ROWS),
        "at_once": number(AT_ONCE),
        "most_bytes": figure(MOST_BYTES / 1e6),
        "added": ADDED,
        "compared": COMPARED,
        "whole": "whole" in request.POST,
        "schemes": [
            (title, ", ".join(SCHEMES[scheme]), scheme) for scheme, title in SCHEME_TITLES.items()
        ],
    }
    return render(request, "predictor/file.html", context, status=400 if message else 200)


def _previewed(request):
    sent = request.FILES.get("file")
    if sent is None:
        raise FileRefused(_("Choose a file first."))
    sheet = read_sheet(sent.read(MOST_BYTES + 1), sent.name, MOST_ROWS, MOST_BYTES)
    whole = "whole" in request.POST
    return _preview(request, Upload(uuid4(), sent.name[:100], sheet, sheet.separator, whole, {}))


def _submitted(request):
    """The preview was submitted: the parsed table, to be priced or read with other columns."""
    sheet = read_sheet(request.POST["table"].encode(), "", MOST_ROWS, MOST_AGAIN)
    sheet = lines.numbered(sheet, request.POST.get("lines", ""))
    separator = request.POST.get("separator", ",")
    upload = Upload(
        _id_in(request.POST.get("id", "")),
        UNPRINTABLE.sub("", request.POST.get("name", ""))[:100] or "stones.csv",
        sheet,
        separator if separator in SEPARATORS else ",",
        "whole" in request.POST,
        chosen_in(request.POST, sheet),
    )
    if "again" in request.POST or upload.chosen != chosen_in(request.POST, sheet, "shown-"):
        return _preview(request, upload)
    return _errors(upload) if "errors" in request.POST else _priced(request, upload)


def _id_in(text):
    """The id that the preview gave to the list; a new one for any other text."""
    try:
        id_ = UUID(text[:36])
    except ValueError:
        return uuid4()
    return id_ if id_.version == 4 else uuid4()


def _preview(request, upload):
    sheet = upload.sheet
    table = csv_text(sheet.columns, (cells for _, cells in sheet.rows))
    if len(table.encode()) > MOST_AGAIN:
        raise DatasetError(TOO_MANY_BYTES, limit=size(MOST_BYTES))
    context = {
        "upload": upload,
        "count": number(len(sheet.rows)),
        "table": table,
        "lines": lines.as_text(sheet),
        "notes": [sentence_of(note) for note in sheet.notes],
    }
    try:
        found = upload.columns
    except ColumnsMissing as missing:
        context |= {"missing": str(missing), "choices": choices_of(sheet, missing.found)}
        return render(request, "predictor/file_preview.html", context, status=400)
    stones = upload.stones(found)
    places = found.places | found.listed
    context |= _stones_context(stones) | {"choices": choices_of(sheet, places, found.scheme)}
    context["replaced"] = [sheet.columns[place] for place in sorted(found.replaced)]
    context["can_price"] &= _may_be_priced(upload, stones)
    status = 200 if _may_be_priced(upload, stones) else 400
    return render(request, "predictor/file_preview.html", context, status=status)


def _may_be_priced(upload, stones):
    return bool(stones.good) and not (upload.whole and stones.bad)


def _stones_context(stones):
    """What the preview shows of the stones."""
    names, bad = _shown_names(stones), stones.bad
    found = reasons(bad)
    compared = stones.have_prices
    columns = [LABELS[one] for one in names] + ([_("Asking price")] if compared else [])
    return {
        "scheme": SCHEME_TITLES[stones.scheme],
        "columns": columns,
        "rows": [
            (row.line, [_cell(row, one) for one in names] + _price_cell(row, compared))
            for row in stones.rows[:PREVIEWED]
        ],
        "shown": number(min(PREVIEWED, len(stones.rows))),
        "good": number(len(stones.rows) - len(bad)),
        "bad": number(len(bad)) if bad else "",
        "by_job": len(stones.rows) > AT_ONCE,
        **reasons_context(found[:MOST_REASONS], len(found[MOST_REASONS:])),
        "derived": number(stones.derived) if stones.derived else "",
        "priced_rows": number(sum(row.asking is not None for row in stones.rows))
        if compared
        else "",
        "can_price": stones.scheme in registry.loaded(),
        "has_model": stones.scheme in registry.loaded(),
    }


def _shown_names(stones):
    """The parameters that the preview shows: those of the scheme, and optional ones that a stone states."""
    stated = {name for row in stones.rows for name in row.payload}
    return [*SCHEMES[stones.scheme], *(name for name in OPTIONAL if name in stated)]


def _cell(row, name):
    return level_label(name, row.payload.get(name, ""))


def _price_cell(row, compared):
    return ["" if row.asking is None else number(row.asking)] if compared else []


def _errors(upload):
    """The rows that have errors, as CSV."""
    columns = upload.columns
    own = kept_columns(upload.sheet, columns)
    text = error_csv(own, upload.stones(columns).bad, upload.separator)
    return csv_response(text, errors_name(upload.name))


def _priced(request, upload):
    """Prices and records the rows of a previewed table that have no errors."""
    if done := PricedFile.objects.filter(pk=upload.id).first():
        return redirect(done)
    try:
        found = upload.columns
    except ColumnsMissing:
        return _preview(request, upload)
    if found.scheme not in registry.loaded():
        raise FileRefused(str(NoLiveForest.message))
    try:
        return _recorded(request, upload, found)
    except (HistoryUnavailable, IntegrityError):
        if done := PricedFile.objects.filter(pk=upload.id).first():
            return redirect(done)  # the same preview was sent twice at the same time
        raise


def _recorded(request, upload, found):
    is_long, client = len(upload.sheet.rows) > AT_ONCE, signed_in(request)
    stones = None if is_long and not upload.whole else upload.stones(found)
    if stones and not _may_be_priced(upload, stones):
        return _preview(request, upload)
    priced = PricedFile(
        id=upload.id,
        name=upload.name,
        separator=upload.separator,
        columns=[*kept_columns(upload.sheet, found)],
        predictions=[],
    )
    if is_long:
        request_job(request, priced, upload, client)
        return redirect(priced)
    request.caller = Caller(Prediction.Source.BATCH, client, upload.name)
    request.priced = price_at_once(priced, upload.sheet, found, stones, request.caller)
    return redirect(priced)

"""Uploads a file of stones, previews it and prices it; priced.py shows the results."""

import json

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ml.stones import SCHEMES
from ml.tables.errors import DatasetError
from ml.tables.files import size
from ml.tables.rows import SEPARATORS
from ml.tables.sheet import TOO_MANY_BYTES, read_sheet
from ml.tables.writing import csv_text
from predictor.errors import NoLiveForest
from predictor.models import Prediction, PricedFile
from predictor.pages.price_file.columns import (
    ADDED,
    ColumnsMissing,
    choices_of,
    chosen_in,
    find_columns,
)
from predictor.pages.price_file.stones import stones_of
from predictor.pricing.serializers import MAX_STONES, UNPRINTABLE
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.access import count_request
from predictor.web.clients import signed_in
from predictor.wording.figures import number
from predictor.wording.files import sentence_of
from predictor.wording.labels import LABELS, SCHEME_TITLES

predictor = PricePredictor()

MOST_BYTES, MOST_AGAIN = 1_000_000, 1_500_000
"""The most bytes of a file, and of its table as the preview sends it, where quotation marks make it
longer."""

PREVIEWED, MOST_ERRORS = 10, 50
"""How many rows a preview shows, and how many errors it lists one by one."""


class FileRefused(ValueError):
    """A file that cannot be priced; the message is for the user."""


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
    except FileRefused as refused:
        return _form(request, str(refused))
    except DatasetError as error:
        return _form(request, sentence_of(error))


def _form(request, message=""):
    context = {
        "message": message,
        "most": number(MAX_STONES),
        "added": ADDED,
        "schemes": [
            (title, ", ".join(SCHEMES[scheme]), scheme) for scheme, title in SCHEME_TITLES.items()
        ],
    }
    return render(request, "predictor/file.html", context, status=400 if message else 200)


def _previewed(request):
    sent = request.FILES.get("file")
    if sent is None:
        raise FileRefused(_("Choose a file first."))
    sheet = read_sheet(sent.read(MOST_BYTES + 1), sent.name, MAX_STONES, MOST_BYTES)
    return _preview(request, sent.name, sheet, {}, sheet.separator)


def _submitted(request):
    """The preview was submitted: the parsed table, to be priced or read with other columns."""
    sheet = read_sheet(request.POST["table"].encode(), "", MAX_STONES, MOST_AGAIN)
    name = UNPRINTABLE.sub("", request.POST.get("name", ""))[:100] or "stones.csv"
    separator = request.POST.get("separator", ",")
    separator = separator if separator in SEPARATORS else ","
    chosen = chosen_in(request.POST, sheet)
    if "again" in request.POST or chosen != chosen_in(request.POST, sheet, "shown-"):
        return _preview(request, name, sheet, chosen, separator)
    return _priced(request, name, sheet, chosen, separator)


def _preview(request, name, sheet, chosen, separator):
    table = csv_text(sheet.columns, (cells for _, cells in sheet.rows))
    if len(table.encode()) > MOST_AGAIN:
        raise DatasetError(TOO_MANY_BYTES, limit=size(MOST_BYTES))
    context = {
        "name": name[:100],
        "count": number(len(sheet.rows)),
        "table": table,
        "separator": separator,
        "notes": [sentence_of(note) for note in sheet.notes],
    }
    try:
        found = find_columns(sheet, chosen)
    except ColumnsMissing as missing:
        context |= {"missing": str(missing), "choices": choices_of(sheet, missing.found)}
        return render(request, "predictor/file_preview.html", context, status=400)
    stones = stones_of(sheet, found)
    context |= _stones_context(stones) | {"choices": choices_of(sheet, found.places, found.scheme)}
    context["replaced"] = [sheet.columns[place] for place in sorted(found.replaced)]
    status = 400 if stones.errors else 200
    return render(request, "predictor/file_preview.html", context, status=status)


def _stones_context(stones):
    """What the preview shows of the stones."""
    names = SCHEMES[stones.scheme]
    rows = zip(stones.lines[:PREVIEWED], stones.payloads, strict=False)
    return {
        "scheme": SCHEME_TITLES[stones.scheme],
        "columns": [LABELS[one] for one in names],
        "rows": [(line, [payload[one] for one in names]) for line, payload in rows],
        "shown": number(min(PREVIEWED, len(stones.payloads))),
        "errors": stones.errors[:MOST_ERRORS],
        "error_count": number(len(stones.errors)),
        "more_errors": len(stones.errors) > MOST_ERRORS
        and number(len(stones.errors) - MOST_ERRORS),
        "derived": stones.derived and number(stones.derived),
        "can_price": stones.scheme in registry.loaded(),
    }


def _priced(request, name, sheet, chosen, separator):
    """Prices and records all rows of a previewed table, or none of them."""
    try:
        found = find_columns(sheet, chosen)
    except ColumnsMissing:
        return _preview(request, name, sheet, chosen, separator)
    stones = stones_of(sheet, found)
    if stones.errors:
        return _preview(request, name, sheet, chosen, separator)
    kept = [place for place, _ in enumerate(sheet.columns) if place not in found.replaced]
    columns = [sheet.columns[place] for place in kept]
    requests = [_as_kept(columns, [cells[place] for place in kept]) for _, cells in sheet.rows]
    request.caller = Caller(Prediction.Source.BATCH, signed_in(request), name)
    priced = PricedFile(name=name, separator=separator, columns=columns)

    def keep(predictions):
        priced.predictions = [one.pk.hex for one in predictions]
        priced.save(force_insert=True)

    try:
        request.priced = predictor.quote_all(stones.payloads, requests, request.caller, also=keep)
    except NoLiveForest as error:
        raise FileRefused(str(error.message)) from error
    return redirect(priced)


def _as_kept(columns, cells):
    return json.dumps(dict(zip(columns, cells, strict=True)), ensure_ascii=False)

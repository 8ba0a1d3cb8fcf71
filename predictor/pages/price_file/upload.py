"""A file of stones, to be priced in one go: how it was read, and the prices; priced_files.py shows them."""

import json
from dataclasses import dataclass

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ml.stones import GRADES, SCHEMES
from predictor.errors import NoLiveForest
from predictor.history.record import KEPT_OF_REQUEST
from predictor.models import Prediction, PricedFile
from predictor.pages.price_file.tables import Sheet, TableRefused, as_csv, read_sheet, sheet_of
from predictor.pages.stone_form import parsing as typed
from predictor.pricing.answers import FILE, columns_of
from predictor.pricing.serializers import MAX_STONES, UNPRINTABLE
from predictor.pricing.services import Caller, PricePredictor
from predictor.versions.live import registry
from predictor.web.access import count_request
from predictor.web.clients import signed_in
from predictor.wording.figures import number
from predictor.wording.labels import LABELS, SCHEME_TITLES

predictor = PricePredictor()

ADDED = (*columns_of(FILE), "quote")
"""The columns that a priced file has beside its own."""

PREVIEWED, TOLD = 10, 50
"""How many rows a preview shows, and how many errors are told one by one."""


@dataclass(frozen=True)
class Stones:
    """A sheet's rows as stones: a payload each; errors: [(line, column, message), …]; derived: in how many
    rows the depth was worked out."""

    sheet: Sheet
    scheme: str
    payloads: list
    errors: list
    derived: int


@require_http_methods(["GET", "HEAD", "POST"])
def price_file(request):
    """The form for a file; sent with one, its preview; sent from the preview, its prices."""
    registry.ensure_loaded()
    if request.method != "POST":
        return _form(request)
    count_request(request)
    try:
        if "table" in request.POST:
            return _priced(request)
        return _previewed(request)
    except TableRefused as refused:
        return _form(request, str(refused))


def _form(request, told=""):
    context = {
        "told": told,
        "most": number(MAX_STONES),
        "added": ADDED,
        "schemes": [
            (title, ", ".join(SCHEMES[scheme]), scheme) for scheme, title in SCHEME_TITLES.items()
        ],
    }
    return render(request, "predictor/file.html", context, status=400 if told else 200)


def _previewed(request):
    sent = request.FILES.get("file")
    if sent is None:
        raise TableRefused(_("Choose a file first."))
    stones = stones_of(read_sheet(sent.read()))
    table = as_csv(stones.sheet.columns, (cells for _, cells in stones.sheet.rows), ",")
    return _preview(request, sent.name, stones, table)


def _preview(request, name, stones, table):
    context = {
        "name": name[:100],
        "scheme": SCHEME_TITLES[stones.scheme],
        "count": number(len(stones.payloads)),
        "columns": [LABELS[one] for one in SCHEMES[stones.scheme]],
        "rows": [
            (line, [payload[one] for one in SCHEMES[stones.scheme]])
            for (line, _), payload in zip(
                stones.sheet.rows[:PREVIEWED], stones.payloads, strict=False
            )
        ],
        "shown": number(min(PREVIEWED, len(stones.payloads))),
        "errors": stones.errors[:TOLD],
        "error_count": number(len(stones.errors)),
        "more_errors": len(stones.errors) > TOLD and number(len(stones.errors) - TOLD),
        "derived": stones.derived and number(stones.derived),
        "table": table,
        "separator": stones.sheet.separator,
        "can_price": stones.scheme in registry.loaded(),
    }
    status = 400 if stones.errors else 200
    return render(request, "predictor/file_preview.html", context, status=status)


def _priced(request):
    """Prices and records all rows of a previewed table, or none of them."""
    stones = stones_of(sheet_of(request.POST["table"]))
    name = UNPRINTABLE.sub("", request.POST.get("name", ""))[:100] or "stones.csv"
    separator = request.POST.get("separator", ",")
    if stones.errors:
        return _preview(request, name, stones, request.POST["table"])
    requests = [_as_sent(stones.sheet.columns, cells) for _, cells in stones.sheet.rows]
    request.caller = Caller(Prediction.Source.BATCH, signed_in(request), name)
    priced = PricedFile(
        name=name, separator=separator if separator in ",;\t" else ",", columns=stones.sheet.columns
    )

    def keep(predictions):
        priced.predictions = [one.pk.hex for one in predictions]
        priced.save(force_insert=True)

    try:
        request.priced = predictor.quote_all(stones.payloads, requests, request.caller, also=keep)
    except NoLiveForest as error:
        raise TableRefused(str(error.message)) from error
    return redirect(priced)


def _as_sent(columns, cells):
    return json.dumps(dict(zip(columns, cells, strict=True)), ensure_ascii=False)


def stones_of(sheet):
    """The Stones of a Sheet; TableRefused where its columns are not those of a scheme."""
    places = {name.lower(): place for place, name in enumerate(sheet.columns)}
    scheme = _scheme(sheet, places)
    taken = [name for name in sheet.columns if name.lower() in ADDED]
    if taken:
        told = _("The column {name} is one of those that are added: give it another name.")
        raise TableRefused(told.format(name=taken[0]))
    marks = typed.marks_of(
        {name: [cells[places[name]] for _, cells in sheet.rows] for name in SCHEMES[scheme]}
    )
    payloads, errors, derived = [], [], 0
    for line, cells in sheet.rows:
        row = {name: cells[places[name]].strip() for name in SCHEMES[scheme]}
        read = typed.read(scheme, SCHEMES[scheme], row, marks)
        payloads.append(read.payload)
        derived += bool(not row["depth"] and read.payload["depth"])
        errors += [(line, *error) for error in _errors(read)]
        if len(_as_sent(sheet.columns, cells).encode()) > KEPT_OF_REQUEST:
            errors.append((line, "", _("The row is too long to be kept.")))
    return Stones(sheet, scheme, payloads, errors, derived)


def _errors(read):
    return [
        ("" if name == "non_field_errors" else name, str(messages[0]))
        for name, messages in read.all_errors().items()
    ]


def _scheme(sheet, places):
    """The scheme whose columns are there; where both are, that of the first row's color."""
    found = [scheme for scheme in ("graded", "coded") if set(SCHEMES[scheme]) <= places.keys()]
    if len(found) == 2:
        color = sheet.rows[0][1][places["color"]].strip()
        return "graded" if color.upper() in GRADES["color"] else "coded"
    if found:
        return found[0]
    missing = {
        scheme: ", ".join(name for name in SCHEMES[scheme] if name not in places)
        for scheme in SCHEMES
    }
    raise TableRefused(
        _(
            "Columns are missing. For grades by their names: {graded}. For coded grades: {coded}."
        ).format(**missing)
    )

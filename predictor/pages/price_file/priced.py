"""The results of pricing a file: its summary and the priced file to download; also sample files."""

import uuid
from collections import Counter

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from ml.stones import EXAMPLES, GRADES, SCHEMES, grades_of
from ml.tables.writing import csv_text
from predictor.models import Prediction, PricedFile
from predictor.pages.price_file.columns import ADDED
from predictor.pages.price_file.upload import PREVIEWED
from predictor.pages.stone_form.forms import as_filled
from predictor.pricing.answers import FILE, cells_of
from predictor.pricing.warnings import title_of
from predictor.quotes.presentation import grade_text, range_text, short_name
from predictor.versions.live import registry
from predictor.wording.figures import in_currency, money, number
from predictor.wording.labels import LABELS, SCHEME_TITLES

SAMPLE_ROWS = 12


@require_safe
def priced_file(request, id):  # noqa: A002
    """The summary of a priced file: the total, prices by grade, and warnings."""
    priced = get_object_or_404(PricedFile, pk=id)
    found = _predictions(priced)
    if not found:
        return render(request, "predictor/priced_file.html", {"file": priced})
    with in_currency(found[0].version.currency):
        context = {
            "file": priced,
            "count": number(len(found)),
            "lost": number(len(priced.predictions) - len(found))
            if len(found) < len(priced.predictions)
            else "",
            "total": money(sum(one.predicted_price for one in found)),
            "mean": money(sum(one.predicted_price for one in found) / len(found)),
            "groups": [(LABELS[name], _by_grade(name, found)) for name in GRADES],
            "warnings": _warnings(found),
            "rows": [
                (one, short_name(one), money(one.predicted_price), range_text(one))
                for one in found[:PREVIEWED]
            ],
            "shown": number(min(PREVIEWED, len(found))),
            "version": found[0].version,
            "scheme": SCHEME_TITLES[found[0].scheme],
        }
    return render(request, "predictor/priced_file.html", context)


def _predictions(priced):
    """The recorded answers of a file, in its order, without those that were pruned since."""
    ids = [uuid.UUID(one) for one in priced.predictions]
    rows = Prediction.objects.select_related("version").defer("version__card").in_bulk(ids)
    return [rows[one] for one in ids if one in rows]


def _by_grade(name, predictions):
    """[(grade, number of stones, their total, their mean price), …], the best grade first."""
    scheme = predictions[0].scheme
    prices = {grade: [] for grade in reversed(grades_of(name, scheme))}
    for one in predictions:
        prices[one.features[name]].append(one.predicted_price)
    return [
        (
            grade_text(name, grade, scheme),
            number(len(some)),
            money(sum(some)),
            money(sum(some) / len(some)),
        )
        for grade, some in prices.items()
        if some
    ]


def _warnings(predictions):
    counts = Counter(code for one in predictions for code in {w["code"] for w in one.warnings})
    return [(title_of(code), number(count)) for code, count in counts.most_common()]


@require_safe
def priced_csv(request, id):  # noqa: A002
    """The uploaded file with the price of each stone, as CSV."""
    priced = get_object_or_404(PricedFile, pk=id)
    rows = (
        [
            *_cells_of(one, priced.columns),
            *cells_of(one, FILE),
            request.build_absolute_uri(one.get_absolute_url()),
        ]
        for one in _predictions(priced)
    )
    return _download(
        csv_text([*priced.columns, *ADDED], rows, priced.separator), f"priced-{priced.pk}"
    )


def _cells_of(prediction, columns):
    sent = prediction.request_object()
    return [sent.get(name, "") if isinstance(sent, dict) else "" for name in columns]


@require_safe
def sample_csv(request, scheme):
    """A sample file, of recorded stones if a version is active."""
    if scheme not in SCHEMES:
        raise Http404
    registry.ensure_loaded()
    live = registry.loaded().get(scheme)
    if live is None:
        stones = EXAMPLES[scheme]
    else:
        count = len(live.forest.recorded_columns["price"])
        places = range(0, count, max(count // SAMPLE_ROWS, 1))[:SAMPLE_ROWS]
        stones = [as_filled(live.forest.recorded(row), scheme) for row in places]
    rows = [[f"S-{place + 1:02}", *stone.values()] for place, stone in enumerate(stones)]
    return _download(csv_text(["reference", *SCHEMES[scheme]], rows, ","), f"sample-{scheme}")


def _download(text, name):
    response = HttpResponse(text.encode(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response

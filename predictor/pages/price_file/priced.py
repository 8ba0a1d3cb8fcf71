"""The results of pricing a file: its summary, its stones, the files to download; also sample files.

Whoever has the address of a list sees it: these users have no account.
"""

import uuid
from collections import Counter

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ml.stones import EXAMPLES, GRADES, SCHEMES, grades_of
from ml.tables.writing import csv_text
from ml.vocabulary import TRADE_GRADES
from predictor.charts.svg import asking_against_estimate
from predictor.jobs import queue
from predictor.jobs.files import file_response
from predictor.models import ModelVersion, Prediction, PricedFile
from predictor.pages.price_file.columns import ADDED, COMPARED
from predictor.pages.price_file.downloads import csv_response, secret
from predictor.pages.price_file.errors import name_for, reasons_context
from predictor.pages.price_file.pricing import job_of
from predictor.pages.price_file.table import compared_cells, over, table_of, word_of
from predictor.pages.stone_form.forms import as_filled
from predictor.pricing.answers import FILE, cells_of, shown_stone
from predictor.pricing.services import live_validators
from predictor.pricing.warnings import title_of
from predictor.quotes.presentation import grade_text
from predictor.versions.live import registry
from predictor.wording.figures import in_currency, money, number, percent, signed_percent
from predictor.wording.labels import LABELS, SCHEME_TITLES
from predictor.wording.sentences import FAIRNESS

SAMPLE_ROWS = 12


@secret
@require_safe
def priced_file(request, id):  # noqa: A002
    """The progress of a list's job; then the summary of the list and its stones."""
    priced = get_object_or_404(PricedFile, pk=id)
    job = job_of(priced)
    if job and job.is_open:
        return render(request, "predictor/list_progress.html", _progress(priced, job))
    found = _predictions(priced)
    context = {"file": priced, "job": job, **_errors_context(job)}
    if not found:
        return render(request, "predictor/priced_file.html", context)
    with in_currency(found[0].version.currency):
        lost = len(priced.predictions) - len(found)
        context |= _summary(found) | {
            "lost": number(lost) if lost else "",
            "table": table_of(request, found, priced.columns),
            "comparison": _comparison([one for one in found if one.asking is not None]),
        }
    return render(request, "predictor/priced_file.html", context)


def _progress(priced, job):
    share = min(job.done / job.total, 1) if job.total else None
    return {
        "file": priced,
        "job": job,
        "done": number(job.done),
        "total": number(job.total) if job.total else "",
        "share": percent(share, 0) if share is not None else "",
        "worker_missing": queue.is_worker_missing(),
    }


@secret
@require_POST
def stop_list(request, id):  # noqa: A002
    """Withdraws or stops the job of a list; what was priced until then stays."""
    priced = get_object_or_404(PricedFile, pk=id)
    if job := job_of(priced):
        queue.stop(job)
    return redirect(priced)


def _errors_context(job):
    """What the page shows of the rows with errors."""
    result = job.result if job else {}
    if not result.get("bad"):
        return {}
    return {
        "bad": number(result["bad"]),
        **reasons_context(result["reasons"], result["more"]),
        "has_errors_file": job.state == job.State.DONE and bool(job.file),
    }


def _summary(found):
    total = sum(one.predicted_price for one in found)
    return {
        "count": number(len(found)),
        "total": money(total),
        "mean": money(total / len(found)),
        "groups": [(LABELS[name], _by_grade(name, found)) for name in GRADES],
        "warnings": [*_assumed(found), *_warnings(found)],
        "version": found[0].version,
        "scheme": SCHEME_TITLES[found[0].scheme],
    }


def _comparison(asked):
    """What the page shows of the stones that have an asking price; {} if none has one."""
    if not asked:
        return {}
    asking, estimate = sum(one.asking for one in asked), sum(one.predicted_price for one in asked)
    groups = {name: [] for name in FAIRNESS}
    for one in asked:
        groups[one.fairness].append(one)
    return {
        "count": number(len(asked)),
        "asking": money(asking),
        "estimate": money(estimate),
        "over": signed_percent(asking / estimate - 1),
        "verdicts": [
            (name, word_of(name), number(len(some)), percent(len(some) / len(asked), 0))
            for name, some in groups.items()
            if some
        ],
        "dearest": signed_percent(max(map(over, asked))),
        "cheapest": signed_percent(min(map(over, asked))),
        "chart": {
            **asking_against_estimate(
                {name: [(one.price, one.asking) for one in some] for name, some in groups.items()}
            ),
            "title": _("our estimate"),
        },
    }


def _predictions(priced):
    """The recorded answers of a file, in its order, without those that were pruned since."""
    ids = [uuid.UUID(one) for one in priced.predictions]
    rows = Prediction.objects.in_bulk(ids)
    # Once each: with select_related, thousands of rows would each get a copy.
    versions = ModelVersion.objects.defer("card").in_bulk({one.version_id for one in rows.values()})
    for one in rows.values():
        one.version = versions[one.version_id]
    return [rows[one] for one in ids if one in rows]


def _by_grade(name, predictions):
    """[(grade, number of stones, their total, their mean price), …], the best grade first."""
    scheme = predictions[0].scheme
    order = grades_of(name, scheme) if scheme == "coded" else ("", *TRADE_GRADES[name])
    prices = {grade: [] for grade in reversed(order)}
    for one in predictions:
        grade = getattr(one, name)
        prices[int(grade) if scheme == "coded" else grade].append(one.predicted_price)
    return [
        (
            grade_text(name, grade, scheme) or _("not stated"),
            number(len(some)),
            money(sum(some)),
            money(sum(some) / len(some)),
        )
        for grade, some in prices.items()
        if some
    ]


def _assumed(predictions):
    """[(a grade that was priced as another one, the number of stones), …]."""
    text = _("{sent} is priced as {used}.")
    counts = Counter(text.format(**given) for one in predictions for given in one.assumed or ())
    return [(title, number(count)) for title, count in counts.most_common()]


def _warnings(predictions):
    counts = Counter(code for one in predictions for code in {w["code"] for w in one.warnings})
    return [(title_of(code), number(count)) for code, count in counts.most_common()]


# The files to download


@secret
@require_safe
def priced_csv(request, id):  # noqa: A002
    """The uploaded file with the price of each stone, as CSV."""
    priced = get_object_or_404(PricedFile, pk=id)
    found = _predictions(priced)
    compared = any(one.asking is not None for one in found)
    rows = (
        [
            *_cells_of(one, priced.columns),
            *cells_of(one, FILE),
            request.build_absolute_uri(one.get_absolute_url()),
            *(compared_cells(one, priced.separator) if compared else ()),
        ]
        for one in found
    )
    columns = [*priced.columns, *ADDED, *(COMPARED if compared else ())]
    return csv_response(csv_text(columns, rows, priced.separator), name_for("priced", priced.name))


def _cells_of(prediction, columns):
    sent = prediction.request_object()
    return [sent.get(name, "") if isinstance(sent, dict) else "" for name in columns]


@secret
@require_safe
def errors_csv(request, id):  # noqa: A002
    """The rows of the file that have errors, as CSV."""
    job = job_of(get_object_or_404(PricedFile, pk=id))
    if not job or job.state != job.State.DONE or not job.file:
        raise Http404
    return file_response(job)


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
        stones = [as_filled(shown_stone(live.forest, row), scheme) for row in places]
        if not {*SCHEMES[scheme]} - {"cut"} <= {*stones[0]}:  # what is not public is not shown
            stones = EXAMPLES[scheme]
    names = [*live_validators()[scheme].fields]
    rows = [
        [f"S-{place + 1:02}", *(stone.get(name, "") for name in names)]
        for place, stone in enumerate(stones)
    ]
    return csv_response(csv_text(["reference", *names], rows, ","), f"sample-{scheme}.csv")

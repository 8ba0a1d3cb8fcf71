"""The days of the history as figures: a finished day is read once; today is read again at every check."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta

import numpy as np
from django.utils import timezone

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor.history.batches import in_batches
from predictor.models import MonitoredDay, Prediction

from .bins import bins_of

PERCENTILES = (50, 95, 99)
MOST_REFUSALS = 20
READ = 5000
OVER_AFTER = timedelta(minutes=10)
"""How long after its end a day is complete: a request may still have been in progress."""


def count_days(progress=None):
    """Updates the MonitoredDays; progress: called with (days read, days to read)."""
    days = list(_to_read())
    for done, day in enumerate(days, start=1):
        _count(day)
        if progress:
            progress(done, len(days))


def _to_read():
    """The days with records that are not complete yet, oldest first."""
    last = MonitoredDay.objects.filter(whole=True).order_by("-day").first()
    begin = last and _begin(last.day + timedelta(days=1))
    rows = Prediction.objects.order_by("created").values_list("created", flat=True)
    while (found := (rows.filter(created__gte=begin) if begin else rows).first()) is not None:
        day = found.astimezone(UTC).date()
        yield day
        begin = _begin(day + timedelta(days=1))


def _begin(day):
    return datetime.combine(day, time.min, UTC)


def _count(day):
    begin, end = _begin(day), _begin(day + timedelta(days=1))
    requests, refusals, latency = Counter(), Counter(), []
    tallies, answers, warned = defaultdict(dict), 0, 0
    rows = Prediction.objects.filter(created__gte=begin, created__lt=end)
    rows = rows.select_related("version").defer("request", "version__card")
    for batch in in_batches(rows, READ):
        latency += [row.latency_ms for row in batch]
        requests.update(f"{row.source} {row.status}" for row in batch)
        refusals.update(name for row in batch if row.status != 200 for name in _reasons(row.error))
        answered = [row for row in batch if row.status == 200]
        answers += len(answered)
        warned += sum(bool(row.warnings) for row in answered)
        _tally(answered, tallies)
    MonitoredDay.objects.update_or_create(
        day=day,
        defaults={
            "figures": {
                "requests": dict(requests),
                "answers": answers,
                "warned": warned,
                "latency": np.percentile(latency, PERCENTILES).round(3).tolist(),
                "refusals": dict(refusals.most_common(MOST_REFUSALS)),
            },
            "tallies": tallies,
            "whole": timezone.now() > end + OVER_AFTER,
        },
    )


def _reasons(error):
    """The messages of a refusal, without the values sent: {field: message} as texts, each once."""
    told = error if isinstance(error, list) else [error]
    return {
        f"{field}: {json.dumps(message, ensure_ascii=False)[:80]}"
        for one in told
        if isinstance(one, dict)
        for field, messages in one.items()
        if isinstance(messages, list)
        for message in messages[:1]
    }


def _tally(answered, tallies):
    """Adds a batch's answers to {version's id: {column: counts}}."""
    by_version = defaultdict(list)
    for row in answered:
        by_version[row.version_id].append(row)
    for version_id, rows in by_version.items():
        try:
            known = bins_of(rows[0].version)
        except (ForestFileError, OSError):
            continue  # without its training stones there is nothing to compare
        for name in (*SCHEMES[rows[0].scheme], "price"):
            counts = known[name].count([getattr(row, name) for row in rows])
            before = tallies[str(version_id)].get(name)
            tallies[str(version_id)][name] = (counts + before if before else counts).tolist()

"""The days of the history as figures: a finished day is read once; today is read again at every check."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from operator import itemgetter

import numpy as np
from django.utils import timezone

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from ml.vocabulary import OPTIONAL
from predictor.models import ModelVersion, MonitoredDay, Prediction

from .bins import bins_of
from .expected import SPREAD, spread_of

PERCENTILES = (50, 95, 99)
MOST_REFUSALS = 20
READ = 20_000
"""Rows read by one query."""

OVER_AFTER = timedelta(minutes=10)
"""How long after its end a day is complete: a request may still have been in progress."""

FEATURES = tuple(dict.fromkeys(name for columns in SCHEMES.values() for name in columns))
OF_ANSWER = ("version_id", "price", "low", "high", *FEATURES, *OPTIONAL)
OF_ROW = ("source", "status", "latency_ms")
OK = 200


def count_days(progress=None):
    """Updates the MonitoredDays; progress: called after each part with (days read, days to read).

    A day is saved when it has been read, so a stopped run continues with the next day.
    """
    days, report = list(_to_read()), progress or (lambda done, total: None)
    for done, day in enumerate(days):
        _count(day, lambda done=done: report(done, len(days)))
        report(done + 1, len(days))


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


def _parts(begin, end):
    """The rows created from begin to under end, in parts of about READ, in that order."""
    rows = Prediction.objects.filter(created__lt=end).order_by("created")
    while begin < end:
        times = rows.filter(created__gte=begin).values_list("created", flat=True)
        further = times[READ : READ + 1].first() or end
        further = max(further, begin + datetime.resolution)
        yield rows.filter(created__gte=begin, created__lt=further).order_by()
        begin = further


def _count(day, report):
    begin, end = _begin(day), _begin(day + timedelta(days=1))
    requests, refusals, latency, warned = Counter(), Counter(), [], 0
    tallies = defaultdict(dict)
    for rows in _parts(begin, end):
        read = list(rows.values_list(*OF_ROW, *OF_ANSWER))
        requests.update(map(itemgetter(0, 1), read))
        latency.append(np.fromiter(map(itemgetter(2), read), np.float32, len(read)))
        warned += rows.filter(status=OK).exclude(warnings=[]).count()
        _tally({row[len(OF_ROW) :] for row in read if row[1] == OK}, tallies)
        for error in rows.exclude(status=OK).values_list("error", flat=True):
            refusals.update(_reasons(error))
        report()
    MonitoredDay.objects.update_or_create(
        day=day,
        defaults={
            "figures": {
                "requests": {f"{source} {status}": n for (source, status), n in requests.items()},
                "answers": sum(n for (_, status), n in requests.items() if status == OK),
                "warned": warned,
                "latency": np.percentile(np.concatenate(latency), PERCENTILES).round(3).tolist(),
                "refusals": dict(refusals.most_common(MOST_REFUSALS)),
            },
            "tallies": tallies,
            "whole": timezone.now() > end + OVER_AFTER,
        },
    )


def _reasons(error):
    """The messages of a refusal, without the values sent: {field: message} as texts, each once."""
    entries = error if isinstance(error, list) else [error]
    return {
        f"{field}: {json.dumps(message, ensure_ascii=False)[:80]}"
        for one in entries
        if isinstance(one, dict)
        for field, messages in one.items()
        if isinstance(messages, list)
        for message in messages[:1]
    }


def _tally(answers, tallies):
    """Adds answers, a set of tuples of OF_ANSWER, to {version's id: {column: counts}}. The same stone with
    the same answer counts once in a part: a client that repeats a request is no change of the stones."""
    by_version = defaultdict(list)
    for answer in answers:
        by_version[answer[0]].append(answer)
    for version in ModelVersion.objects.defer("card").filter(pk__in=by_version):
        try:
            known = bins_of(version)
        except (ForestFileError, OSError):
            continue  # without its training stones there is nothing to compare
        columns = dict(zip(OF_ANSWER, zip(*by_version[version.pk], strict=True), strict=True))
        counts = {name: bins.count(columns[name]) for name, bins in known.items()}
        counts[SPREAD] = spread_of(*(columns[name] for name in ("price", "low", "high")))
        before = tallies[str(version.pk)]
        for name, here in counts.items():
            before[name] = (here + np.array(before.get(name, 0))).tolist()

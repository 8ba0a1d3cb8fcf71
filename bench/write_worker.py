"""Writes many rows on a site in ways that a price may have to wait for; bench/writes.py starts it, and it
prints JSON."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402

from bench.transactions import watched  # noqa: E402
from predictor.history.pruning import prune_rows  # noqa: E402
from predictor.models import ModelVersion, Prediction, Shadow  # noqa: E402
from predictor.monitoring.alarms import look  # noqa: E402
from predictor.review.judging import MOST_ROWS, judge, mark, read_prices  # noqa: E402
from predictor.review.sampling import draw  # noqa: E402
from predictor.shadow.pricing import Shadows  # noqa: E402
from predictor.versions.activation import activate  # noqa: E402
from predictor.versions.shadows import start  # noqa: E402
from predictor.versions.store import register_file  # noqa: E402


def writers():
    """{writer: {"transactions": their number, "rows": the most in one, "seconds" and "processor" of the
    longest, "work": processor seconds of all of it}}."""
    by, _ = User.objects.get_or_create(username="bench")
    ids = _spread(4 * MOST_ROWS)
    version = ModelVersion.objects.first()
    rows = Prediction.objects.order_by("pk")
    return {
        "one review": _measured(
            judge, Prediction.objects.get(pk=ids[2]), by, state="checked", note="till"
        ),
        f"{MOST_ROWS:,} actual prices": _measured(_upload, ids[::4], by, 1),
        "the same, each with another price": _measured(_upload, ids[::4], by, 2),
        f"{MOST_ROWS:,} marked as checked": _measured(mark, ids[1::4], by, "checked"),
        f"a sample of {MOST_ROWS:,}": _measured(draw, rows, MOST_ROWS, 1),
        f"pruning {MOST_ROWS:,}": _measured(prune_rows, _oldest(rows, MOST_ROWS)),
        "monitoring": _measured(look),
        f"a shadow of {MOST_ROWS:,} requests": _measured_shadow(),
        "registering a version": _measured(register_file, version.artifact.path),
        "activating a version": _measured(activate, version),
    }


def uploads(seconds):
    """Saves files of actual prices for some seconds: {"processor": seconds of each file}."""
    by, _ = User.objects.get_or_create(username="bench")
    ids = _spread(4 * MOST_ROWS)
    return _repeated(lambda number: _upload(ids[number % 4 :: 4], by, number), seconds)


def prunes(seconds):
    """Archives and deletes the oldest 10,000 rows, for some seconds; the same."""
    rows = Prediction.objects.order_by("pk")
    with tempfile.TemporaryDirectory() as folder:
        return _repeated(lambda _: prune_rows(_oldest(rows, MOST_ROWS), Path(folder)), seconds)


def _repeated(act, seconds):
    begun, processor, times = time.monotonic(), time.process_time(), 0
    while time.monotonic() - begun < float(seconds):
        act(times)
        times += 1
    return {"processor": (time.process_time() - processor) / times}


def _oldest(rows, number):
    return rows.filter(pk__lt=rows.values_list("pk", flat=True)[number])


def _spread(n):
    """The ids of n answers from the whole history, in an order that is not theirs."""
    answers = Prediction.objects.filter(status=200).order_by("price", "pk")
    ids = [*answers.values_list("pk", flat=True)]
    return ids[:: max(len(ids) // n, 1)][:n]


def _upload(ids, by, times):
    prices = Prediction.objects.only("price").in_bulk
    rows = [
        f"{pk},{row.price * (1 + times % 7 / 100):.2f}"
        for start in range(0, len(ids), 500)
        for pk, row in prices(ids[start : start + 500]).items()
    ]
    upload = read_prices("\n".join(["id,price", *rows]).encode(), "prices.csv", by)
    if upload.kept != len(ids):
        raise SystemExit(f"{upload.kept} of {len(ids)} prices were saved: {upload.errors[:3]}")


def _measured_shadow():
    """Prices the newest requests with a copy of the version that has answered them."""
    edge = Prediction.objects.values_list("pk", flat=True)[MOST_ROWS]
    version = Prediction.objects.filter(status=200).first().version
    activate(version)
    shadow = start(register_file(version.artifact.path))
    Shadow.objects.filter(pk=shadow.pk).update(reached=edge)
    return _measured(Shadows().catch_up, seconds=600)


def _measured(act, *args, **options):
    begun = time.process_time()
    with watched() as transactions:
        act(*args, **options)
    return {
        "transactions": len(transactions),
        "rows": max(one.rows for one in transactions),
        "seconds": max(one.seconds for one in transactions),
        "processor": max(one.processor for one in transactions),
        "work": time.process_time() - begun,
    }


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    known = {one.__name__: one for one in (writers, uploads, prunes)}
    print(json.dumps(known[what](*arguments)))  # noqa: T201

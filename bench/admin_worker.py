"""Measures a site's list and exports inside its process; bench/admin.py starts it, and it prints
JSON."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from predictor.history import record  # noqa: E402
from predictor.history.partitions import partition  # noqa: E402
from predictor.history.pruning import prune, prune_rows  # noqa: E402
from predictor.history.searching import PART  # noqa: E402
from predictor.models import ModelVersion, Prediction  # noqa: E402
from predictor.models.ids import uuid7  # noqa: E402
from predictor.monitoring.days import count_days  # noqa: E402
from predictor.replay.services import verify  # noqa: E402
from predictor.review.export import KINDS  # noqa: E402

LIST = "/admin/predictor/prediction/"
ROUNDS = 7


def lists():
    """{page: (ms, median of some rounds; whether its rows are searched for)} of the first page,
    each filter, the search and later pages."""
    client = _signed_in()
    ids = Prediction.objects.order_by("pk").values_list("pk", flat=True)
    oldest = ids[1000]
    version = ModelVersion.objects.first().pk
    day = Prediction.objects.order_by("created").first().created.date()
    addresses = {
        "first page": "",
        "a page far back": f"?older={oldest}",
        "and the one before": f"?newer={oldest}",
        "by id": f"?q={ids[500]}",
        "by the beginning of an id": f"?q={str(ids[500])[:13]}",
        "by client": "?q=anna",
        "by price": "?q=15829",
        "by words": "?q=carat=1.23",
        "scheme": "?scheme__exact=coded",
        "scheme, none": "?scheme__exact=graded",
        "source, rare": "?source__exact=batch",
        "source, none": "?source__exact=replay",
        "client, rare": "?client=anna",
        "client, none": "?client=otto",
        "status 400": "?status=400",
        "status 503, none": "?status=503",
        "version": f"?version__id__exact={version}",
        "one day": f"?created__range__gte_0={day}&created__range__lte_0={day}",
        "since a day": f"?created__range__gte_0={day}",
        "price, some": "?price__range__gte=5000&price__range__lte=6000",
        "price, rare": "?price__range__gte=19900&price__range__lte=19901",
        "price, none": "?price__range__gte=900000",
        "carat, some": "?carat__range__gte=1",
        "carat, none": "?carat__range__gte=29",
        "color": "?color=0",
        "color, none": "?color=J",
        "warning, none": "?warning=not_round",
        "refused field": "?refused=carat",
        "not reviewed": "?review=none",
        "reviewed, none": "?review=checked",
        "wide range": "?risk=wide",
        "beyond, none": "?risk=beyond",
        "large error, none": "?risk=far",
        "sample, none": "?sample=1",
        "color and price": "?color=0&price__range__gte=5000&price__range__lte=5100",
    }
    found = {name: [] for name in addresses}
    for _ in range(ROUNDS):
        for name, address in addresses.items():
            started = time.perf_counter()
            status = client.get(LIST + address).status_code
            found[name].append(1000 * (time.perf_counter() - started))
            if status != 200:
                raise SystemExit(f"{name}: status {status}")
    setup_test_environment()  # only now, because responses with their context take longer
    return {
        name: (statistics.median(times), _is_searched(client.get(LIST + addresses[name])))
        for name, times in found.items()
    }


def _signed_in():
    user, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def reviewing():
    """{"a review's page", "save and next": ms of processor, the median of some rounds}."""
    client, view = _signed_in(), "?_changelist_filters=scheme__exact%3Dcoded"
    answers = Prediction.objects.filter(status=200).order_by("-pk")[:ROUNDS]
    found = {"a review's page": [], "save and next": []}
    for answer in answers:
        page, said = (
            f"{LIST}{answer.pk}",
            {"actual_price": answer.price, "state": "checked", "next": 1},
        )
        acts = {
            "a review's page": lambda page=page: client.get(f"{page}/change/{view}"),
            "save and next": lambda page=page, said=said: client.post(
                f"{page}/judge/{view}", said, follow=True
            ),
        }
        for name, act in acts.items():
            begun = time.process_time()
            if act().status_code != 200:
                raise SystemExit(name)
            found[name].append(1000 * (time.process_time() - begun))
    return {name: statistics.median(times) for name, times in found.items()}


def _is_searched(response):
    """Whether a page searches the history for rare rows: no index finds them, and the newest part
    of the history, which one query reads, does not fill the page."""
    changelist = response.context["cl"]
    of_days = any(getattr(spec, "oldest", None) for spec in changelist.filter_specs)
    if (
        changelist.few is not None
        or of_days
        or not (changelist.has_active_filters or changelist.query)
    ):
        return False
    rows, newest = (
        changelist.result_list,
        Prediction.objects.order_by("-pk")[:PART].values_list("pk"),
    )
    least = min(newest)[0]
    return len(rows) < changelist.list_per_page or rows[-1].pk < least


def costs():
    """{"record": the time to record with the list's indexes, divided by that without, "export": by
    kind (rows, MB at the peak of a tenth, MB of all)}."""
    return {"export": {ending: _memory(ending) for ending in KINDS}, "record": _recording()}


def _memory(ending):
    rows = min(Prediction.objects.count(), 1_000_000)
    few, many = (_peak(ending, part) for part in (rows // 10, rows))
    return rows, few, many


def _peak(ending, rows):
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "bench.admin_worker",
        "export",
        ending,
        str(rows),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    return json.loads(done.stdout.splitlines()[-1])


def export(ending, rows):
    """The process's peak of memory, MB, after exporting this many rows."""
    last = Prediction.objects.order_by("pk").values_list("pk", flat=True)[int(rows) - 1]
    for _part in KINDS[ending][0](Prediction.objects.filter(pk__lte=last)):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _recording():
    """Records one row a commit, with and without the indexes, in rounds that take turns."""
    made = Prediction.objects.filter(status=200).first()
    found = {True: [], False: []}
    for _ in range(ROUNDS):
        for indexed in (True, False):
            _have_indexes(indexed)
            found[indexed].append(_seconds_of_recording(made))
    _have_indexes(True)
    return statistics.median(found[True]) / statistics.median(found[False])


def _have_indexes(wanted):
    with connection.schema_editor() as editor:
        for index in Prediction._meta.indexes[: None if connection.vendor == "postgresql" else 3]:
            with connection.cursor() as cursor:
                there = index.name in connection.introspection.get_constraints(
                    cursor, Prediction._meta.db_table
                )
            if wanted and not there:
                editor.add_index(Prediction, index)
            elif there and not wanted:
                editor.remove_index(Prediction, index)


def _seconds_of_recording(made, rows=2000):
    started = time.perf_counter()
    for _ in islice(iter(int, 1), rows):
        made.pk = uuid7()
        record.record([made])
    return time.perf_counter() - started


def verified():
    """Replays every record: {"rows", "different", "seconds", "memory" (MB at the peak)}."""
    started = time.perf_counter()
    found = verify(Prediction.objects.all())
    return {
        "rows": found.rows,
        "different": found.different,
        "seconds": time.perf_counter() - started,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def pruned(most=50_000):
    """Archives and prunes the oldest rows: {"rows", "seconds"}."""
    last = Prediction.objects.order_by("pk").values_list("pk", flat=True)[most]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        rows = prune_rows(Prediction.objects.filter(pk__lt=last).order_by("pk"), Path(folder))
    return {"rows": rows, "seconds": time.perf_counter() - started}


def partitioned():
    """Partitions the history: {"seconds"}."""
    started = time.perf_counter()
    partition(lambda line: None)
    return {"seconds": time.perf_counter() - started}


def dropped(moment):
    """Prunes what is older than a time in seconds, without an archive: {"rows", "seconds"}."""
    started = time.perf_counter()
    rows = prune(datetime.fromtimestamp(int(moment), UTC))
    return {"rows": rows, "seconds": time.perf_counter() - started}


def monitored():
    """Counts all days for the alarms: {"rows", "seconds", "processor" (seconds), "part" (the longest)}."""
    times = [time.perf_counter()]
    busy = time.process_time()
    count_days(lambda *_: times.append(time.perf_counter()))
    return {
        "rows": Prediction.objects.count(),
        "seconds": times[-1] - times[0],
        "processor": time.process_time() - busy,
        "part": max(after - before for before, after in pairwise(times)),
    }


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    known = [lists, costs, reviewing, export, verified, pruned, partitioned, dropped, monitored]
    [act] = [one for one in known if one.__name__ == what]
    print(json.dumps(act(*arguments)))  # noqa: T201

"""How soon an outage is told and over, and a swap is everywhere; a section of bench/api.py.

The way to a database that can be cut or made silent is that of tests/faults.
"""

import json
import os
import sqlite3
import statistics
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit

from bench.measuring import EXAMPLE
from bench.servers import OURS, WORKERS, Void, manage, serving

LIMIT = 60
"""Seconds after which something will not come about any more."""

ASKED = 8 * WORKERS
"""Prices in a row on new connections, which reach every worker."""


def outages(bench, report):
    rows = [
        *_of_sqlite(bench),
        *_of_postgres(bench, "refuses connections", "cut", "mend", 5),
        *_of_postgres(bench, "says nothing", "silence", "resume", 15),
        _of_redis(bench),
        _of_a_swap(bench),
    ]
    report.table("Outages, and a swap", rows)


def row(name, target, found):
    measured = f"median {statistics.median(found):.2f} s, longest {max(found):.2f} s"
    return name, f"<= {target} s", measured, max(found) <= target


def _status(server):
    """(status, version's number or None) of one price on a connection of its own."""
    try:
        with urllib.request.urlopen(server.url(EXAMPLE), timeout=LIMIT) as response:  # noqa: S310
            return response.status, json.load(response)["model"]["version"]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, None


def _seconds_until(condition):
    """Seconds until a condition has come about; Void where it does not."""
    begun = time.perf_counter()
    while not condition():
        if time.perf_counter() - begun > LIMIT:
            raise Void(f"it did not come about within {LIMIT} s")
        time.sleep(0.02)
    return time.perf_counter() - begun


def _all_priced(server, version=None):
    found = [_status(server) for _ in range(ASKED)]
    return all(status == 200 and version in (None, number) for status, number in found)


def _measured(bench, server, take_away):
    """(seconds to each 503, seconds until every worker is well again) of as many outages as rounds."""
    told, well = [], []
    for _ in range(bench.rounds):
        _seconds_until(lambda: _all_priced(server))
        with take_away():
            begun = time.perf_counter()
            if _status(server)[0] != 503:
                raise Void("a price was answered without its database")
            told.append(time.perf_counter() - begun)
        well.append(_seconds_until(lambda: _all_priced(server)))
    return told, well


def _of_sqlite(bench):
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite", "outages"))
        server = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))

        @contextmanager
        def locked():
            with closing(sqlite3.connect(site.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                yield

        told, well = _measured(bench, server, locked)
    yield row("503 where another holds SQLite's lock", 8, told)
    yield row("priced again after that", 2, well)


def _of_postgres(bench, what, take_away, give_back, target):
    way_of = _ways()
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("PostgreSQL", "outages"))
        way = way_of(site.url)
        through = urlsplit(site.url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl()
        environment = {**site.environment, "DATABASE_URL": through}
        server = stack.enter_context(serving(OURS, EXAMPLE, **environment))

        @contextmanager
        def away():
            getattr(way, take_away)()
            yield
            getattr(way, give_back)()

        told, well = _measured(bench, server, away)
        way.cut()
    yield row(f"503 where PostgreSQL {what}", target, told)
    yield row("priced again after that", 2, well)


def _of_redis(bench):
    """Prices beside a Redis, which counts the requests of each client, that takes all and says nothing."""
    way = _ways()("redis://127.0.0.1:6379")
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite", "outages"))
        environment = {"REDIS_URL": f"redis://127.0.0.1:{way.port}", "API_THROTTLE": "100000/min"}
        server = stack.enter_context(serving(OURS, EXAMPLE, **site.environment, **environment))
        found = []
        for _ in range(bench.rounds):
            way.silence()
            begun = time.perf_counter()
            if _status(server)[0] != 200:
                raise Void("a price was refused because Redis is away")
            found.append(time.perf_counter() - begun)
            way.resume()
            _seconds_until(lambda: _all_priced(server))
        way.cut()
    return row("a price where Redis says nothing", 3, found)


def _of_a_swap(bench):
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite", "outages"))
        environment = {**site.environment, "BAKED_DIR": str(bench.folder / "baked")}
        server = stack.enter_context(serving(OURS, EXAMPLE, **environment))
        register_again(site.path.parent / "media", **environment)
        found = [swap(turn, [server], **environment) for turn in range(bench.rounds)]
    return row("a version activated, and answering in every worker", 5, found)


def register_again(media, **environment):
    """Makes the first coded forest of a media folder version 2, too, so that two can be swapped."""
    [file] = (media / "models").glob("coded-1-*.forest")
    code = f"from predictor.versions.store import register_file; register_file({str(file)!r})"
    manage("shell", "--no-imports", "-c", code, **environment)


def swap(turn, servers, **environment):
    """Seconds from the end of `activate` until no worker answers from the version before: 2, 1, 2, …"""
    version = 2 - turn % 2
    manage("activate", "coded", str(version), "--why", "measured", **environment)
    return _seconds_until(lambda: all(_all_priced(one, version) for one in servers))


def _ways():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    import django

    django.setup()  # the module of the ways knows the models
    from tests.faults.outages import Way

    return Way

"""How slow clients delay others, directly and behind compose.yaml's proxy; a section of bench/api.py.

The clients and the proxy are those of tests/faults.
"""

import os
import statistics
import time
from contextlib import ExitStack, nullcontext, suppress

from bench.measuring import EXAMPLE
from bench.servers import OURS, manage, serving
from tests.faults.slow_clients import (
    ANSWERS_OF_MEGABYTES,
    CLIENTS,
    CROWD,
    FEW,
    crowd,
    export,
    wait_for_a_price,
)

PATIENCE = 40
"""Seconds to wait for a price: longer than the service's time limit for a body."""
ROWS = 100_000
"""Predictions in an export: more bytes than the kernel buffers for a client that does not read."""
SESSION = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("reviewer"))
print(client.cookies[settings.SESSION_COOKIE_NAME].value)
"""


def slow(bench, report):
    """Prices one after the other, each on a new connection, during each kind of slow client in turn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    import django

    django.setup()  # the proxy's module imports the commands
    from tests.faults.proxy import proxied

    rows = []
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite", "slow"))
        site.fill(ROWS)
        session = manage("shell", "--command", SESSION, **site.environment).split()[-1]
        server = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))
        ports = {
            "directly": server.port,
            "through nginx": stack.enter_context(proxied(server, bench.folder / "slow-SQLite")),
        }
        for way, port in ports.items():
            for who, (what, many) in _crowds(session).items():
                with crowd(port, *what, many) if many else nullcontext():
                    waits = _waits(port, bench.seconds)
                rows.append((f"{way}, beside {who}", "", _summary(waits), None))
    report.table("A price while others are slow", rows)


def _crowds(session):
    return {
        "nobody": ((), 0),
        f"{CROWD} that say nothing": (CLIENTS["say nothing"], CROWD),
        f"{CROWD} slow heads": (CLIENTS["send a head byte by byte"], CROWD),
        f"{CROWD} slow bodies": (CLIENTS["send a body byte by byte"], CROWD),
        f"{CROWD} slow chunks": (CLIENTS["send chunks byte by byte"], CROWD),
        f"{FEW} lists that nobody reads": ((ANSWERS_OF_MEGABYTES, b""), FEW),
        f"{FEW} exports that nobody reads": ((export(session), b""), FEW),
    }


def _waits(port, seconds):
    """Seconds that each price took; None for one that failed."""
    waits, until = [], time.monotonic() + 2 * seconds
    while time.monotonic() < until:
        waits.append(None)
        with suppress(OSError):
            waits[-1] = wait_for_a_price(port, PATIENCE)
    return waits


def _summary(waits):
    came = sorted(1000 * wait for wait in waits if wait is not None)
    if not came:
        return f"none of {len(waits)} within {PATIENCE} s"
    lost = f", {len(waits) - len(came)} of {len(waits)} lost" if len(came) < len(waits) else ""
    return f"median {statistics.median(came):.1f} ms, longest {came[-1]:.0f} ms{lost}"

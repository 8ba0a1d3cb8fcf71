"""What slow clients cost others, directly and behind compose.yaml's proxy; a section of bench/api.py.

The crowds and the proxy are those of tests/faults.
"""

import os
import statistics
import time
from contextlib import ExitStack, nullcontext, suppress

from bench.measuring import EXAMPLE
from bench.servers import OURS, serving

PATIENCE = 40
"""Seconds that a price is waited for: longer than the service's deadline for a body."""


def slow(bench, report):
    """Prices one after the other, each on a new connection, beside each crowd in turn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    import django

    django.setup()  # the crowds' module knows the models
    from tests.faults.proxy import proxied
    from tests.faults.test_slow_clients import BODY, CROWD, NO_BODY, crowd

    crowds = {
        "nobody": None,
        f"{CROWD} that say nothing": NO_BODY["say nothing"],
        f"{CROWD} slow heads": NO_BODY["send a head byte by byte"],
        f"{CROWD} slow bodies": BODY["send a body byte by byte"],
    }
    rows = []
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite", "slow"))
        server = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))
        ports = {
            "directly": server.port,
            "through nginx": stack.enter_context(proxied(server, bench.folder / "slow-SQLite")),
        }
        for way, port in ports.items():
            for who, what in crowds.items():
                with crowd(port, *what) if what else nullcontext():
                    rows.append(
                        (f"{way}, beside {who}", "", _told(_waits(port, bench.seconds)), None)
                    )
    report.table("A price while others are slow", rows)


def _waits(port, seconds):
    """Seconds that each price took; None for one that did not come."""
    from tests.faults.test_slow_clients import wait_for_a_price

    time.sleep(2)  # the crowd opens after a second
    waits, until = [], time.monotonic() + 2 * seconds
    while time.monotonic() < until:
        waits.append(None)
        with suppress(OSError):
            waits[-1] = wait_for_a_price(port, PATIENCE)
    return waits


def _told(waits):
    came = sorted(1000 * wait for wait in waits if wait is not None)
    if not came:
        return f"none of {len(waits)} within {PATIENCE} s"
    lost = f", {len(waits) - len(came)} of {len(waits)} lost" if len(came) < len(waits) else ""
    return f"median {statistics.median(came):.1f} ms, longest {came[-1]:.0f} ms{lost}"

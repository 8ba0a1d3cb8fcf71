"""The cost of the most expensive bodies, compared with an ordinary list of 1,000 stones; a section
of bench/api.py.

The bodies are those of tests/web/test_bodies.py.
"""

import os
import urllib.error
import urllib.request
from pathlib import Path

from bench.measuring import EXAMPLE
from bench.servers import OURS, serving

MOST = 2
SHOWN = 5
"""The most that a body may cost, as a multiple of an ordinary list; how many of each route are
shown, the most expensive first."""

TOKEN = {"Cookie": f"csrftoken={'a' * 32}", "X-CSRFToken": "a" * 32}
"""The token that a page needs before it reads a form."""


def bodies(bench, report):
    """Processor time of a worker for each body, as a ratio to that of an ordinary list."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    import django

    django.setup()  # the module with the bodies imports the limits
    from tests.bodies import ORDINARY
    from tests.bodies import bodies as all_bodies

    with (
        bench.site("SQLite", "bodies") as site,
        serving(OURS, EXAMPLE, **site.environment, WORKERS="1") as server,
    ):
        ordinary = _cost(server, ORDINARY, bench.rounds)
        times = {
            what: _cost(server, body, bench.rounds) / ordinary
            for what, body in all_bodies().items()
        }
    dearest = sorted(times, key=times.get, reverse=True)
    routes = dict.fromkeys(what.partition(": ")[0] for what in times)
    rows = [("an ordinary list", "", f"{1000 * ordinary:.0f} ms", None)]
    for route in routes:
        own = [what for what in dearest if what.startswith(f"{route}: ")]
        rows += [
            (what, f"<= {MOST}x", f"{times[what]:.2f}x", times[what] <= MOST)
            for what in own[:SHOWN]
        ]
    report.table("Processor time of the dearest bodies", rows)


def _cost(server, body, rounds):
    """Processor seconds of the worker for a request, the minimum of some rounds."""
    found = []
    for _ in range(rounds):
        before = _processor_time(server)
        _send(server, body)
        found.append(_processor_time(server) - before)
    return min(found)


def _send(server, body):
    headers = {"Content-Type": body.content_type, **TOKEN, **body.headers}
    url = f"http://127.0.0.1:{server.port}{body.path}"
    request = urllib.request.Request(url, body.content, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
            response.read()
    except urllib.error.HTTPError as error:
        error.read()


def _processor_time(server):
    """Processor seconds of all threads of the worker so far."""
    [worker] = server.workers()
    threads = Path(f"/proc/{worker}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in threads) / 1e9

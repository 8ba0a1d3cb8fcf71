"""The counts of all workers outlive a worker; prices need neither shared memory nor a log."""

import signal
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ml.stones import EXAMPLES
from predictor.models import Prediction
from tests.waiting import wait_for

from .asking import ask

pytestmark = pytest.mark.once

CODED, GRADED = (f"/api/predict?{urlencode(EXAMPLES[scheme][0])}" for scheme in ("coded", "graded"))


def ask_prices(server, times=5):
    """Asks for prices, all of which must be answered; returns their number."""
    for path in [CODED, GRADED] * times:
        reply = ask(server, path)
        assert reply.status == 200, (reply.body, server.log_text())
        assert Prediction.objects.get(pk=reply.content["id"]).status == 200
    return 2 * times


def counted(server):
    """{(status, scheme): requests} of all workers, from /metrics; and {scheme: workers that serve it}."""
    families = text_string_to_metric_families(ask(server, "/metrics").body.decode())
    samples = [sample for family in families for sample in family.samples]
    requests = {
        tuple(one.labels.values()): one.value
        for one in samples
        if one.name.endswith("requests_total")
    }
    live = {one.labels["pid"] for one in samples if one.name == "diamonds_live_version"}
    return requests, live


def test_counts_outlive_workers_and_a_reload(site):
    with site.server() as server:
        asked = ask_prices(server)
        for end_workers in (
            lambda: server.kill(server.workers()[0]),
            lambda: server.kill(*server.workers()),
            lambda: server.process.send_signal(signal.SIGHUP),
        ):
            old = server.workers()
            end_workers()
            wait_for(lambda old=old: len(server.workers()) == 2 and server.workers() != old)
            asked += ask_prices(server)
        assert ask(server, "/api/predict?carat=1").status == 400
        requests, workers = counted(server)
        assert (requests["coded", "200"], requests["graded", "200"]) == (asked / 2, asked / 2)
        assert requests["none", "400"] == 1
        assert len(workers) == 2, "a worker that has ended shows no version"
        with site.server() as other:
            ask_prices(other, times=1)
            assert counted(other)[0]["coded", "200"] == 1, "each server has counts of its own"


@pytest.mark.parametrize(
    "command",
    [
        ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro none /dev/shm && exec "$@"', "sh"),
        (
            *("unshare", "--mount", "sh", "-c"),
            'mount -t tmpfs -o size=4k,nr_inodes=1 none /dev/shm && exec "$@"',
            "sh",
        ),
        ("sh", "-c", 'exec "$@" >&- 2>&-', "sh"),
        ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"),
        ("sh", "-c", 'exec "$@" >/dev/full 2>/dev/full', "sh"),
    ],
    ids=["shared memory read-only", "full", "no log", "no streams", "log full"],
)
def test_prices_need_neither_shared_memory_nor_a_log(site, command):
    server = site.server(LOG_LEVEL="INFO")
    server.prefix = command
    with server:
        asked = ask_prices(server)
        server.kill(*server.workers())
        server.wait_until_ready()
        asked += ask_prices(server, 1)
        requests, _ = counted(server)
        assert requests["coded", "200"] + requests["graded", "200"] == asked
        assert server.stop() in (0, 120)  # 120: Python's exit status if stdout cannot be flushed
        assert "Traceback" not in server.log_text()

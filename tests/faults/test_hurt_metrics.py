"""Where the folder of the metrics is full, damaged or missing, or the log cannot be written, prices
are still answered and recorded."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .asking import ask
from .server import Server, wait_for

pytestmark = pytest.mark.once

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
AS_COMMAND = ("sh", "-c")
JUNK = b"\x40\0\0\0" + b"\0" * 4 + b"\x7f" * 200


class Apart(Server):
    """A server in a new PID namespace, as in a container; it is a child of the command."""

    prefix = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")

    def master(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with suppress(FileNotFoundError):
            return next(map(int, children.read_text().split()), None)

    def workers(self):
        master = self.master()
        with suppress(FileNotFoundError):
            if master:
                children = Path(f"/proc/{master}/task/{master}/children").read_text()
                return [int(pid) for pid in children.split()]
        return []

    def stop(self, seconds=40):
        os.kill(self.master(), signal.SIGTERM)
        return self.process.wait(seconds)


def with_memory(site, options, **environment):
    """A server with a separate /dev/shm."""
    server = site.server(**environment)
    mount = f'mount -t tmpfs -o {options} none /dev/shm && exec "$@"'
    server.prefix = ("unshare", "--mount", *AS_COMMAND, mount, "sh")
    return server


def ask_prices(server, times=10):
    """Asks for prices, all of which must be answered; returns their number."""
    for _ in range(times):
        for stone in (CODED, GRADED):
            reply = ask(server, f"/api/predict?{urlencode(stone)}")
            assert reply.status == 200, (reply.body, server.log_text())
            assert Prediction.objects.get(pk=reply.content["id"]).status == 200
    return 2 * times


def counted(server):
    """The number of prices that /metrics reports."""
    reply = ask(server, "/metrics")
    assert reply.status == 200, reply.body
    families = text_string_to_metric_families(reply.body.decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "diamonds_requests_total" and sample.labels["scheme"] != "none"
    )


def replace_workers(server):
    server.kill(*server.workers())
    server.wait_until_ready()


@pytest.mark.parametrize("options", ["size=4k", "size=512k", "ro", "size=64k,nr_inodes=1"])
def test_another_folder_is_used_if_the_shared_memory_is_unusable(site, options):
    with with_memory(site, options) as server:
        asked = ask_prices(server)
        assert server.counts_folder().parent == site.var / "run"
        replace_workers(server)
        asked += ask_prices(server)
        assert counted(server) == asked
        server.process.send_signal(signal.SIGHUP)
        assert server.stop() == 0
        assert "/dev/shm: " in server.log_text()
    assert list((site.var / "run").iterdir()) == []
    assert "Traceback" not in server.log_text()


def test_a_disk_that_fills_up_costs_neither_a_price_nor_a_count(site):
    with with_memory(site, "size=4m") as server:
        asked = ask_prices(server)
        assert server.counts_folder().parent == Path("/dev/shm")
        filling = Path("/proc", str(server.process.pid), "root", "dev", "shm", "filling")
        fill(filling)
        replace_workers(server)
        asked += ask_prices(server)
        old = server.workers()
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(server.workers()) == 2 and not set(old) & set(server.workers()))
        fill(filling)
        asked += ask_prices(server)
        assert counted(server) == asked
    assert "SIGBUS" not in server.log_text()
    assert "metrics: " not in server.log_text()


def fill(path):
    """Fills up a disk."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_servers_that_do_not_see_each_others_processes_leave_each_others_counts_unchanged(site):
    with Apart(site.var, site.url) as one:
        asked, folder = ask_prices(one), one.counts_folder()
        with Apart(site.var, site.url) as other:
            assert other.counts_folder() != folder
            ask_prices(other, 1)
            replace_workers(one)
            asked += ask_prices(one)
            assert (counted(one), counted(other)) == (asked, 2)
            assert other.stop() == 0
        assert folder.exists()
    # The first server was killed with all its processes.
    with Apart(site.var, site.url) as next_one:
        assert not folder.exists()
        ask_prices(next_one, 1)
        next_one.stop()


def test_a_folder_of_the_operators_own_is_used_and_stays(site, tmp_path):
    own = tmp_path / "co#unts [a] ż"
    with site.server(PROMETHEUS_MULTIPROC_DIR=str(own)) as server:
        asked = ask_prices(server)
        assert counted(server) == asked
        assert len(list(own.glob("counter_*.db"))) >= 2
        with site.server(PROMETHEUS_MULTIPROC_DIR=str(own)) as other:
            assert ask_prices(other, 1) == counted(other)
            assert "another server counts there" in other.log_text()
            other.stop()
        assert counted(server) == asked
        server.stop()
    assert list(own.glob("counter_*.db"))


def test_only_the_metrics_report_what_is_not_a_file_of_counts(site, tmp_path):
    with site.server(PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        for junk in (b"", JUNK):
            (tmp_path / "counter_7.db").write_bytes(junk)
            assert ask(server, "/metrics").status == 503
            ask_prices(server, 2)
        (tmp_path / "counter_7.db").unlink()
        assert counted(server) == 8


def test_a_folder_that_is_cleared_away_costs_no_price_and_the_next_worker_makes_it_anew(site):
    with with_memory(site, "size=4m") as server:
        ask_prices(server)
        root = Path(f"/proc/{server.process.pid}/root")
        shutil.rmtree(root / str(server.counts_folder())[1:])
        ask_prices(server)
        replace_workers(server)
        wait_for(lambda: ask_prices(server, 1) and counted(server), server.log_text)


def test_a_worker_whose_file_cannot_be_had_gives_prices_and_says_so(site, tmp_path):
    for number in range(4):
        (tmp_path / f"counter_{number}.db").write_bytes(JUNK)
    with site.server(PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        ask_prices(server)
        assert ask(server, "/metrics").status == 503
        assert "what this worker counts is not shown" in server.log_text()
    assert (tmp_path / "counter_0.db").read_bytes() == JUNK


@pytest.mark.parametrize(
    ("streams", "log_format"),
    [
        (">&- 2>&-", "json"),
        ("<&- >&- 2>&-", "text"),
        (">/dev/full 2>/dev/full", "json"),
        (">/dev/full 2>/dev/full", "text"),
    ],
)
def test_a_log_that_cannot_be_written_costs_no_price(site, streams, log_format):
    server = site.server(LOG_FORMAT=log_format, LOG_LEVEL="INFO")
    server.prefix = (*AS_COMMAND, f'exec "$@" {streams}', "sh")
    with server:
        asked = ask_prices(server, 5)
        replace_workers(server)
        assert ask(server, "/api/predict?carat=1").status == 400
        assert counted(server) == asked
        assert server.stop() in (0, 120)  # 120: Python's exit status if stdout cannot be flushed

"""The alerts fire in a running Prometheus that has the files of deploy/prometheus and asks two servers."""

import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest
import requests
from django.conf import settings

from tests.waiting import PATIENCE, wait_for

from .asking import ask
from .outages import Installation, sqlite_locked
from .server import free_port
from .test_metrics import CODED

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="needs prometheus: apt install prometheus"
    ),
]

FOLDER = settings.BASE_DIR / "deploy" / "prometheus"
METRICS = {"METRICS_TOKEN": "only-for-the-fault-tests"}


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path):
        return requests.get(self.address + path, timeout=PATIENCE).json()["data"]

    def ready(self):
        """Whether it answers queries."""
        try:
            return requests.get(self.address + "/-/ready", timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False

    def firing(self):
        """The names of the alerts that fire."""
        alerts = self.get("/api/v1/alerts")["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    def wait_for_alert(self, name):
        wait_for(lambda: name in self.firing(), lambda: self.get("/api/v1/targets"))


@contextmanager
def prometheus(folder, servers):
    """A Prometheus that asks these servers each second, and whose alerts do not wait to fire."""
    (folder / "token").write_text(METRICS["METRICS_TOKEN"])
    targets = ", ".join(f'"127.0.0.1:{server.port}"' for server in servers)
    scrape = (FOLDER / "scrape.yaml").read_text()
    scrape = scrape.replace("/etc/prometheus/diamonds-token", str(folder / "token"))
    scrape = re.sub(r"targets: \[.*\]", f"targets: [{targets}]", scrape)
    every = "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
    (folder / "prometheus.yaml").write_text(every + scrape)
    rules = (FOLDER / "rules.yaml").read_text()
    (folder / "rules.yaml").write_text(re.sub(r"\n +for: \w+", "", rules))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (
        (folder / "prometheus.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            running = Prometheus(port)
            wait_for(running.ready, lambda: (folder / "prometheus.log").read_text())
            yield running
        finally:
            process.kill()


def test_alerts_fire_in_a_running_prometheus(site, tmp_path):
    first, second = (site.server(**METRICS) for _ in range(2))
    with first, second, prometheus(tmp_path, [first, second]) as running:
        wait_for(lambda: len(up(running)) == 2 and all(up(running).values()), lambda: up(running))
        assert ask(first, CODED).status == 200
        running.wait_for_alert("DiamondsNoJobWorker")
        assert not running.firing() & {"DiamondsReplicaDown", "DiamondsErrors", "DiamondsNoVersion"}

        with sqlite_locked(Installation(site), first):
            assert ask(first, CODED).status == 503
        running.wait_for_alert("DiamondsRecordFailures")
        running.wait_for_alert("DiamondsErrors")

        second.die()
        running.wait_for_alert("DiamondsReplicaDown")
        assert "DiamondsAllDown" not in running.firing()
        first.die()
        running.wait_for_alert("DiamondsAllDown")


def up(running):
    """{instance: whether Prometheus reads its metrics}."""
    results = running.get("/api/v1/query?query=up")["result"]
    return {one["metric"]["instance"]: one["value"][1] == "1" for one in results}

"""Four servers on machines of their own, one PostgreSQL, one S3: what is made live on one is live on all.

A machine is a VAR_DIR: its own copies of the forests, nothing shared but database and store.
"""

import shutil
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress

import pytest
from django.test import override_settings

from diamondsite.settings import forests_in
from ml.stones import SCHEMES
from predictor.models import ModelVersion
from predictor.versions import store
from predictor.versions.activation import activate
from tests.stores import BUCKET, client_of, s3
from tests.waiting import PATIENCE, wait_for

from .history import assert_recorded
from .load import Load
from .server import Server, free_port

pytestmark = pytest.mark.postgresql

REPLICAS = 4


@pytest.fixture
def bucket(site):
    """The environment of a store that has the site's forests, where this process looks for them too."""
    with s3() as environment:
        client = client_of(environment)
        for path in (site.var / "media").rglob("*.forest"):
            client.upload_file(str(path), BUCKET, f"site/{path.relative_to(site.var / 'media')}")
        shutil.rmtree(site.var / "media")
        place = {"default": forests_in(f"s3://{BUCKET}/site")}
        with override_settings(STORAGES=place | {"staticfiles": {"BACKEND": STATIC}}):
            yield environment | {"FOREST_STORE": f"s3://{BUCKET}/site"}


STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture
def replica(site, tmp_path, bucket):
    """A function: another machine's server, to be started; its way to the store may be another one."""

    def made(number, **way):
        var = tmp_path / f"machine-{number}"
        (var / "static").mkdir(parents=True)
        return Server(var, site.url, **bucket | way)

    return made


class Way:
    """A way to the store that can be cut: connections through it end, and new ones are refused."""

    def __init__(self, url):
        self.target = url.rpartition("/")[2].split(":")
        self.port, self.open = free_port(), True
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._pairs = []
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self):
        self.open = False
        for one in [end for pair in self._pairs for end in pair]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.open = True

    def close(self):
        self.cut()
        self._listener.close()

    def _serve(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.open:
                near.close()
                continue
            far = socket.create_connection((self.target[0], int(self.target[1])), PATIENCE)
            self._pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one, other):
    with suppress(OSError):
        while content := one.recv(65_536):
            other.sendall(content)
    for end in (one, other):
        with suppress(OSError):
            end.close()


@contextmanager
def way_to(url):
    way = Way(url)
    try:
        yield way
    finally:
        way.close()


@contextmanager
def four_servers(replica, bucket):
    """(the servers, of which the last one's way to the store can be cut; that way; what ends with them)."""
    with ExitStack() as stack:
        way = stack.enter_context(way_to(bucket["AWS_ENDPOINT_URL"]))
        cut_off = replica(REPLICAS - 1, AWS_ENDPOINT_URL=f"http://127.0.0.1:{way.port}")
        servers = [*map(replica, range(REPLICAS - 1)), cut_off]
        for server in servers:
            stack.enter_context(server)
        yield servers, way, stack


def live_number(server, scheme, load):
    """The version that a server's next answer is of."""
    client = load.client(server.port)
    try:
        [(_, answer)] = load.ask(client, scheme).answers
        return answer["model"]["version"]
    finally:
        client.close()


def other_version(scheme):
    return ModelVersion.objects.filter(scheme=scheme).exclude(activations__live=True).get()


def wait_until_live(servers, version, load):
    """Until all have answered from a version, several times each; how soon, make bench-scale tells."""
    for server in servers:
        for _ in range(6):  # both of its workers, most likely
            wait_for(lambda s=server: live_number(s, version.scheme, load) == version.number)


def test_what_is_made_live_on_one_is_live_on_all(site, replica, bucket, stones):
    with four_servers(replica, bucket) as (servers, _, stack):
        load = stack.enter_context(Load([server.port for server in servers], stones))
        for scheme in SCHEMES:
            version = other_version(scheme)
            activate(version, "tests", "for the test")
            wait_until_live(servers, version, load)
        assert load.failed() == []
        load.stop()
    assert_recorded(load.answers())
    for server in servers:
        copies = sorted(path.stem for path in (server.var / "cache").glob("*.forest"))
        assert copies == sorted(ModelVersion.objects.values_list("sha256", flat=True))


def test_one_is_killed_and_one_is_cut_off_from_the_store(site, replica, bucket, stones):
    with four_servers(replica, bucket) as (servers, way, stack):
        killed, *others, cut_off = servers
        load = stack.enter_context(Load([server.port for server in [*others, cut_off]], stones))
        before = live_number(cut_off, "graded", load)
        way.cut()
        killed.die()
        version = other_version("graded")
        activate(version, "tests", "for the test")
        wait_until_live(others, version, load)
        wait_for(lambda: version.artifact.name in cut_off.log_text(), cut_off.log_text)
        assert live_number(cut_off, "graded", load) == before  # it goes on, with what it has
        assert cut_off.status_of("/health/ready") == 200
        # One that loads it takes the mark away, until the one that cannot tries again.
        marked = ModelVersion.objects.filter(pk=version.pk, failure__contains="cannot be fetched")
        wait_for(marked.exists)
        way.mend()
        wait_until_live([cut_off], version, load)
        killed.start()
        killed.wait_until_ready()
        wait_until_live([killed], version, load)
        assert load.failed() == []
        load.stop()
    assert_recorded(load.answers())
    assert store._copy_of(version).exists()


def test_one_that_starts_without_the_store_waits_for_it(site, replica, bucket):
    with way_to(bucket["AWS_ENDPOINT_URL"]) as way:
        way.cut()
        with replica(0, AWS_ENDPOINT_URL=f"http://127.0.0.1:{way.port}").begun() as server:
            wait_for(lambda: server.status_of("/health/live") == 200, server.log_text)
            assert server.status_of("/health/ready") == 503
            way.mend()
            wait_for(lambda: server.status_of("/health/ready") == 200, server.log_text)

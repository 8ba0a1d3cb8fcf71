"""Four servers on separate machines, one PostgreSQL, one S3: an activation applies to all of them.

A machine is a VAR_DIR with its own copies of the forests; only database and store are shared.
"""

import shutil
from contextlib import ExitStack, contextmanager

import pytest
from django.test import override_settings

from diamondsite.settings import forests_in
from ml.stones import SCHEMES
from predictor.models import ModelVersion
from predictor.versions import store
from predictor.versions.activation import activate
from tests.stores import keep, s3
from tests.waiting import wait_for

from .history import assert_recorded
from .load import Load
from .outages import Way
from .server import Server

pytestmark = pytest.mark.postgresql

REPLICAS = 4


@pytest.fixture
def bucket(site):
    """The environment of a store with the site's forests; this process uses the store as well."""
    with s3() as environment:
        place = keep(site.var / "media", environment)
        shutil.rmtree(site.var / "media")
        storages = {"default": forests_in(place), "staticfiles": {"BACKEND": STATIC}}
        with override_settings(STORAGES=storages):
            yield environment | {"FOREST_STORE": place}


STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture
def replica(site, tmp_path, bucket):
    """Returns a function that creates another machine's server, not started; it may reach the store
    by another address."""

    def made(number, **way):
        var = tmp_path / f"machine-{number}"
        (var / "static").mkdir(parents=True)
        return Server(var, site.url, **bucket | way)

    return made


@contextmanager
def way_to(url):
    way = Way(url)
    try:
        yield way
    finally:
        way.cut()


@contextmanager
def four_servers(replica, bucket):
    """(the servers, of which the last reaches the store through a proxy; that proxy; the stack that
    stops them)."""
    with ExitStack() as stack:
        way = stack.enter_context(way_to(bucket["AWS_ENDPOINT_URL"]))
        cut_off = replica(REPLICAS - 1, AWS_ENDPOINT_URL=f"http://127.0.0.1:{way.port}")
        servers = [*map(replica, range(REPLICAS - 1)), cut_off]
        for server in servers:
            stack.enter_context(server)
        yield servers, way, stack


def live_number(server, scheme, load):
    """The version of a server's next answer."""
    client = load.client(server.port)
    try:
        [(_, answer)] = load.ask(client, scheme).answers
        return answer["model"]["version"]
    finally:
        client.close()


def other_version(scheme):
    return ModelVersion.objects.filter(scheme=scheme).exclude(activations__live=True).get()


def wait_until_live(servers, version, load):
    """Waits until all servers answer with a version, several times each; `make bench-scale`
    measures how long."""
    for server in servers:
        for _ in range(6):  # very probably both of its workers
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
        assert live_number(cut_off, "graded", load) == before  # it keeps the version that it has
        assert cut_off.status_of("/health/ready") == 200
        # A server that loads it removes the mark, until the one that cannot tries again.
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

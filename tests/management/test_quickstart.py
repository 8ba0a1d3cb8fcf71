"""manage.py quickstart: which port it uses, and which forests it must create first."""

import errno
import os
import socket
from pathlib import Path

import pytest
from django.core.management import CommandError

from predictor.management.commands import quickstart
from predictor.versions.activation import activate
from predictor.versions.store import register
from predictor.web import listening

pytestmark = pytest.mark.once


def refused(settings, host, port):
    """The error message for a host and port; None if the site can be served there."""
    settings.HOST, settings.PORT = host, port
    try:
        quickstart.refuse_taken_port()
    except CommandError as error:
        return str(error)
    return None


IPV6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("taken", "host"),
    [
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        pytest.param("127.0.0.1", "::", marks=IPV6),
        pytest.param("::1", "::", marks=IPV6),
        pytest.param("::1", "::1", marks=IPV6),
        pytest.param("::", "::1", marks=IPV6),
    ],
)
def test_a_port_is_taken_by_either_family(settings, taken, host):
    family = socket.AF_INET6 if ":" in taken else socket.AF_INET
    with socket.create_server((taken, 0), family=family) as server:
        port = server.getsockname()[1]
        message = refused(settings, host, port)
    assert message.startswith(f"port {port} on {host} is taken by process {os.getpid()} (")
    assert "\n" not in message
    assert refused(settings, host, port) is None


def test_who_has_the_port_of_another_address_is_not_named(settings):
    with socket.create_server(("127.0.0.2", 0)) as other:
        port = other.getsockname()[1]
        assert refused(settings, "127.0.0.1", port) is None
        assert listening.holder("127.0.0.1", port) is None
        assert listening.holder("127.0.0.2", port).startswith(f"process {os.getpid()} (")


def test_a_taken_port_is_reported_even_if_its_user_is_unknown(settings, monkeypatch):
    monkeypatch.setattr(quickstart, "holder", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        message = refused(settings, "127.0.0.1", port)
    assert f"port {port} on 127.0.0.1 is taken: stop what uses it, or choose another: " in message


def test_a_port_that_needs_privileges_is_not_called_taken(settings, monkeypatch):
    denied = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(listening, "_error", lambda _, port: denied if 0 < port < 1024 else None)
    message = refused(settings, "127.0.0.1", 80)
    why = "port 80 on 127.0.0.1 cannot be used by this user (Permission denied): choose another"
    assert message == f"{why}: make run PORT=1024"


@pytest.mark.parametrize(
    "host", ["256.256.256.256", "192.0.2.1", "2001:db8::1", "no.such.host.invalid"]
)
def test_an_address_of_another_machine_is_reported(settings, host):
    message = refused(settings, host, 5010)
    assert message.startswith(f"this machine has no address {host} (")
    assert "set HOST to 127.0.0.1 (for this machine only), 0.0.0.0 or :: (for all), or" in message


def test_a_key_that_is_set_is_not_written_down(settings, tmp_path):
    settings.SECRET_KEY_FILE = tmp_path / "secret_key"
    quickstart.make_secret_key()
    assert not Path(settings.SECRET_KEY_FILE).exists()


def test_a_live_version_whose_file_is_gone_does_not_count_as_live(live_models):
    assert quickstart.schemes_without_a_forest() == []
    Path(live_models["coded"].artifact.path).unlink()
    assert quickstart.schemes_without_a_forest() == ["coded"]


def test_a_start_trains_nothing_where_the_version_before_can_serve(live_models, small_forests):
    second = register(small_forests["coded"], "tests")
    activate(second, "tests", "newer")
    Path(second.artifact.path).unlink()
    assert quickstart.schemes_without_a_forest() == []
    second.refresh_from_db()
    assert "no such file" in second.failure

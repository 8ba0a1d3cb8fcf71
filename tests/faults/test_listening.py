"""HOST: an IPv4 or IPv6 address, with or without brackets, or a name; and the messages about it."""

import socket

import pytest

pytestmark = pytest.mark.once

IPV6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "home", "asked"),
    [
        pytest.param("::", "[::1]", ["[::1]", "127.0.0.1"], marks=IPV6),
        pytest.param("[::1]", "[::1]", ["[::1]"], marks=IPV6),
        ("0.0.0.0", "127.0.0.1", ["127.0.0.1", "127.0.0.2"]),
        ("127.0.0.3", "127.0.0.3", ["127.0.0.3"]),
    ],
)
def test_a_server_listens_on_the_configured_address_and_prints_it(site, host, home, asked):
    server = site.server(HOST=host, LOG_LEVEL="INFO", LOG_FORMAT="text")
    server.address = asked[0]
    with server:
        assert server.status_of("/api/model", Host=f"{home}:{server.port}") == 200
        for server.address in asked:
            assert server.status_of("/health/live") == 200
        log = server.log_text()
    assert f"home   http://{home}:{server.port}/\n" in log
    assert f"admin  http://{home}:{server.port}/admin/\n" in log


PROBES = [
    b"GET %s HTTP/1.1\r\nHost: 10.244.1.17:5010\r\nConnection: close\r\n\r\n",
    b"GET %s HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n",
    b"GET %s HTTP/1.0\r\n\r\n",
    b"GET %s HTTP/1.0\r\nHost: under_score\r\n\r\n",
    b"HEAD %s HTTP/1.0\r\n\r\n",
    b"GET http://10.244.1.17:5010%s HTTP/1.0\r\n\r\n",
]


def test_probes_are_answered_under_any_host_and_strangers_refused_in_one_line(pages):
    with pages.server(ALLOWED_HOSTS="diamonds.example", LOG_FORMAT="text") as server:
        for path in (b"/health/live", b"/health/ready"):
            for probe in PROBES:
                assert raw(server.port, probe % path).split()[1] == b"200", probe
        assert raw(server.port, PROBES[0] % b"/").split()[1] == b"400"
        log = server.log_text()
    [line] = [line for line in log.splitlines() if "10.244.1.17" in line]
    assert " WARNING Invalid HTTP_HOST header: '10.244.1.17:5010'." in line
    assert "Traceback" not in log


def raw(port, request):
    """All that a server answers to the bytes of a request."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(4096), b""))

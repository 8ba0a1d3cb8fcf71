"""The client of a request: X-Forwarded-For counts only as far as trusted proxies wrote it."""

import pytest

from predictor.web.clients import client_address, counted_address

pytestmark = pytest.mark.once

PEER = "10.0.0.9"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, PEER),
        (0, "203.0.113.5", PEER),
        (1, None, PEER),
        (1, "", PEER),
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "1.2.3.4, 203.0.113.5", "203.0.113.5"),
        (1, "1.2.3.4,203.0.113.5", "203.0.113.5"),
        (2, "1.2.3.4, 203.0.113.5, 10.0.0.8", "203.0.113.5"),
        (2, "203.0.113.5", PEER),
        (1, "203.0.113.5:4711", "203.0.113.5"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "2001:DB8:0::1", "2001:db8::1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "::ffff:8.8.8.8", "8.8.8.8"),
        (1, "::FFFF:808:808", "8.8.8.8"),
        (1, "[::ffff:8.8.8.8]:4711", "8.8.8.8"),
        (1, "unknown", PEER),
        (1, "203.0.113.5, ", PEER),
        (1, "999.0.113.5", PEER),
        (1, "<script>", PEER),
    ],
)
def test_the_address_is_that_which_the_outermost_trusted_proxy_saw(
    rf, settings, proxies, forwarded, address
):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert client_address(rf.get("/", REMOTE_ADDR=PEER, headers=headers)) == address


def test_a_link_local_address_is_reported_without_its_zone_which_postgresql_does_not_know(rf):
    assert client_address(rf.get("/", REMOTE_ADDR="fe80::1%eth0")) == "fe80::1"


def test_a_request_over_a_unix_socket_has_no_address(rf):
    request = rf.get("/")
    del request.META["REMOTE_ADDR"]
    assert client_address(request) is None


@pytest.mark.parametrize(
    ("peer", "address", "counted"),
    [
        ("8.8.8.8", "8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8", "8.8.8.8"),
        ("::ffff:808:808", "8.8.8.8", "8.8.8.8"),
        ("::1", "::1", "::"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2::", "2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("", None, None),
    ],
)
def test_a_client_is_counted_once_whatever_its_address_looks_like(rf, peer, address, counted):
    request = rf.get("/", REMOTE_ADDR=peer)
    assert client_address(request) == address
    assert counted_address(request) == counted

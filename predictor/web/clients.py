"""The client's address, the same for the lock-out, the throttle and the logs."""

from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings


def client_address(request):
    """The address of the client; behind TRUSTED_PROXIES, the one that the outermost of them saw.

    Values further left in X-Forwarded-For come from the client itself. A request that did not pass
    through all the proxies, or whose header is not an address, counts as its peer's; None if
    there is no address, as over a Unix socket.
    """
    peer = request.META.get("REMOTE_ADDR", "").partition("%")[0]
    peer = _address(peer) or peer or None
    if not settings.TRUSTED_PROXIES:
        return peer
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if len(hops) < settings.TRUSTED_PROXIES:
        return peer
    return _address(hops[-settings.TRUSTED_PROXIES].strip()) or peer


def signed_in(request):
    """The name of the signed-in user, recorded as the client of a page's request; "" if not signed
    in."""
    return request.user.get_username() if request.user.is_authenticated else ""


HOUSEHOLD = 64
"""The bits of an IPv6 address that identify its owner; clients can change the rest at will."""


def counted_address(request):
    """The address under which a client is counted; for an IPv6 address, its /64 network."""
    address = client_address(request)
    if address is None or ":" not in address:
        return address
    return str(ip_network(f"{address}/{HOUSEHOLD}", strict=False).network_address)


@lru_cache(maxsize=256)
def _address(text):
    """An address in its standard form, without the port that some proxies add; "" for anything else.

    An IPv4 address that a dual-stack socket reports as an IPv6 one becomes the IPv4 address.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)

"""Who is asking: the one client address that the lock-out, the throttle and the logs all use."""

from ipaddress import ip_address, ip_network

from django.conf import settings


def client_address(request):
    """The address of the client; behind TRUSTED_PROXIES, the one that the outermost of them saw.

    What stands further left in X-Forwarded-For the client wrote itself. A request that did not come
    through all the proxies, or whose header is no address, counts as its peer's; None has no address,
    as over a unix socket.
    """
    peer = request.META.get("REMOTE_ADDR", "").partition("%")[0]
    peer = _address(peer) or peer or None
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if not 0 < settings.TRUSTED_PROXIES <= len(hops):
        return peer
    return _address(hops[-settings.TRUSTED_PROXIES].strip()) or peer


def signed_in(request):
    """The name of the user who is signed in, as the client of what a page records; "" for nobody."""
    return request.user.get_username() if request.user.is_authenticated else ""


HOUSEHOLD = 64
"""Bits of an IPv6 address that say whose it is: of the rest a client takes a new one as it likes."""


def counted_address(request):
    """The address under which a client is counted: of an IPv6 address, the first of its /64."""
    address = client_address(request)
    if address is None or ":" not in address:
        return address
    return str(ip_network(f"{address}/{HOUSEHOLD}", strict=False).network_address)


def _address(text):
    """An address in its standard form, without the port that some proxies write; "" for none.

    An IPv4 address that a socket of both families tells as an IPv6 one is the IPv4 address.
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

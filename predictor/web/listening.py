"""The addresses that this server listens on, and who uses them already: for gunicorn.conf.py and
quickstart."""

import socket
from contextlib import suppress
from ipaddress import ip_address

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses that stand for all of a machine's, and the loopback address to reach each."""

KEPT_OF_COMMAND = 80


def addresses(host):
    """The addresses that a host name resolves to and this machine has; OSError if it has none.

    localhost resolves to two addresses, of which many containers have only the first.
    """
    found = dict.fromkeys(
        place[0] for *_, place in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    )
    errors = {address: _error(address, 0) for address in found}
    own = [address for address in found if not errors[address]]
    if not own:
        raise errors.popitem()[1]
    return own


def bind_strings(host, port):
    """gunicorn's `bind` for a host's addresses; for an invalid host, gunicorn itself reports the
    error."""
    with suppress(OSError):
        return [f"{in_url(address)}:{port}" for address in addresses(host)]
    return [f"{in_url(host)}:{port}"]


def in_url(host):
    """A host as written before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def refusal(host, port):
    """Why gunicorn cannot listen there: (address, OSError); None if it can."""
    for address in addresses(host):
        if error := _error(address, port):
            return address, error
    return None


def _error(address, port):
    """The OSError of listening on an address as gunicorn does: on `::` for IPv4 too, if the system
    does."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen()
    except OSError as error:
        return error
    return None


def holder(address, port):
    """The process that listens on a port and blocks an address: "process 7 (its command)"; None if
    unknown."""
    import psutil  # only needed when a start fails

    with suppress(psutil.Error):  # macOS shows it only to root; a process may have ended meanwhile
        for one in psutil.net_connections("tcp"):
            listens = one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid
            if listens and _meet(ip_address(one.laddr.ip), ip_address(address)):
                command = " ".join(psutil.Process(one.pid).cmdline())
                return f"process {one.pid} ({command[:KEPT_OF_COMMAND]})"
    return None


def _meet(one, other):
    one = getattr(one, "ipv4_mapped", None) or one
    return one == other or one.is_unspecified or other.is_unspecified

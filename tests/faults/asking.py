"""Sends requests to a server as a browser or a program does; used by the fault tests."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests

from tests.waiting import PATIENCE


class Visitor(requests.Session):
    """Keeps cookies and follows no redirect."""

    def __init__(self, server, **headers):
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc
        self.headers.update({"Accept-Language": "en", **headers})
        self.address = f"http://{server.address}:{server.port}/"

    def request(self, method, url, **options):
        """The response of an address, which may be relative to the server's."""
        options |= {"timeout": PATIENCE, "allow_redirects": False}
        return super().request(method, urljoin(self.address, url), **options)


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: Any
    body: bytes

    @property
    def content(self):
        return json.loads(self.body)


def ask(server, path, content=None, **headers):
    """The Reply to a GET, or to a POST of JSON if there is content, on a new connection."""
    with Visitor(server, **headers) as visitor:
        response = visitor.request("GET" if content is None else "POST", path, json=content)
    return Reply(response.status_code, response.headers, response.content)

"""Sends one request and returns all of the response; used by the fault tests."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from tests.waiting import PATIENCE


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    headers: Any
    body: bytes

    @property
    def content(self):
        return json.loads(self.body)


def ask(server, path, content=None):
    """The Reply to a GET, or to a POST if there is content, on a new connection."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        body = None if content is None else json.dumps(content)
        connection.request("GET" if content is None else "POST", path, body, headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    return Reply(response.status, response.headers, body)

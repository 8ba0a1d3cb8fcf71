"""Clients that send or read as slowly as possible; used by test_slow_clients.py."""

import http.client
import json
import re
import socket
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress

from ml.stones import EXAMPLES

STONE = json.dumps(EXAMPLES["coded"][0]).encode()
LIST = json.dumps([EXAMPLES["coded"][0]] * 1000).encode()
CROWD = 200
FEW = 16
"""Twice as many clients as two workers have threads."""

HEAD = b"GET /api/predict?carat=0.37 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
JSON = b"Host: localhost\r\nContent-Type: application/json\r\n"
POST = b"POST /api/predict HTTP/1.1\r\n" + JSON
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
LISTS = 3
ANSWERS_OF_MEGABYTES = LISTS * (
    b"POST /api/predict?include=comparables&k=5 HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s"
    % (JSON, len(LIST), LIST)
)
"""LISTS lists one after the other: their answers are more than a kernel buffers for one connection."""
CLIENTS = {
    "say nothing": (b"", b""),
    "send a head byte by byte": (HEAD, b"a"),
    "send a long head byte by byte": (HEAD + b"a" * 5000 + b"\r\nX-Slower: ", b"a"),
    "send half a request after a whole one": (LIVE + b"\r\n" + HEAD, b"a"),
    "keep a connection": (LIVE + b"\r\n", b""),
    "announce too large a body": (POST + b"Content-Length: 99999999\r\n\r\n", b""),
    "neither read nor close": (LIVE + b"Connection: close\r\n\r\n", b""),
    "send a body byte by byte": (POST + b"Content-Length: 1000\r\n\r\n{", b" "),
    "send chunks byte by byte": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1"),
    "send what looks like the last chunk": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n100\r\n0\r\n\r\n",
        b"",
    ),
    "give a length with many zeros": (
        POST + b"Content-Length: " + b"0" * 20 + b"100\r\n\r\n{",
        b"",
    ),
}
"""{what they do: (what they send first, what they send each second)}"""


def connected(stack, port):
    """A socket that is closed with the stack; its receive buffer is as small as the system allows."""
    client = stack.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(600)
    client.connect(("127.0.0.1", port))
    return client


@contextmanager
def crowd(port, opening, drip, many=CROWD):
    """Many clients that send an opening, then a few bytes each second, and do not read."""
    done = threading.Event()
    with ExitStack() as stack:
        clients = [connected(stack, port) for _ in range(many)]
        thread = threading.Thread(target=keep_sending, args=(clients, opening, drip, done))
        thread.start()
        try:
            yield clients
        finally:
            done.set()
            thread.join()


def keep_sending(clients, opening, drip, done):
    """Sends the opening, then the drip each second; the server may close the connection of a slow
    client."""
    data = opening
    while True:
        for client in clients:
            with suppress(OSError):
                client.sendall(data)
        data = drip
        if done.wait(1):
            return


def wait_for_a_price(port):
    """Seconds until a price is answered on a new connection."""
    begun = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/api/predict", STONE, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, json.load(response)["model"]["scheme"]) == (200, "coded")
    return time.monotonic() - begun


def download(session, job):
    """A request for the file of a job, with the session of a user."""
    return (
        b"GET /admin/predictor/job/%d/file/ HTTP/1.1\r\nHost: localhost\r\n"
        b"Cookie: sessionid=%s\r\n\r\n" % (job, session.encode())
    )


def answer_of(client):
    """(status, body) of the answer, once the client reads."""
    response = http.client.HTTPResponse(client)
    response.begin()
    return response.status, response.read()


def answers_of_lists(client):
    """[(status, stones), …] that a client reads after sending ANSWERS_OF_MEGABYTES."""
    answers, received = [], b""
    while len(answers) < LISTS:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: (\d+)", head)
        if length and len(rest) >= (size := int(length[1])):
            answers.append((int(head.split()[1]), json.loads(rest[:size])))
            received = rest[size:]
        else:
            more = client.recv(2**20)
            assert more, "the connection ended before all answers came"
            received += more
    return answers

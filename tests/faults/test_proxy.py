"""nginx finds the service again at another address, as after a restart of its container."""

import socket
import struct
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.waiting import wait_for

from .proxy import proxied
from .server import free_port

pytestmark = pytest.mark.once


class Names(threading.Thread):
    """A name server for one name, whose address can change."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            asked, client = self.socket.recvfrom(512)
            question = asked[12 : asked.index(b"\0", 12) + 5]
            head = asked[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
            answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(self.address)
            self.socket.sendto(head + question + answer, client)


@contextmanager
def web(address, port):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{address} {self.path}".encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def get(address):
    try:
        return urllib.request.urlopen(address).read().decode()  # noqa: S310 - our own address
    except urllib.error.HTTPError as error:
        return error.code


def test_the_service_at_a_new_address_is_found(tmp_path):
    names, port = Names("127.0.0.2"), free_port()
    with proxied(f"web:{port}", tmp_path, resolver=f"127.0.0.1:{names.port}") as nginx:
        page = f"http://127.0.0.1:{nginx}/api/predict?&carat=0.7%2B"
        with web("127.0.0.2", port):
            assert get(page) == "127.0.0.2 /api/predict?&carat=0.7%2B"
        assert get(page) == 503
        names.address = "127.0.0.3"
        with web("127.0.0.3", port):
            wait_for(lambda: get(page) == "127.0.0.3 /api/predict?&carat=0.7%2B")

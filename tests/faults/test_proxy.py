"""nginx finds the service again at another address, as after a restart of its container, and sends the
files of jobs."""

import re
import socket
import struct
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from predictor.models import Job
from tests.waiting import PATIENCE, wait_for

from .proxy import proxied
from .server import free_port
from .test_admin_at_once import Reviewer

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


def test_the_file_of_a_job_is_sent_whole_and_by_range(pages, tmp_path):
    docs = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    [location] = re.findall(r"^location /protected/ .*$", docs, re.MULTILINE)
    location = location.replace("/var/lib/diamonds/media/", f"{pages.var}/media/")
    with (
        pages.server(ACCEL_REDIRECT="/protected") as server,
        proxied(f"127.0.0.1:{server.port}", tmp_path, location=location) as nginx,
    ):
        rita = Reviewer(server, "rita")
        content = b"id,price\n" * 200_000
        file = default_storage.save("jobs/1-ab-a.csv", ContentFile(content))
        job = Job.objects.create(kind="export", by=None, state="done", file=file)

        def get(path, **headers):
            address = f"http://127.0.0.1:{nginx}{path}"
            sent = {"Cookie": rita.headers["Cookie"], **headers}
            return requests.get(address, headers=sent, allow_redirects=False, timeout=PATIENCE)

        page = f"/admin/predictor/job/{job.pk}/file/"
        whole = get(page)
        assert (whole.status_code, whole.content == content) == (200, True)
        assert whole.headers["Content-Type"] == "text/csv"
        assert whole.headers["Content-Disposition"] == 'attachment; filename="a.csv"'
        part = get(page, Range="bytes=900000-900008")
        assert (part.status_code, part.content) == (206, b"id,price\n")
        assert part.headers["Content-Range"] == f"bytes 900000-900008/{len(content)}"
        assert get(page, Range="bytes=1800000-").status_code == 416
        assert get(page, Cookie="").status_code == 302
        assert get(f"/protected/{file}").status_code == 404

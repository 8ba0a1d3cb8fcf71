"""nginx with the project's configuration, in front of a server of the fault tests."""

import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.waiting import PATIENCE, wait_for

from .server import free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


@contextmanager
def proxied(service, folder, resolver="127.0.0.1", location=""):
    """The port of an nginx in front of a service (host:port); compose.yaml's host names are replaced by
    this machine's. location: another one of its configuration, whose files this process's user may read."""
    if not Path(NGINX).exists():
        pytest.skip("needs nginx: apt install nginx-light")
    port = free_port()
    text = (Path(settings.BASE_DIR) / "deploy" / "nginx.conf").read_text()
    for written, here in {
        "$service web:5010;": f"$service {service};",
        "resolver 127.0.0.11 ": f"resolver {resolver} ",
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "/tmp/": f"{folder}/",
        "worker_processes auto;": "worker_processes 1; daemon off; "
        + "user root;" * (os.geteuid() == 0),
    }.items():
        assert written in text, written
        text = text.replace(written, here)
    text = text.replace("    location / {", f"    {location}\n    location / {{")
    path = Path(folder) / "nginx.conf"
    path.write_text(re.sub(r"error_log stderr", f"error_log {folder}/nginx.log", text))
    process = subprocess.Popen([NGINX, "-c", str(path), "-e", f"{folder}/nginx.log"])
    try:
        wait_for(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except OSError:
        return False
    return True

"""How gunicorn serves the site: workers load their forests before they take a request."""

import os
from pathlib import Path
from urllib.parse import urlencode

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")

from django.conf import settings

from ml.stones import EXAMPLES

wsgi_app = "diamondsite.wsgi:application"
bind = f"{settings.HOST}:{settings.PORT}"
workers = settings.WORKERS
worker_class = "gthread"
threads = 4
keepalive = 75
graceful_timeout = 30
# The workers' heartbeat: in memory where that is possible, so that a slow disk kills nobody.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True


def when_ready(server):
    """Tells where the site is, once its socket is open."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.HOST, settings.HOST)
    home = f"http://{host}:{settings.PORT}"
    server.log.info("home   %s/", home)
    server.log.info("API    %s/api/predict?%s", home, urlencode(EXAMPLES["coded"][0]))
    server.log.info("admin  %s/admin/", home)


def post_worker_init(worker):
    """Loads the live forests and keeps them fresh for as long as the worker lives."""
    from predictor.registry import registry

    registry.keep_fresh()

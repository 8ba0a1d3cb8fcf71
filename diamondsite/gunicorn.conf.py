"""How gunicorn serves the site: workers load their forests before they take a request."""

import gc
import logging
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import suppress
from logging.config import dictConfig
from pathlib import Path
from urllib.parse import urlencode

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")

from django.conf import settings
from gunicorn.glogging import Logger

from diamondsite import streams
from ml.stones import EXAMPLES
from predictor import private_files
from predictor.telemetry import shared
from predictor.web.listening import WILDCARDS, bind_strings, in_url

MOST = 800
"""The most connections of a worker; more wait to be accepted."""

BESIDE = 208
"""The most files that a worker opens besides connections: some 30 for each forest that it has
mapped (two active, two being loaded, two of replayed answers), databases, metrics, logs, pipes,
listeners."""


def open_files(wanted):
    """How many files a process may open; raises the soft limit to the wanted number where possible."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (wanted if limit == resource.RLIM_INFINITY else limit for limit in limits)
    if soft < min(wanted, hard):
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limits[1]))
    return soft


streams.open_missing()
wsgi_app = "diamondsite.wsgi:application"
bind = bind_strings(settings.HOST, settings.PORT)
workers = settings.WORKERS
worker_class = "diamondsite.worker.PatientWorker"
threads = 4
# Imported once, then forked: memory is shared, and a worker that replaces a dead one answers in 0.2
# s.
preload_app = True
keepalive = 75
# A file is handed to the client's socket (sockets.py), for which no thread waits.
sendfile = True
# With one more, a worker could not continue.
worker_connections = max(min(MOST, open_files(MOST + BESIDE) - BESIDE), threads)
# Over these limits the answers are 414, 431 and 431; a query string of either scheme has about 200
# bytes.
limit_request_line = 4096
limit_request_fields = 64
limit_request_field_size = 8190
# Seconds to receive a body, between two reads of a client, and between two heartbeats of a worker.
timeout = 30
graceful_timeout = 30
control_socket_disable = True


def folder_of_heartbeats():
    """The folder for the workers' heartbeat files: in memory where possible; None if none is writable."""
    for place in (Path("/dev/shm"), settings.VAR_DIR / "run", None):  # nosec B108  # random names
        with suppress(OSError):
            place = private_files.make_folder(place) if place else tempfile.gettempdir()
            tempfile.TemporaryFile(dir=place).close()
            return str(place)
    return None


worker_tmp_dir = folder_of_heartbeats()


class SiteLogger(Logger):
    """Sends gunicorn's own messages to the site's log."""

    def setup(self, cfg):
        super().setup(cfg)
        logging.raiseExceptions = (
            False  # a line that cannot be written is dropped, not reported on stderr
        )
        dictConfig(settings.LOGGING)


logger_class = SiteLogger
errorlog = None
loglevel = settings.LOG_LEVEL.lower()

# Before predictor.telemetry.metrics is imported. A reload starts as many workers again.
shared.reserve(["none", *range(2 * workers)])


def on_starting(server):
    """Imports the views, which each worker's first request would otherwise wait for."""
    from django.urls import get_resolver

    from ml.forest import native

    get_resolver().url_patterns  # noqa: B018
    native.library()  # of the imported source, even if another release is installed meanwhile


def when_ready(server):
    """Prints the site's address once its socket is open; starts the worker for jobs."""
    gc.freeze()  # collections then skip what is imported, so workers share its pages
    host = in_url(WILDCARDS.get(settings.HOST, settings.HOST))
    home = f"http://{host}:{settings.PORT}{settings.FORCE_SCRIPT_NAME or ''}"
    log = logging.getLogger("diamondsite")
    log.info("home   %s/", home)
    log.info("API    %s/api/predict?%s", home, urlencode(EXAMPLES["coded"][0]))
    log.info("admin  %s/admin/", home)
    if settings.WITH_WORKER:
        private_files.make_folder(settings.VAR_DIR / "run")
        subprocess.Popen(  # noqa: S603  # the project's own module
            [sys.executable, "-m", "diamondsite.supervised", str(os.getpid())],
            cwd=settings.BASE_DIR,
            env={**os.environ, "VAR_DIR": str(settings.VAR_DIR)},
        )


def pre_request(worker, req):
    """Closes the connection after the 413 for a body that is too large to be read, and sends that
    header."""
    if getattr(req.body.reader, "length", 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        req.force_close()


def pre_fork(server, worker):
    """Gives the worker the lowest number that no living worker has."""
    used = {other.number for other in server.WORKERS.values()}
    worker.number = min(set(range(len(used) + 1)) - used)


def post_fork(server, worker):
    """Lets the worker continue the counts of the last one with its number.

    Also removes the variable SCRIPT_NAME, with which gunicorn would refuse all other paths (wsgi.py
    does not).
    """
    os.environ.pop("SCRIPT_NAME", None)
    from predictor.telemetry import metrics

    metrics.start(worker.number)


def child_exit(server, worker):
    """Removes the metrics of a dead worker, and makes the folder for the next one's heartbeat."""
    from predictor.telemetry import metrics

    metrics.forget(worker.number)
    server.cfg.set("worker_tmp_dir", folder_of_heartbeats())


def post_worker_init(worker):
    """Loads the active forests, and reloads them after activations for as long as the worker lives."""
    from predictor.history import checkpoints, connections
    from predictor.telemetry import tracing
    from predictor.versions.live import registry

    connections.set_up()
    tracing.set_up(settings.OTEL_TRACES_EXPORTER)
    registry.keep_fresh()
    checkpoints.keep_merging()
    gc.freeze()

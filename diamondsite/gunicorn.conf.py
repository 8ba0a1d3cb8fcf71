"""How gunicorn serves the site: workers load their forests before they take a request."""

import gc
import logging
import os
import resource
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
from predictor.telemetry import folder
from predictor.web.listening import WILDCARDS, bind_strings, in_url

MOST = 800
"""Connections that a worker holds at most; more wait for a place."""

BESIDE = 208
"""Files that a worker may have open beside them: some 30 for each forest that it has mapped (two live, two
that come, two of answers that are looked at again), databases, metrics, logs, pipes, listeners."""


def open_files(wanted):
    """How many files a process may have open; raised to what is wanted where the system lets it be."""
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
# Imported once, then forked: memory is shared, and a worker in a dead one's place answers in 0.2 s.
preload_app = True
keepalive = 75
# A thread that hands a file to the kernel waits for its client; sockets.py does not.
sendfile = False
# One too many, and a worker could not go on.
worker_connections = max(min(MOST, open_files(MOST + BESIDE) - BESIDE), threads)
# Answered with 414, 431 and 431 where exceeded; a query string of either scheme has about 200 bytes.
limit_request_line = 4096
limit_request_fields = 64
limit_request_field_size = 8190
# Seconds for a body to come, for a client to read on in its answer, and for a worker to show that it lives.
timeout = 30
graceful_timeout = 30
control_socket_disable = True


def places():
    """Where a running server keeps small files: in memory where that is possible, for a disk is slow."""
    shared_memory = Path("/dev/shm")  # nosec B108  # all that is made there has a random name
    if shared_memory.is_dir():
        yield shared_memory
    yield settings.VAR_DIR / "run"
    with suppress(OSError):
        yield tempfile.gettempdir()


# The workers' heartbeats.
worker_tmp_dir = folder.first_usable(places())


class SiteLogger(Logger):
    """Sends gunicorn's own messages where the site's go."""

    def setup(self, cfg):
        super().setup(cfg)
        logging.raiseExceptions = (
            False  # a line that cannot be written is lost, not told of on stderr
        )
        dictConfig(settings.LOGGING)


logger_class = SiteLogger
errorlog = None
loglevel = settings.LOG_LEVEL.lower()

# Before predictor.telemetry.metrics is imported. Three files a worker, and as many again at a reload.
numbers = ("none", *range(2 * workers))
files = [f"{kind}_{n}.db" for kind in ("counter", "histogram", "gauge_liveall") for n in numbers]
faults = folder.claim(settings.PROMETHEUS_MULTIPROC_DIR, places(), files)


def on_starting(server):
    """Imports the views, which each worker's first request would wait for; removes the counts of
    servers that were killed."""
    from django.urls import get_resolver

    from ml.forest import native

    get_resolver().url_patterns  # noqa: B018
    native.library()  # of the source that is imported now, whatever is installed under a running server
    folder.remove_abandoned(places())
    if faults:
        where = folder.held.path or "each worker counts for itself"
        server.log.warning("metrics: %s; %s", where, "; ".join(faults))


def when_ready(server):
    """Tells where the site is, once its socket is open."""
    gc.freeze()  # what is imported stays: no collection walks through it, so workers share its pages
    host = in_url(WILDCARDS.get(settings.HOST, settings.HOST))
    home = f"http://{host}:{settings.PORT}{settings.FORCE_SCRIPT_NAME or ''}"
    log = logging.getLogger("diamondsite")
    log.info("home   %s/", home)
    log.info("API    %s/api/predict?%s", home, urlencode(EXAMPLES["coded"][0]))
    log.info("admin  %s/admin/", home)


def pre_request(worker, req):
    """Has a connection end with the 413 of a body that is too large to be read, and say so."""
    if getattr(req.body.reader, "length", 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        req.force_close()


def pre_fork(server, worker):
    """Numbers the worker: with the lowest number that no living worker has."""
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = min(set(range(len(taken) + 1)) - taken)


def post_fork(server, worker):
    """Lets the worker go on counting where the last one of its number stopped.

    And forget the variable SCRIPT_NAME, for which gunicorn would refuse all other paths (wsgi.py does not).
    """
    os.environ.pop("SCRIPT_NAME", None)
    from predictor.telemetry import metrics

    metrics.process.number = worker.number


def child_exit(server, worker):
    """Forgets what a dead worker told of itself, and finds a place for the next one's heartbeat."""
    from predictor.telemetry import metrics

    metrics.forget(worker.number)
    server.cfg.set("worker_tmp_dir", folder.first_usable(places()))


def on_exit(server):
    """Removes this server's counts."""
    folder.release()


def post_worker_init(worker):
    """Loads the live forests and keeps them fresh for as long as the worker lives."""
    from predictor.history import checkpoints, connections
    from predictor.versions.live import registry
    from predictor.web.shortcut import skip_chores

    connections.set_up()
    skip_chores()
    registry.keep_fresh()
    checkpoints.keep_merging()
    gc.freeze()

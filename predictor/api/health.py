"""Whether this server lives, whether it can answer, and what it counts."""

import logging
import secrets
from contextlib import suppress
from ipaddress import ip_address

from django.conf import settings
from django.db import Error as DatabaseUnusable
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from ml.stones import SCHEMES
from predictor.errors import Unavailable
from predictor.history.state import state_of_history
from predictor.monitoring.alarms import alarms
from predictor.telemetry import metrics as counts
from predictor.versions.live import registry
from predictor.web.clients import client_address

log = logging.getLogger(__name__)

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto")
"""Headers that a reverse proxy adds."""


@never_cache
@require_safe
def live(request):
    """200 for as long as the process answers at all."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request):
    """200 where both schemes can be priced and recorded; 503 tells what is missing.

    A live version that was refused is told too; where an earlier one serves that is no 503.
    """
    database = state_of_history()
    with suppress(Unavailable):
        registry.ensure_loaded()
    missing = [scheme for scheme in SCHEMES if scheme not in registry.loaded()]
    checks = {"database": database, "missing_forests": missing, "failed_forests": _refused()}
    if database == "ok" and not missing:
        return JsonResponse({"status": "ready", **checks})
    return JsonResponse({"status": "not ready", **checks}, status=503, headers={"Retry-After": "2"})


def _refused():
    """{scheme: the live version that was refused, why, and which one serves in its place}."""
    live = registry.loaded()
    return {
        scheme: {
            "version": version.number,
            "why": why,
            "serving": live[scheme].version.number if scheme in live else None,
        }
        for scheme, (version, why) in registry.failed().items()
    }


@never_cache
@require_safe
def metrics(request):
    """What Prometheus reads; 403 for whoever may not, 503 where it cannot be read."""
    if not _may_read_metrics(request):
        return HttpResponse("Not for this client.\n", content_type="text/plain", status=403)
    try:
        told = counts.exposition() + counts.exposition_of_alarms(_alarms())
        return HttpResponse(told, content_type=CONTENT_TYPE_LATEST)
    except counts.Unreadable as error:
        log.warning("metrics: the counts cannot be read: %s", error)
        return HttpResponse("Not now.\n", content_type="text/plain", status=503)


def _alarms():
    """The lights of the live versions; none where the database does not answer."""
    try:
        return alarms()
    except DatabaseUnusable:
        return []


def _may_read_metrics(request):
    """Whether the client has the token; where none is set, whether it is near and came directly."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "")
        return secrets.compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(client_address(request)).is_private
    except ValueError:  # a Unix socket has no address
        return False

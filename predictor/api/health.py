"""Health and readiness checks of this server, and its metrics."""

import secrets
from ipaddress import ip_address

from django.conf import settings
from django.db import Error as DatabaseUnusable
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from predictor.jobs.queue import figures
from predictor.monitoring.alarms import active_alarms
from predictor.shadow.pricing import figures as figures_of_shadows
from predictor.telemetry import metrics as counts
from predictor.web.clients import client_address
from predictor.web.readiness import readiness

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto")
"""Headers that a reverse proxy adds."""


@never_cache
@require_safe
def live(request):
    """200 while the process answers at all."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request):
    """200 if both schemes can be priced and recorded; else 503 with what is missing.

    An active version whose file was refused is reported too; if an earlier one serves instead, that
    is not a 503.
    """
    checks, is_ready = readiness()
    if is_ready:
        return JsonResponse({"status": "ready", **checks})
    return JsonResponse({"status": "not ready", **checks}, status=503, headers={"Retry-After": "2"})


@never_cache
@require_safe
def metrics(request):
    """The metrics for Prometheus; 403 for clients that may not read them."""
    if not _may_read_metrics(request):
        return HttpResponse("Not for this client.\n", content_type="text/plain", status=403)
    text = counts.exposition() + _of_database()
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _of_database():
    """The alarms of the active versions, the jobs and the shadows; none if the database does not
    answer."""
    try:
        parts = (
            counts.exposition_of_alarms(active_alarms()),
            counts.exposition_of_jobs(*figures()),
            counts.exposition_of_shadows(figures_of_shadows()),
        )
        return b"".join(parts)
    except DatabaseUnusable:
        return b""


def _may_read_metrics(request):
    """Whether the client has the token; without a configured token, whether it is local and not
    proxied."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "")
        return secrets.compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(client_address(request)).is_private
    except ValueError:  # a Unix socket has no address
        return False

"""Health and readiness of this server, in the protocol's terms."""

from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from predictor.web.readiness import readiness


@never_cache
@require_safe
def live(request):
    """200 while the process answers at all."""
    return JsonResponse({"live": True})


@never_cache
@require_safe
def ready(request):
    """200 if both models are ready and their answers can be recorded."""
    _, is_ready = readiness()
    headers = {} if is_ready else {"Retry-After": "2"}
    return JsonResponse({"ready": is_ready}, status=200 if is_ready else 503, headers=headers)

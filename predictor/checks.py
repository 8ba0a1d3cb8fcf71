"""System checks: a misconfiguration is told at start, with an id and what to do."""

from pathlib import Path

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.checks import Warning as Caution


@register(Tags.files)
def var_dir_is_writable(app_configs, **kwargs):
    """predictor.E001: everything written at run time lies in VAR_DIR."""
    folder = Path(settings.VAR_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
    except OSError as error:
        hint = "Set VAR_DIR to a folder that this user may write to."
        return [Error(f"VAR_DIR cannot be written: {error}", hint=hint, id="predictor.E001")]
    return []


@register(Tags.caches)
def throttle_is_shared(app_configs, **kwargs):
    """predictor.W001: a throttle that each worker counts for itself lets through many times as much."""
    shared = "locmem" not in settings.CACHES["default"]["BACKEND"]
    if not settings.API_THROTTLE or shared or settings.WORKERS == 1:
        return []
    message = f"API_THROTTLE is counted by each of the {settings.WORKERS} workers for itself"
    hint = "Set REDIS_URL, so that the workers share one count, or WORKERS=1."
    return [Caution(message, hint=hint, id="predictor.W001")]


@register(Tags.security)
def proxies_are_counted(app_configs, **kwargs):
    """predictor.W002: behind a proxy that is not trusted all clients are one address."""
    if not settings.BEHIND_HTTPS or settings.TRUSTED_PROXIES:
        return []
    message = "BEHIND_HTTPS is set but TRUSTED_PROXIES is 0: every client has the proxy's address"
    hint = "Set TRUSTED_PROXIES to the number of proxies that add to X-Forwarded-For, mostly 1."
    return [Caution(message, hint=hint, id="predictor.W002")]

"""System checks: a misconfiguration is reported at start, with an id and a hint."""

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.checks import Warning as Caution

from predictor import private_files


@register(Tags.files)
def var_dir_is_writable(app_configs, **kwargs):
    """predictor.E001: VAR_DIR, which holds everything written at run time, must be writable."""
    try:
        private_files.opened(private_files.make_folder(settings.VAR_DIR) / ".writable").close()
    except OSError as error:
        hint = "Set VAR_DIR to a folder that this user may write to."
        return [Error(f"VAR_DIR cannot be written: {error}", hint=hint, id="predictor.E001")]
    return []


@register(Tags.security)
def files_are_private(app_configs, **kwargs):
    """predictor.W003: other users may read files that an earlier release or a volume left."""
    found = private_files.open_to_others()
    if not found:
        return []
    paths = ", ".join(map(str, found[:3])) + (f" and {len(found) - 3} more" if found[3:] else "")
    hint = (
        "They hold password hashes and tokens. Run chmod -R go= on VAR_DIR; where a group is meant to "
        "share it, chmod -R g=u,o= and chmod g+s on its folders."
    )
    return [Caution(f"other users may read {paths}", hint=hint, id="predictor.W003")]


@register(Tags.caches)
def throttle_is_shared(app_configs, **kwargs):
    """predictor.W001: a throttle that each worker counts by itself lets through several times the
    rate."""
    shared = "locmem" not in settings.CACHES["default"]["BACKEND"]
    if not settings.API_THROTTLE or shared or settings.WORKERS == 1:
        return []
    message = f"API_THROTTLE is counted by each of the {settings.WORKERS} workers for itself"
    hint = "Set REDIS_URL, so that the workers share one count, or WORKERS=1."
    return [Caution(message, hint=hint, id="predictor.W001")]


@register(Tags.security)
def proxies_are_counted(app_configs, **kwargs):
    """predictor.W002: behind a proxy that is not trusted all clients have one address."""
    if not settings.BEHIND_HTTPS or settings.TRUSTED_PROXIES:
        return []
    message = "BEHIND_HTTPS is set but TRUSTED_PROXIES is 0: every client has the proxy's address"
    hint = "Set TRUSTED_PROXIES to the number of proxies that add to X-Forwarded-For, mostly 1."
    return [Caution(message, hint=hint, id="predictor.W002")]

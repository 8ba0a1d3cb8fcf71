"""System checks: a misconfiguration is told at start, with an id and what to do."""

from pathlib import Path

from django.conf import settings
from django.core.checks import Error, Tags, register


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

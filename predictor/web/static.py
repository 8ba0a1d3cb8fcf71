"""The storage of static files, for their addresses."""

from django.urls import get_script_prefix
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Adds the path where the site is mounted for the request; Django itself reads it once, at
    start."""

    @property
    def base_url(self):
        return f"{get_script_prefix()}static/"

"""The static files' addresses."""

from django.urls import get_script_prefix
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Below wherever the site lies for the request: Django's own notes that once, at the start."""

    @property
    def base_url(self):
        return f"{get_script_prefix()}static/"

"""Django's debug page shows neither passwords nor tokens from the settings."""

import sys

from django.test import RequestFactory
from django.views.debug import ExceptionReporter

SECRETS = {
    "REDIS_URL": "redis://:hush@cache:6379/0",
    "METRICS_TOKEN": "hush",
    "FOREST_STORE": "s3://bucket/models?X-Amz-Signature=hush",
    "CACHES": {"default": {"BACKEND": "any", "LOCATION": "rediss://ada:hush@cache/0"}},
}


def test_the_page_of_an_error_shows_addresses_without_secrets(settings):
    for name, value in SECRETS.items():
        setattr(settings, name, value)
    request = RequestFactory().get("/", DATABASE_URL="postgres://ada:hush@db/diamonds")
    try:
        raise RuntimeError("any")
    except RuntimeError:
        page = ExceptionReporter(request, *sys.exc_info()).get_traceback_text()
    assert "redis://cache:6379/0" in page
    assert "rediss://cache/0" in page
    assert "postgres://db/diamonds" in page
    assert "hush" not in page

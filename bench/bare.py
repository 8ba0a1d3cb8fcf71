"""The reference: a Django site with one view that records and computes nothing.

This module is its settings, URLconf and view; bench/api.py serves it with the project's gunicorn
settings, without any middleware.
"""

import os
import tempfile
from pathlib import Path

from django.http import JsonResponse
from django.urls import path

LOG_LEVEL = "WARNING"
VAR_DIR = Path(tempfile.gettempdir())
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
HOST, PORT, WORKERS = "127.0.0.1", int(os.environ["PORT"]), int(os.environ["WORKERS"])
SECRET_KEY = "signs nothing"  # noqa: S105
ALLOWED_HOSTS = [HOST]
ROOT_URLCONF = __name__
MIDDLEWARE = []
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]

ANSWER = {
    "features": {
        "carat": 0.37,
        "cut": 3,
        "color": 0,
        "clarity": 2,
        "depth": 59.2,
        "table": 61.0,
        "volume": 60.063,
    },
    "predicted_price": 851,
    "price_range": {"low": 706, "high": 1014, "coverage": 0.8},
    "price_per_carat": 2300.0,
    "warnings": [],
    "model": {"scheme": "coded", "version": 1},
    "id": "00000000-0000-7000-8000-000000000000",
    "url": "/quotes/00000000-0000-7000-8000-000000000000/",
}


def answer(request):
    """A response as long as the real one."""
    return JsonResponse(ANSWER)


urlpatterns = [path("api/predict", answer)]

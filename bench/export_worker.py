"""Requests an export of a site's whole history as its admin does; bench/exports.py starts it, and it prints
JSON."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402

from predictor.admin.predictions import export  # noqa: E402, F401  # a kind of job
from predictor.jobs.queue import ask  # noqa: E402

if __name__ == "__main__":
    by, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(by, settings.AUTHENTICATION_BACKENDS[-1])
    job = ask("export", by, ending=sys.argv[1], query="")
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    print(json.dumps({"pk": job.pk, "cookie": cookie}))  # noqa: T201

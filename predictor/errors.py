"""Errors other than refused input, without HTTP; web/exceptions.py maps them to HTTP responses.

Raised by `versions` and `pricing`, and by code that needs the database. Also lists the errors of
storage packages that mean that a file could not be read or written.
"""

import sys

from django.utils.translation import gettext_lazy as _


class Unavailable(Exception):
    """No price now. `message`: for the client; `wait`: seconds until the next attempt."""

    message = _("The database is not available. Try again later.")
    wait = 2


class NoLiveForest(Unavailable):
    """No version of the requested scheme is active and loaded."""

    message = _("No model of this scheme is active. Try again later.")


class VersionUnavailable(Unavailable):
    """A version that a request names is not loaded yet, or its file cannot be fetched at the moment."""

    message = _("This version of the model is not available. Try again later.")


class HistoryUnavailable(Unavailable):
    """The record could not be written, so no price may be sent."""

    message = _("The price could not be recorded, so it is not shown. Try again later.")


STORES = {
    "aiohttp": "ClientError",
    "boto3.exceptions": "Boto3Error",
    "botocore.exceptions": "BotoCoreError ClientError",
    "ftplib": "all_errors",
}
"""The packages that access storages, and their errors that are not OSErrors."""


def store_errors():
    """The exceptions raised when a file system or storage cannot read or write a file, for `except`.

    A package that is not loaded has raised nothing, so this imports none.
    """
    loaded = [(sys.modules[name], kinds) for name, kinds in STORES.items() if name in sys.modules]
    return (OSError, *(getattr(module, kind) for module, kinds in loaded for kind in kinds.split()))

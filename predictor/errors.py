"""What may go wrong beside a refused input, in the product's own words; web/exceptions.py makes HTTP of it.

Raised by `versions` and `pricing`, and by whoever needs the database. And which errors of others mean
that a store gives or takes no file.
"""

import sys

from django.utils.translation import gettext_lazy as _


class Unavailable(Exception):
    """No price now. `message` is for whoever asked; `wait`: in how many seconds to ask again."""

    message = _("The database is not available. Try again later.")
    wait = 2


class NoLiveForest(Unavailable):
    """No version of the asked scheme is live and loaded."""

    message = _("No model of this scheme is active. Try again later.")


class HistoryUnavailable(Unavailable):
    """The record could not be written, so no price may leave."""

    message = _("The price could not be recorded, so it is not shown. Try again later.")


STORES = {
    "aiohttp": "ClientError",
    "boto3.exceptions": "Boto3Error",
    "botocore.exceptions": "BotoCoreError ClientError",
    "ftplib": "all_errors",
}
"""The packages by which stores are reached, and what those of their errors are that are no OSError."""


def store_errors():
    """The kinds of error by which a system or a store gives or takes no file, for `except`.

    A package that is not loaded has raised nothing, so none is loaded for this.
    """
    loaded = [(sys.modules[name], kinds) for name, kinds in STORES.items() if name in sys.modules]
    return (OSError, *(getattr(module, kind) for module, kinds in loaded for kind in kinds.split()))

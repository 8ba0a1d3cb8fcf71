"""What may stop a run; told in one line to whoever began it."""

import ftplib
from contextlib import suppress
from importlib import import_module

DRIVERS = {"botocore.exceptions": "BotoCoreError", "aiohttp": "ClientError"}
"""The packages by which stores are reached, where they are installed, and what their errors are of."""


def _refusals():
    yield from ftplib.all_errors  # OSError is one of them
    for module, kind in DRIVERS.items():
        with suppress(ImportError):
            yield getattr(import_module(module), kind)


REFUSALS = tuple(_refusals())
"""What a file system or a store raises when it gives, or takes, no file."""


def reason(error):
    """What a refusal says, without the address, which the message names."""
    return getattr(error, "strerror", None) or error or type(error).__name__


class ScoringError(ValueError):
    """The run cannot begin or go on; the message names the file and the reason."""
